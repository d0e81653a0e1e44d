"""Overlap with a reference, copying, and variety."""

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.task import Message, Task
from stages.checks.echoes import copied_share
from stages.checks.overlap import longest_common, rouge_l, token_f1
from tests.stages.checking import met, run, task
from tests.stages.shared_texts import gpt4, needs_shared, people

BARN = Task(
    id="t",
    messages=(Message(role="user", content="Where does the moss grow?"),),
    reference="the old barn has moss on its north wall",
)


def by_table(a: list[str], b: list[str]) -> int:
    """The textbook way to the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for k, y in enumerate(b):
            row.append(before[k] + 1 if x == y else max(before[k + 1], row[k]))
    return row[-1]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_the_longest_common_sequence(a: list[str], b: list[str]) -> None:
    assert longest_common(a, b) == by_table(a, b)


@pytest.mark.parametrize(
    ("said", "reference", "f1"),
    [
        ("sow the clover in april then wait", "sow clover in early april and wait", 0.7142857142857143),
        ("a b c d", "d c b a", 0.25),
        ("moss grows on the north wall of the old barn", "the old barn has moss on its north wall", 0.4210526315789474),
    ],
)
def test_rouge_l_is_that_of_its_authors_package(said: str, reference: str, f1: float) -> None:
    """The values are those of rouge-score 0.1.2 without stemming."""
    assert rouge_l(said.split(), reference.split()) == pytest.approx(f1)


def test_token_f1() -> None:
    assert token_f1(["the", "cat", "sat"], ["a", "cat", "sat", "down"]) == pytest.approx(0.8)
    assert token_f1(["the"], ["a"]) == 0.0


def test_overlap_is_graded() -> None:
    text = "Moss grows on the north wall of the old barn."
    outcome = run("reference_overlap", text, on=BARN)
    assert (outcome.met, outcome.score) == (False, pytest.approx(0.42105263))
    assert outcome.closeness == pytest.approx(2 * 0.42105263)
    assert run("reference_overlap", text, on=BARN, at_least=0.4).score == pytest.approx(0.42105263)
    assert (run("reference_overlap", text, on=BARN, measure="token_f1").score or 0) > 0.7
    assert met("reference_overlap", text, on=task()) is None
    assert met("reference_overlap", text, on=task(), reference=text)


def test_long_texts_are_compared_in_no_time() -> None:
    rng = Random(1)
    a, b = ([str(rng.randrange(500)) for _ in range(20_000)] for _ in range(2))
    start = time.process_time()
    longest_common(a, b)
    assert time.process_time() - start < 3


LONG = "On the north side of the old barn there is a wall that is green with moss all year"


def test_copied_words_are_counted_once() -> None:
    assert copied_share(LONG, [LONG], 8) == 1.0
    assert copied_share("a b c d e f", ["x b c d e y"], 3) == pytest.approx(4 / 6)
    assert copied_share("b c d, b c d", ["b c d"], 3) == 1.0
    assert copied_share("b c", ["b c"], 3) == 0.0


def test_copying_out_of_any_turn() -> None:
    turns = (Message(role="system", content=LONG), Message(role="user", content="Sum it up."))
    assert met("copies_prompt", f"So: {LONG}", on=Task(id="t", messages=turns))
    assert not met("copies_prompt", "So: an old barn has a mossy wall.", on=Task(id="t", messages=turns))
    assert met("copies_prompt", "An old barn is green with moss all year", on=Task(id="t", messages=turns), words=3)


def test_copying_the_reference() -> None:
    assert met("copies_reference", "It says: the old barn has moss on its north wall.", on=BARN)
    assert not met("copies_reference", "Moss grows on the barn.", on=BARN)
    assert met("copies_reference", "Moss grows on the barn.", on=task()) is None


@needs_shared
def test_answers_that_were_not_told_to_repeat_seldom_copy() -> None:
    free = [(prompt, text) for prompt, text in gpt4() if "repeat" not in prompt.lower()]
    copied = sum(bool(met("copies_prompt", text, on=task(prompt))) for prompt, text in free)
    print(f"copies_prompt: {copied} of {len(free)} answers that were not told to repeat")
    assert copied < 0.02 * len(free)


def test_distinct_n() -> None:
    text = "a b " * 10
    assert run("distinct_n", text, n=1, at_least=0.5).reason == "distinct-1 0.10, at least 0.5"
    assert run("distinct_n", text, n=1, at_least=0.5).closeness == pytest.approx(0.2)
    assert run("distinct_n", text, at_least=0.1).reason == "distinct-2 0.11, at least 0.1"
    assert met("distinct_n", "one two three four", n=3, at_least=0.1) is None


ASKED = "Set a title in <<your title>>, use [date] and [place], and *mark* a word. See [1] and [the map](map.html)."


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<<Your  Title>>\n\nSow clover.", True),
        ("Sow clover on [Date].", True),
        ("**mark** the bed.", True),
        ("<<Clover>>\n\nOn [Monday], at your place: *sow*. See [1] and [the map](map.html).", False),
        ("Put your title and the date on it, mark the place.", False),
        ("", False),
    ],
)
def test_an_example_of_the_prompt_in_its_marks(text: str, wanted: bool) -> None:
    """In the same marks; links and bare numbers are none; words without the marks are an answer like another."""
    assert met("echoes_example", text, on=task(ASKED)) is wanted


@needs_shared
def test_real_answers_hardly_ever_give_examples_back() -> None:
    """People's do not. GPT-4's to IFEval do in one of 27, where the prompt gives an example: all of them are echoes."""
    for pairs, most in ((people(), 0.01), (gpt4(), 0.05)):
        echoed = sum(bool(met("echoes_example", said, on=task(asked))) for asked, said in pairs)
        print(f"echoes_example: {echoed} of {len(pairs)} answers")
        assert echoed <= most * len(pairs)
