"""Probe responses by the id of their prompt, kept on disk: however many there are, few are in memory."""

import tempfile
from collections.abc import Sequence
from typing import IO

from schemas.errors import RlraError
from schemas.jsonl import TAG, Source, parse
from schemas.judged import Judged
from schemas.rollouts import Response, Rollouts


class ProbeFile:
    """The responses of rollouts or judged lines. To be closed; nothing is left behind."""

    def __init__(self, source: Source) -> None:
        """Read the file through once. Raises RlraError for a bad line, for an id that stands twice, and for no line.

        All of it is told before a writer is asked and paid.
        """
        self.name = source.name
        self._spool: IO[bytes] = tempfile.TemporaryFile()
        self._places: dict[str, tuple[int, int]] = {}
        end = 0
        for number, line in source.lines():
            where = f"{source.name}:{number}"
            name = _parsed(line, where).id
            if name in self._places:
                hint = "--probe takes rollouts, one line for a prompt"
                raise RlraError(f"{where}: id: '{name}' stands on an earlier line too", hint)
            self._places[name] = (end, number)
            end += self._spool.write(line + b"\n")
        if not self._places:
            raise RlraError(f"{self.name}: holds no responses to try drafts on", hint="make some with `rlra rollout`")

    def responses(self, name: str) -> Sequence[Response]:
        """Return the responses to the prompt of an id, none where there are none."""
        if name not in self._places:
            return ()
        place, number = self._places[name]
        self._spool.seek(place)
        return _parsed(self._spool.readline().rstrip(b"\n"), f"{self.name}:{number}").responses

    def close(self) -> None:
        """Let go of the copy."""
        self._spool.close()


def _parsed(line: bytes, where: str) -> Rollouts:
    tag = TAG.match(line)
    return parse(line, Judged if tag and tag[1] == Judged.KIND.encode() else Rollouts, where)
