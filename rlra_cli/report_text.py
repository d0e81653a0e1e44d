"""A report and a training log as tables for a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from rlra_cli.train_table import SHOWN
from schemas.report import Change, Report
from schemas.train_log import TrainLog
from stages.reports.reading import (
    MOST_Q,
    Reading,
    cautions,
    figure,
    interval,
    is_doubtful,
    probability,
    reading,
    signed,
)

_STYLES: dict[Reading, str] = {"better": "green", "worse": "red", "changed": "", "unclear": "dim", "same": "dim"}
_SIGNS: dict[Reading, str] = {"better": "✓", "worse": "✗", "changed": "~", "unclear": "–", "same": "="}
_METRICS = 6
_ANY = 10_000
NARROW = "A wider terminal also shows q, prompts and detectable changes."
DOUBT = f"?: of all that was compared, one so clear may well be chance: q is above {MOST_Q}."


def fitting(report: Report, console: Console) -> Table:
    """Return a report as the table that fits a console: `report_table`, else `narrow_table`."""
    table = report_table(report)
    unbounded = console.options.update(width=_ANY)
    return table if Measurement.get(console, unbounded, table).maximum <= console.width else narrow_table(report)


def narrow_table(report: Report) -> Table:
    """Return a report as a table for 80 columns: each measure and criterion with its change and interval."""
    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        title=_heading(report),
        title_justify="left",
        caption=Text(f"{_caption(report)} {NARROW}".strip(), "dim"),
        caption_justify="left",
    )
    table.add_column(Text("measure"), overflow="fold")
    for head in (report.before.label, report.after.label, f"change, {report.level:.0%} interval"):
        table.add_column(shown(head), justify="right", overflow="fold")
    table.add_column(Text("reading"), no_wrap=True)
    for rows in (report.measures, report.criteria):
        for change in rows:
            name, before, after, moved, around, *_, meaning = _cells(change, tested=False)
            table.add_row(name, before, after, Text.assemble(moved, f" ({around})"), meaning)
    return table


def report_table(report: Report) -> Table:
    """Return a report as one table: measures, then criteria, each with its change, interval and corrected p-value.

    The columns of the test are left out where nothing was tested.
    """
    before, after = report.before, report.after
    tested = any(change.q is not None for change in (*report.measures, *report.criteria))
    table = Table(title=_heading(report), title_justify="left", caption=_caption(report), caption_justify="left")
    table.add_column(Text("measure"), overflow="fold")
    more = ("q", "prompts", "detectable") if tested else ("prompts",)
    for name in (before.label, after.label, "change", f"{report.level:.0%} interval", *more):
        table.add_column(shown(name), justify="right")
    table.add_column(Text("reading"))
    for rows in (report.measures, report.criteria):
        for change in rows:
            table.add_row(*_cells(change, tested))
        table.add_section()
    return table


def _cells(change: Change, tested: bool) -> list[Text]:
    meaning = reading(change)
    style = _STYLES[meaning]
    figures = [figure(change.before), figure(change.after)]
    return [
        shown(change.name),
        *map(Text, figures),
        Text(signed(change.change), style=style),
        Text(interval(change)),
        *([Text(probability(change.q))] if tested else []),
        Text(str(change.prompts)),
        *([Text(figure(change.detectable))] if tested else []),
        Text(f"{_SIGNS[meaning]} {meaning}{'?' if is_doubtful(change) else ''}", style=style),
    ]


def headline(report: Report) -> Change | None:
    """Return the measure that stands for a comparison: a suite's first one, or the reward; None without a value."""
    first = next(iter(report.measures), None)
    return first if first and (first.says or first.name == "reward") else None


def _heading(report: Report) -> Text:
    return shown(f"{report.before.label} ({report.before.model}) → {report.after.label} ({report.after.model})", "bold")


def _caption(report: Report) -> Text:
    notes = cautions(report)
    if any(is_doubtful(change) for change in (*report.measures, *report.criteria)):
        notes.append(DOUBT)
    if first := headline(report):
        notes.append(_wanted(first))
    return shown(" ".join(filter(None, notes)), "dim")


def _wanted(headline: Change) -> str:
    """Return how many prompts the headline's change would need, where these do not show which way it goes."""
    if reading(headline) != "unclear" or headline.needed is None or headline.needed <= headline.prompts:
        return ""
    change = signed(headline.change)
    return f"{headline.name}: to show a change of {change} takes some {headline.needed:,} prompts."


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
