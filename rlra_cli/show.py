"""`rlra show`."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli import ui
from schemas.base import Record
from schemas.errors import RlraError
from schemas.jsonl import KINDS, Source, loads, parse, tag_of

if TYPE_CHECKING:
    from rich.console import Console

Only = Annotated[list[str], typer.Option("--id", metavar="ID", help="Show this prompt; may be repeated.")]
Count = Annotated[int, typer.Option("-n", min=1, help="Show so many prompts.")]
Explain = Annotated[
    bool, typer.Option("--explain", help="Judged lines: the arithmetic of each reward, step by step, with its numbers.")
]
Response = Annotated[int | None, typer.Option("--response", min=1, help="With --explain: only this response, from 1.")]
Artifact = Annotated[
    str, typer.Argument(metavar="FILE", help="Any artifact: tasks, rollouts, judged lines, a report, a training log.")
]

_MOST_IDS = 1000


def show(
    file: Artifact = "-",
    id: Only = [],  # noqa: B006 (the option's name; typer copies the list)
    n: Count = 3,
    explain: Explain = False,
    response: Response = None,
) -> None:
    """Print one prompt's life: its rubric, its responses with rewards, verdict by verdict.

    \b
    rlra show judged.jsonl --id garden-03

    In colour on a terminal, plain in a pipe. Failed judgements are marked, never shown as 0. With
    `--explain`, how each reward came about, so that you can follow it with a pencil.
    Compare two files with `rlra diff`; check a file with `rlra validate`.
    """
    console = ui.console(stdout=True)
    others: list[str] = []
    found = list(islice(_wanted(Source(file), set(id), others), len(id) or n))
    missing = set(id) - {record.id for record in found}
    if response and not explain:
        raise RlraError("--response goes with --explain")
    for renderable in _explained(found, response, file) if explain else _renderables(found, console):
        console.print(renderable)
    if missing:
        raise RlraError(f"{file}: no line with id {', '.join(sorted(missing))}", _alike(min(missing), others))


def _alike(wanted: str, others: list[str]) -> str | None:
    """Return a hint for an id that is not there: the one most like it among the first ones that are, or an example."""
    from schemas.yaml_file import nearest

    near = nearest(wanted, others) if others else None
    return near if near is None or near.startswith("did") else f"the file's ids are like '{others[0]}'"


def _wanted(source: Source, ids: set[str], others: list[str]) -> Iterator[Record]:
    """Yield the lines with these ids, or all; the first of the other ids are put into `others`."""
    for number, line in source.lines():
        where = f"{source.name}:{number}"
        data = loads(line, where)
        kind, _ = tag_of(data, where)
        if not ids or data.get("id") in ids:
            yield parse(line, KINDS[kind], where)
        elif len(others) < _MOST_IDS and isinstance(data.get("id"), str):
            others.append(data["id"])


def _renderables(records: list[Record], console: "Console") -> Iterator[object]:
    from rlra_cli.ablation_text import ablation_table
    from rlra_cli.agreement_text import full_table
    from rlra_cli.pairs_text import told
    from rlra_cli.provenance_text import recorded
    from rlra_cli.ratings_text import rendered
    from rlra_cli.report_text import fitting, train_log_table
    from rlra_cli.rubric_text import rubric_text
    from rlra_cli.show_findings import told as found
    from rlra_cli.show_text import life
    from schemas.ablation import Ablation
    from schemas.agreement import Agreement
    from schemas.bank import BankRubric
    from schemas.findings import Findings
    from schemas.pairs import Pair, Ratings
    from schemas.provenance import Provenance
    from schemas.report import Report
    from schemas.task import Task
    from schemas.train_log import TrainLog

    logs = [record for record in records if isinstance(record, TrainLog)]
    if logs:
        yield train_log_table(logs)
    ablations = [record for record in records if isinstance(record, Ablation)]
    if ablations:
        yield ablation_table(ablations)
    yield from recorded([record for record in records if isinstance(record, Provenance)])
    for record in records:
        if isinstance(record, Report):
            yield fitting(record, console)
        elif isinstance(record, Agreement):
            yield full_table(record)
        elif isinstance(record, Pair):
            yield told(record)
        elif isinstance(record, Ratings):
            yield from rendered(record)
        elif isinstance(record, Findings):
            yield found(record)
        elif isinstance(record, BankRubric):
            yield rubric_text(record.rubric)
        elif isinstance(record, Task):
            yield life(record)


def _explained(records: list[Record], response: int | None, file: str) -> Iterator[object]:
    from rlra_cli.explain_text import explained
    from schemas.judged import Judged

    for record in records:
        if not isinstance(record, Judged):
            raise RlraError(f"{file}: {record.id}: --explain needs judged lines", hint="make them with `rlra judge`")
        if response is not None and response > len(record.responses):
            raise RlraError(f"{file}: {record.id}: has {len(record.responses)} responses, and no number {response}")
        yield explained(record, None if response is None else response - 1)
