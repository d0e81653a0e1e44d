"""The material of a search in two halves: what is found on one is tested on the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from schemas.findings import Contrast
from stages.defence.clusters import Suspect, clustered
from stages.defence.contrasts import Sides
from stages.defence.material import Voice, held_out
from stages.defence.patterns import Measured, Pattern

FEWEST_TO_SPLIT, FEWEST_APART = 24, 60
"""Prompts below which none are held out, since neither half could show anything; where none is on both sides, too."""
SUSPECTED = 0.05
"""The p on the first half up to which a pattern goes on to be tested on the second."""
MOST_TESTED = 40


@dataclass(frozen=True)
class Lead:
    """What a search leads to: a cluster of patterns, and how its test ended."""

    forms: list[Suspect]
    """The clearest first."""
    found: Contrast
    """On the prompts that it was found on."""
    held: Contrast | None
    """On those that were held out."""
    q: float
    tested: int
    is_sure: bool = True
    """Whether it passed its test; what did not is worth a look where there was too little to pass with."""


@dataclass(frozen=True)
class Halves:
    """All responses, the contrasts, and which responses are held out."""

    everyone: Sequence[Voice]
    sides: Sequence[Sides]
    is_held: np.ndarray

    def part(self, held: bool) -> tuple[list[Voice], list[Sides]]:
        """Return the responses of one half, and every contrast among them."""
        chosen = self.is_held if held else ~self.is_held
        kept = [voice for voice, is_in in zip(self.everyone, chosen, strict=True) if is_in]
        return kept, [replace(one, high=one.high[chosen], low=one.low[chosen]) for one in self.sides]

    @property
    def splits(self) -> bool:
        """Whether any prompt is held out."""
        return bool(self.is_held.any())


def halves(everyone: Sequence[Voice], sides: Sequence[Sides], seed: int) -> Halves:
    """Return the responses in two halves, split by prompt; whole where there are too few prompts on any contrast."""
    taking = np.any([one.high | one.low for one in sides], axis=0) if sides else np.zeros(len(everyone), bool)
    units = {voice.unit for voice, takes in zip(everyone, taking, strict=True) if takes}
    fewest = FEWEST_TO_SPLIT if any(one.paired for one in sides) else FEWEST_APART
    held = held_out(units, seed, fewest)
    return Halves(everyone, sides, np.array([voice.unit in held for voice in everyone], dtype=bool))


def clusters_of(found: Sequence[Suspect], parts: Halves, seed: int) -> list[list[Suspect]]:
    """Return what is found on the first half in clusters, each led by the form that tells most."""
    voices, sides = parts.part(held=False)

    @lru_cache(maxsize=256)
    def without(heads: tuple[Suspect, ...]) -> dict[str, Measured]:
        return contrasts_without(voices, sides, [head.pattern for head in heads], seed)

    return clustered(found, without, SUSPECTED, MOST_TESTED)


def contrasts_without(
    voices: Sequence[Voice], sides: Sequence[Sides], taken: Sequence[Pattern], seed: int
) -> dict[str, Measured]:
    """Return the contrasts among the responses that have none of some patterns."""
    left = np.ones(len(voices), dtype=bool)
    for pattern in taken:
        left[pattern.places] = False
    rest = [replace(one, high=one.high & left, low=one.low & left) for one in sides]
    return {one.against: Measured(voices, one, seed) for one in rest}
