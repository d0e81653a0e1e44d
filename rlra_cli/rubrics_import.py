"""`rlra rubrics import`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from rlra_cli.exchange_report import Report
from rlra_cli.options import Output, RunOptions
from rlra_cli.reviewer import login, today
from rlra_cli.rubric_files import Placed, try_checks
from rlra_cli.rubric_folder import Edits, FolderSource
from rlra_cli.run import Job, finish, run_stream
from rlra_cli.verbatim import Verbatim
from schemas.bank import BankRubric
from schemas.errors import RlraError
from schemas.exchange import Entry, Format, Loss, format_named, guessed
from schemas.exchange.base import Reading as Reads
from schemas.exchange.entries import entries
from schemas.exchange.folder import NAME as FOLDER
from schemas.exchange.records import records
from schemas.jsonl import Source
from schemas.task import Task

File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A file of the other project's (JSONL, JSON, TOML or YAML), or a folder."),
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="FORMAT",
        help="healthbench, rar, oumi, writingbench, heartbench, autorubric, rewardkit, verifiers, ifeval, ifbench; "
        "or folder: what `rlra rubrics export --to folder` wrote, edited or not.",
    ),
]
Reading = Annotated[
    str,
    typer.Option("--reading", metavar="READING", help="How IFEval's and IFBench's checks read: strict or loose."),
]
Lossy = Annotated[
    bool, typer.Option("--lossy", help="Go on where something cannot be kept as it is meant, and say what.")
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="With --from folder: who edited it (your login name).")]
READ_EITHER_WAY = ("ifeval", "ifbench")


def rubrics_import(
    options: RunOptions,
    source_format: From,
    file: File = "-",
    output: Output = "-",
    reading: Reading = "strict",
    lossy: Lossy = False,
    by: By = "",
) -> None:
    """Turn another project's rubrics into ours.

    \b
    rlra rubrics import prompts.jsonl --from ifeval -o tasks.jsonl

    A file with prompts becomes tasks, whose ids are its own; a file of rubrics alone becomes a bank. The
    way in which the format scores is kept, and what has no place is carried along in `meta`. Pipe it into
    `rlra rollout`; `rlra rubrics export` goes the other way. From a folder that it wrote, the lines come back
    with what was edited, by whom and when in their history, and to the byte where nothing was.
    """
    _check_reading(reading, source_format)
    if source_format == FOLDER:
        _from_folder(options, file, output, lossy, by or login())
    elif by:
        raise RlraError("--by goes with --from folder")
    else:
        spec = {"source_format": source_format, "reading": reading, "lossy": lossy}
        form, source = format_named(source_format, "--from"), Source(file)
        _from_theirs(Job("rubrics-import", spec, output, options, {"input": source}), form, source, Report(lossy))


def _from_theirs(job: Job, form: Format, source: Source, report: Report) -> None:
    reading: Reads = "loose" if job.spec["reading"] == "loose" else "strict"
    found = entries(_counted(source), source.name, form, reading)

    def stream() -> Iterator[Task | BankRubric]:
        for losses, record in _records(found, form):
            report.add(losses)
            job.counts["criteria"] += len(record.rubric.leaves) if record.rubric else 0
            yield record

    run_stream(job, stream())
    report.say(job.options.quiet)


def _from_folder(options: RunOptions, folder: str, output: str, lossy: bool, by: str) -> None:
    edits, report = Edits(by, today()), Report(lossy)
    spec = {"source_format": FOLDER, "lossy": lossy, "by": edits.by}
    source = FolderSource(folder)
    job = Job("rubrics-import", spec, output, options, {"input": source}, source.files(), found={"on": edits.on})
    target = Verbatim(output)
    try:
        for line, losses in edits.lines(Path(folder), job.counts):
            report.add(losses)
            target.put(line, bool(line))
        finish(job, target)
    finally:
        target.close()
    report.say(options.quiet)


def _check_reading(reading: str, form: str) -> None:
    if reading not in ("strict", "loose"):
        raise RlraError(f"--reading: '{reading}' is neither strict nor loose")
    if reading == "loose" and form not in READ_EITHER_WAY:
        raise RlraError(f"--reading goes with --from {' and --from '.join(READ_EITHER_WAY)}")


def _counted(source: Source) -> Iterator[tuple[int, bytes]]:
    for line in source.lines():
        source.records += 1
        yield line


def _records(found: Iterable[Entry], form: Format) -> Iterator[tuple[list[Loss], Task | BankRubric]]:
    """Yield what each entry loses and becomes, its checks bound once. Raises RlraError at the first that is wrong."""
    seen: list[Entry] = []

    def noted() -> Iterator[Entry]:
        for entry in found:
            seen[:] = [entry]
            yield entry

    try:
        for entry, record in records(noted(), form):
            if record.rubric and any(leaf.check is not None for leaf in record.rubric.leaves):
                try_checks(Placed(record.rubric, entry.where(())))
            yield entry.losses, record
    except RlraError as error:
        other = guessed(seen[-1].data) if seen and not form.looks(seen[-1].data) else None
        hint = f"this looks like {other.name}: say --from {other.name}" if other else error.hint
        raise RlraError(error.message, hint) from None
