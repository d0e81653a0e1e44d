"""`--engine ray`: what a command does with a stage that runs in actors, into a file or into a folder of parts."""

import hashlib
import io
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from itertools import islice
from typing import IO, Generic, TypeVar

from rlra_cli import ui
from rlra_cli.goes import RESUMED
from rlra_cli.options import MapOptions, PlaceOptions
from rlra_cli.run import Job, check_failures, manifest_text, run_map, summarise
from schemas.errors import RlraError
from schemas.files import BEGUN, shown
from schemas.jsonl import Source, parse, to_line
from schemas.manifest import Recipe, differing_keys, read_manifest
from schemas.parts import MANIFEST, PartFolder, is_folder
from schemas.rollouts import Rollouts
from schemas.task import Task
from stages.ray_engine import Block, Crew, Opening, joined, results

OutT = TypeVar("OutT", bound=Rollouts)
Tally = Callable[[OutT], Counter[str]]
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""What Ray is told before it is loaded: to send nothing home, and to leave our stderr alone."""
CARRIED = tuple(name for name in Task.model_fields if name not in ("tag", "rubric"))
"""What a line has from its task, whichever stage made it."""


def run_far(
    job: Job,
    records: Iterator[Task],
    opening: Opening,
    kind: type[OutT],
    tally: Tally[OutT],
    block: int,
    place: PlaceOptions,
    gpu: bool = False,
) -> None:
    """Do as `run_map` does, with the stage that `opening` opens in actors, which are given `block` lines at a time.

    Into a file the lines come in order, as without Ray; into a folder each actor writes its parts itself.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    crew, shard = Crew(place.ray_address, place.actors, gpu), place.share(block)

    with redirect_stdout(_Aside(sys.stdout.buffer)):
        if is_folder(job.output):
            if shard is not None:
                job.spec |= shard.recorded
                records = shard.own(records)
            _Parts(job, PartFolder(job.output), kind).run(records, opening, tally, block, crew)
            return
        used = Counter[str]()
        job.spending = used.copy
        with joined(crew) as leaving:

            def stage(left: Iterator[Task]) -> Iterator[OutT]:
                blocks = (Block(b"".join(map(to_line, chunk))) for chunk in _chunks(left, block))
                for lines in results(blocks, opening, _nowhere, crew, used, leaving):
                    yield from (parse(line, kind, job.stage) for line in lines)

            run_map(job, records, stage, kind, tally, block, shard)


class _Aside(io.TextIOBase):
    """A stdout for records alone: what Ray prints there, of actors that died, goes to stderr."""

    def __init__(self, buffer: IO[bytes]) -> None:
        self.buffer = buffer

    def write(self, text: str) -> int:
        return sys.stderr.write(text)


def _chunks(records: Iterable[Task], size: int) -> Iterator[list[Task]]:
    remaining = iter(records)
    return iter(lambda: list(islice(remaining, size)), [])


def _nowhere(name: str, content: bytes) -> None:
    raise AssertionError("lines that come back are not written by an actor")


class _Parts(Generic[OutT]):
    """A run into a folder: a part is done when it is there, for its name says what it was made from."""

    def __init__(self, job: Job, folder: PartFolder, kind: type[OutT]) -> None:
        self._job, self._folder, self._kind = job, folder, kind
        self._plan: dict[str, int] = {}
        """The parts of the whole, and how many lines each has."""

    def run(self, records: Iterator[Task], opening: Opening, tally: Tally[OutT], block: int, crew: Crew) -> None:
        """Make the parts that are missing, count them all, and say in a manifest that the folder is whole."""
        job, folder = self._job, self._folder
        blocks = self._missing(records, block, self._begun())
        with joined(crew) as leaving:
            done = results(blocks, opening, folder.write, crew, job.counts, leaving, ordered=False)
            for _ in ui.progress(done, f"{job.stage}, parts", 0, None, job.options.quiet):
                pass
        sha256 = self._counted(tally)
        if isinstance(job.options, MapOptions):
            check_failures(job, job.options.max_failures, shown(folder.path))
        for stale in set(folder.names()) - self._plan.keys():
            folder.remove(stale)
        recipe = job.recipe().model_copy(update={"sha256": sha256, "records": job.counts["records"]})
        folder.write(MANIFEST, manifest_text(job, recipe).encode())
        folder.remove(BEGUN)
        summarise(job)

    def _begun(self) -> dict[str, Rollouts]:
        """Note the recipe in the folder; return the lines, by id, that it has of another input.

        Raises RlraError where it was begun with other options.
        """
        job, folder = self._job, self._folder
        if not (isinstance(job.options, MapOptions) and job.options.resume):
            for name in (MANIFEST, BEGUN, *folder.names()):
                folder.remove(name)
        recipe, made = job.recipe(), folder.read(BEGUN)
        old = Recipe.model_validate_json(made) if made else None
        if old is None and folder.read(MANIFEST):
            old = read_manifest(folder.at(MANIFEST)).recipe
        differ = differing_keys(old, recipe) if old else []
        if wrong := [key for key in differ if not key.startswith("inputs.input.")]:
            raise RlraError(
                f"{shown(folder.path)}: begun with another recipe; these differ: {', '.join(wrong)}",
                hint="repeat the options that began it, or start afresh with --no-resume",
            )
        # The old recipe stays until all is done, so that a run after this one knows as well that the input changed.
        folder.write(BEGUN, (old or recipe).model_dump_json().encode())
        folder.remove(MANIFEST)
        parts = [Source(folder.at(name)) for name in folder.names()] if differ else []
        return {line.id: line for part in parts for line in part.read(self._kind)}

    def _missing(self, records: Iterator[Task], block: int, known: dict[str, Rollouts]) -> Iterator[Block]:
        """Plan every part, and yield those that are not there, without the lines that are known already."""
        there, has_rubrics = set(self._folder.names()), len(self._job.inputs) > 1
        for number, chunk in enumerate(_chunks(records, block)):
            lines = [to_line(record) for record in chunk]
            name = f"part-{number:08d}-{hashlib.sha256(b''.join(lines)).hexdigest()[:16]}.jsonl"
            self._plan[name] = len(chunk)
            if name not in there:
                kept = [_kept(known.get(record.id), record, has_rubrics) for record in chunk]
                left = [line for line, made in zip(lines, kept, strict=True) if not made]
                yield Block(b"".join(left), name, tuple(kept))
        if there := there & self._plan.keys():
            self._job.counts[RESUMED] = sum(self._plan[name] for name in there)
            ui.say(f"{self._job.stage}: {len(there)} of {len(self._plan)} parts are there", self._job.options.quiet)

    def _counted(self, tally: Tally[OutT]) -> str:
        """Read every part, as a reader will; count its lines, and return the digest of them all."""
        total = hashlib.sha256()
        for name, lines in self._plan.items():
            part = Source(self._folder.at(name))
            for record in part.read(self._kind):
                self._job.counts += tally(record)
                total.update(to_line(record))
            if part.records != lines:
                raise RlraError(
                    f"{part.name}: {part.records} lines, where {lines} belong", hint="remove it, and repeat the command"
                )
            self._job.counts["records"] += lines
        return total.hexdigest()


def _kept(made: Rollouts | None, given: Task, has_rubrics: bool) -> bytes:
    """Return the line that was made of `given` before its file changed, or nothing where it might be another now."""
    if made is None or any(getattr(made, name) != getattr(given, name) for name in CARRIED):
        return b""
    if given.rubric != made.rubric and not (has_rubrics and given.rubric is None):
        return b""
    is_other = isinstance(given, Rollouts) and _texts(given) != _texts(made)
    return b"" if is_other else to_line(made)


def _texts(group: Rollouts) -> list[tuple[str, str]]:
    return [(response.text, response.finish) for response in group.responses]
