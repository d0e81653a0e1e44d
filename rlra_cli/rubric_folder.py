"""A folder of rubrics to edit by hand: one YAML file each, and beside them the lines that they came from."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlra_cli.rubric_files import YAML, placed
from rlra_cli.run import Job, summarise, write_manifest
from rlra_cli.verbatim import Verbatim
from schemas.bank import BankRubric
from schemas.errors import RlraError
from schemas.exchange import Loss, Outgoing
from schemas.exchange.folder import file_name, yaml_of
from schemas.files import is_remote, put
from schemas.jsonl import KINDS, Source, loads, parse, tag_of, to_line
from schemas.manifest import path_for
from schemas.rubric import Rubric
from schemas.task import Task
from stages.review import edited

LINES = "exported.jsonl.gz"
"""The lines as they were; an import compares the files with them. No rubric is looked for in a file of this name."""


def write_folder(job: Job, leaving: Iterable[Outgoing]) -> None:
    """Write one YAML file per rubric into a new folder, and the lines themselves beside them.

    It is made as `FOLDER.partial`, and called FOLDER when it is whole. Raises RlraError where there is one already:
    somebody may have edited it.
    """
    folder = _new(job.output)
    partial = folder.with_name(f"{folder.name}.partial")
    target = Verbatim(str(partial / LINES))
    try:
        for left in partial.glob("*.yaml"):
            left.unlink()
        for number, each in enumerate(leaving, start=1):
            target.put(each.line or to_line(each.record), 1)
            put(partial / file_name(number, each.record.id), yaml_of(each.rubric, each.messages).encode())
            job.counts["criteria"] += len(each.rubric.leaves)
        target.complete()
    finally:
        target.close()
    job.counts["records"] = target.records
    recipe = job.recipe().model_copy(update={"sha256": target.sha256(), "records": target.records})
    write_manifest(job, recipe, path_for(partial))
    partial.rename(folder)
    summarise(job)


def _new(output: str) -> Path:
    if output == "-" or is_remote(output):
        raise RlraError("--to folder writes a folder on this machine", hint="name it with -o FOLDER/")
    folder = Path(output)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise RlraError(
            f"{folder}: is there already, and may hold what somebody edited", hint="give another name, or move it away"
        )
    return folder


class FolderSource(Source):
    """The files of such a folder; its fingerprint is that of all of them."""

    def files(self) -> list[str]:
        """Return the files of rubrics, by name."""
        return [str(file) for file in _yaml_files(Path(self.path))]

    def fingerprint(self) -> tuple[str, int | None]:
        """Return a digest of the names and contents of the files, and how many rubrics there are."""
        if self._whole is None:
            total, files = hashlib.sha256(), _yaml_files(Path(self.path))
            for file in (*files, *filter(Path.exists, [Path(self.path) / LINES])):
                total.update(hashlib.sha256(file.relative_to(self.path).as_posix().encode()).digest())
                total.update(hashlib.sha256(file.read_bytes()).digest())
            self._whole = total.hexdigest(), len(files)
        return self._whole


@dataclass(frozen=True)
class Edits:
    """Who edited the files of a folder, and when."""

    by: str
    on: str

    def lines(self, folder: Path, counts: Counter[str]) -> Iterator[tuple[bytes, list[Loss]]]:
        """Yield the lines that a folder holds now, and what of each is lost: all of one whose file is not there.

        A line whose file says what it said is the same to the byte. `counts` gains what was done. Raises RlraError as
        `file:line: key: what` for a file that holds no good rubric.
        """
        if not folder.is_dir():
            raise RlraError(f"{folder}: no such folder", hint="make one with `rlra rubrics export FILE --to folder`")
        if path_for(folder).exists() and not (folder / LINES).exists():
            raise RlraError(
                f"{folder / LINES}: not there", hint="copy the whole folder: histories and prompts are in it"
            )
        seen: set[Path] = set()
        ids: set[str] = set()
        kinds: set[type[Any]] = set()
        for number, line in Source(str(folder / LINES)).lines() if (folder / LINES).exists() else ():
            record = _record(line, f"{folder / LINES}:{number}")
            path = folder / file_name(number, record.id)
            kinds.add(type(record))
            if path.exists():
                seen.add(path)
                ids.add(record.id)
                yield self._edited(record, line, path, counts), []
            else:
                yield b"", [Loss(f"{path}:1", "rubric", f"the file is not there, and '{record.id}' is left out")]
        for path in (path for path in _yaml_files(folder) if path not in seen):
            yield _added(path, ids, Task in kinds), []
            counts["added"] += 1
        if not ids:
            raise RlraError(f"{folder}: the folder holds no rubric", hint="rubrics are .yaml files")

    def _edited(self, record: Task | BankRubric, line: bytes, path: Path, counts: Counter[str]) -> bytes:
        before = record.rubric
        assert before is not None  # none is exported without
        try:
            now = edited(before, placed(path).rubric, self.by, self.on)
        except ValueError as error:
            raise RlraError(f"{path}:1: {error}") from None
        if now is before:
            return line + b"\n"
        counts.update(_steps(before, now))
        return to_line(record.model_copy(update={"rubric": now}))


def _steps(before: Rubric, now: Rubric) -> list[str]:
    known = len(before.review.history) if before.review else 0
    return [step.did for step in (now.review.history if now.review else ())[known:]]


def _record(line: bytes, where: str) -> Task | BankRubric:
    kind = KINDS[tag_of(loads(line, where), where)[0]]
    record = parse(line, kind, where)
    if not isinstance(record, Task | BankRubric) or record.rubric is None:
        raise RlraError(f"{where}: the line holds no rubric", hint="this file is rlra's own: leave it as it was")
    return record


def _added(path: Path, ids: set[str], is_of_tasks: bool) -> bytes:
    """Return the line of a file that was not exported. Raises RlraError where it has no place."""
    rubric = placed(path).rubric
    if is_of_tasks:
        raise RlraError(
            f"{path}: belongs to no line that was exported", hint="files keep their names; lines with prompts are tasks"
        )
    if rubric.rubric in ids:
        raise RlraError(f"{path}:1: rubric: '{rubric.rubric}' stands in an earlier file too", hint="ids must differ")
    ids.add(rubric.rubric)
    return to_line(BankRubric(id=rubric.rubric, rubric=rubric))


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in YAML)
