"""The measures of a suite as a table for a terminal: a row for each, a column for each label."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from stages.reports.reading import FEW_PROMPTS, figure

if TYPE_CHECKING:
    from stages.suites.levels import Level


def levels_table(name: str, found: Mapping[str, Sequence["Level"]]) -> Table:
    """Return the levels of a suite by label, each with its interval; `–` where a label has nothing to measure."""
    by_label = {label: {level.name: level for level in levels} for label, levels in found.items()}
    named = {level.name: level for levels in found.values() for level in levels}
    table = Table(title=shown(name, "bold"), title_justify="left", caption=_caption(named), caption_justify="left")
    table.add_column(Text("measure"), overflow="fold")
    for label in found:
        table.add_column(shown(label), justify="right")
    table.add_column(Text("prompts"), justify="right")
    for measure, level in named.items():
        cells = [_cell(levels.get(measure)) for levels in by_label.values()]
        table.add_row(shown(measure), *cells, Text(str(level.prompts)))
    return table


def _cell(level: "Level | None") -> Text:
    if level is None:
        return Text("–")
    return Text(f"{figure(level.value)} ({figure(level.low)} to {figure(level.high)})")


def _caption(named: Mapping[str, "Level"]) -> Text:
    few = any(level.prompts < FEW_PROMPTS for level in named.values())
    note = f"Intervals over fewer than {FEW_PROMPTS} prompts are narrower than they should be." if few else ""
    return shown(note, "dim")
