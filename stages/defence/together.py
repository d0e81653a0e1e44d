"""What vetoes do together: what the whole draft would cost, and whether each pays beside the ones before it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from schemas.findings import Findings, Interval, Rate
from stages.agreement import paired_bootstrap
from stages.defence.material import Voice
from stages.defence.proof import needed
from stages.defence.significance import CONFIDENCE, rate

Finder = Callable[[Voice], bool]
FEWEST_GROUPS = 10
"""Groups with responses on both sides below which nobody can tell what a pattern pays."""
_RESAMPLES = 2_000


@dataclass(frozen=True)
class Texts:
    """What vetoes are tried on together."""

    voices: Sequence[Voice]
    """The responses of the run, with their rewards."""
    good: Sequence[Voice]
    """Texts that deserve no veto."""
    bound: float
    """The largest share of good texts that the draft may hit."""
    seed: int


def drafted(
    findings: Sequence[Findings], finders: Sequence[Finder], texts: Texts
) -> tuple[list[Findings], Rate | None]:
    """Return the findings, of which those stay proposed that a draft has use and room for, and what it would hit.

    They are taken in their order, the surest first. What the vetoes before it hit is set aside, and the rest has to
    pay: a response with the pattern has to have a higher reward than those of its group without it, or the pattern is a
    companion of another one, or came up in the run for other reasons. Where fewer than ten groups have both, it is not
    asked. Then all of them together must stay within the bound, with its confidence where there are texts enough for
    it. What is left out is proposed no longer and says why. The rate is None where nothing is proposed.
    """
    made: list[Findings] = []
    caught: set[int] = set()
    hit: set[int] = set()
    told: Rate | None = None
    for finding, finder in zip(findings, finders, strict=True):
        if finding.proposed:
            has = {place for place, voice in enumerate(texts.voices) if finder(voice)}
            with_it = hit | {place for place, voice in enumerate(texts.good) if finder(voice)}
            whole = rate(len(with_it), len(texts.good))
            reason = _does_not_pay(has, caught, texts) or (_costs(whole, texts.bound) if told else "")
            if reason:
                finding = finding.model_copy(update={"proposed": False, "criterion": None, "reason": reason})
            else:
                caught, hit, told = caught | has, with_it, whole
        made.append(finding)
    return made, told


def _does_not_pay(has: set[int], caught: set[int], texts: Texts) -> str:
    rise, groups = _rise(has, caught, texts)
    if rise is None or rise.low > 0:
        return ""
    aside = "beside what the vetoes before it find, " if caught else ""
    return (
        f"{aside}it does not pay: responses with it have {rise.value:+.3f} of reward ({rise.low:+.3f} to "
        f"{rise.high:+.3f}) over those of their group without it, in {groups} groups"
    )


def _rise(has: set[int], caught: set[int], texts: Texts) -> tuple[Interval | None, int]:
    """Return how much higher rewards are with the pattern than without it in the same group, and in how many groups."""
    sides: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for place, voice in enumerate(texts.voices):
        if voice.reward is not None and place not in caught:
            sides[voice.line][0 if place in has else 1].append(voice.reward)
    rises = [fmean(with_it) - fmean(without) for with_it, without in sides.values() if with_it and without]
    if len(rises) < FEWEST_GROUPS:
        return None, len(rises)
    value, low, high = paired_bootstrap(np.array(rises), _RESAMPLES, texts.seed, CONFIDENCE)
    return Interval(value=value, low=low, high=high), len(rises)


def _costs(whole: Rate, bound: float) -> str:
    if (whole.high if whole.n >= needed(bound) else whole.share) <= bound:
        return ""
    said = f"{whole.hits} of {whole.n} good responses" if whole.n else "good responses"
    return f"together with the vetoes before it, it would hit {said}: the draft as a whole may go over {bound:.1%}"
