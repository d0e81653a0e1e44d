"""`rlra rubrics review`, its answers written line by line: decisions are kept, whatever ends the session."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.house.sources import ROOT
from tests.running import Done, Runner, environment, lines, records, wait_until

NAMES = ("a", "b", "c")
Review = Callable[..., Done]


def rubric(name: str, **more: Any) -> dict[str, Any]:
    """Return a draft as a line has it."""
    criteria = [{"id": "kind", "text": "Is kind.", "weight": 2.0}, {"id": "rude", "text": "Is rude.", "weight": -1.0}]
    return {"rubric": name, "source": "llm", "author": "m", "criteria": criteria, **more}


def bank(*names: str) -> bytes:
    """Return lines of a bank."""
    return lines(*({"schema": "rubric/1", "id": name, "rubric": rubric(name)} for name in names))


@pytest.fixture
def review(run: Runner, monkeypatch: pytest.MonkeyPatch) -> Review:
    """Return a function that answers line by line, to the drafts of `bank.jsonl`, as Anna."""
    run.write("bank.jsonl", bank(*NAMES))

    def answered(said: str, *more: str, editor: str = "false") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        monkeypatch.setenv("VISUAL", editor)
        return run.inside("rubrics", "review", "bank.jsonl", "-o", "out.jsonl", "--by", "Anna", *more)

    return answered


def editor(run: Runner, program: str) -> str:
    """Return the name of an editor that does with its file as a shell's `program` says."""
    path = run.write("editor.sh", f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    return str(path)


def reviews(content: bytes) -> dict[str, Any]:
    """Return what lines say of their reviews, by id."""
    return {line["id"]: line["rubric"].get("review") for line in records(content)}


def states(run: Runner) -> list[str | None]:
    """Return the states in the output; None for a rubric that nobody touched."""
    return [each and each["state"] for each in reviews(run.read("out.jsonl")).values()]


def test_all_decisions_are_written(run: Runner, review: Review) -> None:
    """State, who and why; what was skipped is as it was."""
    done = review("a well said\n\ns\nc hm\nreject too  vague\n")
    assert done.code == 0 and "1 accepted, 1 draft, 1 rejected" in done.err
    found = reviews(run.read("out.jsonl"))
    assert found["b"] is None and (found["a"]["by"], found["a"]["comment"]) == ("Anna", "well said")
    assert [(s["did"], s["comment"]) for s in found["c"]["history"]] == [("commented", "hm"), ("rejected", "too vague")]


def test_a_draft_is_shown_with_all_that_decides(run: Runner, review: Review) -> None:
    """Prompt, criteria with weights, tiers, checks, author, what the linter finds; and nothing acts on a terminal."""
    tiers = [{"score": 0.0, "text": "Cold."}, {"score": 3.0, "text": "Warm \x1b[2Jhug."}]
    one = rubric("own", criteria=[{"id": "tone", "text": "Is [bold]warm[/bold].", "weight": 2.0, "tiers": tiers},
                                  {"id": "short", "check": {"word_count": {"at_most": 9}}}], tags=["t1"])  # fmt: skip
    message = {"role": "user", "content": "Write to my aunt.\x1b]0;x\x07"}
    run.write("bank.jsonl", lines({"schema": "task/1", "id": "p7", "messages": [message], "rubric": one}))
    shown = review("q\n").err
    for said in (
        "Write to my aunt.␛]0;x␇",
        "+2  tone",
        "Is [bold]warm[/bold].",
        "tier 1 = 3: Warm ␛[2Jhug.",
        "llm by m",
    ):
        assert said in shown
    for said in ("draft 1 of 1", 'check word_count {"at_most":9}', "only-positive", "t1", "[a] accept", "p7"):
        assert said in shown
    assert "\x1b" not in shown


def test_going_on_ends_as_one_sitting_does(run: Runner, review: Review) -> None:
    """Decisions in several sittings come to the same bytes as all at once."""
    for said in ("a\nq\n", "c hm\n", "r no\n", "a\n"):
        assert review(said).code == 0
    in_parts = run.read("out.jsonl")
    assert states(run) == ["accepted", "rejected", "accepted"]
    (run.folder / "out.jsonl.decisions").unlink()
    assert review("a\nc hm\nr no\na\n").code == 0
    assert run.read("out.jsonl") == in_parts
    done = review("")
    assert run.read("out.jsonl") == in_parts and "no drafts are left" in done.err


def test_a_reviewed_bank_is_read_like_any_other(run: Runner, review: Review) -> None:
    review("a\nr\n")
    done = run.inside("validate", "out.jsonl")
    assert done.code == 0 and "3 lines of rubric/1, manifest matches" in done.err
    manifest = orjson.loads(run.read("out.jsonl.manifest.json"))
    assert set(manifest["recipe"]["inputs"]) == {"input", "decisions"}
    review("", "--only-accepted")
    assert list(reviews(run.read("out.jsonl"))) == ["a"]


def test_undo_goes_back_and_further_back(run: Runner, review: Review) -> None:
    """A skip, then decisions of this sitting, then of the one before; in the end there is nothing left to undo."""
    review("a\nr\nq\n")
    done = review("s\nu\nu\nu\nu\nq\n")
    assert done.code == 0 and "undone: b rejected" in done.err and "undone: a accepted" in done.err
    assert "there is nothing to undo" in done.err
    assert states(run) == [None, None, None]
    review("a\na\na\nu\nr after all\n")
    assert states(run) == ["accepted", "accepted", "rejected"], "the last one can be undone too"


def test_an_edit_is_shown_again_before_it_is_accepted(run: Runner, review: Review) -> None:
    """What a model wrote is of both then; author and id stay."""
    done = review("e\na\n", editor=editor(run, "sed -i 's/weight: 2.0/weight: 5/' \"$1\""))
    assert done.code == 0 and "+5  kind" in done.err and "edited by Anna" in done.err
    line = records(run.read("out.jsonl"))[0]["rubric"]
    assert (line["source"], line["author"], line["criteria"][0]["weight"]) == ("hybrid", "m", 5.0)
    assert [step["did"] for step in line["review"]["history"]] == ["edited", "accepted"]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("sed -i 's/weight:/wieght:/' \"$1\"", "rubric.yaml:8: criteria[0].wieght: unknown field"),
        ("echo 'a: [' >> \"$1\"", "not YAML"),
        ("sed -i 's/rubric: a/rubric: z/' \"$1\"", "an id stays"),
        ("echo 'review: {state: accepted}' >> \"$1\"", "decided with the keys"),
        ("sed -i 's/text: Is kind./python: import os/' \"$1\"", "criterion 'kind': python:"),
        ("exit 3", "ended with 3"),
    ],
)
def test_an_edit_that_cannot_be_taken_says_why(run: Runner, review: Review, program: str, said: str) -> None:
    """It may be mended, or given up; the rubric is as it was."""
    done = review("e\ng\ns\n", editor=editor(run, program))
    assert done.code == 0 and said in done.err and "rlra-review" not in done.err, done.err
    assert run.read("out.jsonl") == bank(*NAMES)


def test_an_edit_is_mended_where_it_was_left(run: Runner, review: Review) -> None:
    """The second look finds the text of the first."""
    mend, break_ = "s/wieght/weight/; s/2.0/7/", "s/weight/wieght/"
    both = f'if grep -q wieght "$1"; then sed -i \'{mend}\' "$1"; else sed -i \'{break_}\' "$1"; fi'
    done = review("e\ne\na\n", editor=editor(run, both))
    assert done.code == 0, done.err
    assert records(run.read("out.jsonl"))[0]["rubric"]["criteria"][0]["weight"] == 7.0


@pytest.mark.parametrize("program", ["true", ': > "$1"', "echo '# a remark' >> \"$1\""])
def test_an_edit_without_a_change_is_none(run: Runner, review: Review, program: str) -> None:
    done = review("e\nq\n", editor=editor(run, program))
    assert done.code == 0 and "nothing was changed" in done.err
    assert run.read("out.jsonl") == bank(*NAMES) and run.read("out.jsonl.decisions") == b""


def test_there_is_no_such_editor(run: Runner, review: Review) -> None:
    done = review("e\ng\nq\n", editor="no-such-editor-anywhere --wait")
    assert done.code == 0 and "the editor 'no-such-editor-anywhere --wait' cannot be run" in done.err


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("a\nx\na\n", "stdin:2: 'x' is no answer"),
        ("s\nc\n", "stdin:2: a comment"),
        ("a\nu now\n", "stdin:2: 'u now'"),
        ("a\ng\n", "stdin:2: 'g'"),
    ],
)
def test_a_line_that_is_no_answer_ends_it(run: Runner, review: Review, said: str, what: str) -> None:
    """Those after it would be about other drafts; those before it are kept, and nothing is written."""
    done = review(said)
    assert done.code == 1 and what in done.err
    assert len(records(run.read("out.jsonl.decisions"))) == (said[0] == "a")
    assert not (run.folder / "out.jsonl").exists()


def test_what_nobody_could_judge_is_not_accepted(run: Runner, review: Review) -> None:
    """A check that does not exist is shown, and refuses to be accepted until it is mended."""
    broken = rubric("a", criteria=[{"id": "short", "check": {"word_cuont": {"at_most": 9}}}])
    run.write("bank.jsonl", lines({"schema": "rubric/1", "id": "a", "rubric": broken}))
    done = review("a\n")
    assert done.code == 1 and "stdin:1: cannot be accepted" in done.err and done.err.count("word_cuont") >= 2
    done = review("e\na\n", editor=editor(run, 'sed -i s/cuont/count/ "$1"'))
    assert done.code == 0 and states(run) == ["accepted"], done.err


def test_half_a_line_of_the_journal_is_no_decision(run: Runner, review: Review) -> None:
    """A process that was killed while it wrote leaves one."""
    review("a\nr\n")
    whole = run.read("out.jsonl.decisions")
    run.write("out.jsonl.decisions", whole[:-9])
    assert review("a\nq\n").code == 0
    assert states(run) == ["accepted", "accepted", None]


def test_decisions_about_another_bank_are_refused(run: Runner, review: Review) -> None:
    review("a\n")
    run.write("bank.jsonl", bank(*NAMES).replace(b"Is kind.", b"Is mild."))
    done = review("a\n")
    assert done.code == 1 and "out.jsonl.decisions:1: 'a' is another rubric" in done.err and "-o" in done.err
    run.write("out.jsonl.decisions", b'{"id": 3}\n')
    assert "out.jsonl.decisions:1:" in review("").err


def test_answers_and_rubrics_are_two_streams(run: Runner, review: Review) -> None:
    done = run.inside("rubrics", "review", "-", "-o", "x.jsonl")
    assert done.code == 1 and "stdin is where the answers come from" in done.err
    review("a\n")
    done = run.inside("rubrics", "review", "bank.jsonl", "-o", "bank.jsonl")
    assert done.code == 1 and "is read or written already" in done.err


def test_without_output_the_records_go_to_stdout(run: Runner, review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the decisions beside the input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\n"))
    done = run.inside("rubrics", "review", "bank.jsonl", "--by", "Anna", "--only-accepted")
    assert done.code == 0 and [line["id"] for line in done.records] == ["a"]
    assert run.names() >= {"bank.jsonl.decisions"}


def started(folder: Path) -> subprocess.Popen[bytes]:
    """Start a review in a process of its own, which waits for answers."""
    words = ["rubrics", "review", "bank.jsonl", "-o", "out.jsonl", "--by", "Anna"]
    pipe, env = subprocess.PIPE, environment(PYTHONPATH=str(ROOT))
    rlra = [sys.executable, "-m", "rlra_cli.main"]
    return subprocess.Popen([*rlra, *words], stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env=env)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_whatever_ends_it_nothing_is_lost(run: Runner, review: Review, number: int) -> None:
    """What was decided is on the disk before the next draft is shown."""
    process = started(run.folder)
    assert process.stdin is not None
    process.stdin.write(b"a\nr no\n")
    process.stdin.flush()
    kept = run.folder / "out.jsonl.decisions"
    wait_until(lambda: kept.exists() and kept.read_bytes().count(b"\n") == 2, "two decisions")
    os.kill(process.pid, number)
    process.communicate()
    assert process.returncode == (-number if number == signal.SIGKILL else 130)
    assert not (run.folder / "out.jsonl").exists()
    assert review("a\n").code == 0
    assert states(run) == ["accepted", "rejected", "accepted"]


def test_two_cannot_write_one_journal(run: Runner, review: Review) -> None:
    process = started(run.folder)
    kept = run.folder / "out.jsonl.decisions"
    wait_until(kept.exists, "the journal")
    done = review("a\n")
    process.communicate(b"q\n")
    assert done.code == 1 and "another process is writing it" in done.err
