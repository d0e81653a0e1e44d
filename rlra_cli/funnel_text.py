"""What a selection found, for a terminal: pure rendering."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from stages.visible import one_line

_MOST_POOLS = 20
_SHORTEST, _LONGEST = 10, 80
"""Characters of a pool's name: how many it has room for beside any number of reasons, and how many are shown."""


def funnel_table(figures: Mapping[str, Any]) -> Table:
    """Return the funnel as a table: a row for each pool, the largest first, and one for all lines."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    pools = sorted(figures["pools"].items(), key=lambda pool: -pool[1]["in"])
    table.add_column("pool", overflow="fold", min_width=_SHORTEST if len(pools) > 1 else None)
    for name in ("in", *figures["dropped"], "out"):
        table.add_column(name.replace("_", " "), justify="right")
    if len(pools) > 1:
        for name, counts in pools[:_MOST_POOLS]:
            table.add_row(Text(one_line(name, _LONGEST) or "(none)"), *_cells(counts, list(figures["dropped"])))
    if len(pools) > _MOST_POOLS:
        table.add_row(Text(f"and {len(pools) - _MOST_POOLS:,} more", style="dim"))
    table.add_row(Text("all", style="bold"), *_cells(figures, list(figures["dropped"])))
    return table


def _cells(counts: Mapping[str, Any], reasons: Sequence[str]) -> list[Text]:
    dropped = [counts["dropped"].get(reason, 0) for reason in reasons]
    return [Text(f"{counts['in']:,}"), *(Text(f"−{n:,}" if n else "") for n in dropped), Text(f"{counts['out']:,}")]


def remarks(short: Mapping[str, int], since: Mapping[str, int]) -> list[str]:
    """Return what else is to be said: kinds that could not fill their part, and what has changed since before."""
    said = [
        f"balance: only {number:,} of '{kind or '(none)'}', the others took its place" for kind, number in short.items()
    ]
    if since:
        changes = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in since.items() if name != "both")
        said.append(f"since the previous file, of {since['both']:,} prompts in both: {changes}")
    return said
