"""Several comparisons as one table: each policy against each axis, and the gates that they were held to."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from rlra_cli.report_text import DOUBT, headline
from rlra_cli.safe_text import shown
from schemas.report import Change, Report
from stages.eval_gates import Bar, change_of, missed
from stages.reports.overview import shared_before
from stages.reports.reading import FEW_PROMPTS, cautions_of_all, figure, interval, is_doubtful, signed


def seesaw_table(reports: Sequence[Report]) -> Table:
    """Return a line for each policy and a column for each axis, or the other way round where there are more axes.

    A cell has an axis's first measure, its change against the first policy, the interval, and whether all gates hold.
    """
    cells = _cells(reports)
    axes, labels = list(dict.fromkeys(axis for axis, _ in cells)), list(dict.fromkeys(label for _, label in cells))
    heads = {axis: _head(axis, reports) for axis in axes}
    first = [change for report in reports if (change := headline(report))]
    notes = [*cautions_of_all(reports), *([DOUBT] if any(map(is_doubtful, first)) else [])]
    table = Table(caption=shown("\n".join(notes), "dim") if notes else None, caption_justify="left")
    turned = len(axes) > len(labels)
    for name in ("axis", *labels) if turned else ("policy", *(heads[axis] for axis in axes)):
        table.add_column(shown(name), overflow="fold")
    if turned:
        for axis in axes:
            table.add_row(shown(heads[axis]), *(cells[axis, label] for label in labels))
    else:
        for label in labels:
            table.add_row(shown(label), *(cells[axis, label] for axis in axes))
    return table


def gates_table(reports: Sequence[Report], bars: Sequence[Bar]) -> Table:
    """Return a line for each gate and a column for each policy: whether it passes, and the change with its interval."""
    labels = list(dict.fromkeys(report.after.label for report in reports))
    table = Table(caption="✓ where the whole interval of the change is on the gate's side", caption_justify="left")
    for name in ("gate", *labels):
        table.add_column(shown(name), overflow="fold")
    for bar in bars:
        held = {report.after.label: report for report in reports if report.axis == bar.axis}
        table.add_row(shown(bar.name), *(_held(held[label], bar) for label in labels))
    return table


def _cells(reports: Sequence[Report]) -> dict[tuple[str, str], Text]:
    cells: dict[tuple[str, str], Text] = {}
    for axis in dict.fromkeys(report.axis for report in reports):
        own = [report for report in reports if report.axis == axis]
        shared = shared_before([change for report in own if (change := headline(report))])
        cells[axis, own[0].before.label] = Text(figure(shared))
        for report in own:
            cells[axis, report.after.label] = Text(_cell(headline(report), shared) + _mark(report))
    return cells


def _head(axis: str, reports: Sequence[Report]) -> str:
    """Return what a column says of its axis: its name, and that of the measure unless it is the reward."""
    first = next((found for report in reports if report.axis == axis and (found := headline(report))), None)
    name = first.name if first else "reward"
    return name if not axis else axis if name == "reward" else f"{axis} {name}"


def _cell(change: Change | None, shared: float | None) -> str:
    if change is None:
        return "–"
    doubt = "?" if is_doubtful(change) else ""
    origin = f", from {figure(change.before)} on {change.prompts:,} prompts" if shared is None else ""
    return f"{figure(change.after)}  {signed(change.change)}{doubt} ({interval(change)}){origin}"


def _mark(report: Report) -> str:
    return "" if not report.gates else " ✓" if all(gate.passed for gate in report.gates) else " ✗"


def _held(report: Report, bar: Bar) -> Text:
    change, why = change_of(report, bar.measure), missed(report, bar)
    if change is None or change.prompts < FEW_PROMPTS:
        return Text(f"✗ {why}")
    return Text(f"{'✗' if why else '✓'} {signed(change.change)} ({interval(change)})")
