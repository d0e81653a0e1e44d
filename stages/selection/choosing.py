"""Which rows stay within a budget."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stages.selection.rows import Places, Rows

Pick = Callable[[Places, int], Places]
"""Of some rows, take so many."""


def nearest(rows: Rows, distances: NDArray[np.float64]) -> Pick:
    """Take those at the smallest distance; of equal ones those with the first ids."""

    def pick(places: Places, number: int) -> Places:
        own = distances[places]
        limit = np.partition(own, number - 1)[number - 1]
        sure, tied = places[own < limit], places[own == limit]
        first = sorted(tied.tolist(), key=rows.id)[: number - len(sure)]
        return np.concatenate([sure, np.array(first, dtype=np.intp)])

    return pick


def drawn(rows: Rows) -> Pick:
    """Take those with the smallest keys: a draw that knows ids and a seed, and no order of lines."""
    return lambda places, number: places[np.argsort(rows["key"][places], kind="stable")][:number]


def in_turn(rows: Rows, clusters: NDArray[np.int32]) -> Pick:
    """Take one row of every cluster, then another one of each, and so on; within a cluster by key.

    Rows of cluster −1, which nobody looked at, come last.
    """

    def pick(places: Places, number: int) -> Places:
        own = places[np.lexsort((rows["key"][places], clusters[places]))]
        starts = np.flatnonzero(np.diff(clusters[own], prepend=-2))
        turn = np.arange(len(own)) - np.repeat(starts, np.diff(starts, append=len(own)))
        return own[np.lexsort((rows["key"][own], turn, clusters[own] < 0))][:number]

    return pick
