"""How many lines came in, what dropped them, and how many stayed, in all and for each pool."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.selection.decisions import Decisions


class Funnel:
    """Counts decisions, however many times some are added."""

    def __init__(self) -> None:
        self._reasons: tuple[str, ...] = ()
        self._pools: dict[str, NDArray[np.int64]] = {}

    def add(self, made: Decisions) -> None:
        """Count some decisions. All are made by the same options."""
        self._reasons = made.reasons
        width = len(made.reasons) + 1
        cells = made.rows["pool"].astype(np.int64) * width + made.codes
        table = np.bincount(cells, minlength=len(made.rows.pools) * width).reshape(-1, width)
        for pool, counts in zip(made.rows.pools, table, strict=True):
            self._pools[pool] = self._pools.get(pool, 0) + counts

    def figures(self) -> dict[str, Any]:
        """Return the funnel of all lines and, under `pools`, of each pool: `in`, `dropped` by reason, `out`.

        Reasons stand in the order in which they were asked for; those that dropped nothing are left out.
        """
        everything = np.sum([*self._pools.values(), np.zeros(len(self._reasons) + 1, np.int64)], axis=0)
        pools = {pool: self._of(counts) for pool, counts in sorted(self._pools.items())}
        return {**self._of(everything), "pools": pools}

    def _of(self, counts: NDArray[np.int64]) -> dict[str, Any]:
        dropped = {reason: int(n) for reason, n in zip(self._reasons, counts[1:], strict=True) if n}
        return {"in": int(counts.sum()), "dropped": dropped, "out": int(counts[0])}
