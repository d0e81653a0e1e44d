"""`rlra eval suite` as its users run it: what lies where, the same as by hand, made once, gone on with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.contract.material import NAMES, reply
from tests.running import Done, Runner, interrupt, lines, records, wait_until
from tests.stages.judge_server import JudgeServer, serving
from tests.tiny_model import tiny_model

IFEVAL = [
    {"key": 1, "prompt": "Tell of moss.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]},
    {
        "key": 2,
        "prompt": "Tell of fern.",
        "instruction_id_list": ["keywords:existence", "change_case:english_lowercase"],
        "kwargs": [{"keywords": ["fern"]}, {}],
    },
]
BRIEF = "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 6}}}\n"


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    """Serve models that answer by prompt and seed."""
    with serving(reply) as found:
        yield found


@pytest.fixture
def run(run: Runner) -> Runner:
    """Return a runner in a folder with prompts."""
    run.write("ifeval.jsonl", lines(*IFEVAL))
    run.write("any.jsonl", lines(*({"id": n, "prompt": f"Describe the {n}.", "reference": f"A {n}."} for n in NAMES)))
    run.write("brief.yaml", BRIEF)
    return run


def words(server: JudgeServer, *more: str, labels: str = "ab") -> list[str]:
    """Return a command that lets models at `server` answer IFEval prompts and any prompts."""
    models = [word for label in labels for word in ("--model", f"{label}=openai:{label}@{server.url}")]
    files = ["--prompts", "ifeval=ifeval.jsonl", "--prompts", "tone=any.jsonl"]
    return ["eval", "suite", "ifeval", "tone", *files, *models, "--retries", "0", "-o", "out", *more]


def suite(run: Runner, *words: str, code: int = 0) -> Done:
    done = run.inside(*words)
    assert done.code == code, done.err
    assert done.out == b"" and "Traceback" not in done.err
    return done


def recipe(run: Runner, name: str) -> dict[str, Any]:
    return dict(orjson.loads(run.read(f"{name}.manifest.json"))["recipe"])


def rollouts_of(run: Runner) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run.folder / "out" / "tone").glob("*.rollouts.jsonl")}


def test_every_suite_has_tasks_answers_verdicts_and_manifests(run: Runner, server: JudgeServer) -> None:
    done = suite(run, *words(server, "--summary", "levels.json"))
    for name, labels in (("ifeval", 2), ("tone", 3)):
        files = {path.name for path in (run.folder / "out" / name).iterdir()}
        made = {"tasks.jsonl", *(f"{label}.{step}.jsonl" for label in "ab" for step in ("rollouts", "judged"))}
        assert files == made | {f"{file}.manifest.json" for file in made}
        for label in "ab":
            chain = [recipe(run, f"out/{name}/{file}") for file in (f"{label}.judged.jsonl", f"{label}.rollouts.jsonl")]
            assert [one["stage"] for one in chain] == ["judge", "rollout"]
            assert chain[0]["inputs"]["input"]["sha256"] == chain[1]["sha256"]
            assert chain[1]["inputs"]["input"]["sha256"] == recipe(run, f"out/{name}/tasks.jsonl")["sha256"]
            assert chain[0]["records"] == labels
    assert recipe(run, "out/ifeval/tasks.jsonl")["spec"] == {"suite": "ifeval", "limit": 0}
    assert (run.read("out/suites.json"), run.read("out/labels.json")) == (b'["ifeval","tone"]\n', b'["a","b"]\n')
    assert "rlra eval out" in done.err and "strict_instructions" in done.err and "slop_per_1000" in done.err
    told = orjson.loads(run.read("levels.json"))
    assert told["ifeval"]["a"]["strict"][0] == told["ifeval"]["b"]["strict"][0] == 0.0, "each answer has a comma"
    assert told["ifeval"]["a"]["strict_instructions"][0] == pytest.approx(100 / 3), "fern is named"
    assert [told[name]["b"]["reward"][3] for name in ("ifeval", "tone")] == [2, 3], "prompts that were measured"
    sampling = [line["policy"]["sampling"] for line in records(run.read("out/ifeval/a.rollouts.jsonl"))]
    assert {(each["temperature"], each["max_tokens"]) for each in sampling} == {(0, 1280)}
    valid = run.inside("validate", "out/tone/tasks.jsonl", "out/tone/a.judged.jsonl", "out/ifeval/b.judged.jsonl")
    assert valid.code == 0, valid.err


def test_it_is_what_the_commands_make_by_hand(run: Runner, server: JudgeServer) -> None:
    suite(run, *words(server, labels="a"))
    asked = ["--model", f"openai:a@{server.url}", "--group-size", "4", "--max-tokens", "512", "--no-tokens"]
    assert run.inside("rollout", "out/tone/tasks.jsonl", *asked, "-o", "r.jsonl").code == 0
    assert run.inside("judge", "r.jsonl", "-o", "j.jsonl").code == 0
    assert run.read("r.jsonl") == run.read("out/tone/a.rollouts.jsonl")
    assert run.read("j.jsonl") == run.read("out/tone/a.judged.jsonl")
    assert recipe(run, "r.jsonl") == recipe(run, "out/tone/a.rollouts.jsonl")


def test_what_is_made_and_unchanged_is_not_made_again(run: Runner, server: JudgeServer) -> None:
    suite(run, *words(server))
    calls, files = server.calls, {path: path.stat().st_mtime_ns for path in (run.folder / "out").rglob("*.jsonl")}
    done = suite(run, *words(server))
    assert server.calls == calls
    assert files == {path: path.stat().st_mtime_ns for path in (run.folder / "out").rglob("*.jsonl")}
    assert done.err.count("is complete") == len(files) == 10
    suite(run, *words(server, labels="abc"))
    assert server.calls == calls * 3 // 2, "only who is new answers"
    before = rollouts_of(run)
    suite(run, *words(server, "--temperature", "0.5", labels="a"))
    assert server.calls == calls * 2, "other options: all is asked again"
    assert {name for name, content in rollouts_of(run).items() if before[name] != content} == {"a.rollouts.jsonl"}
    run.write("any.jsonl", lines({"id": "bog", "prompt": "Describe the bog."}))
    suite(run, *words(server, "--temperature", "0.5", labels="a"))
    assert server.calls == calls * 2 + 4, "one new prompt, four answers"
    run.write("out/ifeval/a.judged.jsonl", b"")
    suite(run, *words(server, "--temperature", "0.5", labels="a"))
    assert run.read("out/ifeval/a.judged.jsonl").count(b"\n") == 2 and server.calls == calls * 2 + 4


def test_who_comes_later_stands_behind_those_that_are_there(run: Runner, server: JudgeServer) -> None:
    suite(run, *words(server, labels="b"))
    suite(run, *words(server, labels="a"))
    assert run.read("out/labels.json") == b'["b","a"]\n'
    suite(run, *words(server, labels="ab"))
    assert run.read("out/labels.json") == b'["a","b"]\n', "all are named: as they are named"


def test_tasks_of_ones_own_are_judged_by_any_rubric(run: Runner, server: JudgeServer) -> None:
    asked = ["eval", "suite", "--tasks", "brief=any.jsonl", "--rubrics", "brief=brief.yaml", "-o", "out"]
    asked += ["--model", f"a=openai:a@{server.url}", "--group-size", "2"]
    suite(run, *asked)
    first = records(run.read("out/brief/a.judged.jsonl"))
    assert [line["rubric"]["rubric"] for line in first] == ["brief"] * 3
    calls = server.calls
    run.write("brief.yaml", BRIEF.replace("at_most: 6", "at_least: 1"))
    suite(run, *asked)
    assert server.calls == calls, "another rubric asks no model"
    rewards = [[one["reward"] for line in each for one in line["responses"]] for each in
               (first, records(run.read("out/brief/a.judged.jsonl")))]  # fmt: skip
    assert rewards == [[0.0] * 6, [1.0] * 6]


def test_a_rubric_joins_a_suite_and_never_replaces_it(run: Runner, server: JudgeServer) -> None:
    run.write(
        "veto.yaml",
        "rubric: v\nkind: defence\ncriteria:\n  - {id: owl, veto: if_met, check: {regex_match: {pattern: 🦉}}}\n",
    )
    more = ["--rubrics", "ifeval=veto.yaml"]
    refused = suite(run, *words(server, *more), code=1)
    assert "would replace what the suite measures by" in refused.err and "--add" in refused.err
    suite(run, *words(server, *more, "--add", labels="a"))
    (one, _) = records(run.read("out/ifeval/a.judged.jsonl"))
    assert [c["id"] for c in one["rubric"]["criteria"]] == ["punctuation:no_comma", "owl"]
    assert one["responses"][0]["vetoed_by"] == ["owl"]


def test_a_limit_takes_the_first_prompts(run: Runner, server: JudgeServer) -> None:
    suite(run, *words(server, "--limit", "1", labels="a"))
    assert [line["id"] for line in records(run.read("out/tone/a.judged.jsonl"))] == [NAMES[0]]
    assert server.calls == 1 + 4
    suite(run, *words(server, "--limit", "2", labels="a"))
    assert [line["id"] for line in records(run.read("out/tone/a.judged.jsonl"))] == list(NAMES[:2])


def test_an_interrupted_run_goes_on(run: Runner, tmp_path: Path) -> None:
    """With a real model: what is whole stays, what is begun goes on, and all is as if nothing had happened."""
    tiny_model(tmp_path / "tiny")
    run.write("many.jsonl", lines(*({"id": f"p{n}", "prompt": f"Describe place {n}."} for n in range(40))))
    run.write("slow.yaml", "processes: 1\nwindow: 1\ndtype: float32\n")
    command = ["eval", "suite", "tone", "diversity", "--prompts", "tone=any.jsonl", "--prompts", "diversity=many.jsonl"]
    command += ["--model", "t=hf:tiny", "--group-size", "2", "--max-tokens", "24", "--rollout-options", "slow.yaml"]
    process = run.start(*command, "-o", "out")
    partial = tmp_path / "out" / "diversity" / "t.rollouts.jsonl.partial"
    wait_until(lambda: partial.exists() and partial.read_bytes().count(b"\n") > 1, "some lines")
    assert interrupt(process).code == 130
    done = suite(run, *command, "-o", "out")
    assert "rollout: out/tone/t.rollouts.jsonl is complete" in done.err and "going on after" in done.err
    suite(run, *command, "-o", "whole")
    for name in ("tasks", "t.rollouts", "t.judged"):
        assert run.read(f"out/diversity/{name}.jsonl") == run.read(f"whole/diversity/{name}.jsonl")
    weights = tmp_path / "tiny"
    tiny_model(weights, seed=1)
    kept = run.read("out/tone/t.rollouts.jsonl")
    suite(run, *command, "-o", "out")
    assert run.read("out/tone/t.rollouts.jsonl") != kept, "the weights are others"
