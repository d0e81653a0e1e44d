"""What verdicts are like, criterion by criterion and two by two, in memory that no number of responses makes grow."""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from schemas.criterion import Criterion
from schemas.judged import Judged
from schemas.stats import CriterionPair, CriterionStats, State
from stages.measures import rubric_of
from stages.verdicts import BY_CHECK

MOST_CRITERIA = 200
"""So many are kept apart: with a rubric for every prompt there may be as many as verdicts."""
TELLING_NOTHING = 0.95
"""From this share of verdicts at one end on a criterion is saturated or dead."""
FEWEST = 10
"""A correlation of fewer responses, and a share of fewer verdicts, says nothing."""
_TOGETHER = 4096
_DUST = 1e-11
"""A variance below this share of the mean square that it was subtracted from is 0, but for rounding."""

Array = NDArray[np.float64]
Scale = tuple[int, float, float, float, float]


class Criteria:
    """The verdicts so far."""

    def __init__(self) -> None:
        self.untold = 0
        self._place: dict[str, int] = {}
        self._unscored: Counter[tuple[int, str]] = Counter()
        self._guards: set[int] = set()
        self._sums = np.zeros((4, 0, 0))
        """Of every two criteria, over the responses that have both: their number, and the sums of the first one, of
        its square, and of the product."""
        self._alone = np.zeros((4, 0))
        """Of each criterion: groups with two scores or more, the sum of their deviations, verdicts at the top, and at
        the bottom."""
        self._scales: tuple[Scale, ...] = ()
        self._rows: list[list[float]] = []
        self._checked: list[list[bool]] = []
        self._sizes: list[int] = []

    def add(self, group: Judged) -> None:
        """Count one group."""
        scales = tuple(map(self._scale, rubric_of(group).leaves))
        if scales != self._scales or len(self._rows) >= _TOGETHER:
            self._flush()
            self._scales = scales
        for response in group.responses:
            self._rows.append([nan if verdict.score is None else verdict.score for verdict in response.verdicts])
            self._checked.append([verdict.judge == BY_CHECK for verdict in response.verdicts])
            for scale, verdict in zip(scales, response.verdicts, strict=True):
                if verdict.score is None:
                    self._unscored[scale[0], verdict.status] += 1
        self._sizes.append(len(group.responses))
        self.untold += len(group.responses) * sum(scale[0] < 0 for scale in scales)

    def _scale(self, criterion: Criterion) -> Scale:
        """Return the place of a criterion, −1 for one too many, and the two lowest and two highest of its scores."""
        scores = [tier.score for tier in criterion.tiers] or [0.0, 1.0]
        place = self._place.get(criterion.id, len(self._place))
        if place == MOST_CRITERIA:
            place = -1
        else:
            self._place[criterion.id] = place
        if criterion.veto or criterion.gate:
            self._guards.add(place)
        return place, scores[0], scores[1], scores[-2], scores[-1]

    def _flush(self) -> None:
        told = [at for at, scale in enumerate(self._scales) if scale[0] >= 0]
        if self._rows and told:
            self._grow()
            places = np.array([self._scales[at][0] for at in told])
            lowest, low, high, highest = np.array([self._scales[at][1:] for at in told]).T
            scores, checked = np.array(self._rows)[:, told], np.array(self._checked)[:, told]
            levels = (scores - lowest) / (highest - lowest)
            # As `is_best` has it: an expectation is at the end that it is near, half-way at the worse.
            top = scores > np.where(checked, np.nextafter(highest, -np.inf), (highest + high) / 2)
            bottom = scores <= np.where(checked, lowest, (lowest + low) / 2)
            self._sums[:, places[:, None], places] += _moments(levels)
            self._alone[:, places] += [*_within(levels, np.array(self._sizes)), top.sum(axis=0), bottom.sum(axis=0)]
        self._rows, self._checked, self._sizes = [], [], []

    def _grow(self) -> None:
        more = len(self._place) - self._alone.shape[1]
        self._sums = np.pad(self._sums, ((0, 0), (0, more), (0, more)))
        self._alone = np.pad(self._alone, ((0, 0), (0, more)))

    def figures(self) -> tuple[CriterionStats, ...]:
        """Return the figures of each criterion, in the order in which they first came."""
        self._flush()
        return tuple(self._figures(name, place) for name, place in self._place.items())

    def _figures(self, name: str, place: int) -> CriterionStats:
        number, total, squares, _ = self._sums[:, place, place]
        given = CriterionStats(
            criterion=name,
            scored=int(number),
            abstained=self._unscored[place, "abstained"],
            failed=self._unscored[place, "failed"],
            skipped=self._unscored[place, "skipped"],
            state="never scored",
        )
        if not number:
            return given
        groups, deviations, top, bottom = self._alone[:, place].tolist()
        unsaid = place in self._guards or number < FEWEST
        found = {
            "mean": float(total / number),
            "sd": float(np.sqrt(_variance(number, total, squares))),
            "within": deviations / groups if groups else None,
            "top": top / int(number),
            "bottom": bottom / int(number),
            "state": None if unsaid else _state(top / int(number), bottom / int(number)),
        }
        return given.model_copy(update=found)

    def pairs(self) -> tuple[CriterionPair, ...]:
        """Return how every two criteria go together that scored enough of the same responses, the strongest first."""
        self._flush()
        return tuple(sorted(self._pairs(list(self._place)), key=lambda pair: -abs(pair.pearson)))

    def _pairs(self, names: Sequence[str]) -> Iterator[CriterionPair]:
        for one, other in np.argwhere(np.triu(self._sums[0] >= FEWEST, 1)).tolist():
            number, first, squares, product = self._sums[:, one, other]
            _, second, other_squares, _ = self._sums[:, other, one]
            if spreads := _variance(number, first, squares) * _variance(number, second, other_squares):
                value = (product / number - first * second / number**2) / np.sqrt(spreads)
                pair = (names[one], names[other])
                yield CriterionPair(criteria=pair, n=int(number), pearson=float(np.clip(value, -1, 1)))


def _state(top: float, bottom: float) -> State | None:
    return "saturated" if top >= TELLING_NOTHING else "dead" if bottom >= TELLING_NOTHING else None


def _variance(number: float, total: float, squares: float) -> float:
    """Return the variance of a column by its sums; 0 for what is nothing but rounding."""
    variance = squares / number - (total / number) ** 2
    return variance if variance > _DUST * squares / number else 0.0


def _moments(levels: Array) -> Array:
    """Return the sums over the rows that have both columns: (4, columns, columns)."""
    has = (~np.isnan(levels)).astype(float)
    given = np.nan_to_num(levels)
    return np.stack([has.T @ has, given.T @ has, (given**2).T @ has, given.T @ given])


def _within(levels: Array, sizes: NDArray[np.int64]) -> Array:
    """Return, of each column, how many groups have two numbers or more, and the sum of their deviations."""
    starts = np.cumsum(sizes) - sizes
    has = ~np.isnan(levels)
    number = np.add.reduceat(has.astype(float), starts)
    mean = np.add.reduceat(np.nan_to_num(levels), starts) / np.maximum(number, 1)
    apart = np.where(has, levels - np.repeat(mean, sizes, axis=0), 0.0)
    deviations = np.sqrt(np.add.reduceat(apart**2, starts) / np.maximum(number, 1))
    return np.stack([(number > 1).sum(axis=0), (deviations * (number > 1)).sum(axis=0)])
