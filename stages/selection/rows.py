"""What selection knows of every prompt: one compact row each, however long its line is."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.seeds import derive

Mask = NDArray[np.bool_]
Places = NDArray[np.intp]
"""The numbers of some rows, from 0."""
NAN = float("nan")

COLUMNS = np.dtype(
    [
        ("key", "u8"),
        ("pool", "i4"),
        ("kind", "i4"),
        ("value", "f8"),
        ("range", "f8"),
        ("spread", "f8"),
        ("scored", "f4"),
        ("answered", "f4"),
        ("vetoed", "f8"),
        ("cut_off", "f8"),
        ("characters", "i4"),
    ]
)


class Row(NamedTuple):
    """One prompt. NaN stands for what its line does not say, and drops nothing."""

    id: str
    pool: str
    """What its band is chosen by."""
    kind: str
    """What the budget is balanced over."""
    value: float
    """The statistic; NaN also where there is nothing to measure."""
    range: float
    """The difference of the highest and the lowest reward."""
    spread: float
    """Their standard deviation."""
    scored: float
    """How many responses have a reward."""
    answered: float
    """How many responses there are to judge."""
    vetoed: float
    """The share of the scored responses that a veto struck."""
    cut_off: float
    """The share of the responses that were cut off."""
    characters: int
    """The length of the prompt."""


class Rows:
    """The rows of a file as columns, some 70 bytes a row and its id; `rows["value"]` is a column.

    `seed` decides the column `key`, a number drawn for each id, whatever its place in the file.
    """

    def __init__(self, rows: Iterable[Row], seed: int = 0) -> None:
        self._ids, self._ends = bytearray(), array("Q", [0])
        self._seed = seed
        self.pools: dict[str, int] = {}
        self.kinds: dict[str, int] = {}
        self._table = np.fromiter(map(self._packed, rows), dtype=COLUMNS)

    def _packed(self, row: Row) -> tuple[Any, ...]:
        self._ids += row.id.encode()
        self._ends.append(len(self._ids))
        pool = self.pools.setdefault(row.pool, len(self.pools))
        kind = self.kinds.setdefault(row.kind, len(self.kinds))
        return (derive(self._seed, row.id), pool, kind, *row[3:])

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self._table[column]

    def id(self, place: int) -> str:
        """Return the id of one row."""
        return self._ids[self._ends[place] : self._ends[place + 1]].decode()

    def repeated(self) -> int | None:
        """Return the number of the first row whose id an earlier row has; None where ids differ."""
        order = np.argsort(self["key"], kind="stable")
        same = self["key"][order[1:]] == self["key"][order[:-1]]
        seen: set[str] = set()
        for place in np.unique(np.concatenate([order[1:][same], order[:-1][same]])).tolist():
            if self.id(place) in seen:
                return int(place)
            seen.add(self.id(place))
        return None


def grouped(codes: NDArray[np.int32], places: Places) -> Iterator[tuple[int, Places]]:
    """Yield each code with those of `places` that have it, in their order."""
    order = places[np.argsort(codes[places], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for part in np.split(order, starts[1:]):
        if len(part):
            yield int(codes[part[0]]), part


def at_places(number: int, places: Places | list[int]) -> Mask:
    """Return of so many rows which are at `places`."""
    mask = np.zeros(number, np.bool_)
    mask[places] = True
    return mask
