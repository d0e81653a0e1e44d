"""A line that may be selected, and who reads it."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from schemas.base import Record
from schemas.jsonl import parse
from stages.selection.rows import Row

RecordT = TypeVar("RecordT", bound=Record)


@dataclass(slots=True)
class Entry:
    """One line of the input."""

    file: str
    number: int
    line: bytes
    parsed: Any = None
    """What its reader made of it, so that it is parsed once where it is decided at once."""

    @property
    def where(self) -> str:
        """The file and the line number, as messages begin."""
        return f"{self.file}:{self.number}"

    def record(self, kind: type[RecordT]) -> RecordT:
        """Return the line as a record of this kind, parsed once. Raises RlraError for a line that is none."""
        if self.parsed is None:
            self.parsed = parse(self.line, kind, self.where)
        made: RecordT = self.parsed
        return made


class Reader(Protocol):
    """Knows one kind of line. Raises RlraError naming file, line and field for what does not hold."""

    def row(self, entry: Entry) -> Row:
        """Return what selection needs to know of the line."""

    def text(self, entry: Entry) -> str:
        """Return its prompt: the turns of the user."""
