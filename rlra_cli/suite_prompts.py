"""The prompts of a suite: out of a file that the user has, a data set by name, or an installed package."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from rlra_cli.prompt_files import is_table, read_tasks, table_rows
from schemas.errors import RlraError
from schemas.exchange import FORMATS, Entry
from schemas.exchange.entries import entries
from schemas.exchange.records import records
from schemas.jsonl import TAG, Source
from schemas.task import Task

PACKAGE = "pkg:"


def located(given: str) -> str:
    """Return the path of `pkg:PACKAGE/PATH`, a file inside an installed package; anything else as it is.

    The package is not imported: no code of it runs. Raises RlraError where there is no such package or file.
    """
    if not given.startswith(PACKAGE):
        return given
    name, _, path = given.removeprefix(PACKAGE).partition("/")
    found = find_spec(name) if name.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise RlraError(f"{given}: no package '{name}' is installed", hint="say pkg:PACKAGE/PATH/IN/IT.jsonl")
    places = [Path(folder) / path for folder in found.submodule_search_locations]
    file = next((place for place in places if path and place.is_file()), None)
    if file is None:
        raise RlraError(f"{given}: the package '{name}' has no file '{path}'")
    return str(file)


def prompts(path: str, form: str) -> Iterator[Task]:
    """Yield the tasks of a file, in its order: any prompts, or those of an exchange format where `form` names one.

    `task/1` lines, as `rlra rubrics import` makes them of such a file, will do as well. Raises RlraError naming file,
    line and field.
    """
    source = Source(path)
    if not form:
        yield from read_tasks(source)
        return
    if is_table(path):
        found: Iterable[Entry] = _of_table(path)
    else:
        lines = source.lines()
        first = next(lines, None)
        if first and TAG.match(first[1]):
            yield from read_tasks(Source(path))
            return
        found = entries(chain([first] if first else [], lines), source.name, FORMATS[form])
    for entry, record in records(found, FORMATS[form]):
        if not isinstance(record, Task):
            raise RlraError(f"{entry.where(())}: the line has no prompt", hint=f"{form} has {FORMATS[form].about}")
        yield record


def _of_table(path: str) -> Iterator[Entry]:
    for number, row in enumerate(table_rows(path), start=1):
        where = f"{path}: row {number}"
        yield Entry(dict(row), lambda at, where=where: where, Path(path).stem, number)  # type: ignore[misc]
