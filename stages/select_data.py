"""`select-data`: lines with rewards or scores → those that a policy can learn from."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import compress, islice
from typing import Any

from schemas.bounds import Band, Bounds
from schemas.errors import RlraError
from stages.selection.bands import measured_by
from stages.selection.decisions import Decisions, Given, decide
from stages.selection.entry import Entry, Reader
from stages.selection.funnel import Funnel
from stages.selection.rows import Mask, Rows
from stages.selection.since import since
from stages.selection.spec import SelectDataSpec

Read = Callable[[], Iterable[Entry]]
"""Reads the lines from the first one on, each time that it is called."""


class Findings:
    """What a selection found out besides its decisions; whole at its end."""

    def __init__(self, spec: SelectDataSpec) -> None:
        self._spec = spec
        self._bands: dict[str, Band] = {}
        self.funnel = Funnel()
        self.short: dict[str, int] = {}
        """Kinds that are too few for their part of the budget, and how many of them stay."""
        self.since: dict[str, int] = {}

    def take(self, made: Decisions, previous: Rows | None) -> None:
        """Note what some decisions found out."""
        self.funnel.add(made)
        self._bands |= made.bounds.bands
        self.short = made.short
        self.since = since(made, previous) if previous is not None else {}

    @property
    def bounds(self) -> Bounds:
        """The bands of all pools, in values."""
        return Bounds(**measured_by(self._spec), bands=self._bands)

    def figures(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        found = {"funnel": self.funnel.figures(), "bounds": self.bounds.model_dump(mode="json")}
        others = {"short": self.short, "since": self.since}
        return {**found, **{name: figures for name, figures in others.items() if figures}}


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a line was left out."""

    made: Decisions
    place: int

    @property
    def reason(self) -> str:
        """The name of the predicate that dropped it."""
        return self.made.reason(self.place)

    @property
    def numbers(self) -> dict[str, Any]:
        """What it was dropped by."""
        return self.made.numbers(self.place)


def select_data(
    read: Read, reader: Reader, spec: SelectDataSpec, given: Given | None = None, found: Findings | None = None
) -> Iterator[tuple[Entry, Drop | None]]:
    """Yield every line in order, with a `Drop` where it does not stay.

    Where each line decides alone it is passed on as it is read. Else the file is read more than once: for a
    compact row of each line, for the prompts that are looked at, and to yield the lines; memory holds the rows
    alone. Raises RlraError for a line that does not hold, and for an id that stands twice.
    """
    given, found = given or Given(), found or Findings(spec)
    if not spec.decides_alone or given.previous is not None:
        yield from _decided(measured(read, reader, spec), read, reader, spec, given, found)
        return
    seen: set[str] = set()
    for entry in read():
        rows = Rows((reader.row(entry),), spec.seed)
        if rows.id(0) in seen:
            raise _repeated(entry, rows.id(0))
        seen.add(rows.id(0))
        yield from _decided(rows, partial(tuple, [entry]), reader, spec, given, found)


def measured(read: Read, reader: Reader, spec: SelectDataSpec) -> Rows:
    """Return the rows of all lines. Raises RlraError for a line that does not hold, and for an id that stands twice."""
    rows = Rows(map(reader.row, read()), spec.seed)
    if (place := rows.repeated()) is not None:
        raise _repeated(next(islice(iter(read()), place, None)), rows.id(place))
    return rows


def _decided(
    rows: Rows, read: Read, reader: Reader, spec: SelectDataSpec, given: Given, found: Findings
) -> Iterator[tuple[Entry, Drop | None]]:
    def texts(which: Mask) -> Iterator[tuple[int, str]]:
        return ((place, reader.text(entry)) for place, entry in compress(enumerate(read()), which.tolist()))

    made = decide(rows, spec, texts, given)
    found.take(made, given.previous)
    try:
        for place, (entry, code) in enumerate(zip(read(), made.codes.tolist(), strict=True)):
            yield entry, Drop(made, place) if code else None
    except ValueError:
        raise RlraError("the input changed while it was read: it has another number of lines now") from None


def _repeated(entry: Entry, name: str) -> RlraError:
    return RlraError(f"{entry.where}: id: '{name}' stands on an earlier line too", hint="ids must differ")
