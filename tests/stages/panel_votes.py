"""Criteria of every kind, and votes on them."""

from typing import Any, get_args

from schemas.criterion import Criterion, Tier
from schemas.judged import Vote
from stages.panels import Rule

RULES: tuple[Rule, ...] = get_args(Rule)
PLAIN = Criterion(id="plain", text="Is warm.", abstain="allowed")
FAULT = Criterion(id="fault", text="Invents facts.", weight=-2)
TIERED = Criterion(
    id="tiered",
    text="Is warm.",
    tiers=(Tier(score=-1, text="Cold."), Tier(score=0, text="Polite."), Tier(score=4, text="Warm.")),
)
VETO = Criterion(id="veto", text="Insults.", veto="if_met")
NEEDED = Criterion(id="needed", text="Answers at all.", veto="unless_met")
GATE = Criterion(id="gate", text="Insults.", gate="if_met")
CRITERIA = (PLAIN, FAULT, TIERED, VETO, NEEDED, GATE)


def vote(said: str | float | tuple[float, ...], name: str = "a", **more: Any) -> Vote:
    """Return a vote: a label, `cannot tell`, a class of failure after `!`, or the shares of the answers."""
    named: dict[str, Any] = {"judge": f"openai:{name}", "key": f"key of {name}", "reason": f"{name} says so", **more}
    if isinstance(said, str) and said.startswith("!"):
        return Vote(status="failed", failure=said[1:], **named)  # type: ignore[arg-type]
    if isinstance(said, str):
        return Vote(status="abstained" if said == "cannot tell" else "scored", label=said, **named)
    shares = (1 - said, said) if isinstance(said, float) else said
    best = shares.index(max(shares))
    label = str(best) if len(shares) == 3 else ("not met", "met")[best]
    return Vote(status="scored", label=label, shares=shares, mass=0.9, **named)


def panel(*said: str | float | tuple[float, ...]) -> list[Vote]:
    """Return one vote of each of as many judges."""
    return [vote(each, f"{chr(97 + index)}") for index, each in enumerate(said)]


def labels(criterion: Criterion) -> list[str]:
    """Return the answers with a score, worst first."""
    return ["0", "1", "2"] if criterion.tiers else ["not met", "met"]
