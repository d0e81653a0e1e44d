"""What a row can be that drops it. A predicate asserts something about rows, and names its own counter.

They stand in the order in which they are asked: a row that several hold for is counted by the first.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.selection.rows import Mask, Rows
from stages.selection.spec import SelectDataSpec
from stages.selection.statistics import tells_ease

Ends = NDArray[np.float64]
EQUAL = 1e-6
"""Rewards that differ by less are equal."""


class Predicate(Protocol):
    """Something that a row may be."""

    @property
    def reason(self) -> str:
        """Its counter."""

    @property
    def says(self) -> tuple[str, ...]:
        """The columns that tell why; without any it is the statistic and the band."""

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""


@dataclass(frozen=True)
class TooFewScored:
    """There are fewer responses than are needed, whatever a judge would say of them."""

    least: int
    reason: ClassVar[str] = "too_few_scored"
    says: ClassVar[tuple[str, ...]] = ("scored", "answered")

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        return rows["answered"] < self.least


@dataclass(frozen=True)
class JudgeFailed:
    """There are responses enough, but too few of them have a reward."""

    least: int
    reason: ClassVar[str] = "judge_failed"
    says: ClassVar[tuple[str, ...]] = ("scored", "answered")

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        return rows["scored"] < self.least


@dataclass(frozen=True)
class NotMeasured:
    """The statistic says nothing, such as the mean of a criterion that no verdict scored."""

    reason: ClassVar[str] = "not_measured"
    says: ClassVar[tuple[str, ...]] = ("scored",)

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        return np.isnan(rows["value"])


@dataclass(frozen=True)
class Vetoed:
    """Too large a share of the scored responses is vetoed, or every one."""

    most: float
    reason: ClassVar[str] = "vetoed"
    says: ClassVar[tuple[str, ...]] = ("vetoed",)

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        return (rows["vetoed"] > self.most) | (rows["vetoed"] == 1)


@dataclass(frozen=True)
class NoSpread:
    """The rewards do not differ, or not enough."""

    flat: bool
    least: float
    reason: ClassVar[str] = "no_spread"
    says: ClassVar[tuple[str, ...]] = ("spread",)

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        small = rows["spread"] < self.least
        return small if self.flat else small | (rows["range"] < EQUAL)


@dataclass(frozen=True)
class TooLong:
    """The prompt is too long, or too many of the responses were cut off."""

    longest: int
    most_cut_off: float
    reason: ClassVar[str] = "too_long"
    says: ClassVar[tuple[str, ...]] = ("characters", "cut_off")

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        cut = rows["cut_off"] > self.most_cut_off
        return cut | (rows["characters"] > self.longest) if self.longest else cut


@dataclass(frozen=True)
class TooHard:
    """The statistic lies below the band."""

    low: Ends
    """The lower end of each row's band."""
    statistic: str
    says: ClassVar[tuple[str, ...]] = ()

    @property
    def reason(self) -> str:
        """Its counter."""
        return band_reasons(self.statistic)[0]

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        return rows["value"] < self.low


@dataclass(frozen=True)
class TooEasy:
    """The statistic lies above the band."""

    high: Ends
    """The upper end of each row's band."""
    statistic: str
    says: ClassVar[tuple[str, ...]] = ()

    @property
    def reason(self) -> str:
        """Its counter."""
        return band_reasons(self.statistic)[1]

    def holds(self, rows: Rows) -> Mask:
        """Return for which rows it is so."""
        return rows["value"] > self.high


def band_reasons(statistic: str) -> tuple[str, str]:
    """Return the counters of what lies below a band and above it: hard and easy, where the statistic tells that."""
    return ("too_hard", "too_easy") if tells_ease(statistic) else ("below_band", "above_band")


def usable(spec: SelectDataSpec) -> tuple[Predicate, ...]:
    """Return the predicates that come before the band, in their order: quantiles are of what they leave."""
    return (
        TooFewScored(spec.min_scored),
        JudgeFailed(spec.min_scored),
        NotMeasured(),
        Vetoed(spec.most_vetoed),
        NoSpread(spec.flat, spec.spread_at_least),
        TooLong(spec.longest_prompt, spec.most_cut_off),
    )
