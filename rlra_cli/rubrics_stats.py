"""`rlra rubrics stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rlra_cli import ui
from schemas.errors import RlraError

Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Rubrics in YAML, folders of them, JSONL banks, task lines.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")]
Near = Annotated[bool, typer.Option("--near/--no-near", help="Also count rubrics that say nearly the same.")]


def rubrics_stats(
    paths: Paths = ["-"],  # noqa: B006 (typer copies it)
    json: AsJson = False,
    near: Near = True,
) -> None:
    """Count what a bank of rubrics holds.

    \b
    rlra rubrics stats bank.jsonl

    Counts rubrics by kind, scope and source, criteria by who judges them, checks, tags, and rubrics that
    repeat an earlier one. Of a rubric in every line of a file of tasks each line counts. Exits with 1 where
    something cannot be read; the rest is counted. What is wrong with them is what `rlra rubrics lint` says.
    """
    from rlra_cli.rubric_files import bank
    from stages.bank_stats import BankStats

    for path in paths:
        if path != "-" and not Path(path).exists():
            raise RlraError(f"{path}: no such file or folder")
    stats, refused = BankStats(near), 0

    def complain(error: RlraError) -> None:
        nonlocal refused
        refused += 1
        ui.complain(error)

    for placed in bank(paths, complain):
        stats.add(placed.rubric)
    _print(stats.figures(), json)
    if refused:
        found = "1 rubric" if refused == 1 else f"{refused} rubrics"
        raise RlraError(f"{found} could not be read; the counts are of the others")


def _print(figures: dict[str, object], as_json: bool) -> None:
    if as_json:
        import orjson

        print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())
        return

    from rlra_cli.stats_text import counted

    console = ui.console(stdout=True)
    for line in counted(figures):
        console.print(line, soft_wrap=True)
