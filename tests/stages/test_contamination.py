"""A text is contaminated where a run of its words, or all of a short text, stands in an evaluation text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.checks.text import folded_words
from stages.selection.contamination import Contamination
from tests.stages.shared_texts import needs_shared, rows

WORDS = st.lists(st.sampled_from("abc"), max_size=8).map(" ".join)


def runs(text: str, n: int) -> set[tuple[str, ...]]:
    """Return the runs of `n` words; of a shorter text that has words, the whole."""
    words = folded_words(text)
    length = min(n, len(words))
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)} if words else set()


def holds(text: str, run: tuple[str, ...]) -> bool:
    """Return whether the words stand in the text in a row."""
    words = tuple(folded_words(text))
    return any(words[at : at + len(run)] == run for at in range(len(words)))


@given(st.lists(WORDS, max_size=4), WORDS, st.integers(1, 5))
def test_what_is_found_is_what_comparing_all_runs_finds(evaluation: list[str], text: str, n: int) -> None:
    wanted = {run for each in evaluation for run in runs(each, n) if holds(text, run)}
    found = Contamination(evaluation, n).found(text)
    assert (found is None) == (not wanted)
    assert found is None or tuple(found.split()) in wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Now: name THREE rivers\nof France, please.", "name three rivers of"),
        ("Name three rivers of Spain.", "name three rivers of"),
        ("Rename three rivers of France.", "three rivers of france"),
        ("Rename three rivers off France.", None),
        ("Don’t panic!", "don't panic"),
        ("They don't panic.", "don't panic"),
        ("Don't be panicky.", None),
        ("", None),
    ],
)
def test_words_count_and_nothing_else(text: str, found: str | None) -> None:
    evaluation = ["Name three rivers of France.", "Don't panic.", "", "?!"]
    assert Contamination(evaluation, 4).found(text) == found


def test_the_longest_run_is_said() -> None:
    assert Contamination(["a b", "a b c d e"], 4).found("x a b c d e") == "a b c d"


def test_a_word_alone_is_a_text_too() -> None:
    evaluation = Contamination(["Summarise."], 8)
    assert evaluation.found("please summarise: \ud800") == "summarise"
    assert evaluation.found("a summary") is None


@needs_shared
def test_prompts_of_public_sets() -> None:
    """Every prompt of IFEval is found inside another text; of 874 prompts by others none is at 13 words or at 8."""
    prompts = [row["prompt"] for row in rows("ifeval/prompts.jsonl")]
    others = [row["query"] for row in rows("writingbench/en.jsonl")]
    others += [
        row["instruction"]
        for name in ("seed_tasks", "user_oriented_instructions")
        for row in rows(f"self_instruct/{name}.jsonl")
    ]
    for n in (13, 8):
        known = Contamination(prompts, n)
        assert all(known.found(f"I was asked this: {prompt.upper()}\nWhat now?") for prompt in prompts)
        assert not any(map(known.found, others))
    assert sum(map(bool, map(Contamination(prompts, 4).found, others))) > 20, "shorter runs are everybody's"
