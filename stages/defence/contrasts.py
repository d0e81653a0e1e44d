"""Which responses are rewarded too well, and which ones they are to be compared with."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from schemas.findings import Against
from stages.checks.overlap import token_f1
from stages.checks.repetition import repeated_share
from stages.checks.text import folded_words
from stages.checks.topic import content_words
from stages.defence.material import Voice

Flags = NDArray[np.bool_]
FEWEST_MET = 10
"""Prompts that an earlier file must share with the later one before the comparison is made prompt by prompt."""
THIRD = 3


@dataclass(frozen=True)
class Sides:
    """Two sets of responses: for each of all responses whether it is on the high side, and whether on the low one."""

    against: Against
    high: Flags
    low: Flags
    paired: bool
    """Whether a prompt has responses on both sides and is compared with itself."""


def sides_of(
    voices: Sequence[Voice], earlier: Sequence[Voice], gold: Mapping[tuple[str, str], float]
) -> tuple[list[Voice], list[Sides]]:
    """Return all responses, the earlier ones last, and every contrast that there is material for.

    `gold` has another judge's reward by (prompt, text). What is compared within a group is what the same prompt was
    answered with; so a subject that is rewarded better than another shows nowhere.
    """
    everyone = [*voices, *earlier]
    own = np.arange(len(everyone)) < len(voices)
    found = [_within(everyone, own, "group", _all)]
    if gold:
        said = [gold.get((voice.unit, voice.text)) for voice in voices]
        found.append(_within(everyone, own, "gold", lambda places: _lower_half(places, said)))
    qualities = _qualities(voices)
    found.append(_within(everyone, own, "quality", lambda places: _lower_half(places, qualities)))
    if earlier:
        found.append(_before_and_after(everyone, own, "earlier"))
    if late := _late(voices, everyone):
        found.append(late)
    return everyone, [sides for sides in found if sides.high.any() and sides.low.any()]


def _all(places: list[int]) -> list[int]:
    return places


def _within(everyone: Sequence[Voice], own: Flags, against: Against, of: Callable[[list[int]], list[int]]) -> Sides:
    """Return the upper and the lower part of each group by reward, of those that `of` leaves in it."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place in np.flatnonzero(own).tolist():
        if everyone[place].reward is not None:
            groups[everyone[place].line].append(place)
    high, low = np.zeros(len(everyone), dtype=bool), np.zeros(len(everyone), dtype=bool)
    for members in groups.values():
        above, below = _halves([(everyone[place].reward or 0.0, place) for place in of(members)])
        high[above], low[below] = True, True
    return Sides(against, high, low, paired=True)


def _halves(rewarded: list[tuple[float, int]]) -> tuple[list[int], list[int]]:
    """Return those above the middle of the rewards and those below it; equal rewards stay together.

    The middle is where the two parts are most nearly equal in number; without two different rewards there are none.
    """
    values = sorted({reward for reward, _ in rewarded})
    if len(values) < 2:
        return [], []
    half = len(rewarded) / 2
    bar = min(values[1:], key=lambda value: abs(sum(reward >= value for reward, _ in rewarded) - half))
    return [p for reward, p in rewarded if reward >= bar], [p for reward, p in rewarded if reward < bar]


def _lower_half(places: list[int], values: Sequence[float | None]) -> list[int]:
    """Return those of a group whose value is not above the group's median: good ones may be rewarded well."""
    known = [value for place in places if (value := values[place]) is not None]
    if not known:
        return []
    middle = median(known)
    return [place for place in places if (value := values[place]) is not None and value <= middle]


def _qualities(voices: Sequence[Voice]) -> list[float | None]:
    return [quality(voice) for voice in voices]


def quality(voice: Voice) -> float:
    """Return how good cheap signals think a response, 0 to 1: on topic, not repeating itself, near its reference."""
    said = folded_words(voice.text)
    asked = content_words(voice.task.rewritten_from or voice.task.prompt)
    signals = [1.0 - repeated_share(said)]
    if asked:
        signals.append(min(1.0, len(asked & content_words(voice.text)) / min(3, len(asked))))
    if voice.task.reference:
        signals.append(token_f1(said, folded_words(voice.task.reference)))
    return fmean(signals)


def _before_and_after(everyone: Sequence[Voice], later: Flags, against: Against) -> Sides:
    """Compare prompt by prompt where enough prompts are on both sides, else one side's with the other's."""
    shared = {v.unit for v, is_later in zip(everyone, later, strict=True) if is_later}
    shared &= {v.unit for v, is_later in zip(everyone, later, strict=True) if not is_later}
    if len(shared) < FEWEST_MET:
        return Sides(against, later.copy(), ~later, paired=False)
    met = np.array([voice.unit in shared for voice in everyone])
    return Sides(against, later & met, ~later & met, paired=True)


def _late(voices: Sequence[Voice], everyone: Sequence[Voice]) -> Sides | None:
    """Compare the last third of a run's steps with its first third; none without three steps."""
    steps = sorted({voice.step for voice in voices if voice.step is not None})
    if len(steps) < THIRD:
        return None
    first, last = set(steps[: len(steps) // THIRD]), set(steps[-(len(steps) // THIRD) :])
    ends = [n for n, voice in enumerate(everyone) if n < len(voices) and voice.step in first | last]
    chosen = [everyone[n] for n in ends]
    inner = _before_and_after(chosen, np.array([voice.step in last for voice in chosen]), "late")
    high, low = np.zeros(len(everyone), dtype=bool), np.zeros(len(everyone), dtype=bool)
    high[ends], low[ends] = inner.high, inner.low
    return Sides("late", high, low, inner.paired)
