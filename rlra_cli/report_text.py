"""A report and a training log as tables for a terminal."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from rlra_cli.train_table import SHOWN
from schemas.report import Change, Report
from schemas.train_log import TrainLog
from stages.reports.reading import FEW_PROMPTS, Reading, figure, interval, reading, signed

_STYLES: dict[Reading, str] = {"better": "green", "worse": "red", "changed": "", "unclear": "dim", "same": "dim"}
_SIGNS: dict[Reading, str] = {"better": "✓", "worse": "✗", "changed": "~", "unclear": "–", "same": "="}
_METRICS = 6


def report_table(report: Report) -> Table:
    """Return a report as one table: measures, then criteria, each with its change and interval."""
    before, after = report.before, report.after
    table = Table(title=_heading(report), title_justify="left", caption=_caption(report), caption_justify="left")
    table.add_column(Text("measure"), overflow="fold")
    for name in (before.label, after.label, "change", f"{report.level:.0%} interval", "prompts"):
        table.add_column(shown(name), justify="right")
    table.add_column(Text("reading"))
    for rows in (report.measures, report.criteria):
        for change in rows:
            table.add_row(*_cells(change))
        table.add_section()
    return table


def _cells(change: Change) -> list[Text]:
    meaning = reading(change)
    style = _STYLES[meaning]
    figures = [figure(change.before), figure(change.after)]
    return [
        shown(change.name),
        *map(Text, figures),
        Text(signed(change.change), style=style),
        Text(interval(change)),
        Text(str(change.prompts)),
        Text(f"{_SIGNS[meaning]} {meaning}", style=style),
    ]


def _heading(report: Report) -> Text:
    return shown(f"{report.before.label} ({report.before.model}) → {report.after.label} ({report.after.model})", "bold")


def _caption(report: Report) -> Text:
    notes = [
        f"{side.label}: {side.unscored} of {side.responses} responses have no reward."
        for side in (report.before, report.after)
        if side.unscored
    ]
    if min(report.before.prompts, report.after.prompts) < FEW_PROMPTS:
        notes.append(f"Intervals over fewer than {FEW_PROMPTS} prompts are narrower than they should be.")
    return shown(" ".join(notes), "dim")


def train_log_table(logs: Iterable[TrainLog]) -> Table:
    """Return training log lines as one table: loss and what is followed first, other metrics by name, and events."""
    lines = list(logs)
    names = _metrics(lines)
    table = Table()
    for name in ("step", "seconds", *names):
        table.add_column(shown(SHOWN.get(name, name).replace("\n", " ")), justify="right")
    table.add_column(Text("event"), overflow="fold")
    for log in lines:
        values = [Text(figure(log.metrics.get(name))) for name in names]
        table.add_row(Text(str(log.step)), Text(f"{log.seconds:.1f}"), *values, shown(log.event or ""))
    return table


def _metrics(lines: Sequence[TrainLog]) -> list[str]:
    known = {name for log in lines for name in log.metrics}
    first = ("loss", *SHOWN)
    return sorted(known, key=lambda name: (first.index(name) if name in first else len(first), name))[:_METRICS]
