"""Lines in the windows that they are written in, where a run is gone on with in the middle of one."""

from collections import deque
from collections.abc import Container, Iterator
from itertools import chain

from stages.writing.base import Material


class Windows:
    """Parts what is written from what is left. Models of batches answer the same only in the same batches: of a window
    that is written in part every line is made again, and those that stand already are not written twice.
    """

    def __init__(self, lines: Iterator[Material], size: int, rejected: Container[str]) -> None:
        """`rejected` has the ids of lines that were put aside; `size` is 1 where lines do not depend on each other."""
        self._lines, self._size, self._rejected = lines, size, rejected
        self._unfinished: deque[Material] = deque()
        self._written = frozenset[str]()
        self._count = 0

    def accepted(self) -> Iterator[Material]:
        """Yield the lines that were not put aside, as far as they are asked for: those are written."""
        for line in self._lines:
            self._note(line)
            if line.id not in self._rejected:
                yield line

    def left(self) -> Iterator[Material]:
        """Yield the lines that are to be made, those of an unfinished window first; nothing where all are written."""
        fresh = next((line for line in self._lines if not self._is_rejected(line)), None)
        if fresh is not None:
            self._written = frozenset(line.id for line in self._unfinished)
            yield from chain(self._unfinished, [fresh], self._lines)

    def stands(self, line: str) -> bool:
        """Return whether a line that is made again stands already."""
        return line in self._written

    def _is_rejected(self, line: Material) -> bool:
        if line.id in self._rejected:
            self._note(line)
        return line.id in self._rejected

    def _note(self, line: Material) -> None:
        self._count += 1
        self._unfinished.append(line)
        if self._count % self._size == 0:
            self._unfinished.clear()
