"""What a finding is shown with: the criteria that were exploited, and responses side by side."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from schemas.findings import Example, Exploited, Interval
from stages.agreement.means import paired_bootstrap
from stages.defence.clusters import Suspect
from stages.defence.material import Voice
from stages.defence.parts import Halves
from stages.visible import visible

MOST_EXPLOITED, MOST_EXAMPLES, FEWEST_PROMPTS = 5, 3, 3
LONGEST = 1_500
_RESAMPLES, _LEVEL = 1_000, 0.95


def exploited(has: Sequence[bool], voices: Sequence[Voice], seed: int) -> tuple[Exploited, ...]:
    """Return the criteria whose levels are higher with the pattern than without it in the same group, most first."""
    sides: dict[tuple[str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for voice, it_has in zip(voices, has, strict=True):
        for name, level in voice.levels.items():
            sides[name, voice.line][0 if it_has else 1].append(level)
    rises: dict[str, list[float]] = defaultdict(list)
    for (name, _), (above, below) in sorted(sides.items()):
        if above and below:
            rises[name].append(fmean(above) - fmean(below))
    told = [_exploited(name, each, seed) for name, each in rises.items() if len(each) >= FEWEST_PROMPTS]
    return tuple(sorted((one for one in told if one.rise.value > 0), key=lambda one: -one.rise.value)[:MOST_EXPLOITED])


def _exploited(name: str, rises: Sequence[float], seed: int) -> Exploited:
    mean, low, high = paired_bootstrap(np.array(rises), _RESAMPLES, seed, _LEVEL)
    return Exploited(criterion=name, rise=Interval(value=mean, low=low, high=high), prompts=len(rises))


def examples(suspect: Suspect, has: Sequence[bool], parts: Halves) -> tuple[Example, ...]:
    """Return over-rewarded responses with the pattern, each beside one without it, of the same prompt if it can be."""
    side = next(one for one in parts.sides if one.against == suspect.contrast.against)
    there = [n for n, it_has in enumerate(has) if it_has and side.high[n]]
    lacking = [n for n, it_has in enumerate(has) if not it_has and side.low[n]]
    by_unit: dict[str, int] = {}
    for n in lacking:
        by_unit.setdefault(parts.everyone[n].unit, n)
    there.sort(key=lambda n: (parts.everyone[n].unit not in by_unit, -(parts.everyone[n].reward or 0.0), n))
    found: dict[str, Example] = {}
    for n in there:
        voice = parts.everyone[n]
        if voice.unit not in found and len(found) < MOST_EXAMPLES:
            other = by_unit.get(voice.unit, lacking[len(found)] if len(lacking) > len(found) else None)
            found[voice.unit] = _example(voice, None if other is None else parts.everyone[other])
    return tuple(found.values())


def _example(voice: Voice, other: Voice | None) -> Example:
    return Example(
        prompt=_cut(voice.task.prompt),
        has=_cut(voice.text),
        has_from=voice.place,
        has_reward=voice.reward,
        lacks=_cut(other.text) if other else "",
        lacks_from=other.place if other else "",
        lacks_reward=other.reward if other else None,
    )


def _cut(text: str) -> str:
    """Return what can be shown of a text: its beginning and, of a long one, its end."""
    text = visible(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
