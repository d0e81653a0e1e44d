"""How one verdict is shown: a sign that needs no colour, and words."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from schemas.judged import Verdict
from schemas.rubric import Criterion, Rubric
from stages.scoring import fires, unit

Tone = Literal["good", "bad", "between", "absent", "failed"]

SIGNS: dict[Tone, str] = {"good": "✓", "bad": "✗", "between": "~", "absent": "–", "failed": "!"}
LEGEND = "✓ speaks for the response   ✗ against it   ~ in between   – abstained, skipped   ! no verdict"


@dataclass(frozen=True)
class Mark:
    """What a verdict means for the response."""

    tone: Tone
    """Whether it speaks for the response: presence of a fault is bad."""
    words: str
    """What the judge said, such as `met`, `absent` or `tier 1 of 2, score 3`."""

    @property
    def sign(self) -> str:
        """The tone as one character."""
        return SIGNS[self.tone]


def mark(rubric: Rubric, criterion: Criterion, verdict: Verdict) -> Mark:
    """Return how a verdict on a leaf of the rubric is shown. What failed or abstained never looks like a low score."""
    if verdict.status == "failed":
        return Mark("failed", "no verdict")
    if verdict.status in ("abstained", "skipped"):
        return Mark("absent", verdict.status)
    if criterion.veto:
        return Mark("bad", "veto fired") if fires(criterion, verdict) else Mark("good", "no veto")
    if criterion.gate:
        return Mark("bad", "gate closed") if fires(criterion, verdict) else Mark("good", "gate open")
    wanted = rubric.signs[criterion.id] > 0
    if criterion.tiers:
        return Mark(_tone(unit(criterion, verdict), wanted), _tier(criterion, verdict))
    return Mark(_tone(verdict.score or 0.0, wanted), _met(criterion, verdict, wanted))


def votes_text(verdict: Verdict) -> str:
    """Return how several votes were cast, such as `3 votes: met × 2, not met × 1`; empty for a single one."""
    if not verdict.votes:
        return ""
    cast = Counter(vote.label or f"failed ({vote.failure})" for vote in verdict.votes)
    return f"{len(verdict.votes)} votes: {', '.join(f'{label} × {count}' for label, count in cast.most_common())}"


def _tone(level: float, wanted: bool) -> Tone:
    if 0 < level < 1:
        return "between"
    return "good" if (level == 1) == wanted else "bad"


def _tier(criterion: Criterion, verdict: Verdict) -> str:
    which = "" if verdict.tier is None else f"tier {verdict.tier} of {len(criterion.tiers) - 1}, "
    return f"{which}score {verdict.score:g}"


def _met(criterion: Criterion, verdict: Verdict, wanted: bool) -> str:
    met, unmet = ("met", "not met") if wanted else ("present", "absent")
    if verdict.score == 1.0:
        return met
    if verdict.score:
        return f"graded {verdict.score:.2g}"
    return f"{unmet}, {verdict.closeness:.0%} close" if criterion.partial and verdict.closeness else unmet
