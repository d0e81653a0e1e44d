"""A desk of rubrics under review: decisions in any order, taken back one by one, and never about another rubric."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.review import Review, Step
from schemas.rubric import Rubric
from stages.review import Decision, Desk, edited, state_of
from tests.random_rubrics import read

NAMES = ("a", "b")
BANK = {
    name: read({"rubric": name, "source": "llm", "author": "m", "criteria": [{"id": "c", "text": "t"}]})
    for name in NAMES
}
DEEDS = st.sampled_from(["accepted", "rejected", "commented", "edited", "reopened"])


def desk(*decisions: Decision) -> Desk:
    """Return a desk of two drafts, with decisions taken."""
    found = Desk(NAMES, BANK.__getitem__)
    for decision in decisions:
        found.take(decision)
    return found


def heavier(rubric: Rubric) -> Rubric:
    """Return a rubric as somebody edits it: its first criterion counts more."""
    first = rubric.criteria[0]
    more = first.model_copy(update={"weight": first.weight + 1})
    return rubric.model_copy(update={"criteria": (more, *rubric.criteria[1:]), "review": None})


def decided(at: Desk, name: str, did: str, **more: Any) -> Decision:
    """Return a decision about a rubric as it is now."""
    rubric = heavier(at.rubric(name)) if did == "edited" else None
    said = {"id": name, "did": did, "by": "Anna", "on": "2026-03-31", "before": at.rubric(name).digest()}
    return Decision.model_validate({**said, "rubric": rubric, **more})


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), DEEDS), max_size=8), st.integers(0, 8))
def test_taking_back_is_as_if_it_had_not_been(steps: list[tuple[str, str]], undone: int) -> None:
    """State, words and history, of every rubric; and decisions read anew come to the same."""
    at, seen, journal = desk(), [], []
    for name, did in steps:
        seen.append([at.rubric(each) for each in NAMES])
        journal.append(decided(at, name, did))
        at.take(journal[-1])
    for _ in range(min(undone, len(steps))):
        last = at.last
        assert last is not None
        journal.append(Decision(id=last.id, did="undone"))
        at.take(journal[-1])
        assert [at.rubric(each) for each in NAMES] == seen.pop()
    again = desk(*[Decision.model_validate_json(each.model_dump_json()) for each in journal])
    assert [again.rubric(each) for each in NAMES] == [at.rubric(each) for each in NAMES]
    assert [at.state(each) for each in NAMES] == [state_of(at.rubric(each)) for each in NAMES]
    assert list(at.drafts()) == [each for each in NAMES if at.state(each) == "draft"]


def test_an_edit_of_what_a_model_wrote_is_of_both() -> None:
    at = desk()
    at.take(decided(at, "a", "edited"))
    rubric = at.rubric("a")
    assert (rubric.source, rubric.author, rubric.criteria[0].weight, at.state("a")) == ("hybrid", "m", 2.0, "draft")
    assert rubric.review is not None and [step.did for step in rubric.review.history] == ["edited"]
    assert rubric.review.history[0].before == BANK["a"].digest() != rubric.digest()


def test_a_history_tells_versions_apart() -> None:
    """The step before an edit names the old version, the step after it the new one."""
    at = desk()
    for did in ("commented", "edited", "accepted"):
        at.take(decided(at, "a", did, comment="because"))
    review = at.rubric("a").review
    assert review is not None and (review.state, review.by, review.comment) == ("accepted", "Anna", "because")
    first, second, third = [step.before for step in review.history]
    assert first == second == BANK["a"].digest() and third == at.rubric("a").digest() != first


@pytest.mark.parametrize(
    "decision",
    [
        Decision(id="c", did="accepted", before=BANK["a"].digest()),
        Decision(id="a", did="accepted", before="0" * 16),
        Decision(id="a", did="undone"),
    ],
)
def test_decisions_about_other_rubrics_are_refused(decision: Decision) -> None:
    at = desk()
    with pytest.raises(RlraError):
        at.take(decision)
    assert at.last is None and at.rubric("a") == BANK["a"]


def test_an_edit_has_words_and_nothing_else_has() -> None:
    for did, rubric in (("edited", None), ("accepted", BANK["a"])):
        with pytest.raises(ValidationError, match="an edit has a `rubric`"):
            Decision.model_validate({"id": "a", "did": did, "rubric": rubric})


def test_a_file_says_what_was_done() -> None:
    """Words that differ are an edit, a state that differs is a decision of whoever the file names."""
    rubric = BANK["a"]
    same = edited(rubric, rubric, "Ben", "2026-03-31")
    assert same is rubric
    text = heavier(rubric).model_copy(update={"review": Review(state="rejected", by="Anna", comment="no")})
    now = edited(rubric, text, "Ben", "2026-03-31")
    assert now.review is not None and (now.review.state, now.review.by, now.review.comment) == (
        "rejected",
        "Anna",
        "no",
    )
    assert [(step.did, step.by) for step in now.review.history] == [("edited", "Ben"), ("rejected", "Anna")]
    assert now.review.history[1].before == now.digest() and now.source == "hybrid"
    back = now.model_copy(update={"review": Review(state="draft", by="Anna", comment="no")})
    again = edited(now, back, "Ben", "2026-04-01").review
    assert again is not None and again.state == "draft" and again.history[-1].did == "reopened"
    noted = now.model_copy(update={"review": now.review.model_copy(update={"comment": "but nearly"})})
    told = edited(now, noted, "Ben", "2026-04-01").review
    assert told is not None and told.state == "rejected" and told.history[-1].comment == "but nearly"


def test_a_file_keeps_what_it_does_not_say() -> None:
    """Without `review` in it, the review stays; the template's name does as well."""
    rubric = BANK["a"].model_copy(update={"inherits": "base", "review": Review(state="accepted", by="Anna")})
    now = edited(rubric, heavier(rubric).model_copy(update={"inherits": None}), "Ben", "2026-03-31")
    assert now.inherits == "base" and now.review is not None and now.review.state == "accepted"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rubric": "z"}, "an id stays"),
        ({"review": Review(state="draft", history=(Step(did="accepted"),))}, "kept by rlra"),
    ],
)
def test_what_a_file_cannot_say_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        edited(BANK["a"], BANK["a"].model_copy(update=change), "Ben", "2026-03-31")
