"""`rlra eval suite --lm-eval` from its samples to a comparison, where lm-eval itself is not run."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.running import Runner, lines, records
from tests.stages.test_suite_lm_eval import choice
from tests.tiny_model import tiny_model


@pytest.fixture
def told(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what is decided of each evaluation; the model of the second label is better than that of the first."""
    from rlra_cli import suite_lm_eval

    tiny_model(tmp_path / "tiny")
    run.write("any.jsonl", lines({"id": "sea", "prompt": "Describe the sea."}))
    asked: list[dict[str, Any]] = []

    def evaluated(task: str, folder: str, decided: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        asked.append(decided)
        return task, [choice(n, float(n < 2 * len(asked)), (-5.0, -2.0)) for n in range(4)]

    monkeypatch.setattr(suite_lm_eval, "installed", lambda: "0.4.13")
    monkeypatch.setattr(suite_lm_eval, "_evaluated", evaluated)
    return asked


MODELS = ("--model", "a=hf:tiny", "--model", "b=hf:tiny")


def test_samples_become_lines_levels_and_a_comparison(run: Runner, told: list[dict[str, Any]]) -> None:
    run.write("small.yaml", "batch_size: 3\ndtype: float32\n")
    asked = ["eval", "suite", "--lm-eval", "snow", *MODELS, "--rollout-options", "small.yaml", "--limit", "4"]
    done = run.inside(*asked, "--summary", "s.json", "-o", "out")
    assert (done.code, done.out) == (0, b""), done.err
    assert [(each["batch_size"], each["dtype"], each["limit"]) for each in told] == [(3, "float32", 4)] * 2
    levels = orjson.loads(run.read("s.json"))["lm-eval-snow"]
    assert {label: levels[label]["acc"][0] for label in "ab"} == {"a": 0.5, "b": 1.0}
    judged = records(run.read("out/lm-eval-snow/b.judged.jsonl"))
    assert [line["responses"][0]["reward"] for line in judged] == [1.0] * 4
    assert run.inside(*asked, "-o", "out").code == 0 and len(told) == 2, "what is made is not made again"
    compared = run.inside("eval", "out", "--resamples", "50", "--quiet")
    (report,) = compared.records
    change = next(each for each in report["measures"] if each["name"] == "acc")
    assert (change["before"], change["after"], change["prompts"]) == (0.5, 1.0, 4)


def test_what_does_not_reach_it_is_said_beside_other_suites(run: Runner, told: list[dict[str, Any]]) -> None:
    run.write("answers.yaml", "group_size: 1\nprocesses: 1\n")
    asked = ["eval", "suite", "tone", "--prompts", "tone=any.jsonl", "--lm-eval", "snow", *MODELS[:2]]
    asked += ["--rollout-options", "answers.yaml", "--max-tokens", "4"]
    done = run.inside(*asked, "-o", "out")
    assert done.code == 0, done.err
    said = (
        "eval-suite: --max-tokens, --rollout-options: lm-eval samples as its tasks declare, and does not hear of them"
    )
    assert done.err.count(said) == 1
    (line,) = records(run.read("out/tone/a.rollouts.jsonl"))
    assert line["policy"]["sampling"]["max_tokens"] == 4, "the other suite hears of it"
