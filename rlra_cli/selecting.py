"""The run of `rlra select-data`: which lines are read, who decides, and where each one goes."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from rlra_cli import ui
from rlra_cli.funnel_text import funnel_table, remarks
from rlra_cli.options import RunOptions
from rlra_cli.prompt_files import read_tasks
from rlra_cli.rereading import LineTarget, rereadable
from rlra_cli.run import Job, finish
from schemas.bounds import read_bounds
from schemas.files import put, shown
from schemas.jsonl import Source
from schemas.task import Task
from stages.select_data import Drop, Findings, Read, measured, select_data
from stages.selection.decisions import Given
from stages.selection.entry import Entry
from stages.selection.judged_lines import JudgedLines, asked
from stages.selection.scored_lines import ScoredLines
from stages.selection.spec import SelectDataSpec
from stages.selection.task_lines import TaskLines

if TYPE_CHECKING:  # what looks at words takes long to load
    from stages.selection.contamination import Contamination

AnyLines = JudgedLines | ScoredLines | TaskLines


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

    def options(self) -> dict[str, dict[str, Source]]:
        """Return the files that decide what stays, by the options that name them, then by their roles in a recipe."""
        evaluations = {f"evaluation {number}": Source(name) for number, name in enumerate(self.decontaminate, 1)}
        return {"decontaminate": evaluations, "bounds": {"bounds": Source(str(self.bounds))} if self.bounds else {}}


def select(spec: SelectDataSpec, options: RunOptions, files: Files) -> None:
    """Write the lines that stay, and those that do not where they are asked for; then say what was found."""
    reader = _reader(spec)
    found = Findings(spec)
    with ExitStack() as stack:
        source = stack.enter_context(rereadable(files.judged, once=spec.decides_alone and not files.previous))
        job = _job(spec, options, files, source)
        job.recipe()  # an input that cannot be read says so before anything is written
        given = _given(spec, files)
        target = stack.enter_context(closing(LineTarget(files.output)))
        refused = stack.enter_context(closing(LineTarget(str(files.rejects)))) if files.rejects else None
        for entry, drop in select_data(_lines(source), reader, spec, given, found):
            if drop is None:
                _keep(entry, reader, target, files.groups)
            elif refused:
                _refuse(entry, drop, reader, refused)
        if isinstance(reader, JudgedLines):
            reader.refuse_stranger()
        if refused:
            refused.complete()
        job.figures = found.figures()
        job.found = {"bounds": job.figures["bounds"]}
        dropped = job.figures["funnel"]["dropped"]
        job.counts.update({f"dropped_{reason}": number for reason, number in dropped.items()})
        finish(job, target)
        _show(found, files.plot, options.quiet)


def _job(spec: SelectDataSpec, options: RunOptions, files: Files, source: Source) -> Job:
    named = files.options()
    asked = {**spec.model_dump(mode="json"), "groups": files.groups}
    if files.decontaminate:
        asked["decontaminate"] = [shown(name) for name in files.decontaminate]
    if files.bounds:
        asked["bounds"] = str(files.bounds)
    inputs = {"input": source, **named["decontaminate"], **named["bounds"]}
    reads = [files.previous] if files.previous else []
    writes = [str(name) for name in (files.rejects, files.plot) if name]
    return Job("select-data", asked, files.output, options, inputs, reads, writes)


def _reader(spec: SelectDataSpec) -> AnyLines:
    return TaskLines(spec) if spec.tasks else ScoredLines(spec) if spec.score_field else JudgedLines(spec)


def _given(spec: SelectDataSpec, files: Files) -> Given:
    return Given(
        evaluation=_evaluation(files.decontaminate, spec.ngram) if files.decontaminate else None,
        bounds=read_bounds(files.bounds) if files.bounds else None,
        previous=measured(_lines(Source(files.previous)), _reader(spec), spec) if files.previous else None,
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


def _keep(entry: Entry, reader: AnyLines, target: LineTarget, groups: bool) -> None:
    if isinstance(reader, ScoredLines):
        target.copy(entry.line)
        return
    group = reader.record(entry)
    fields = (name for name in Task.model_fields if name != "tag")
    target.write(group if groups else Task(**{name: getattr(group, name) for name in fields}))


def _refuse(entry: Entry, drop: Drop, reader: AnyLines, refused: LineTarget) -> None:
    why = {"dropped": drop.reason, "dropped_by": drop.numbers}
    if isinstance(reader, ScoredLines):
        refused.copy(orjson.dumps({**reader.data(entry), **why}))
        return
    group = reader.record(entry)
    refused.write(group.model_copy(update={"meta": {**group.meta, **why}}))


def _show(found: Findings, plot: Path | None, quiet: bool) -> None:
    """Draw what was found, and show it."""
    figures = found.figures()
    if plot:
        from stages.reports.funnel import funnel_plot

        put(plot, funnel_plot(figures["funnel"], plot.suffix[1:]))
    if not quiet:
        ui.console().print(funnel_table(figures["funnel"]))
        if found.bounds.by and figures["funnel"]["pools"].keys() == {""}:
            ui.say(f"--by {found.bounds.by}: no line says it, and all are one pool")
        for remark in remarks(found.short, found.since):
            ui.say(remark)
