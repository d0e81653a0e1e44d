"""What holds of `generate-rubrics` with writers, and of `defend` with one, as it holds of every command."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from tests.contract.material import MAKE, META, NAMES, ODD, UNREACHABLE
from tests.running import Done, Runner, lines, records
from tests.stages.judge_server import chat, serving
from tests.stages.writer_scenes import GOOD, SEASON, said
from tests.tiny_model import tiny_model

MANY = 24
METHODS = {"model": "task", "contrast": "judged", "failures": "rollouts"}
"""The methods that judge-free writers have, with the kind of line that each reads."""
every_method = pytest.mark.parametrize("method", METHODS)


def good(payload: dict[str, Any], number: int) -> Response:
    """Write what no gate holds back."""
    return chat(said(GOOD))


def some_bad(payload: dict[str, Any], number: int) -> Response:
    """Write the same criterion twice about every place whose number ends in 3."""
    bad = "place-03" in payload["messages"][0]["content"] or "place-13" in payload["messages"][0]["content"]
    return chat(said([SEASON, {**SEASON, "id": "again"}] if bad else GOOD))


def words(url: str, *more: str, method: str = "model", file: str = "in.jsonl") -> list[str]:
    """Return the command line of a writer's run."""
    writer = ["--method", method, "--writer", "openai:w", "--base-url", url, "--retries", "0"]
    return ["generate-rubrics", file, *writer, *more]


def many(run: Runner, kind: str, number: int = MANY) -> None:
    """Write so many lines of a kind."""
    run.write("in.jsonl", lines(*(MAKE[kind](f"place-{n:02d}") for n in range(number))))


def refused(done: Done, named: str) -> None:
    """Hold that a run ended with one sentence that names something, and wrote nothing."""
    assert (done.code, done.out) == (1, b""), done.err
    assert "Traceback" not in done.err and done.err.count("rlra: ") == 1 and named in done.err, done.err


@every_method
def test_a_writers_run_is_a_map(run: Runner, method: str) -> None:
    """Lines in order, `meta` and texts untouched; by pipe and by file, loud and quiet, the same bytes."""
    names = [*NAMES[1:], NAMES[0]]
    run.write("in.jsonl", lines(*(MAKE[METHODS[method]](one, meta=META, reference=ODD) for one in names)))
    with serving(good) as server:
        loud = run.inside(*words(server.url, method=method))
        quiet = run.inside(*words(server.url, "--quiet", "-o", "out.jsonl", method=method))
        piped = run(*words(server.url, "--quiet", method=method, file="-"), stdin=run.read("in.jsonl"))
    assert (loud.code, quiet.code, quiet.err, piped.err) == (0, 0, "", ""), loud.err
    assert loud.out == run.read("out.jsonl") == piped.out
    assert [(line["id"], line["meta"], line["reference"]) for line in loud.records] == [(n, META, ODD) for n in names]
    assert all(line["schema"] == "task/1" and line["rubric"]["source"] == "llm" for line in loud.records)


@every_method
@pytest.mark.parametrize("spoilt", [b'{"schema": "task/1", "id"', b'{"schema": "judged/99", "id": "x"}', b"[1]"])
def test_a_bad_second_line(run: Runner, method: str, spoilt: bytes) -> None:
    """Whatever was accepted before it may have passed; the line is named."""
    run.write("in.jsonl", lines(MAKE[METHODS[method]]("sea")) + spoilt + b"\n")
    with serving(good) as server:
        done = run.inside(*words(server.url, "--quiet", method=method))
    assert done.code == 1 and "rlra: in.jsonl:2: " in done.err and "Traceback" not in done.err
    assert [line["id"] for line in done.records] in ([], ["sea"])


@pytest.mark.parametrize("option", ["--probe", "--bank", "--labels", "--judge-options"])
@pytest.mark.parametrize("spoilt", [b'{"schema": "rollouts/1", "id"', lines(MAKE["rollouts"]("b", colour="red"))])
def test_a_file_beside_the_prompts_is_read_before_a_writer_is_asked(run: Runner, option: str, spoilt: bytes) -> None:
    """A writer costs money: what is wrong with its files is told first."""
    run.write("beside.jsonl", lines(MAKE["rollouts"]("sea", rubric=None)) + spoilt)
    method = "contrast" if option == "--labels" else "model"
    judge = ["--judge", "openai:j", "--probe", "rollouts.jsonl"] if option in ("--probe", "--judge-options") else []
    with serving(lambda payload, number: pytest.fail("asked")) as server:
        more = (*judge, option, "beside.jsonl", "-o", "out.jsonl")
        done = run.inside(*words(server.url, *more, method=method, file=f"{METHODS[method]}.jsonl"))
        refused(done, "beside.jsonl")
        assert server.calls == 0 and "out.jsonl" not in run.names()


@pytest.mark.parametrize(
    ("more", "method", "file", "named"),
    [
        (("--judge", "openai:j", "--probe", "empty.jsonl"), "model", "task.jsonl", "holds no responses"),
        (("--judge", "openai:j", "--probe", "task.jsonl"), "model", "task.jsonl", "task.jsonl:1: schema: this is a"),
        ((), "contrast", "rollouts.jsonl", "rollouts do not say which response is better"),
        (("--labels", "empty.jsonl"), "contrast", "rollouts.jsonl", "holds no label"),
    ],
)  # fmt: skip
def test_what_could_only_do_nothing(run: Runner, more: tuple[str, ...], method: str, file: str, named: str) -> None:
    """Nothing to try drafts on, and nothing to tell stronger from weaker by, are mistakes."""
    run.write("empty.jsonl", b"")
    refused(run.inside(*words(UNREACHABLE, *more, method=method, file=file)), named)


def test_a_writer_that_is_dead(run: Runner) -> None:
    """A server that never answers is one sentence, not a file full of rejects."""
    more = ("--rejects", "rejects.jsonl", "-o", "out.jsonl")
    refused(run.inside(*words(UNREACHABLE, *more, file="task.jsonl")), "answers no request")
    assert not {"out.jsonl", "rejects.jsonl"} & run.names()


def test_a_judge_that_is_dead(run: Runner) -> None:
    """It accepts nothing, and is not taken for one that finds fault."""
    with serving(good) as server:
        judge = ("--judge", f"openai:j@{UNREACHABLE}", "--probe", "rollouts.jsonl", "-o", "out.jsonl")
        done = run.inside(*words(server.url, *judge, file="task.jsonl"))
    refused(done, "answers no request")
    assert "out.jsonl" not in run.names()


def test_a_full_disk(run: Runner) -> None:
    """One sentence, no target; with room again the same command ends with the same bytes, rejects included."""
    many(run, "task")
    rejects = ("--rejects", "rejects.jsonl", "--max-failures", "50%")
    with serving(some_bad) as server:
        assert run(*words(server.url, *rejects, "-o", "whole.jsonl")).code == 0
        whole, apart = run.read("whole.jsonl"), run.read("rejects.jsonl")
        assert len(records(whole)) == MANY - 2 and len(records(apart)) == 2
        again = words(server.url, *rejects, "-o", "out.jsonl")
        full = run(*again, largest_file=len(whole) // 2)
        assert full.code == 1 and full.err.count("the file may not grow further") == 1, full.err
        assert "Traceback" not in full.err and "out.jsonl" not in run.names()
        done = run(*again)
    assert done.code == 0 and "going on after" in done.err, done.err
    assert (run.read("out.jsonl"), run.read("rejects.jsonl")) == (whole, apart)
    assert not [name for name in run.names() if "partial" in name]


def test_a_reader_that_goes_away(run: Runner) -> None:
    """`… | head -1` gives one line and ends, without a word."""
    many(run, "task", 200)
    with serving(good) as server:
        done = run.shell(f"rlra {' '.join(words(server.url, '--quiet'))} | head -1; exit 0")
    assert (done.code, done.err) == (0, "") and done.out.count(b"\n") == 1


@every_method
def test_a_writer_in_this_process_that_writes_rubbish_is_survived(run: Runner, method: str, tmp_path: Path) -> None:
    """A real model that cannot write: every line is put aside with its reason, and nothing is accepted."""
    tiny = tiny_model(tmp_path / "tiny", context=8192)
    many(run, METHODS[method], 3)
    writer = ("--method", method, "--writer", f"hf:{tiny}", "--max-tokens", "24", "--attempts", "2")
    done = run.inside(
        "generate-rubrics", "in.jsonl", *writer, "-o", "o.jsonl", "--rejects", "r.jsonl", "--max-failures", "100%"
    )
    assert done.code == 0, done.err
    assert run.read("o.jsonl") == b"" and "0 accepted, 3 rejected" in done.err
    for line in records(run.read("r.jsonl")):
        assert line["meta"]["rejected"] in ("unreadable", "truncated", "empty")
        assert line["meta"]["rejected_by"][0]["failure"]
