"""What a run of writers found, for a terminal: pure rendering."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

SAYS = {
    "bad_instruction": "instruction fits",
    "check_unparsed": "check parses",
    "check_not_simple": "check is simple",
    "check_breaks": "check runs",
    "check_fails_examples": "tells its examples apart",
    "check_takes_degenerate": "refuses nothing, and echoes",
    "check_not_sturdy": "sturdy",
    "invalid": "valid",
    "not_atomic": "atomic",
    "duplicate": "no duplicate",
    "tiers_alike": "tiers distinguishable",
    "no_negative": "has a negative",
    "unsound": "sound",
    "no_spread": "discriminates",
    "label_not_reproduced": "reproduces the label",
    "unstable": "stable under paraphrase",
}
"""What a gate asserts, by the name of its counter."""


def writing_table(figures: Mapping[str, Any]) -> Table:
    """Return the funnel as a table: what came of drafts and lines, and what each gate did."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("gate")
    for name in ("ran", "held back", "rejected"):
        table.add_column(name, justify="right")
    for name, counts in figures["gates"].items():
        cells = (counts["ran"], counts["held_back"], counts["rejected"])
        shown = [f"{number:,}" if number else "" for number in cells] if counts["ran"] else ["not run", "", ""]
        table.add_row(Text(SAYS.get(name, name.replace("_", " "))), *shown)
    for kind, count in figures["failed"].items():
        table.add_row(Text(f"no draft: {kind}"), "", "", f"{count:,}")
    return table


def steps(figures: Mapping[str, Any]) -> str:
    """Return what came of drafts and of lines, in two sentences on one line."""
    drafts = "{drafts:,} drafts: {written:,} written, {repaired:,} repaired ({mended:,} mended), {taken:,} taken"
    lines = "{lines:,} lines: {accepted:,} accepted, {rejected:,} rejected"
    return f"{drafts}; {lines}".format(**figures)
