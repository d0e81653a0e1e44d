"""The band that each pool's rows must lie in: given as values, by quantiles, or by an earlier selection."""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from schemas.bounds import Bounds
from schemas.errors import RlraError
from stages.selection.predicates import Ends
from stages.selection.rows import Mask, Rows, grouped
from stages.selection.spec import SelectDataSpec, band


class Bands:
    """The ends of every row's band, and whether it lies below or above it."""

    def __init__(self, rows: Rows, bounds: Bounds) -> None:
        """Take the bands by the names of the rows' pools. A pool without one has NaN for ends."""
        ends = [bounds.bands.get(name) for name in rows.pools]
        self.lows, self.highs = (
            np.array([np.nan if pair is None else open_end if pair[n] is None else pair[n] for pair in ends], float)
            for n, open_end in enumerate((-inf, inf))
        )
        self._rows = rows

    @property
    def low(self) -> Ends:
        """The lower end of each row's band."""
        return self.lows[self._rows["pool"]]

    @property
    def high(self) -> Ends:
        """The upper end of each row's band."""
        return self.highs[self._rows["pool"]]


def calibrated(rows: Rows, usable: Mask, spec: SelectDataSpec) -> Bounds:
    """Return the bands that `spec` asks for, in values.

    A quantile is that of the pool's usable rows, interpolated between neighbours (numpy's `linear`); a pool
    without any has no band. Raises RlraError for a pool of `keep_pool` that no row is of.
    """
    own = spec.bands()
    if missing := own.keys() - rows.pools.keys():
        raise RlraError(f"--keep-pool: no line is of the pool '{min(missing)}'", hint=f"pools are named by {spec.by}")
    wanted = {name: own.get(name, band(spec.keep)) for name in rows.pools}
    if spec.quantile:
        wanted = _quantiles(rows, usable, wanted)
    bands = {name: tuple(end if np.isfinite(end) else None for end in ends) for name, ends in wanted.items()}
    return Bounds.model_validate({**measured_by(spec), "bands": bands})


def measured_by(spec: SelectDataSpec) -> dict[str, Any]:
    """Return what bounds say of how they came about."""
    return {"statistic": spec.statistic, "pass_at": spec.pass_at, "by": spec.by}


def _quantiles(rows: Rows, usable: Mask, wanted: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    pools, found = list(rows.pools), {}
    for code, places in grouped(rows["pool"], np.flatnonzero(usable)):
        shares = np.clip(wanted[pools[code]], 0, 1)
        low, high = np.quantile(rows["value"][places], shares)
        found[pools[code]] = (float(low), float(high))
    return found


def reused(bounds: Bounds, rows: Rows, usable: Mask, spec: SelectDataSpec) -> Bounds:
    """Return `bounds`, which an earlier selection made.

    Raises RlraError where they are of another statistic or other pools, or have no band for a usable row.
    """
    if bounds.model_dump(exclude={"bands"}) != measured_by(spec):
        said = f"--statistic {bounds.statistic} --pass-at {bounds.pass_at:g} --by '{bounds.by}'"
        raise RlraError("--bounds: these bounds were calibrated for something else", hint=f"they are of {said}")
    pools = list(rows.pools)
    for code in np.unique(rows["pool"][usable]).tolist():
        if pools[code] not in bounds.bands:
            raise RlraError(f"--bounds: there is no band for the pool '{pools[code]}'", hint="calibrate on all pools")
    return bounds
