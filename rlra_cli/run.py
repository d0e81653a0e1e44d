"""The shape that every command shares: read → stage → write → manifest → summary."""

import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson

from rlra_cli import option_files, ui
from rlra_cli.goes import all_goes
from rlra_cli.options import MapOptions, RunOptions
from rlra_cli.run_places import places
from schemas.base import Record
from schemas.errors import RlraError, TooManyFailuresError
from schemas.files import files_of, shown, without_secrets
from schemas.jsonl import Source, Target
from schemas.manifest import Input, Manifest, Recipe, differing_keys, path_for, read_manifest, recipe_digest
from schemas.parts import MANIFEST, PartFolder, parts_in_order
from schemas.shards import Shard

InT = TypeVar("InT", bound=Record)
OutT = TypeVar("OutT", bound=Record)


@dataclass
class Job:
    """One run of one command."""

    stage: str
    """The command's name."""
    spec: dict[str, Any]
    """Every option that decides the output's bytes, under its option name."""
    output: str
    options: RunOptions
    inputs: dict[str, Source] = field(default_factory=dict)
    """What it reads, by role."""
    reads: Sequence[str] = ()
    """Files that it reads besides, which the recipe does not name."""
    writes: Sequence[str] = ()
    """Files that it writes besides the output and the summary."""
    known: Recipe | None = None
    """The recipe, of an artifact that is put together and not made."""
    counts: Counter[str] = field(default_factory=Counter)
    """What the summary says."""
    found: Mapping[str, Any] = field(default_factory=dict)
    """What the manifest says of the run besides."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What `--summary` holds besides the counts."""
    spending: Callable[[], Counter[str]] = Counter
    """What its models counted so far in this process: calls, tokens, dollars."""
    started: float = field(default_factory=time.monotonic)
    clock: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        """Raise RlraError where a file would be written over, and for a folder that was not copied whole."""
        written = [self.output, *self.writes]
        waiting = [f"{name}.partial" for name in written if name != "-"]
        summary = [str(self.options.summary)] if self.options.summary else []
        _keep_apart([*(source.path for source in self.inputs.values()), *self.reads], [*written, *waiting, *summary])
        for source in self.inputs.values():
            _refuse_torn(source)

    def recipe(self) -> Recipe:
        """Return what decides the bytes, as far as it is known now: pipes are known once read."""
        from importlib.metadata import version

        if self.known:
            return self.known
        inputs = {role: _input(source) for role, source in self.inputs.items()}
        return Recipe(stage=self.stage, rlra=version("rlra"), spec=self.spec, inputs=inputs)


def _input(source: Source) -> Input:
    sha256, records = source.fingerprint()
    own = recipe_digest(Path(source.path)) if source.path != "-" else None
    return Input(name=Path(shown(source.path)).name, sha256=sha256, records=records, recipe=own)


def _keep_apart(read: Sequence[str], written: Sequence[str]) -> None:
    """Raise RlraError where one file is read and written, or written twice, by any name; and where two are stdin."""
    if read.count("-") > 1:
        raise RlraError("two inputs are stdin, and only one can be", hint="put one of them into a file")
    taken = {_place(file) for name in read if name != "-" for file in _files(name)}
    for name in written:
        path = name if name == "-" else _place(name)
        is_device = Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir())
        if path in taken and not is_device:
            raise RlraError(f"{shown(name)}: is read or written already", hint="give each output a name of its own")
        taken.add(path)


def _place(name: str) -> str:
    return os.path.realpath(name.removeprefix("file://"))


def _files(name: str) -> list[str]:
    try:
        return [name, *files_of(name)]
    except RlraError:  # its reader says so
        return [name]


def _refuse_torn(source: Source) -> None:
    """Raise RlraError for a folder of parts whose manifest speaks of others: not all of them were copied."""
    if not (source.path.endswith("/") or Path(source.path).is_dir()):
        return
    folder = PartFolder(source.path)
    if folder.read(MANIFEST) is None or not parts_in_order(folder):
        return
    if read_manifest(folder.at(MANIFEST)).recipe.sha256 != source.fingerprint()[0]:
        raise RlraError(
            f"{shown(source.path)}: changed since its manifest was written", hint="copy it, or make it, again"
        )


def run_map(
    job: Job,
    records: Iterator[InT],
    stage: Callable[[Iterator[InT]], Iterable[OutT]],
    kind: type[OutT],
    tally: Callable[[OutT], Counter[str]],
    align: int = 1,
    shard: Shard | None = None,
) -> None:
    """Write one line for each line read, or for each of `shard`, in order, going on where an interrupted run stopped.

    Resuming keeps the partial file's whole lines, rounded down to a multiple of `align` if some are
    missing, and skips as many inputs, whose ids must match. Raises RlraError where the recipe is another one, and
    TooManyFailuresError where `tally` counts more `failed` among `responses` than is allowed.
    """
    options, total = job.options, next(iter(job.inputs.values())).total()
    if shard is not None:
        job.spec |= shard.recorded
        records, total = shard.own(records), None if total is None else shard.count(total)
    resume = isinstance(options, MapOptions) and options.resume
    target = _open(job, resume)
    try:
        _skip(job, target, target.kept(kind, align, total), records, tally)
        with all_goes(job, _taken_path(target), target.records, resume):
            for record in ui.progress(stage(records), job.stage, target.records, total, options.quiet, job.counts):
                target.write(record)
                job.counts += tally(record)
            job.counts.update(job.spending())
            if isinstance(options, MapOptions):
                kept = "" if job.output == "-" else f"{job.output}.partial"
                check_failures(job, options.max_failures, kept)
            finish(job, target)
    finally:
        target.close()


def run_stream(job: Job, records: Iterable[OutT]) -> None:
    """Write `records`, which are made anew from the start in every run."""
    target = _open(job, resume=False)
    try:
        for record in records:
            target.write(record)
        finish(job, target)
    finally:
        target.close()


def _recipe_path(partial: Path) -> Path:
    return partial.with_name(partial.name + ".recipe.json")


def _taken_path(target: Target) -> Path | None:
    return target.partial.with_name(target.partial.name + ".taken.json") if target.path else None


def _open(job: Job, resume: bool) -> Target:
    if job.output == "-":
        return Target("-")
    target = Target(job.output, resume)
    beside, recipe = _recipe_path(target.partial), job.recipe()
    if resume and target.partial.stat().st_size:
        if not beside.exists():
            target.close()
            raise RlraError(
                f"{target.partial}: left by another program or version", hint="remove it, or use --no-resume"
            )
        differ = differing_keys(Recipe.model_validate_json(beside.read_bytes()), recipe)
        if differ:
            target.close()
            raise RlraError(
                f"{target.partial}: begun with another recipe; these differ: {', '.join(differ)}",
                hint="repeat the options that began it, or start afresh with --no-resume",
            )
        return target  # written again, the recipe would be torn for a moment while lines depend on it
    beside.write_text(recipe.model_dump_json())
    return target


def _skip(
    job: Job,
    target: Target,
    left: Iterator[OutT],
    records: Iterator[InT],
    tally: Callable[[OutT], Counter[str]],
) -> None:
    for kept in left:
        job.counts += tally(kept)
        read = next(records, None)
        if read is None or read.id != kept.id:
            found = f"'{read.id}'" if read else "the end of the input"
            raise RlraError(
                f"{target.partial}:{target.records}: '{kept.id}' stands where the input has {found}",
                hint="the input changed: start afresh with --no-resume",
            )
    if target.records:
        ui.say(f"{job.stage}: going on after {target.records} lines", job.options.quiet)


def check_failures(job: Job, allowed: str, kept: str) -> None:
    """Raise TooManyFailuresError where more responses failed than is allowed; it says where the lines are kept."""
    failed, total = job.counts["failed"], job.counts["responses"]
    bar = float(allowed.rstrip("%")) * (total / 100 if allowed.endswith("%") else 1)
    if failed > bar:
        summarise(job, " (not complete)")
        raise TooManyFailuresError(
            f"{job.stage}: {failed} of {total} responses failed, more than --max-failures {allowed}"
            + (f"; the lines are kept in {kept}" if kept else ""),
            hint="accept them by repeating the command with --max-failures 100%, or ask again with --no-resume",
        )


def finish(job: Job, target: Target) -> None:
    """Rename the partial file into place, write the manifest beside it, and say what was done."""
    target.complete()
    job.counts["records"] = target.records
    if target.path is not None:
        _recipe_path(target.partial).unlink(missing_ok=True)
        recipe = job.recipe().model_copy(update={"sha256": target.sha256(), "records": target.records})
        write_manifest(job, recipe, path_for(target.path))
    summarise(job)


def write_manifest(job: Job, recipe: Recipe, path: Path) -> None:
    """Write who made an artifact, from what, and how to make it again."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(manifest_text(job, recipe, str(path.parent)))
    os.replace(partial, path)


def manifest_text(job: Job, recipe: Recipe, folder: str = "") -> str:
    """Return the manifest of what `job` made, as it is written into `folder`, or into the folder that is made."""
    run = {
        "argv": [without_secrets(word) for word in sys.argv[1:]],
        "commit": _commit(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(job.clock)),
        "seconds": round(time.monotonic() - job.started, 1),
        "host": {"system": platform.system(), "python": platform.python_version(), "cores": os.cpu_count()},
        "counts": dict(job.counts),
        **option_files.recorded(),
        **places(folder or job.output, {**_paths(job), **option_files.paths()}, job.spec),
        **job.found,
    }
    return Manifest(recipe=recipe, run=run).model_dump_json(indent=1, exclude_none=True) + "\n"


def _paths(job: Job) -> dict[str, str]:
    return {role: source.path for role, source in job.inputs.items()}


def summarise(job: Job, remark: str = "") -> None:
    """Say the counts on stderr in one line, with a remark at its end, and write them to `--summary`."""
    first = ("records", "responses", "steps")
    counts = dict(sorted(job.counts.items(), key=lambda count: (count[0] not in first, count[0])))
    if job.options.summary:
        job.options.summary.write_bytes(orjson.dumps({**counts, **job.figures}, option=orjson.OPT_INDENT_2) + b"\n")
    said = ", ".join(f"{_number(value)} {_named(name)}" for name, value in counts.items())
    where = "" if job.output == "-" or remark else f" → {job.output}"
    ui.say(f"{job.stage}: {said or 'nothing'} in {ui.duration(job.started)}{where}{remark}", job.options.quiet)


def _named(count: str) -> str:
    """Return what a count is called: `failed_verdicts:uncertain` as "failed verdicts (uncertain)"."""
    name, _, kind = count.replace("_", " ").partition(":")
    return f"{name} ({kind})" if kind else name


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


def _commit() -> str | None:
    import subprocess

    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except OSError:
        return None
    return asked.stdout.strip() or None
