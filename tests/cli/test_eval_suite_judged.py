"""`rlra eval suite` with a judge, and where no verdict measures: a judge that dies, likelihoods, other sources."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug import Response

from schemas.jsonl import Source
from schemas.rollouts import Rollouts
from tests.contract.material import NAMES
from tests.running import Runner, lines, records
from tests.stages.judge_server import JudgeServer, chat, error, serving, under_judgement, verdicts
from tests.stages.shared_texts import SHARED, needs_shared
from tests.tiny_model import tiny_model

BANDS = {"1-2": "Bad.", "3-4": "Poor.", "5-6": "Fair.", "7-8": "Good.", "9-10": "Best."}
REQUESTS = [
    {
        "index": number,
        "query": f"Write of {name}.",
        "checklist": [{"name": each, "criteria_description": f"Has {each}.", **BANDS} for each in ("depth", "style")],
    }
    for number, name in enumerate(NAMES)
]


def both(judged: Callable[[str], Response]) -> Callable[[dict[str, Any], int], Response]:
    """Return a server that answers as a policy, and as a judge by `judged`, each by the name it is asked under."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        prompt = payload["messages"][-1]["content"]
        return judged(prompt) if payload["model"] == "judge" else chat(f"{prompt} By {payload['model']}.")

    return reply


def honest(prompt: str) -> Response:
    """Judge `a` better than others."""
    return chat(verdicts(prompt, lambda name: "3" if under_judgement(prompt).endswith("By a.") else "1"))


def words(server: JudgeServer, *more: str, labels: str = "ab") -> list[str]:
    models = [word for label in labels for word in ("--model", f"{label}=openai:{label}")]
    served = ["--base-url", server.url, "--judge", "openai:judge", "--retries", "0"]
    return ["eval", "suite", "writing", "--prompts", "writing.jsonl", *models, *served, "-o", "out", *more]


def test_a_judge_scores_writing_and_is_asked_once(run: Runner) -> None:
    run.write("writing.jsonl", lines(*REQUESTS))
    with serving(both(honest)) as server:
        done = run.inside(*words(server, "--summary", "levels.json"))
        assert done.code == 0, done.err
        told, calls = orjson.loads(run.read("levels.json")), server.calls
        assert {label: told["writing"][label]["score"][0] for label in "ab"} == {"a": 7.5, "b": 3.5}
        assert told["writing"]["a"]["reward"][0] == pytest.approx((7.5 - 1.5) / 8)
        sampling = records(run.read("out/writing/a.rollouts.jsonl"))[0]["policy"]["sampling"]
        assert (sampling["temperature"], sampling["top_p"], sampling["top_k"]) == (0.7, 0.8, 20)
        assert run.inside(*words(server)).code == 0
        assert server.calls == calls, "nobody is asked twice"
        run.write("judging.yaml", "method: json\n")
        assert run.inside(*words(server, "--judge-options", "judging.yaml")).code == 0
        again = [payload["model"] for payload in server.payloads[calls:]]
        assert set(again) == {"judge"}, "to judge otherwise, nothing is sampled again"


def test_a_suite_of_checks_is_not_put_to_the_judge(run: Runner) -> None:
    run.write("writing.jsonl", lines(*REQUESTS))
    run.write("tone.jsonl", lines({"prompt": "Describe the sea."}))
    with serving(both(honest)) as server:
        assert run.inside(*words(server, "--tasks", "x=tone.jsonl", "--rubrics", "x=r.yaml")).code == 1
        run.write("r.yaml", "rubric: r\ncriteria:\n  - {id: short, check: {word_count: {at_most: 9}}}\n")
        assert run.inside(*words(server, "--tasks", "x=tone.jsonl", "--rubrics", "x=r.yaml")).code == 0
    recipe = orjson.loads(run.read("out/x/a.judged.jsonl.manifest.json"))["recipe"]
    assert recipe["spec"]["model"] == [] and recipe["spec"]["base_url"] == []


def test_a_dead_judge_ends_with_3_and_what_was_answered_stays(run: Runner) -> None:
    run.write("writing.jsonl", lines(*REQUESTS))
    with serving(both(lambda prompt: error(500))) as server:
        done = run.inside(*words(server))
    assert done.code == 3 and "Traceback" not in done.err, done.err
    assert done.err.count("responses failed, more than --max-failures 10%") == 2, "both labels had their turn"
    kept = {label: run.read(f"out/writing/{label}.rollouts.jsonl") for label in "ab"}
    partial = records(run.read("out/writing/a.judged.jsonl.partial"))
    assert [line["id"] for line in partial] == ["0", "1", "2"]
    assert [one["reward"] for line in partial for one in line["responses"]] == [None] * 3, "never a low score"
    assert "a.judged.jsonl" not in {path.name for path in (run.folder / "out" / "writing").iterdir()}
    with serving(both(honest)) as server:
        again = run.inside(*words(server, "--no-resume"))
        assert again.code == 0, again.err
        assert {payload["model"] for payload in server.payloads} == {"judge"}, "what was sampled stands"
    assert {label: run.read(f"out/writing/{label}.rollouts.jsonl") for label in "ab"} == kept
    judged = records(run.read("out/writing/a.judged.jsonl"))
    assert [one["reward"] for line in judged for one in line["responses"]] == [0.75] * 3


def test_one_label_that_fails_keeps_no_other_from_its_turn(run: Runner) -> None:
    run.write("writing.jsonl", lines(*REQUESTS))

    def half(prompt: str) -> Response:
        return error(500) if under_judgement(prompt).endswith("By a.") else honest(prompt)

    with serving(both(half)) as server:
        done = run.inside(*words(server, "--summary", "levels.json"))
    assert done.code == 3
    told = orjson.loads(run.read("levels.json"))["writing"]
    assert list(told) == ["b"], "what failed has no level, and not a low one"
    assert run.read("out/labels.json") == b'["a","b"]\n'


def test_likelihoods_of_references_ride_in_the_lines(run: Runner, tmp_path: Path) -> None:
    from stages.models.hf import HFModel
    from stages.models.weights import weights_of

    tiny_model(tmp_path / "tiny")
    run.write("any.jsonl", lines(*({"id": n, "prompt": f"Describe the {n}.", "reference": f"A {n}."} for n in NAMES)))
    run.write("one.yaml", "processes: 1\nmax_tokens: 8\n")
    asked = ["eval", "suite", "general", "--prompts", "any.jsonl", "--rollout-options", "one.yaml", "-o", "out"]
    with serving(both(honest)) as server:
        done = run(*asked, "--model", "t=hf:tiny", "--model", f"s=openai:s@{server.url}", "--summary", "levels.json")
    assert done.code == 0, done.err
    assert "openai:s" in done.err and "reference_loglik is left out" in done.err
    told = orjson.loads(run.read("levels.json"))["general"]
    assert "reference_loglik" in told["t"] and "reference_loglik" not in told["s"]
    reference = f"hf:{tmp_path / 'tiny'}"
    model = HFModel(reference, *weights_of(reference), "float32")
    rows = list(Source(str(tmp_path / "out" / "general" / "t.measured.jsonl")).read(Rollouts))
    for row in rows:
        expected = model.likelihood(row.messages, row.reference or "")
        assert row.meta["measured"]["reference_loglik"] == pytest.approx(expected, abs=1e-5)
    judged = records(run.read("out/general/t.judged.jsonl"))
    assert [line["meta"] for line in judged] == [row.meta for row in rows]
    again = run(*asked, "--model", "t=hf:tiny")
    assert again.code == 0 and "t.measured.jsonl is complete" in again.err


def test_prompts_come_from_tables_and_from_installed_packages(run: Runner, tmp_path: Path) -> None:
    """As the data set of IFEval has them: every instruction with the arguments of all, most of them null."""
    import pyarrow
    from pyarrow import parquet

    empty = {"keywords": None, "num_words": None, "relation": None}
    given = [{**empty, "keywords": ["fern"]}, {**empty, "num_words": 5, "relation": "less than"}]
    row = {"key": 7, "prompt": "Name a fern.", "instruction_id_list": ["keywords:existence"], "kwargs": given[:1]}
    more = {
        "key": 8,
        "prompt": "Be brief.",
        "instruction_id_list": ["length_constraints:number_words"],
        "kwargs": given[1:],
    }
    package = tmp_path / "site" / "packed_prompts" / "data"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise SystemExit('no code of a package is run')\n")
    parquet.write_table(pyarrow.Table.from_pylist([row, more]), package / "ifeval.parquet")
    (package / "ifeval.jsonl").write_bytes(lines(row, more))
    run.write(
        "answers.jsonl", lines({"id": "7", "response": "A fern."}, {"id": "8", "response": "This is not brief at all."})
    )
    levels = []
    for file in ("site/packed_prompts/data/ifeval.parquet", "pkg:packed_prompts/data/ifeval.jsonl"):
        asked = ["eval", "suite", "ifeval", "--prompts", file, "--responses", "me=answers.jsonl", "-o", "out"]
        done = run(*asked, "--summary", "levels.json", env={"PYTHONPATH": str(tmp_path / "site")})
        assert done.code == 0, done.err
        levels.append(orjson.loads(run.read("levels.json")))
    assert levels[0] == levels[1]
    assert levels[0]["ifeval"]["me"]["strict"][0] == 50.0


def test_groups_of_two_sizes_are_told_of(run: Runner) -> None:
    run.write("any.jsonl", lines({"id": "sea", "prompt": "Describe the sea."}))
    for label, texts in (("few", ("Wide.", "Blue.")), ("many", ("Wide.", "Blue.", "Deep."))):
        run.write(f"{label}.jsonl", lines({"id": "sea", "responses": list(texts)}))
    for suite, told in (("diversity", 1), ("tone", 0)):
        asked = ["eval", "suite", suite, "--prompts", "any.jsonl", "--responses", "few=few.jsonl", "-o", suite]
        done = run.inside(*asked, "--responses", "many=many.jsonl")
        assert done.code == 0, done.err
        assert done.err.count("eval-suite: sea has 2 answers of few and 3 of many: what the suite 'div") == told


@needs_shared
def test_the_published_accuracies_of_gpt_4(run: Runner) -> None:
    """By the command line alone, joined by position: 416 and 429 of 541 prompts, 697 and 712 of 834 instructions.

    The published outcome of two prompts was drawn at random (see test_ifeval): in ours both are followed, of the
    published ones one was strictly and none loosely. All others agree, so the sums are one and two higher.
    """
    asked = ["eval", "suite", "ifeval", "--prompts", str(SHARED / "ifeval" / "prompts.jsonl"), "-o", "out"]
    done = run.inside(
        *asked, "--responses", f"gpt4={SHARED / 'ifeval' / 'gpt4_responses.jsonl'}", "--summary", "s.json"
    )
    assert done.code == 0, done.err
    told = {name: level[0] for name, level in json.loads(run.read("s.json"))["ifeval"]["gpt4"].items()}
    for reading, prompts, instructions, drawn in (("strict", 416, 697, 1), ("loose", 429, 712, 0)):
        assert told[reading] * 541 / 100 == pytest.approx(prompts + 2 - drawn)
        assert told[f"{reading}_instructions"] * 834 / 100 == pytest.approx(instructions + 2 - drawn)
    assert told["reward"] == pytest.approx(told["strict"] / 100)
    assert len([name for name in told if name.startswith("family.")]) == 9
    judged = records(run.read("out/ifeval/gpt4.judged.jsonl"))
    certain = [line["responses"][0]["reward"] for line in judged if line["id"] not in ("1122", "1129")]
    assert sum(certain) == 416 - 1, "the two aside, exactly as published"
