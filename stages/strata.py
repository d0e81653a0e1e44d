"""Labels of one criterion as arrays: the tables that statistics of agreement are worked out from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stages.agreement.resampling import Array, Table, Whole
from stages.opinions import Opinion, Place, Question

Consensus = Callable[[Array], Array]


@dataclass(frozen=True)
class Stratum:
    """Places where people and the judge say something, under one criterion or alike ones."""

    places: Sequence[Place]
    questions: Sequence[Question]
    people: Sequence[Sequence[Opinion]]
    judge: Sequence[Opinion]
    raters: Sequence[str]
    clusters: Whole
    """The number of each place's prompt."""
    tiers: int
    """Tiers of the criterion, 0 for met or not met, −1 for numbers."""

    @cached_property
    def answers(self) -> Array:
        """People's answers: a row per place, a column per rater, NaN where a label is missing."""
        return self._matrix(lambda opinion: opinion.answer)

    @cached_property
    def values(self) -> Array:
        """People's labels on the unit scale."""
        return self._matrix(lambda opinion: opinion.value)

    def _matrix(self, of: Callable[[Opinion], float]) -> Array:
        column = {rater: n for n, rater in enumerate(self.raters)}
        matrix = np.full((len(self.places), len(self.raters)), np.nan)
        for row, opinions in enumerate(self.people):
            for opinion in opinions:
                matrix[row, column[opinion.who]] = of(opinion)
        return matrix

    @cached_property
    def judge_answers(self) -> Array:
        """The judge's answers."""
        return np.array([opinion.answer for opinion in self.judge], dtype=np.float64)

    @cached_property
    def judge_values(self) -> Array:
        """The judge's verdicts on the unit scale."""
        return np.array([opinion.value for opinion in self.judge], dtype=np.float64)

    @property
    def level(self) -> Consensus:
        """How people's values become one: by majority where they say met or not met, else by their mean."""
        return majority if self.tiers == 0 else mean

    def table(self, *columns: Array, at: NDArray[np.bool_] | None = None) -> Table:
        """Return the rows of `columns` without a missing cell, where `at` holds."""
        rows = np.column_stack(columns).astype(np.float64) if len(self.places) else np.empty((0, len(columns)))
        keep = np.asarray(~np.isnan(rows).any(axis=1))
        if at is not None:
            keep &= at
        return Table(rows[keep], self.clusters[keep])

    def with_two(self, rows: Array) -> Table:
        """Return the rows with two labels or more."""
        keep = (~np.isnan(rows)).sum(axis=1) > 1
        return Table(rows[keep], self.clusters[keep])

    def against_people(self) -> tuple[Table, Table]:
        """Return (the judge's answer, people's) and (the judge's value, people's)."""
        return (
            self.table(self.judge_answers, majority(self.answers)),
            self.table(self.judge_values, self.level(self.values)),
        )

    def against_each(self) -> list[tuple[Table, Table]]:
        """Return the same against each rater alone."""
        return [
            (self.table(self.judge_answers, answers), self.table(self.judge_values, values))
            for answers, values in zip(self.answers.T, self.values.T, strict=True)
        ]

    def between_people(self) -> list[tuple[Table, Table]]:
        """Return the same for each rater in the judge's place, against every other one alone: a row for each two."""
        return [(self._one_and_others(self.answers, n), self._one_and_others(self.values, n)) for n in self._columns]

    @property
    def _columns(self) -> range:
        return range(len(self.raters) if len(self.raters) > 1 else 0)

    def _one_and_others(self, rows: Array, one: int) -> Table:
        others = np.delete(rows, one, axis=1)
        here, other = np.nonzero(~np.isnan(others) & ~np.isnan(rows[:, [one]]))
        return Table(np.column_stack([rows[here, one], others[here, other]]), self.clusters[here])

    def calibration(self) -> Table:
        """Return (the judge's confidence, whether it was right) where it gave probabilities."""
        sure, likeliest = (
            np.array([getattr(opinion, name) for opinion in self.judge], dtype=np.float64)
            for name in ("sure", "likeliest")
        )
        people = majority(self.answers)
        return self.table(sure, np.where(np.isnan(people) | np.isnan(likeliest), np.nan, likeliest == people))

    def errors(self) -> Array:
        """Return judge minus people on the unit scale; NaN where people have no consensus."""
        return np.asarray(self.judge_values - self.level(self.values), dtype=np.float64)


def majority(rows: Array) -> Array:
    """Return the most frequent label of each row; NaN where several are, and where there is none."""
    levels = np.unique(rows[~np.isnan(rows)])
    if not rows.size or not levels.size:
        return np.full(len(rows), np.nan)
    frequencies = (rows[:, :, None] == levels).sum(axis=1)
    most = frequencies.max(axis=1)
    alone = (frequencies == most[:, None]).sum(axis=1) == 1
    return np.where(alone & (most > 0), levels[frequencies.argmax(axis=1)], np.nan)


def mean(rows: Array) -> Array:
    """Return the mean label of each row; NaN where there is none."""
    present = (~np.isnan(rows)).sum(axis=1)
    sums = np.nansum(rows, axis=1)
    return np.divide(sums, present, out=np.full(len(rows), np.nan), where=present > 0)


def stratum(
    places: Sequence[Place],
    questions: dict[Place, Question],
    people: dict[Place, list[Opinion]],
    judge: dict[Place, Opinion],
    prompts: dict[str, int],
    tiers: int,
) -> Stratum:
    """Return the stratum of `places`, which must be in order; `prompts` gives the number of each prompt."""
    return Stratum(
        places,
        [questions[place] for place in places],
        [people[place] for place in places],
        [judge[place] for place in places],
        sorted({opinion.who for place in places for opinion in people[place]}),
        np.array([prompts[place.id] for place in places], dtype=np.int64),
        tiers,
    )
