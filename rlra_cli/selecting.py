"""The run of `rlra select-data`: which lines are read, who decides, and where each one goes."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rlra_cli import ui
from rlra_cli.funnel_text import funnel_table, remarks
from rlra_cli.options import RunOptions
from rlra_cli.prompt_files import read_tasks
from rlra_cli.rereading import LineTarget, rereadable
from rlra_cli.run import Job, finish
from schemas.bounds import read_bounds
from schemas.errors import RlraError
from schemas.files import put, shown
from schemas.jsonl import Source
from schemas.manifest import path_for, read_manifest
from schemas.task import Task
from stages.select_data import Drop, Findings, Read, measured, select_data
from stages.selection.decisions import Given
from stages.selection.entry import Entry
from stages.selection.judged_lines import JudgedLines, asked
from stages.selection.scored_lines import ScoredLines
from stages.selection.spec import SelectDataSpec

if TYPE_CHECKING:  # what looks at words takes long to load
    from stages.selection.contamination import Contamination


@dataclass(frozen=True)
class Files:
    """What the command line names besides the options of the stage."""

    judged: str
    output: str
    rejects: Path | None
    groups: bool
    decontaminate: list[str]
    bounds: Path | None
    previous: str
    plot: Path | None


def select(spec: SelectDataSpec, options: RunOptions, files: Files) -> None:
    """Write the lines that stay, and those that do not where they are asked for; then say what was found."""
    reader = ScoredLines(spec) if spec.score_field else JudgedLines(spec)
    found = Findings(spec)
    with ExitStack() as stack:
        source = stack.enter_context(rereadable(files.judged, once=spec.decides_alone and not files.previous))
        _apart(files)
        job = Job("select-data", _asked(spec, files), files.output, options, _inputs(source, files))
        job.recipe()  # an input that cannot be read says so before anything is written
        given = _given(spec, reader, files)
        target = stack.enter_context(closing(LineTarget(files.output)))
        refused = stack.enter_context(closing(LineTarget(str(files.rejects)))) if files.rejects else None
        for entry, drop in select_data(_lines(source), reader, spec, given, found):
            if drop is None:
                _keep(entry, reader, target, files.groups)
            elif refused:
                _refuse(entry, drop, reader, refused)
        if refused:
            refused.complete()
        dropped = found.funnel.figures()["dropped"]
        job.counts.update({f"dropped_{reason}": number for reason, number in dropped.items()})
        finish(job, target)
        _tell(job, target, found, files.plot)


def _apart(files: Files) -> None:
    """Raise RlraError where one file is read and written, or written twice, and where two inputs are one pipe."""
    read = [name for name in (files.judged, files.previous, *files.decontaminate, str(files.bounds or "")) if name]
    if read.count("-") > 1:
        raise RlraError("two inputs are stdin, and only one can be", hint="put one of them into a file")
    taken = {os.path.realpath(name) for name in read if name != "-"}
    for name in filter(None, (files.output, str(files.rejects or ""))):
        path = name if name == "-" else os.path.realpath(name)
        if path in taken:
            raise RlraError(f"{shown(name)}: is read or written already", hint="give each output a name of its own")
        taken.add(path)


def _asked(spec: SelectDataSpec, files: Files) -> dict[str, Any]:
    return {**spec.model_dump(mode="json"), "groups": files.groups}


def _inputs(source: Source, files: Files) -> dict[str, Source]:
    others = {f"evaluation {number}": Source(name) for number, name in enumerate(files.decontaminate, 1)}
    return {"input": source, **others, **({"bounds": Source(str(files.bounds))} if files.bounds else {})}


def _given(spec: SelectDataSpec, reader: JudgedLines | ScoredLines, files: Files) -> Given:
    return Given(
        evaluation=_evaluation(files.decontaminate, spec.ngram) if files.decontaminate else None,
        bounds=read_bounds(files.bounds) if files.bounds else None,
        previous=measured(_lines(Source(files.previous)), reader, spec) if files.previous else None,
    )


def _evaluation(names: list[str], ngram: int) -> "Contamination":
    from stages.selection.contamination import Contamination

    return Contamination((asked(task) for name in names for task in read_tasks(Source(name))), ngram)


def _lines(source: Source) -> Read:
    def read() -> Iterator[Entry]:
        source.records = 0
        for number, line in source.lines():
            source.records += 1
            yield Entry(source.name, number, line)

    return read


def _keep(entry: Entry, reader: JudgedLines | ScoredLines, target: LineTarget, groups: bool) -> None:
    if isinstance(reader, ScoredLines):
        target.copy(entry.line)
        return
    group = reader.record(entry)
    fields = (name for name in Task.model_fields if name != "tag")
    target.write(group if groups else Task(**{name: getattr(group, name) for name in fields}))


def _refuse(entry: Entry, drop: Drop, reader: JudgedLines | ScoredLines, refused: LineTarget) -> None:
    why = {"dropped": drop.reason, "dropped_by": drop.numbers}
    if isinstance(reader, ScoredLines):
        refused.copy(orjson.dumps({**reader.data(entry), **why}))
        return
    group = reader.record(entry)
    refused.write(group.model_copy(update={"meta": {**group.meta, **why}}))


def _tell(job: Job, target: LineTarget, found: Findings, plot: Path | None) -> None:
    """Write what was found into the manifest, the summary and the plot, and show it."""
    figures = found.figures()
    if target.path is not None:
        path = path_for(target.path)
        made = read_manifest(path)
        made = made.model_copy(update={"run": {**made.run, "bounds": figures["bounds"]}})
        partial = path.with_name(path.name + ".partial")
        partial.write_text(made.model_dump_json(indent=1, exclude_none=True) + "\n")
        os.replace(partial, path)
    if summary := job.options.summary:
        counts = orjson.loads(summary.read_bytes())
        summary.write_bytes(orjson.dumps({**counts, **figures}, option=orjson.OPT_INDENT_2) + b"\n")
    if plot:
        from stages.reports.funnel import funnel_plot

        put(plot, funnel_plot(figures["funnel"], plot.suffix[1:]))
    if not job.options.quiet:
        from rich.console import Console

        Console(stderr=True, highlight=False).print(funnel_table(figures["funnel"]))
        if found.bounds.by and figures["funnel"]["pools"].keys() == {""}:
            ui.say(f"--by {found.bounds.by}: no line says it, and all are one pool")
        for remark in remarks(found.short, found.since):
            ui.say(remark)
