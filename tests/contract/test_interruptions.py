"""A full disk, a signal, a reader that goes away: what was written is kept, nothing half is taken for whole."""

import subprocess
from threading import Event
from typing import Any

import pytest
from werkzeug import Response

from tests.contract.material import MAKE, READER, RUBRIC_YAML, sampled
from tests.running import UNCACHED, Runner, interrupt, lines, wait_until
from tests.stages.judge_server import chat, serving, verdicts

MANY = 40
ASKED = "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n"


def many(kind: str, number: int = MANY) -> bytes:
    """Return a file of so many lines of a kind."""
    return lines(*(MAKE[kind](f"place-{n:02d}") for n in range(number)))


def whole_lines(run: Runner, name: str) -> int:
    """Return how many whole lines a file in the folder has; none when it is not there."""
    return run.read(name).count(b"\n") if (run.folder / name).exists() else 0


@pytest.mark.parametrize("name", ["generate-rubrics", "judge", "select-data"])
def test_a_full_disk(run: Runner, name: str) -> None:
    """One sentence, exit 1, no target; with room again the same command ends with the same bytes."""
    reader = READER[name]
    run.write("in.jsonl", many(reader.kind))
    words = [*reader.words("in.jsonl"), *(["--window", "4"] if name == "judge" else [])]
    expected = run(*words).out
    full = run(*words, "-o", "out.jsonl", largest_file=len(expected) // 2)
    assert full.code == 1, full.err
    assert full.err.startswith("rlra: the file may not grow further\n  hint: make room")
    assert "Traceback" not in full.err
    assert run.names() & {"out.jsonl", "out.jsonl.manifest.json"} == set()
    kept = whole_lines(run, "out.jsonl.partial")
    assert 0 < kept < MANY
    done = run(*words, "-o", "out.jsonl")
    assert done.code == 0, done.err
    assert (f"going on after {kept - kept % 4 if name == 'judge' else kept} lines" in done.err) == (
        name != "select-data"
    )
    assert run.read("out.jsonl") == expected
    assert run.names() & {"out.jsonl.partial", "out.jsonl.partial.recipe.json"} == set()


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("name", ["generate-rubrics", "show"])
def test_a_full_disk_behind_a_redirection(run: Runner, name: str, buffered: bool) -> None:
    """`rlra … > FILE` says it too, once, and fails, even if only the last bytes found no room."""
    run.write("in.jsonl", many(READER[name].kind, 9))
    words = READER[name].words("in.jsonl")
    room = len(run(*words).out) - 10
    limited = f"prlimit --fsize={room} rlra {' '.join(words)} > out.jsonl"
    done = run.shell(limited, **UNCACHED, PYTHONUNBUFFERED="" if buffered else "1")
    assert len(run.read("out.jsonl")) == room
    assert (done.code, done.err.partition("\n")[0]) == (1, "rlra: the file may not grow further")
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err


def test_sigterm_and_again_for_what_comes_through_a_pipe(run: Runner) -> None:
    """The lines that were written stay, in a partial file; the same command goes on behind them."""
    content = many("task")
    expected = run("generate-rubrics", "-", stdin=content).out
    process = run.start("generate-rubrics", "-", "-o", "out.jsonl")
    assert process.stdin
    process.stdin.write(b"".join(content.splitlines(keepends=True)[:7]))
    process.stdin.flush()
    wait_until(lambda: whole_lines(run, "out.jsonl.partial") == 7, "seven lines")
    ended = interrupt(process)
    assert (ended.code, ended.err) == (130, "rlra: interrupted; the same command goes on from what was written\n")
    assert "out.jsonl" not in run.names()
    done = run("generate-rubrics", "-", "-o", "out.jsonl", stdin=content)
    assert "going on after 7 lines" in done.err
    assert run.read("out.jsonl") == expected


def test_sigterm_while_a_judge_is_slow(run: Runner) -> None:
    """Half-way through, with answers pending: exit 130; then only what is missing is asked for, with the same bytes."""
    release = Event()

    def reply(payload: dict[str, Any], number: int) -> Response:
        if number > 9:
            assert release.wait(60)
        return chat(verdicts(payload["messages"][0]["content"], lambda _: "met" if payload["seed"] % 2 else "not met"))

    run.write("asked.yaml", ASKED)
    run.write("in.jsonl", many("rollouts", 6))
    with serving(reply) as server:
        words = ["judge", "in.jsonl", "--rubrics", "asked.yaml", "--model", "openai:j", "--base-url", server.url]
        words += ["--window", "2", "--concurrency", "2", "-o", "out.jsonl"]
        process = run.start(*words)
        wait_until(lambda: server.calls > 9, "the tenth question")
        wait_until(lambda: whole_lines(run, "out.jsonl.partial") == 4, "the four lines that were answered")
        ended = interrupt(process)
        release.set()
        assert ended.code == 130, ended.err
        assert whole_lines(run, "out.jsonl.partial") == 4
        before = server.calls
        done = run(*words)
        assert done.code == 0, done.err
        # Of the twelve, nine were answered; the last of them may have been on its way still.
        assert server.calls - before in (3, 4)
        resumed = run.read("out.jsonl")
        fresh = run(*words, "--no-resume")
        assert fresh.code == 0, fresh.err
        assert run.read("out.jsonl") == resumed


def test_a_line_that_was_cut_in_two_is_done_again(run: Runner) -> None:
    """Power fails where it likes: half a line at the end of the partial file does not count."""
    expected = begun(run)
    partial = run.folder / "out.jsonl.partial"
    content = partial.read_bytes()
    partial.write_bytes(content[: content.index(b"\n") + 40])
    done = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl", "--seed", "1")
    assert "going on after 1 lines" in done.err
    assert run.read("out.jsonl") == expected


def begun(run: Runner) -> bytes:
    """Leave an unfinished run of `generate-rubrics --seed 1` in the folder; return what it would have written."""
    expected = run("generate-rubrics", "task.jsonl", "--seed", "1").out
    full = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl", "--seed", "1", largest_file=len(expected) - 20)
    assert full.code == 1
    return expected


def test_other_options_do_not_go_on_where_these_stopped(run: Runner) -> None:
    """Resuming under another recipe is refused, and the keys that differ are named."""
    begun(run)
    other = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl", "--seed", "2", "--partial", "0.1")
    assert other.code == 1
    assert "out.jsonl.partial: begun with another recipe; these differ: spec.partial, spec.seed" in other.err
    assert "--no-resume" in other.err
    afresh = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl", "--seed", "2", "--no-resume")
    assert run.read("out.jsonl") == run("generate-rubrics", "task.jsonl", "--seed", "2").out
    assert "going on" not in afresh.err


def test_another_input_does_not_go_on_either(run: Runner) -> None:
    """The recipe knows its inputs by content."""
    begun(run)
    run.write("task.jsonl", many("task"))
    done = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl", "--seed", "1")
    assert done.code == 1
    assert "these differ: inputs.input.records, inputs.input.sha256" in done.err


def test_another_pipe_does_not_go_on_either(run: Runner) -> None:
    """What comes through a pipe is not known beforehand: its ids are compared with the lines that were kept."""
    content = run.read("task.jsonl")
    process = run.start("generate-rubrics", "-", "-o", "out.jsonl")
    assert process.stdin
    process.stdin.write(content)
    process.stdin.flush()
    wait_until(lambda: whole_lines(run, "out.jsonl.partial") == 3, "three lines")
    interrupt(process)
    first, second, third = content.splitlines(keepends=True)
    done = run("generate-rubrics", "-", "-o", "out.jsonl", stdin=second + first + third)
    assert done.code == 1
    assert "out.jsonl.partial:1: 'sea' stands where the input has 'garden'" in done.err


def test_what_another_program_left_is_not_gone_on_with(run: Runner) -> None:
    """A partial file without its recipe is refused, never built upon."""
    run.write("out.jsonl.partial", b'{"theirs": 1}\n')
    done = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl")
    assert (done.code, run.read("out.jsonl.partial")) == (1, b'{"theirs": 1}\n')
    assert "left by another program or version" in done.err


def test_two_runs_do_not_write_the_same_file(run: Runner) -> None:
    """The second is refused while the first is at work."""
    process = run.start("generate-rubrics", "-", "-o", "out.jsonl")
    wait_until(lambda: "out.jsonl.partial.recipe.json" in run.names(), "the first run")
    second = run("generate-rubrics", "task.jsonl", "-o", "out.jsonl")
    _, err = process.communicate(input=run.read("task.jsonl"), timeout=60)
    assert second.code == 1
    assert "out.jsonl.partial: another process is writing it" in second.err
    assert process.returncode == 0, err
    assert len(run.read("out.jsonl").split(b"\n")) == 4


@pytest.mark.parametrize("name", ["generate-rubrics", "judge", "select-data", "show"])
def test_a_reader_that_goes_away(run: Runner, name: str) -> None:
    """`rlra … | head -1` gives one line and ends, without a word."""
    reader = READER[name]
    run.write("in.jsonl", many(reader.kind, 400))
    more = ["-n", "400"] if name == "show" else ["--quiet"]
    done = run.shell(f"rlra {' '.join([*reader.words('in.jsonl'), *more])} | head -1; exit 0")
    assert (done.code, done.err) == (0, "")
    assert done.out.count(b"\n") == 1


def test_too_many_failures(run: Runner) -> None:
    """Exit 3, the lines kept and no target; the same command with a higher bar accepts them and asks nobody."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        prompt = payload["messages"][0]["content"]
        return chat("I would rather not say." if "Describe the clock" in prompt else verdicts(prompt, lambda _: "met"))

    run.write("asked.yaml", ASKED)
    with serving(reply) as server:
        words = ["judge", "rollouts.jsonl", "--rubrics", "asked.yaml", "--model", "openai:j", "--base-url", server.url]
        words += ["-o", "out.jsonl", "--retries", "0", "--attempts", "1"]
        failed = run(*words, "--max-failures", "1")
        assert failed.code == 3, failed.err
        assert "judge: 2 of 6 responses failed, more than --max-failures 1" in failed.err
        assert run.names() & {"out.jsonl", "out.jsonl.manifest.json"} == set()
        assert whole_lines(run, "out.jsonl.partial") == 3
        before = server.calls
        accepted = run(*words, "--max-failures", "34%")
        assert (accepted.code, server.calls) == (0, before), accepted.err
        assert run.read("out.jsonl").count(b'"reward":null') == 2


def test_a_dead_judge(run: Runner) -> None:
    """A server that never answers is one sentence, not a file full of failures."""
    run.write("asked.yaml", ASKED)
    words = ["judge", "rollouts.jsonl", "--rubrics", "asked.yaml", "--model", "openai:j"]
    done = run(*words, "--base-url", "http://127.0.0.1:9/v1", "--retries", "0", "-o", "out.jsonl")
    assert (done.code, done.out) == (1, b"")
    assert "http://127.0.0.1:9/v1/chat/completions answers no request" in done.err
    assert "Traceback" not in done.err
    assert "out.jsonl" not in run.names()


def test_failed_rollouts_are_not_texts(run: Runner) -> None:
    """A policy that fails now and then gives `failed` responses, counted; judged, they have no reward."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        return chat("", "content_filter") if payload["seed"] % 2 else chat("Well.")

    with serving(reply) as server:
        words = ["rollout", "task.jsonl", *sampled(server.url, "--group-size", "4")]
        done = run(*words, "--max-failures", "100%")
        assert run(*words, "--max-failures", "0").code == 3
    assert done.code == 0, done.err
    made = [response for line in done.records for response in line["responses"]]
    failures = [response for response in made if response["finish"] == "failed"]
    assert 0 < len(failures) < len(made)
    assert all(not response["text"] and response["error"] == "content filter" for response in failures)
    run.write("rubric.yaml", RUBRIC_YAML)
    judged = run("judge", "-", "--rubrics", "rubric.yaml", "--max-failures", "100%", stdin=done.out).records
    rewards = [response["reward"] for line in judged for response in line["responses"]]
    assert [reward is None for reward in rewards] == [response["finish"] == "failed" for response in made]


def test_a_signal_ends_the_workers_too(run: Runner, tiny: Any) -> None:
    """`rollout` with a real model: SIGTERM ends it and its workers; the rest is sampled later, with the same bytes."""
    run.write("in.jsonl", many("task", tasks := 30))
    words = ["rollout", "in.jsonl", "--model", f"hf:{tiny}", "--processes", "1", "--group-size", "2"]
    words += ["--max-tokens", "24", "--window", "1", "-o", "out.jsonl"]
    process = run.start(*words)
    wait_until(lambda: whole_lines(run, "out.jsonl.partial") > 0, "the first group")
    workers = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    ended = interrupt(process)
    assert (ended.code, "Traceback" in ended.err) == (130, False), ended.err
    assert workers
    wait_until(lambda: not any(_alive(int(worker)) for worker in workers), "the workers to end")
    assert 0 < whole_lines(run, "out.jsonl.partial") < tasks
    assert run(*words).code == 0
    resumed = run.read("out.jsonl")
    assert run(*words, "--no-resume").code == 0
    assert run.read("out.jsonl") == resumed


def _alive(pid: int) -> bool:
    import os

    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
