"""The rubrics of a file or a folder as the records that hold them: tasks, or lines of a bank."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlra_cli.rubric_files import YAML, bank
from schemas.bank import BankRubric
from schemas.errors import RlraError
from schemas.exchange import Outgoing
from schemas.jsonl import KINDS, Source, loads, parse, tag_of
from schemas.task import Task


def outgoing(file: str, source: Source) -> Iterator[Outgoing]:
    """Yield the records of a file or a folder. Raises RlraError for what holds no rubric, and for an id given twice."""
    seen: set[str] = set()
    for found in _from_rubrics(file) if _holds_yaml(file) else _from_lines(source):
        if found.record.id in seen:
            raise RlraError(f"{found.where(())}: id: '{found.record.id}' stands earlier too", hint="ids must differ")
        seen.add(found.record.id)
        yield found
    if not seen:
        raise RlraError(f"{source.name}: there is no rubric in it")


def _holds_yaml(file: str) -> bool:
    return file != "-" and (Path(file).suffix in YAML or Path(file).is_dir())


def _from_rubrics(file: str) -> Iterator[Outgoing]:
    for placed in bank([file]):
        rubric = placed.rubric
        yield Outgoing(BankRubric(id=rubric.rubric, rubric=rubric), rubric, placed.where, _described)


def _from_lines(source: Source) -> Iterator[Outgoing]:
    for number, line in source.lines():
        source.records += 1
        where = f"{source.name}:{number}"
        kind = KINDS[tag_of(loads(line, where), where)[0]]
        if not issubclass(kind, BankRubric | Task):
            raise RlraError(f"{where}: schema: a {kind.KIND} line holds no rubric")
        record: Any = parse(line, kind, where)
        if record.rubric is None:
            raise RlraError(f"{where}: rubric: the line has none", hint="give it one with `rlra generate-rubrics`")
        own = _task(record)
        as_read = line + b"\n" if own is record else b""
        yield Outgoing(own, record.rubric, lambda at, where=where: where, _described, as_read)  # type: ignore[misc]


def _task(record: Task | BankRubric) -> Task | BankRubric:
    """Return a line without responses as the task that it began as."""
    if not isinstance(record, Task) or type(record) is Task:
        return record
    return Task.model_construct(**{name: getattr(record, name) for name in Task.model_fields if name != "tag"})


def _described(check: dict[str, dict[str, Any]]) -> str:
    import stages.checks  # noqa: F401 (registers every check)
    from stages.checks.base import described

    return described(check)
