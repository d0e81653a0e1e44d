"""Rubrics out of files and folders, each with the place it stands at, its checks tried out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from schemas.bank import BankRubric
from schemas.criterion import Criterion
from schemas.errors import RlraError
from schemas.jsonl import KINDS, Source, loads, parse, tag_of
from schemas.rubric import Rubric
from schemas.rubric_file import read_rubric
from schemas.task import Task
from schemas.yaml_file import Loaded, Location

YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Placed:
    """A rubric, and where each part of it stands."""

    rubric: Rubric
    name: str
    """The file, and for a line of a bank `file:line`."""
    loaded: Loaded | None = None
    """The YAML that it was read from."""

    def where(self, location: Location = ()) -> str:
        """Return the place of a part as `file:line`."""
        return self.loaded.where(location) if self.loaded else self.name


def placed(path: Path) -> Placed:
    """Return the rubric in a YAML file, every check bound once. Raises RlraError as `file:line: key: what`."""
    rubric, loaded = read_rubric(path)
    found = Placed(rubric, str(path), loaded)
    try_checks(found)
    return found


def inputs_of(rubrics: Sequence[Placed]) -> dict[str, Source]:
    """Return the files that the rubrics were read from, templates included, by the names that a recipe gives them."""
    found: dict[str, Source] = {}
    for number, rubric in enumerate(rubrics):
        own = Path(rubric.name)
        places = rubric.loaded.places.values() if rubric.loaded else ()
        templates = sorted({path for path, _ in places} - {own})
        found[f"rubrics.{number}"] = Source(str(own))
        found |= {f"rubrics.{number}.inherits.{n}": Source(str(path)) for n, path in enumerate(templates)}
    return found


def bank(paths: Sequence[str], complain: Callable[[RlraError], None] | None = None) -> Iterator[Placed]:
    """Yield the rubrics in files, folders and JSONL banks, in order; folders are searched for YAML and JSONL.

    A line of `rubric/1` is one, and so is the rubric inside a `task/1`, `rollouts/1` or `judged/1` line. What cannot
    be read raises RlraError, or goes to `complain`, and the rest is read on.
    """
    for read in _readers(paths):
        try:
            found = read()
        except RlraError as error:
            if complain is None:
                raise
            complain(error)
        else:
            if found is not None:
                yield found


def _readers(paths: Sequence[str]) -> Iterator[Callable[[], Placed | None]]:
    """Yield one function per rubric, which reads it, or raises what stood in the way."""
    for path in paths:
        try:
            files = files_in(path)
        except RlraError as error:
            yield _raises(error)
            continue
        for file in files:
            if Path(file).suffix in YAML:
                yield partial(placed, Path(file))
            else:
                yield from _lines(file)


def _raises(error: RlraError) -> Callable[[], Placed | None]:
    def read() -> Placed | None:
        raise error

    return read


def files_in(path: str) -> list[str]:
    """Return the files of rubrics in a folder; of anything else itself. Raises RlraError where there are none."""
    folder = Path(path)
    if path == "-" or not folder.is_dir():
        return [path]
    found = sorted(str(file) for file in folder.rglob("*") if file.suffix in (*YAML, ".jsonl"))
    if not found:
        raise RlraError(f"{path}: the folder holds no rubric", hint="rubrics are .yaml files, banks are .jsonl files")
    return found


def _lines(file: str) -> Iterator[Callable[[], Placed | None]]:
    source = Source(file)
    try:
        for number, line in source.lines():
            yield partial(_line, line, f"{source.name}:{number}")
    except RlraError as error:  # the file is not there, or breaks off
        yield _raises(error)


def _line(line: bytes, where: str) -> Placed | None:
    kind = KINDS[tag_of(loads(line, where), where)[0]]
    if not issubclass(kind, BankRubric | Task):
        raise RlraError(f"{where}: schema: a {kind.KIND} line holds no rubric")
    record: Any = parse(line, kind, where)
    found = Placed(record.rubric, where) if record.rubric else None
    if found:
        try_checks(found)
    return found


def try_checks(found: Placed) -> None:
    """Bind each check and compile each source of the rubric once. Raises RlraError that names the place and the key."""
    for location, leaf in _leaves(found.rubric.criteria, ("criteria",)):
        try:
            _try(leaf)
        except RlraError as error:
            key = "check" if leaf.check else "python"
            where = found.where((*location, key))
            raise RlraError(f"{where}: criterion '{leaf.id}': {error.message}", hint=error.hint) from None


def _try(leaf: Criterion) -> None:
    import stages.checks  # noqa: F401 (registers every check)
    from stages.checks.base import bind
    from stages.checks.sandbox import problems

    if leaf.check is not None:
        bind(leaf.check)
    if leaf.python is not None and (found := problems(leaf.python)):
        raise RlraError(f"python: {found[0]}")


def _leaves(criteria: Sequence[Criterion], at: Location) -> Iterator[tuple[Location, Criterion]]:
    for index, criterion in enumerate(criteria):
        here = (*at, index)
        if criterion.criteria:
            yield from _leaves(criterion.criteria, (*here, "criteria"))
        else:
            yield here, criterion
