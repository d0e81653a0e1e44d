"""The measures of a suite as a table for a terminal: a row for each, a column for each label."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from stages.reports.reading import FEW_PROMPTS, figure

if TYPE_CHECKING:
    from stages.suites.levels import Level

    Row = Sequence[Level | None]


def levels_table(name: str, found: Mapping[str, Sequence["Level"]]) -> Table:
    """Return the levels of a suite by label, each with its interval; `–` where a label has nothing to measure.

    The prompts that were measured are one number where the labels have equally many, else one for each label.
    """
    by_label = {label: {level.name: level for level in levels} for label, levels in found.items()}
    rows = {
        name: [levels.get(name) for levels in by_label.values()]
        for levels in found.values()
        for name in (level.name for level in levels)
    }
    table = Table(
        title=shown(name, "bold"), title_justify="left", caption=_caption(rows.values()), caption_justify="left"
    )
    table.add_column(Text("measure"), overflow="fold")
    for label in found:
        table.add_column(shown(label), justify="right")
    table.add_column(Text("prompts"), justify="right")
    for measure, row in rows.items():
        table.add_row(shown(measure), *map(_cell, row), Text(_prompts(row)))
    return table


def _cell(level: "Level | None") -> Text:
    if level is None:
        return Text("–")
    return Text(f"{figure(level.value)} ({figure(level.low)} to {figure(level.high)})")


def _differ(row: "Row") -> bool:
    return len({level.prompts for level in row if level}) > 1


def _prompts(row: "Row") -> str:
    counts = [str(level.prompts) if level else "–" for level in row]
    return " / ".join(counts) if _differ(row) else next(count for count in counts if count != "–")


def _caption(rows: "Collection[Row]") -> Text:
    notes = []
    if any(map(_differ, rows)):
        notes.append("Where labels differ in prompts, each has its own number.")
    if any(level and level.prompts < FEW_PROMPTS for row in rows for level in row):
        notes.append(f"Intervals over fewer than {FEW_PROMPTS} prompts are narrower than they should be.")
    return shown(" ".join(notes), "dim")
