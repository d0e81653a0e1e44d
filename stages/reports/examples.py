"""Which prompts and responses a report shows in full, chosen by rule and not by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.judged import Judged, JudgedResponse
from stages.compare import Move, compare
from stages.measures import REWARD, group_mean, rubric_of
from stages.reports.marks import Mark, Tone, mark
from stages.visible import one_line

LONGEST = 6_000
"""Characters of a text that are shown; the rest is counted."""
OPENING = 1_200
"""Characters of a long text that are seen before it is unfolded."""
LONGEST_REASON = 600
MOST_REASONS = 40
"""Verdicts of a response that are shown: those that speak against it first; the rest is counted."""
MOST_TURNS = 12
"""Earlier turns of a conversation that are shown, the last ones; the rest is counted."""


_RANK: dict[Tone, int] = {"bad": 0, "failed": 1, "between": 2, "good": 3, "absent": 4}


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
    """Up to `MOST_REASONS`, in the rubric's order."""
    reasons_left: int
    """Verdicts that are not shown."""
    earlier: tuple[Turn, ...]
    """What led to it, of a conversation of several turns; the last `MOST_TURNS` of them."""
    turns: int
    """All earlier turns."""


@dataclass(frozen=True)
class Example:
    """One prompt with one response of each side."""

    move: Move
    prompt: str
    """The text of the last user turn, cut to `LONGEST` characters."""
    cut: int
    """Characters left out at the end of `prompt`."""
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
            Example(move, *cut(move.prompt), *(show(side[move.id], typical(side[move.id])) for side in (old, new)))
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
    rubric = rubric_of(group)
    judged = list(zip(rubric.leaves, response.verdicts, strict=True))
    reasons = [
        Reason(c.id, mark(rubric, c, verdict), one_line(verdict.reason, LONGEST_REASON)) for c, verdict in judged
    ]
    turns = [Turn(message.role, *cut(message.content), cut_off) for message, cut_off in response.led_to[-MOST_TURNS:]]
    kept = _most_telling(reasons)
    text, left = cut(response.text)
    return Shown(
        index=index,
        group_size=len(group.responses),
        text=text,
        cut=left,
        response=response,
        reasons=kept,
        reasons_left=len(reasons) - len(kept),
        earlier=tuple(turns),
        turns=len(response.led_to),
    )


def cut(text: str, longest: int = LONGEST) -> tuple[str, int]:
    """Return the beginning of a text, and how many characters were left out behind it."""
    return text[:longest], max(0, len(text) - longest)


def opening(text: str) -> tuple[str, str]:
    """Return what of a text is seen at once, and what is folded away: nothing of a short one.

    The text is parted where a line or a word ends, if one does near enough.
    """
    if len(text) <= OPENING * 3 // 2:
        return text, ""
    window = text[OPENING // 2 : OPENING]
    place = max(window.rfind("\n"), window.rfind(" "))
    at = OPENING // 2 + place + 1 if place >= 0 else OPENING
    return text[:at], text[at:]


def _most_telling(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    ranked = sorted(range(len(reasons)), key=lambda at: _RANK[reasons[at].mark.tone])[:MOST_REASONS]
    return tuple(reasons[at] for at in sorted(ranked))
