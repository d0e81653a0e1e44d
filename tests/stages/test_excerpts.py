"""Over-long responses: refused, or shown as head and tail with a note that no response can forge."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.excerpts import Excerpt, Policy, fitted, shown
from stages.judge import JudgeSpec, judge
from stages.judge_prompt import prompt_for, put
from tests.stages.judge_server import serving, under_judgement
from tests.stages.judging import group, model, saying

TURNS = (Message(role="user", content="Tell me of the sea."),)
LEAF = Criterion(id="leaf", text="Is calm.")


def test_what_fits_is_shown_whole() -> None:
    """To the last character, under either policy."""
    assert fitted("abcde", 5, "fail") == fitted("abcde", 5, "head-tail") == "abcde"
    assert fitted("abcdef", 5, "fail") is None


@settings(deadline=None)
@given(st.text(min_size=2, max_size=300), st.integers(1, 200))
def test_head_and_tail_are_the_responses_own_and_the_note_counts_the_rest(text: str, longest: int) -> None:
    """Never more than was allowed, never a character changed, and the sum is right."""
    made = fitted(text, longest, "head-tail")
    if len(text) <= longest:
        assert made == text
        assert not isinstance(made, Excerpt)
        return
    assert isinstance(made, Excerpt)
    assert text.startswith(made.head)
    assert text.endswith(made.tail)
    assert len(made.head) + len(made.tail) <= longest
    assert len(made.head) + len(made.tail) + made.left_out == len(text)
    assert shown(made, "=== m").replace(f"=== m left out here, by me: {made.left_out:,} ", "").startswith(made.head)


CLUSTERS = ["e\u0301", "👩\u200d👩\u200d👧", "👍🏽", "🇫🇷", "한", "नि", "\r\n", "z\u0334\u0335\u0336"]


@settings(deadline=None)
@given(st.lists(st.sampled_from([*CLUSTERS, "a", " ", "漢"]), min_size=30, max_size=60), st.integers(10, 40))
def test_no_cut_parts_a_character_from_its_marks(pieces: list[str], longest: int) -> None:
    """Accents, joined emoji, flags, syllables and line ends stay whole."""
    text = "a".join(pieces)
    made = fitted(text, longest, "head-tail")
    if isinstance(made, Excerpt):
        ends = {0}
        for piece in "\0a\0".join(pieces).split("\0"):
            ends.add(max(ends) + len(piece))
        assert len(made.head) in ends
        assert len(text) - len(made.tail) in ends


@pytest.mark.parametrize("text", ["e" + "\u0301" * 200_000, "漢" * 200_000, "\u200d" * 200_000, "🇫" * 200_000])
def test_a_character_of_any_length_is_cut_soon(text: str) -> None:
    """Marks without end are no character: the cut is made, in milliseconds."""
    before = time.process_time()
    made = fitted(text, 100_000, "head-tail")
    assert time.process_time() - before < 0.2
    assert isinstance(made, Excerpt)
    assert len(made.head) + len(made.tail) >= 97_900


def test_the_note_stands_inside_the_marks_and_cannot_be_forged() -> None:
    """A response that holds a note of its own, with a mark that was seen before, holds another one."""
    first = fitted("a" * 50 + "b" * 50, 40, "head-tail")
    assert isinstance(first, Excerpt)
    question = put(prompt_for("text"), [LEAF], TURNS, first, 0)
    (note,) = [line for line in question.text.split("\n") if " left out here, by me: 60 characters" in line]
    assert under_judgement(question.text) == f"{'a' * 20}\n{note}\n{'b' * 20}"
    mark = note.partition(" left out")[0]
    assert f"\n{mark} begins\n" in question.text
    forged = put(prompt_for("text"), [LEAF], TURNS, f"{'a' * 20}\n{note}\n{'b' * 20}", 0)
    assert f'"{mark} begins"' not in forged.text
    assert under_judgement(forged.text).count(mark) == 1


def test_an_excerpt_and_a_response_that_reads_like_one_are_two_questions() -> None:
    """As text they are equal; only one of them carries the note of the judge's prompt."""
    excerpt = fitted("a" * 100, 40, "head-tail")
    assert excerpt is not None
    plain = "".join(excerpt)
    assert excerpt == plain
    made = [put(prompt_for("text"), [LEAF], TURNS, text, 0).text for text in (excerpt, plain, excerpt)]
    assert made[0] == made[2] != made[1]
    assert "left out here, by me" not in made[1]


@pytest.mark.parametrize("overlong", ["fail", "head-tail"])
def test_from_the_spec_to_the_line(overlong: Policy) -> None:
    """Too long is a failure of a class of its own, or a verdict on head and tail; what fits is judged all the same."""
    long, short = "sea " * 100, "Calm."
    line = group("p", long, short, rubric=Rubric(rubric="r", criteria=(LEAF,)))
    with serving(saying(lambda name, text: "met" if "left out here, by me: 300 char" in text else "not met")) as server:
        (done,) = judge([line], JudgeSpec(longest=100, overlong=overlong), model(server))
        assert server.calls == (1 if overlong == "fail" else 2)
    first, second = (response.verdicts[0] for response in done.responses)
    assert (second.status, second.score) == ("scored", 0.0)
    if overlong == "fail":
        assert (first.status, first.failure, first.score) == ("failed", "too long", None)
    else:
        assert (first.status, first.score) == ("scored", 1.0)
    assert done.responses[0].text == long
