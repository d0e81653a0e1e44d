"""Which prompts and responses a report shows in full, chosen by rule and not by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.judged import Judged, JudgedResponse
from stages.compare import Move, compare
from stages.measures import REWARD, group_mean, rubric_of
from stages.reports.marks import Mark, mark

LONGEST = 6_000
"""Characters of a text that are shown; the rest is counted."""


@dataclass(frozen=True)
class Reason:
    """One verdict of a shown response."""

    criterion: str
    mark: Mark
    reason: str


@dataclass(frozen=True)
class Turn:
    """One turn between the prompt and a shown response."""

    role: str
    text: str
    cut: int
    """Characters left out at the end of `text`."""
    cut_off: bool
    """Whether it is an answer that was cut off at the token limit."""


@dataclass(frozen=True)
class Shown:
    """One response, ready to be read."""

    index: int
    """Its place in the group, from 0."""
    group_size: int
    text: str
    cut: int
    """Characters left out at the end of `text`."""
    response: JudgedResponse
    reasons: tuple[Reason, ...]
    earlier: tuple[Turn, ...]
    """What led to it, of a conversation of several turns."""


@dataclass(frozen=True)
class Example:
    """One prompt with one response of each side."""

    move: Move
    before: Shown
    after: Shown


def gains_and_losses(
    before: Sequence[Judged], after: Sequence[Judged], count: int
) -> tuple[list[Example], list[Example]]:
    """Return the `count` prompts whose mean reward rose most, and those whose mean reward fell most.

    Fewer where fewer rose or fell: a prompt is never in both. Each side is shown by the response whose
    reward is nearest to its group's mean, so that neither looks better or worse than it is.
    """
    old, new = ({line.id: line for line in lines} for lines in (before, after))
    moves = [move for move in compare(before, after) if move.difference]
    rose = [move for move in moves if move.difference and move.difference > 0][:count]
    fell = [move for move in moves if move.difference and move.difference < 0][:count]
    examples = [
        [
            Example(move, show(old[move.id], typical(old[move.id])), show(new[move.id], typical(new[move.id])))
            for move in some
        ]
        for some in (rose, fell)
    ]
    return examples[0], examples[1]


def typical(group: Judged) -> int:
    """Return the index of the scored response whose reward is nearest to the group's mean; the first where equal."""
    mean = group_mean(group, REWARD)
    if mean is None:
        return 0
    scored = [(abs(r.reward - mean), index) for index, r in enumerate(group.responses) if r.reward is not None]
    return min(scored)[1]


def worst(lines: Sequence[Judged]) -> tuple[Judged, int] | None:
    """Return the response of lowest reward as (group, index): the first by id where equal; None without a reward."""
    scored = [
        (response.reward, line.id, index)
        for line in lines
        for index, response in enumerate(line.responses)
        if response.reward is not None
    ]
    if not scored:
        return None
    _, name, index = min(scored)
    return next(line for line in lines if line.id == name), index


def show(group: Judged, index: int) -> Shown:
    """Return one response of a group with what was said about it, each of its texts cut to `LONGEST` characters."""
    response = group.responses[index]
    reasons = [
        Reason(criterion.id, mark(criterion, verdict), verdict.reason)
        for criterion, verdict in zip(rubric_of(group).leaves, response.verdicts, strict=True)
    ]
    earlier = tuple(Turn(message.role, *_cut(message.content), cut_off) for message, cut_off in response.led_to)
    return Shown(index, len(group.responses), *_cut(response.text), response, tuple(reasons), earlier)


def _cut(text: str) -> tuple[str, int]:
    return text[:LONGEST], max(0, len(text) - LONGEST)
