"""Statistics of tables of labels, each with a cluster bootstrap interval.

A statistic is a function of the distinct rows of a table and of how often each of them stands there. A bootstrap
resample is the same rows with other counts, so that one call works out a statistic for many resamples at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Statistic = Callable[[Array, Array], Array]
"""Of distinct rows, and of the counts of each row in each resample: one value per resample, NaN where undefined."""

_COUNTS_PER_BLOCK = 100_000
"""Few enough that the counts of a block of resamples stay in a processor's cache. It decides no figure."""
_MOST_UNDEFINED = 0.05
"""The share of undefined resamples above which there is no interval: it would speak of the others alone."""


class Table:
    """Rows to compare, and the cluster that each of them belongs to.

    A row is one response under one criterion, with a column for each who labelled it; NaN is a missing label. The
    order of rows has no say.
    """

    def __init__(self, rows: Array, clusters: Whole) -> None:
        self.rows = rows
        self.clusters = clusters

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _sorting(self) -> tuple[Whole, Whole]:
        """Return the order that puts equal rows side by side, the first column leading, and where each kind begins."""
        order = np.lexsort((self.clusters, *self.rows.T[::-1]))
        ordered = self.rows[order]
        differs = ((ordered[1:] != ordered[:-1]) & ~(np.isnan(ordered[1:]) & np.isnan(ordered[:-1]))).any(axis=1)
        return order, np.flatnonzero(np.concatenate([[True], differs]))

    @cached_property
    def distinct(self) -> Array:
        """The distinct rows, in ascending order; a missing label comes last."""
        order, starts = self._sorting
        return self.rows[order[starts]]

    def counts(self, drawn: Array) -> Array:
        """Return how often each distinct row stands in each resample; `drawn` has the copies of each cluster."""
        order, starts = self._sorting
        return np.add.reduceat(drawn[:, self.clusters[order]], starts, axis=1)


class Draws:
    """Resamples of `clusters` clusters, drawn with replacement: how often each of them is in each resample.

    The same seed draws the same clusters for every table, so that figures of several tables can be added up.
    """

    def __init__(self, clusters: int, resamples: int, seed: int, level: float) -> None:
        self.clusters = clusters
        self.resamples = resamples
        self.seed = seed
        self.level = level

    def blocks(self, rows: int) -> Iterator[Array]:
        """Yield (resamples, clusters) copies, as many resamples at a time as suit a table of so many rows."""
        random = np.random.default_rng(self.seed)
        block = min(256, max(4, _COUNTS_PER_BLOCK // max(rows, self.clusters)))
        for start in range(0, self.resamples, block):
            size = min(block, self.resamples - start)
            picks = random.integers(0, self.clusters, size=(size, self.clusters))
            picks += np.arange(size)[:, None] * self.clusters
            copies = np.bincount(picks.ravel(), minlength=size * self.clusters)
            yield copies.reshape(size, self.clusters).astype(np.float64)


@dataclass(frozen=True)
class Estimate:
    """A statistic with its interval."""

    value: float | None
    """None where it is undefined."""
    low: float | None
    high: float | None
    """The ends of the interval, None where there is none."""
    rows: int
    """Rows that it was worked out from."""
    clusters: int
    """Clusters that they belong to."""
    undefined: int
    """Resamples in which it was undefined; the interval is that of the others."""


def estimates(tables: Sequence[Table], statistics: Mapping[str, Statistic], draws: Draws) -> dict[str, Estimate]:
    """Return every statistic with its percentile interval over resamples of whole clusters.

    Of several tables it is the mean of their values, weighted by their rows; a table in which it is undefined is left
    out, here and in each resample. Rows of one cluster stay together, for they are not independent.
    Resamples in which it is undefined everywhere are left out and counted; where they are more than one in twenty,
    and for a single cluster, there is no interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 8.3 and 13.3; Field and Welsh,
    Bootstrapping clustered data, J. R. Stat. Soc. B 69 (2007), for the resampling of whole clusters.
    """
    filled = [table for table in tables if len(table)]
    points = {name: _point(filled, of) for name, of in statistics.items()}
    wanted = {name: of for name, of in statistics.items() if points[name][0] is not None}
    drawn: dict[str, list[Array]] = {name: [] for name in wanted}
    if any(points[name][2] > 1 for name in wanted):
        for block in draws.blocks(max(map(len, filled))):
            counts = [table.counts(block) for table in filled]
            for name, of in wanted.items():
                drawn[name].append(_combined(filled, counts, of))
    return {name: _estimate(points[name], drawn.get(name, []), draws) for name in statistics}


def value_of(statistic: Statistic, rows: Array) -> float | None:
    """Return a statistic of the rows of one table; None where it is undefined."""
    return _point([Table(rows, np.zeros(len(rows), dtype=np.int64))] if len(rows) else [], statistic)[0]


def summed(counts: Array, values: Array) -> Array:
    """Return the sum of `values` over the rows of each resample, without BLAS, whose threads decide how it rounds."""
    return np.asarray(np.einsum("bm,m...->b...", counts, values))


def totals_of(codes: Whole, counts: Array) -> Array:
    """Return how often each code, 0 and upwards without a gap, stands in each resample."""
    order = np.argsort(codes, kind="stable")
    return np.add.reduceat(counts[:, order], starts_of(codes[order]), axis=1)


def starts_of(ordered: Whole) -> Whole:
    """Return where each run of equal codes begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def _point(tables: Sequence[Table], of: Statistic) -> tuple[float | None, int, int]:
    """Return the value, and the rows and clusters that it comes from: those of tables in which it is defined."""
    ones = [table.counts(np.ones((1, int(table.clusters.max()) + 1))) for table in tables]
    defined = [n for n, table in enumerate(tables) if not np.isnan(of(table.distinct, ones[n])[0])]
    chosen = [tables[n] for n in defined] or list(tables)
    rows, clusters = sum(map(len, chosen)), len({int(c) for table in chosen for c in np.unique(table.clusters)})
    if not defined:
        return None, rows, clusters
    return float(_combined(chosen, [ones[n] for n in defined], of)[0]), rows, clusters


def _combined(tables: Sequence[Table], counts: Sequence[Array], of: Statistic) -> Array:
    if len(tables) == 1:
        return of(tables[0].distinct, counts[0])
    values = np.stack([of(table.distinct, count) for table, count in zip(tables, counts, strict=True)])
    rows = np.stack([count.sum(axis=1) for count in counts]) * ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.nan_to_num(values) * rows).sum(axis=0) / rows.sum(axis=0))


def _estimate(point: tuple[float | None, int, int], drawn: Sequence[Array], draws: Draws) -> Estimate:
    value, rows, clusters = point
    if value is None or clusters < 2:
        return Estimate(value, None, None, rows, clusters, 0)
    values = np.concatenate(drawn)
    undefined = int(np.isnan(values).sum())
    if undefined > _MOST_UNDEFINED * draws.resamples:
        return Estimate(value, None, None, rows, clusters, undefined)
    tails = [(1 - draws.level) / 2, (1 + draws.level) / 2]
    low, high = np.quantile(values[~np.isnan(values)], tails)
    return Estimate(value, float(low), float(high), rows, clusters, undefined)
