"""`rlra rubrics export`."""

from pathlib import Path
from typing import Annotated

import typer

from rlra_cli.exchange_report import Report
from rlra_cli.options import Output, RunOptions
from rlra_cli.rubric_files import files_in
from rlra_cli.rubric_folder import write_folder
from rlra_cli.rubric_lines import outgoing
from rlra_cli.run import Job, finish
from rlra_cli.verbatim import Verbatim
from schemas.bank import BankRubric
from schemas.errors import RlraError
from schemas.exchange import Format, Loss, Outgoing, format_named
from schemas.exchange.base import Reading
from schemas.exchange.entries import ending, entries
from schemas.exchange.files import text_of
from schemas.exchange.folder import NAME as FOLDER
from schemas.exchange.losses import losses
from schemas.exchange.records import records
from schemas.jsonl import Source
from schemas.task import Task

File = Annotated[str, typer.Argument(metavar="FILE", help="Tasks, a bank, a rubric in YAML, or a folder of them.")]
To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="FORMAT",
        help="healthbench, rar, oumi, writingbench, heartbench, autorubric, rewardkit, verifiers, ifeval, ifbench; "
        "or folder: a YAML file for each rubric, to edit by hand.",
    ),
]
Lossy = Annotated[bool, typer.Option("--lossy", help="Write what can be said, and list the rest.")]


def rubrics_export(
    options: RunOptions, target_format: To, file: File = "-", output: Output = "-", lossy: Lossy = False
) -> None:
    """Turn our rubrics into another project's.

    \b
    rlra rubrics export tasks.jsonl --to healthbench -o healthbench.jsonl

    What is written is read back and compared: whatever the format cannot say, a veto or a check for
    example, is listed, and nothing is written unless you say --lossy. OUT ends in .jsonl, .json, .yaml
    or .toml. `rlra rubrics import` goes the other way. `--to folder -o DIR/` writes a YAML file for each
    rubric, for people to edit, and says all of it.
    """
    source = Source(file)
    spec = {"target_format": target_format, "lossy": lossy}
    inputs, reads = ({}, files_in(file)) if Path(file).is_dir() else ({"input": source}, [])
    job = Job("rubrics-export", spec, output, options, inputs, reads)
    if target_format == FOLDER:
        write_folder(job, outgoing(file, source))
    else:
        form = format_named(target_format, "--to")
        _to_theirs(job, form, file, source, Report(lossy))


def _to_theirs(job: Job, form: Format, file: str, source: Source, report: Report) -> None:
    leaving = list(outgoing(file, source))
    if form.one_rubric and len(leaving) != 1:
        raise RlraError(
            f"{source.name}: a file of {form.name} holds one rubric, and there are {len(leaving)}",
            hint='pick one, such as with `grep \'"id":"NAME"\'`, and pipe it in',
        )
    text = _text(leaving, form, job.output, report, job.options.quiet)
    job.counts["criteria"] = sum(len(each.rubric.leaves) for each in leaving)
    _write(job, text, len(leaving))
    report.say(job.options.quiet)


def _text(leaving: list[Outgoing], form: Format, output: str, report: Report, quiet: bool) -> bytes:
    """Return the bytes of the foreign file, once what is read back of them was compared with the records."""
    text = text_of([form.write(each) for each in leaving], form, output)
    found: list[Loss] = []
    for each, back in zip(leaving, _read_back(text, leaving, form, output), strict=True):
        found += losses(each, back, form.name)
    report.refuse(found, form.name, quiet)
    return text


def _read_back(text: bytes, leaving: list[Outgoing], form: Format, output: str) -> list[Task | BankRubric]:
    lines = ((number, line) for number, line in enumerate(text.split(b"\n"), start=1) if line)
    # A file of one rubric is called as the rubric is: its name is nowhere else.
    name = f"{leaving[0].record.id}{ending(output)}" if form.one_rubric else output
    try:
        return [record for _, record in records(entries(lines, name, form, _reading(leaving)), form)]
    except RlraError as error:
        raise RlraError(f"{leaving[0].where(())}: cannot be said in {form.name}: {error.message}") from None


def _reading(leaving: list[Outgoing]) -> Reading:
    given = [
        arguments.get("reading")
        for each in leaving
        for leaf in each.rubric.leaves
        for arguments in (leaf.check or {}).values()
    ]
    return "loose" if "loose" in given else "strict"


def _write(job: Job, text: bytes, count: int) -> None:
    target = Verbatim(job.output)
    try:
        target.put(text, count)
        finish(job, target)
    finally:
        target.close()
