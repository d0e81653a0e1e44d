"""`rlra rubrics review`: what people decide about rubrics, one decision after the other, and what comes of it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Part
from schemas.errors import RlraError
from schemas.review import Deed, Review, State, Step
from schemas.rubric import Rubric

STATE_AFTER: dict[Deed, State] = {"accepted": "accepted", "rejected": "rejected", "reopened": "draft"}
DEED_FOR: dict[State, Deed] = {state: deed for deed, state in STATE_AFTER.items()}


class Decision(Part):
    """One line of a journal: what somebody decided about the rubric of one line, or took back."""

    id: str = Field(min_length=1)
    """The line that the rubric stands in."""
    did: Deed | Literal["undone"]
    """What was done; `undone` takes back the last thing that was done and stands."""
    by: str = ""
    """Who did it."""
    on: str = ""
    """The day, such as 2026-03-31."""
    comment: str = ""
    """What they said about it."""
    before: str = ""
    """The digest of the rubric that they saw."""
    rubric: Rubric | None = None
    """What an edit made of it."""

    @model_validator(mode="after")
    def _edits_have_a_rubric(self) -> Self:
        if (self.did == "edited") != (self.rubric is not None):
            raise ValueError("an edit has a `rubric`, and nothing else that is done has one")
        return self


class Desk:
    """Rubrics up for review: which of them are drafts, and what was decided about them so far.

    It holds decisions and the ids of lines; the rubrics themselves are read by `original` when they are needed.
    """

    def __init__(self, ids: Iterable[str], original: Callable[[str], Rubric]) -> None:
        self._original = original
        self._of: dict[str, list[Decision]] = {name: [] for name in ids}
        self._standing: list[Decision] = []

    @property
    def last(self) -> Decision | None:
        """The last decision that was not taken back."""
        return self._standing[-1] if self._standing else None

    def rubric(self, name: str) -> Rubric:
        """Return the rubric of a line as it is now."""
        rubric = self._original(name)
        for decision in self._of[name]:
            rubric = after(rubric, decision)
        return rubric

    def state(self, name: str) -> State:
        """Return whether the rubric of a line is a draft, accepted or rejected now."""
        decided = [STATE_AFTER[d.did] for d in self._of[name] if d.did in STATE_AFTER]
        return decided[-1] if decided else state_of(self._original(name))

    def drafts(self) -> Iterator[str]:
        """Yield the lines whose rubrics wait for a decision, in order."""
        return (name for name in self._of if self.state(name) == "draft")

    def take(self, decision: Decision) -> None:
        """Note a decision. Raises RlraError for one about another bank than this, or with nothing to take back."""
        if decision.id not in self._of:
            raise RlraError(f"'{decision.id}' is decided about, and no line has this id", hint=_OTHER)
        if decision.did == "undone":
            if self.last is None or self.last.id != decision.id:
                raise RlraError(f"'{decision.id}': an undone decision that was not the last one", hint=_OTHER)
            self._of[decision.id].pop()
            self._standing.pop()
            return
        if decision.before != self.rubric(decision.id).digest():
            raise RlraError(f"'{decision.id}' is another rubric than the one that was decided about", hint=_OTHER)
        self._of[decision.id].append(decision)
        self._standing.append(decision)


_OTHER = "the decisions are of another bank: review this one into another file with -o"


def state_of(rubric: Rubric) -> State:
    """Return where a rubric stands; one that was never up for review is a draft."""
    return rubric.review.state if rubric.review else "draft"


def after(rubric: Rubric, decision: Decision) -> Rubric:
    """Return what a decision makes of a rubric: its state, its history by a step longer, and its words if edited.

    What a model wrote and a person edited is from then on of both.
    """
    review = rubric.review or Review(state="draft")
    if decision.did == "undone":
        raise ValueError("what takes back is no step of its own")
    step = Step(did=decision.did, by=decision.by, on=decision.on, comment=decision.comment, before=decision.before)
    changed: dict[str, object] = {"history": (*review.history, step)}
    if decision.did in STATE_AFTER:
        changed |= {"state": STATE_AFTER[decision.did], "by": decision.by, "comment": decision.comment}
    if decision.rubric is not None:
        source = "hybrid" if decision.rubric.source == "llm" else decision.rubric.source
        rubric = decision.rubric.model_copy(update={"source": source})
    return rubric.model_copy(update={"review": review.model_copy(update=changed)})


def edited(rubric: Rubric, text: Rubric, by: str, on: str) -> Rubric:
    """Return `rubric` as somebody rewrote it in a file, with its history and what the file says of its state.

    The steps are found by comparing: an edit where words, weights or names differ, and a decision where the state
    does. Raises ValueError where the file says what only reviewing can: another id, or a history.
    """
    if text.rubric != rubric.rubric:
        raise ValueError(f"'{rubric.rubric}' has become '{text.rubric}', and an id stays")
    old, new = rubric.review or Review(state="draft"), text.review or rubric.review or Review(state="draft")
    if text.review and text.review.history and text.review.history != old.history:
        raise ValueError("the history of a review is kept by rlra, and not written by hand")
    now = rubric
    kept = text.model_copy(update={"review": rubric.review, "inherits": text.inherits or rubric.inherits})
    if _plain(kept) != _plain(rubric):
        now = after(now, Decision(id=now.rubric, did="edited", by=by, on=on, before=now.digest(), rubric=kept))
    said = new.comment if new.comment != old.comment else ""
    if new.state == old.state and not said:
        return now
    did: Deed = "commented" if new.state == old.state else DEED_FOR[new.state]
    who = new.by if new.by != old.by else by
    return after(now, Decision(id=now.rubric, did=did, by=who, on=on, comment=said, before=now.digest()))


def _plain(rubric: Rubric) -> dict[str, object]:
    return rubric.model_dump(mode="json", exclude_defaults=True)
