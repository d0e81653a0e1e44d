"""The lines whose rubrics are under review, kept as bytes: of ten thousand, one at a time is a record."""

from rlra_cli.rubric_lines import outgoing
from schemas.bank import BankRubric
from schemas.jsonl import Source, parse, to_line
from schemas.rubric import Rubric
from schemas.task import Task


class Pile:
    """The records of a file or a folder, by id, in its order."""

    def __init__(self, file: str, source: Source) -> None:
        """Read them all. Raises RlraError for what holds no rubric, and for an id given twice."""
        self._lines: dict[str, tuple[bytes, type[Task] | type[BankRubric], str]] = {}
        for each in outgoing(file, source):
            kind = Task if isinstance(each.record, Task) else BankRubric
            self._lines[each.record.id] = (to_line(each.record), kind, each.where(()))

    @property
    def ids(self) -> list[str]:
        """The ids of the lines, in order."""
        return list(self._lines)

    def record(self, name: str) -> Task | BankRubric:
        """Return one of the lines."""
        line, kind, where = self._lines[name]
        return parse(line.rstrip(b"\n"), kind, where)

    def rubric(self, name: str) -> Rubric:
        """Return its rubric."""
        rubric = self.record(name).rubric
        assert rubric is not None  # lines without one are refused when they are read
        return rubric

    def where(self, name: str) -> str:
        """Return where the line stands, as `file:line`."""
        return self._lines[name][2]
