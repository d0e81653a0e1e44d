"""What `rlra select-data` refuses of options, because it could not have been meant."""

import pytest

from tests.contract.material import NAMES, judged
from tests.running import Runner, lines


@pytest.fixture
def groups(run: Runner) -> Runner:
    """Return a runner in a folder with `judged.jsonl`."""
    run.write("judged.jsonl", lines(*map(judged, NAMES)))
    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--ngram 5", "--ngram has no effect without --decontaminate FILE"),
        ("--pass-at 0.5", "--pass-at has no effect without --statistic pass_rate"),
        ("--pass-at 0.5 --statistic max", "--pass-at has no effect without --statistic pass_rate"),
        ("--id-field key", "--id-field has no effect without --score-field FIELD"),
        ("--prompt-field text", "--prompt-field has no effect without --score-field FIELD"),
        ("--flat --spread-at-least 0.1", "--flat has no effect with --spread-at-least"),
    ],
)
def test_an_option_that_would_do_nothing(groups: Runner, words: str, said: str) -> None:
    """One sentence names it and what it goes with; nothing is written."""
    done = groups("select-data", "judged.jsonl", *words.split(), "-o", "out.jsonl")
    assert (done.code, groups.names()) == (1, {"judged.jsonl"}) and f"rlra: {said}" in done.err


@pytest.mark.parametrize("words", ["--ngram 13", "--pass-at 1", "--id-field id", "--pass-at 0.5 --statistic pass_rate"])
def test_an_option_that_says_what_is_so_anyway(groups: Runner, words: str) -> None:
    done = groups("select-data", "judged.jsonl", *words.split())
    assert done.code == 0, done.err


@pytest.mark.parametrize("more", [(), ("--budget", "2"), ("--rejects", "rejects.jsonl")], ids=["alone", "all", "both"])
def test_a_criterion_that_no_line_has(groups: Runner, more: tuple[str, ...]) -> None:
    """It is misspelt: the nearest that there are is named, and no empty output takes the place of the lines."""
    done = groups("select-data", "judged.jsonl", "--statistic", "criterion:shrot", *more, "-o", "out.jsonl")
    assert done.code == 1 and "Traceback" not in done.err
    assert "rlra: --statistic criterion:shrot: no line has this criterion" in done.err
    assert "hint: the nearest that there are: short" in done.err
    assert not {"out.jsonl", "rejects.jsonl"} & groups.names()
    piped = groups("select-data", "--statistic", "criterion:shrot", *more, stdin=groups.read("judged.jsonl"))
    assert (piped.code, piped.out) == (1, b"")


def test_a_criterion_that_only_an_earlier_file_has(groups: Runner) -> None:
    """What the previous lines were judged by says nothing of today's."""
    groups.write("old.jsonl", groups.read("judged.jsonl").replace(b'"short"', b'"brief"'))
    words = ("select-data", "judged.jsonl", "--previous", "old.jsonl", "--statistic")
    assert groups(*words, "criterion:brief").code == 1
    assert groups(*words, "criterion:short").code == 0


def test_a_criterion_that_some_lines_have(groups: Runner) -> None:
    """The others are not measured, as before; so are all of an empty file, which has no criterion at all."""
    other = lines(judged("tower")).replace(b'"short"', b'"other"')
    groups.write("mixed.jsonl", other + groups.read("judged.jsonl") + other.replace(b"tower", b"gate"))
    done = groups("select-data", "mixed.jsonl", "--statistic", "criterion:short")
    assert [line["id"] for line in done.records] == list(NAMES), done.err
    assert "not measured" in done.err
    assert groups("select-data", "--statistic", "criterion:short").code == 0
