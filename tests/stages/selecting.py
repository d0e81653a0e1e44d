"""Groups with given rewards, as the lines of a file, and what a selection makes of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.jsonl import to_line
from schemas.judged import Judged, JudgedResponse, Verdict
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.select_data import Drop, Findings, Given, select_data
from stages.selection.entry import Entry
from stages.selection.judged_lines import JudgedLines
from stages.selection.spec import SelectDataSpec
from tests.judged_lines import policy

RUBRIC = Rubric(rubric="r", criteria=(Criterion(id="a", text="t"),))


def group(name: str, *rewards: float | None) -> Judged:
    """Return a judged line with the given rewards."""
    responses = tuple(
        JudgedResponse(text="t", finish="stop", length=1, reward=reward, verdicts=(verdict(reward),))
        for reward in rewards
    )
    message = Message(role="user", content="Hi")
    return Judged(id=name, messages=(message,), rubric=RUBRIC, policy=policy(), responses=responses)


def verdict(reward: float | None, criterion: str = "a") -> Verdict:
    status = "failed" if reward is None else "scored"
    return Verdict(criterion=criterion, status=status, score=reward, judge="j", key="k")  # type: ignore[arg-type]


def around(name: str, mean: float) -> Judged:
    """Return a group with this mean and some spread."""
    return group(name, mean - 0.25, mean + 0.25)


def entries(groups: Sequence[Judged]) -> Iterator[Entry]:
    """Yield groups as the lines of a file."""
    for number, one in enumerate(groups, 1):
        yield Entry("in.jsonl", number, to_line(one).rstrip())


def decided(
    groups: Sequence[Judged], found: Findings | None = None, given: Given | None = None, **spec: Any
) -> list[tuple[str, Drop | None]]:
    """Return every group's id with what became of it."""
    asked = SelectDataSpec(**spec)
    reader = JudgedLines(asked)
    return [
        (reader.record(entry).id, drop)
        for entry, drop in select_data(lambda: entries(groups), reader, asked, given, found)
    ]


def chosen(groups: Sequence[Judged], **spec: Any) -> str:
    """Return the names of the groups that stay, in order, as one word."""
    return "".join(name for name, drop in decided(groups, **spec) if drop is None)


def reasons(groups: Sequence[Judged], **spec: Any) -> dict[str, str]:
    """Return why each group that was left out was left out."""
    return {name: drop.reason for name, drop in decided(groups, **spec) if drop}


def numbers(groups: Sequence[Judged], **spec: Any) -> dict[str, dict[str, Any]]:
    """Return the numbers behind each drop."""
    return {name: drop.numbers for name, drop in decided(groups, **spec) if drop}


def failed(name: str, *rewards: float | None) -> Judged:
    """Return a group in which the responses without a reward are answers that could not be had."""
    plain = group(name, *rewards)
    gone = {"finish": "failed", "error": "timed out", "text": ""}
    return plain.model_copy(
        update={"responses": tuple(r if r.reward is not None else r.model_copy(update=gone) for r in plain.responses)}
    )


def changed(one: Judged, places: Sequence[int], **update: Any) -> Judged:
    """Return a group of which some responses are changed."""
    responses = (r.model_copy(update=update) if n in places else r for n, r in enumerate(one.responses))
    return one.model_copy(update={"responses": tuple(responses)})
