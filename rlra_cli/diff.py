"""`rlra diff`."""

from pathlib import Path
from typing import Annotated

import typer

from rlra_cli import ui
from schemas.jsonl import Source
from schemas.judged import Judged

Before = Annotated[str, typer.Argument(metavar="A", help="A judged file.")]
After = Annotated[str, typer.Argument(metavar="B", help="Another judged file of the same prompts.")]
Top = Annotated[int, typer.Option("-n", min=1, help="Show so many prompts.")]


def diff(before: Before, after: After, n: Top = 20) -> None:
    """Show where rewards moved most between two judged files, paired by id.

    \b
    rlra diff base.jsonl trained.jsonl -n 10

    Losses as well as gains, largest first, with the criteria that moved. Then look at a prompt
    with `rlra show FILE --id ID`; for means and intervals use `rlra eval`.
    """
    from rlra_cli.diff_text import moves_table
    from stages.compare import compare

    moves = compare(Source(before).read(Judged), Source(after).read(Judged))
    ui.console(stdout=True).print(moves_table(moves, (Path(before).stem, Path(after).stem), n))
