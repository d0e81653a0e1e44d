"""What a newcomer types wrongly gets a hint that leads on."""

import pytest

from tests.running import Runner


@pytest.mark.parametrize(
    ("word", "meant"),
    [("lint", "rubrics lint"), ("seesaw", ""), ("evall", "eval"), ("agreement", "eval agreement"), ("traing", "train")],
)
def test_a_word_that_is_no_command_leads_to_the_one_that_was_meant(run: Runner, word: str, meant: str) -> None:
    done = run(word, "file")
    assert done.code == 2
    assert (f"did you mean `rlra {meant}`?" if meant else "see `rlra --help`") in done.err


def test_a_file_that_was_begun_is_told_of(run: Runner) -> None:
    run.write("judged.jsonl.partial", b"")
    done = run("show", "judged.jsonl")
    assert done.code == 1 and "judged.jsonl.partial is there" in done.err
    assert "partial" not in run("show", "other.jsonl").err


@pytest.mark.parametrize(
    ("wanted", "hint"), [("garden-1", "did you mean 'garden-01'?"), ("x", "the file's ids are like 'garden-01'")]
)
def test_an_id_that_is_not_there_leads_to_one_that_is(run: Runner, wanted: str, hint: str) -> None:
    lines = (b'{"schema":"task/1","id":"%s","prompt":"Why?"}\n' % name for name in (b"garden-01", b"sea-02"))
    run.write("tasks.jsonl", b"".join(lines))
    done = run("show", "tasks.jsonl", "--id", wanted)
    assert done.code == 1 and f"no line with id {wanted}" in done.err and hint in done.err


def test_an_argument_that_a_check_does_not_have_leads_to_the_nearest(run: Runner) -> None:
    run.write("r.yaml", b"rubric: r\ncriteria:\n  - {id: short, check: {word_count: {at_moist: 40}}}\n")
    done = run("rubrics", "lint", "r.yaml")
    assert done.code != 0 and "did you mean 'at_most'?" in done.err + done.out.decode()
