"""What `rlra rollout` is told of sampling, prompts and rewards, and what it tells of the lines."""

import io
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug import Response

from rlra_cli import ui
from rlra_cli.prompt_files import read_tasks
from schemas.errors import RlraError
from schemas.jsonl import Source
from tests.contract.material import RUBRIC_YAML, reply, sampled, task
from tests.running import Done, Runner, lines
from tests.stages.judge_server import JudgeServer, chat, serving
from tests.stages.shared_texts import SHARED, needs_shared
from tests.tiny_model import tiny_model

TWO_TURNS = {"question_id": 7, "category": "trees", "turns": ["Name a tree.", "And another?"]}
ONE_TURN = {"turns": ["Name a sea."], "reference": "North Sea"}


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    """Serve a policy that answers by prompt and seed."""
    with serving(reply) as found:
        yield found


@pytest.fixture
def run(run: Runner) -> Runner:
    """Return a runner in a folder with tasks, prompts of several turns and a rubric."""
    run.write("tasks.jsonl", lines(*(task(name) for name in ("sea", "garden"))))
    run.write("turns.jsonl", lines(TWO_TURNS, ONE_TURN))
    run.write("rubric.yaml", RUBRIC_YAML)
    return run


def refused(done: Done, *said: str) -> None:
    """Hold that a run ended with one sentence that says so."""
    assert (done.code, done.out) == (1, b""), done.err
    assert "Traceback" not in done.err
    assert all(each in done.err for each in said), done.err


# Prompts of several turns.


def test_turns_become_a_prompt_and_its_follow_ups(run: Runner, server: JudgeServer) -> None:
    done = run("rollout", "turns.jsonl", *sampled(server.url), "-o", "out.jsonl")
    assert done.code == 0, done.err
    two, one = (orjson.loads(line) for line in run.read("out.jsonl").splitlines())
    assert (two["id"], two["follow_ups"], two["meta"]) == ("7", ["And another?"], {"category": "trees"})
    assert two["messages"] == [{"role": "user", "content": "Name a tree."}]
    assert (one["reference"], "follow_ups" in one, "earlier" in one["responses"][0]) == ("North Sea", False, False)
    for response in two["responses"]:
        answer, asked = response["earlier"]
        assert answer["content"].startswith("Name a tree. Indeed")
        assert asked == {"role": "user", "content": "And another?"}
        assert response["text"].startswith("And another? Indeed")
    shown = run("show", "out.jsonl", "--id", "7").out.decode()
    assert "user, then  And another?" in shown
    assert "assistant: Name a tree. Indeed" in shown


def test_thinking_and_long_turns_are_shown_short(run: Runner) -> None:
    with serving(lambda payload, number: chat(f"<think>{'hm ' * 300}</think>Well {'said ' * 300}")) as server:
        assert run("rollout", "turns.jsonl", *sampled(server.url), "-o", "out.jsonl").code == 0
    assert all("think" not in r["text"] for line in run.read("out.jsonl").splitlines() for r in texts(line))
    shown = " ".join(run("show", "out.jsonl", "--id", "7").out.decode().split())
    assert "thought: hm hm" in shown
    assert shown.count("hm") < 2 * 110
    assert "assistant: Well said" in shown
    assert shown.count("…") == 4


def texts(line: bytes) -> list[dict[str, Any]]:
    """Return the responses of a line."""
    found: list[dict[str, Any]] = orjson.loads(line)["responses"]
    return found


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"turns": []}, "turns: a list of texts is needed"),
        ({"turns": "Hi"}, "turns: a list of texts is needed"),
        ({"turns": ["Hi", 3]}, "turns: a list of texts is needed"),
        ({"turns": ["Hi"], "prompt": "Hi"}, "a line needs `prompt` (text), `messages` or `turns`, and only one"),
        ({"question": "Hi"}, "a line needs `prompt` (text), `messages` or `turns`, and only one"),
        ({"turns": ["Hi"], "meta": [1]}, "meta: an object is needed"),
    ],
)
def test_turns_that_are_none_are_refused(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(row))
    with pytest.raises(RlraError) as caught:
        list(read_tasks(Source(str(tmp_path / "in.jsonl"))))
    assert f"in.jsonl:1: {said}" in caught.value.message


def test_ids_and_references_of_turns(tmp_path: Path) -> None:
    """`question_id` is the id unless there is one; the last reference is that of the last answer."""
    rows = (
        {"turns": ["a", "b"], "id": "own", "question_id": 1, "reference": ["x", "y"]},
        {"turns": ["a", "b"], "reference": ["x"]},
        {"turns": ["a", "c"]},
        {"prompt": "a", "question_id": 5},
    )
    (tmp_path / "in.jsonl").write_bytes(lines(*rows))
    own, short, third, plain = read_tasks(Source(str(tmp_path / "in.jsonl")))
    assert (own.id, own.reference, own.meta) == ("own", "y", {"question_id": 1, "references": ["x", "y"]})
    assert (short.reference, short.meta) == (None, {"references": ["x"]})
    assert len({task.id for task in (own, short, third, plain)}) == 4
    assert plain.meta == {"question_id": 5}


@needs_shared
def test_mt_bench_is_read_as_it_is() -> None:
    tasks = list(read_tasks(Source(str(SHARED / "mt_bench" / "questions.jsonl"))))
    assert len(tasks) == 80
    assert [task.id for task in tasks] == [str(number) for number in range(81, 161)]
    assert all(len(task.follow_ups) == 1 for task in tasks)
    assert sum(task.reference is not None for task in tasks) == sum("references" in task.meta for task in tasks) > 0


# The system prompt.


def test_a_system_prompt_is_put_before_and_recorded_as_text(run: Runner, server: JudgeServer) -> None:
    run.write("system.txt", "Be brief.\nBe kind.\n")
    outputs = {"file": "@system.txt", "text": "Be brief.\nBe kind."}
    for name, given in outputs.items():
        assert run("rollout", "tasks.jsonl", *sampled(server.url), "--system", given, "-o", name).code == 0
    assert run.read("file") == run.read("text")
    assert orjson.loads(run.read("file.manifest.json"))["recipe"]["spec"]["system"] == outputs["text"]
    line = orjson.loads(run.read("file").splitlines()[0])
    assert line["policy"]["system"] == outputs["text"]
    assert [turn["role"] for turn in line["messages"]] == ["user"]
    assert server.payloads[0]["messages"][0] == {"role": "system", "content": outputs["text"]}
    words = ("--model", "openai:m", "--base-url", server.url, "--spec", "file.manifest.json")
    again = run("rollout", "tasks.jsonl", *words, "-o", "again")
    assert again.code == 0, again.err
    assert run.read("again") == run.read("file")


def test_a_system_prompt_that_cannot_be_read_is_a_user_error(run: Runner, server: JudgeServer) -> None:
    run.write("odd.txt", "@odd")
    run.write("bytes.txt", b"\xff\xfe\xff")
    for given, said in (("@absent.txt", "absent.txt: No such file"), ("@odd.txt", "'@'"), ("@bytes.txt", "bytes.txt")):
        refused(run("rollout", "tasks.jsonl", *sampled(server.url), "--system", given), said)
    assert server.calls == 0


# What the lines are unfit for.


def test_other_sampling_is_told_once_and_refused_by_staged_training(run: Runner, tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny")
    words = ("--model", "hf:tiny", "--processes", "1", "--group-size", "2", "--max-tokens", "8", "--dtype", "float32")
    plain = run("rollout", "tasks.jsonl", *words, "-o", "plain.jsonl")
    assert plain.code == 0, plain.err
    assert "unfit" not in plain.err
    assert "tokens per second" in plain.err
    done = run("rollout", "tasks.jsonl", *words, "--top-p", "0.9", "--stop", "zz", "-o", "out.jsonl")
    assert done.code == 0, done.err
    assert done.err.count("unfit for staged training: top_p 0.9, stop 'zz'") == 1
    assert not run("rollout", "tasks.jsonl", *words, "--top-p", "0.9", "--quiet").err
    assert run("judge", "out.jsonl", "--rubrics", "rubric.yaml", "-o", "judged.jsonl").code == 0
    refused(run("train", "judged.jsonl", "-o", "model", "--model", "hf:tiny"), "sea: sampled with top_p 0.9, stop 'zz'")


def test_responses_made_elsewhere_say_so_and_follow_ups_are_no_obstacle(run: Runner) -> None:
    run.write("theirs.jsonl", lines({"response": "Oak."}, {"response": "<think>Hm.</think>Baltic Sea."}))
    done = run("rollout", "turns.jsonl", "--responses", "theirs.jsonl", "-o", "out.jsonl")
    assert done.code == 0, done.err
    assert "unfit for staged training: made elsewhere" in done.err
    two, one = (orjson.loads(line) for line in run.read("out.jsonl").splitlines())
    assert two["policy"]["engine"] == "made elsewhere"
    assert two["responses"] == [{"text": "Oak.", "finish": "stop", "length": 0}]
    assert (one["responses"][0]["text"], one["responses"][0]["thinking"]) == ("Baltic Sea.", "Hm.")


def test_online_training_refuses_follow_ups(run: Runner, tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny")
    words = ("train", "--online", "turns.jsonl", "-o", "model", "--model", "hf:tiny", "--rubrics", "rubric.yaml")
    refused(run(*words), "7: has follow-ups")


# Sampling further.


def short_at(number: int) -> Any:
    """Return a policy whose answers are all long, but for those that a remainder of the seed makes short."""

    def answer(payload: dict[str, Any], _: int) -> Response:
        return chat("Yes." if payload["seed"] % number == 0 else "Yes, I do think so, and gladly say more of it.")

    return answer


def test_groups_are_sampled_until_they_have_spread(run: Runner) -> None:
    run.write("many.jsonl", lines(*(task(f"place-{n}") for n in range(30))))
    with serving(short_at(4)) as server:
        words = ("rollout", "many.jsonl", *sampled(server.url), "--until-spread", "7", "--rubrics", "rubric.yaml")
        done = run(*words, "--window", "4", "-o", "out.jsonl", "--summary", "counts.json")
        assert done.code == 0, done.err
        found = [[len(r["text"]) for r in texts(line)] for line in run.read("out.jsonl").splitlines()]
        counts = orjson.loads(run.read("counts.json"))
        assert counts["sampled_further"] == sum(len(group) > 2 for group in found) > 5
        assert counts["without_spread"] == sum(len(set(group)) == 1 for group in found) > 0
        assert counts["responses"] == sum(map(len, found))
        assert all(len(group) in (2, 4, 6, 7) for group in found)
        assert all(len(group) == 7 or len(set(group)) == 2 for group in found)
        whole = run.read("out.jsonl")
        resumed = go_on_after(run, 9, *words, "--window", "4", "-o", "out.jsonl", "--summary", "counts.json")
        assert "going on after 8 lines" in resumed.err
        assert run.read("out.jsonl") == whole
        assert orjson.loads(run.read("counts.json")) == counts | {"resumed_after": 8}


def go_on_after(run: Runner, kept: int, *words: str) -> Done:
    """Run a command again as if it had been killed after so many lines of out.jsonl."""
    manifest = orjson.loads(run.read("out.jsonl.manifest.json"))
    run.write("out.jsonl.partial", b"".join(run.read("out.jsonl").splitlines(keepends=True)[:kept]))
    run.write("out.jsonl.partial.recipe.json", orjson.dumps(manifest["recipe"]))
    for name in ("out.jsonl", "out.jsonl.manifest.json"):
        (run.folder / name).unlink()
    done = run(*words)
    assert done.code == 0, done.err
    return done


def test_what_cannot_be_rewarded_by_checks_is_refused_before_sampling(run: Runner, server: JudgeServer) -> None:
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    words = ("rollout", "tasks.jsonl", *sampled(server.url))
    refused(run(*words, "--until-spread", "4", "--rubrics", "asked.yaml"), "criterion 'kind' needs a model")
    refused(run(*words, "--until-spread", "4"), "sea: the line has no rubric")
    refused(run(*words, "--until-spread", "2", "--rubrics", "rubric.yaml"), "--until-spread 2 is no more than")
    refused(run(*words, "--rubrics", "rubric.yaml"), "--rubrics and --add go with --until-spread")
    by_pipe = run(*words[:1], "-", *words[2:], "--until-spread", "4", stdin=run.read("tasks.jsonl"))
    refused(by_pipe, "sea: the line has no rubric")
    assert server.calls == 0


# Progress.


def test_progress_tells_speed_and_the_share_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    counts: Counter[str] = Counter(responses=10, tokens=100, cut_off=10)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("TERM", "xterm")
    seen = []
    for record in ui.progress(range(5), "rollout", 2, 7, False, counts):
        seen.append(record)
        counts.update(responses=2, tokens=40)
    assert seen == list(range(5))
    assert "50% cut off" in sys.stderr.getvalue()
    assert "tokens/s" in sys.stderr.getvalue()


def test_speed_counts_what_was_made_since() -> None:
    before, now = {"responses": 10, "tokens": 100}, {"responses": 30, "tokens": 1100, "cut_off": 3}
    assert ui.speed(before, now, 4.0) == "5.0 responses/s, 250 tokens/s, 10% cut off"
    assert ui.speed({}, {"responses": 3}, 1.0) == ui.speed(before, now, 0.0) == ""
