"""The table that a report begins with: a row for each axis and its main measures, a column for each policy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.report import Change, Gate, Report
from stages.eval_gates import change_of
from stages.measures import REFERENCE_LOGLIK, REWARD, SAYS
from stages.reports.reading import is_doubtful

MOST_SUITE_MEASURES = 4
"""A suite's own measures in the table, besides those that a gate holds; the table of its axis has them all."""


@dataclass(frozen=True)
class Cell:
    """One policy on one measure of one axis."""

    change: Change | None
    """None where no prompt has a value on both sides, or the policy was not compared on this axis."""
    gates: tuple[Gate, ...] = ()
    before: float | None = None
    """The first policy's value on the prompts of this cell, where it is not that of the row."""


@dataclass(frozen=True)
class Row:
    """One measure of one axis."""

    axis: str
    measure: str
    says: str
    """What the measure is, for people."""
    first: str
    """The policy that the others are compared with."""
    before: float | None
    """Its value; None where it has none, or another one in each cell, whose prompts are not the same."""
    cells: tuple[Cell, ...]
    """In the order of the policies."""


@dataclass(frozen=True)
class Overview:
    """What a report begins with."""

    policies: tuple[str, ...]
    """Those that are compared with a first one, in the order in which they came."""
    rows: tuple[Row, ...]

    @property
    def gates(self) -> list[Gate]:
        """Every bar that was set, in the order of the rows."""
        return [gate for row in self.rows for cell in row.cells for gate in cell.gates]

    @property
    def has_doubtful(self) -> bool:
        """Whether any change looks clear by itself, and does not among all that was compared."""
        changes = [cell.change for row in self.rows for cell in row.cells if cell.change]
        return any(is_doubtful(change) for change in changes)

    @property
    def first(self) -> str:
        """The policy that all are compared with; empty where axes begin with different ones."""
        names = {row.first for row in self.rows}
        return names.pop() if len(names) == 1 else ""


def overview(reports: Sequence[Report]) -> Overview:
    """Return the table of all reports: of each axis the reward, its suite's measures, and all that a gate holds."""
    policies = tuple(dict.fromkeys(report.after.label for report in reports))
    axes: dict[str, list[Report]] = {}
    for report in reports:
        axes.setdefault(report.axis, []).append(report)
    rows = [_row(axis, name, of, policies) for axis, of in axes.items() for name in _main(of, alone=len(axes) == 1)]
    return Overview(policies, tuple(rows))


def says(change: Change) -> str:
    """Return what a measure is, for people; empty where its name has to do."""
    return change.says or SAYS.get(change.name, "")


def bar(gate: Gate) -> str:
    """Return a gate's bar as people write it, such as `≥ −0.5`."""
    return gate.bar.replace(">=", "≥ ").replace("<=", "≤ ").replace("-", "−")


def shared_before(changes: Sequence[Change]) -> float | None:
    """Return the first policy's value if it is the same in all changes; None where it is not, or there are none.

    A prompt whose verdicts failed on one policy's side is missing from that policy's comparison alone.
    """
    values = [change.before for change in changes]
    return values[0] if values and all(math.isclose(value, values[0], abs_tol=1e-12) for value in values) else None


def _main(reports: Sequence[Report], alone: bool) -> list[str]:
    """Return the names of the measures of one axis that the table shows."""
    known = dict.fromkeys(change.name for report in reports for change in report.measures)
    suite = [name for name in known if name not in SAYS][:MOST_SUITE_MEASURES]
    # A reward says little without these two; of several axes they would make the table long.
    general = [name for name in ("all_met", "length_words") if name in known] if alone and not suite else []
    gated = [gate.measure for report in reports for gate in report.gates]
    guard = [REFERENCE_LOGLIK] if REFERENCE_LOGLIK in known else []
    return list(dict.fromkeys([REWARD.name, *suite, *general, *gated, *guard]))


def _row(axis: str, name: str, reports: Sequence[Report], policies: Sequence[str]) -> Row:
    by_label = {report.after.label: report for report in reports}
    cells = [_cell(by_label.get(label), name) for label in policies]
    found = [cell.change for cell in cells if cell.change]
    before = shared_before(found)
    if before is None:
        cells = [replace(cell, before=cell.change.before) if cell.change else cell for cell in cells]
    return Row(
        axis=axis,
        measure=name,
        says=says(found[0]) if found else SAYS.get(name, ""),
        first=reports[0].before.label,
        before=before,
        cells=tuple(cells),
    )


def _cell(report: Report | None, name: str) -> Cell:
    if report is None:
        return Cell(None)
    return Cell(change_of(report, name), tuple(gate for gate in report.gates if gate.measure == name))
