"""What was decided in a review, appended as it is decided: a line is on the disk before the next draft is shown."""

import os
from pathlib import Path

import orjson
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.files import exclusive, tried
from schemas.jsonl import explain
from stages.review import Decision, Desk


class Journal:
    """A file of decisions. One process at a time has it open."""

    def __init__(self, path: str) -> None:
        """Open it, or begin it. Raises RlraError where another process has it open."""
        self.path = path
        self._stream = exclusive(Path(path), fresh=False)

    def replay(self, desk: Desk) -> None:
        """Let `desk` take every decision of it; half a line, of a process that was killed, is cut off.

        Raises RlraError naming the line that does not hold, or is not about these rubrics.
        """
        whole = 0
        for number, line in enumerate(self._stream, start=1):
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            where = f"{self.path}:{number}"
            try:
                desk.take(Decision.model_validate_json(line))
            except ValidationError as error:
                raise RlraError(f"{where}: {explain(error)}", hint="it is rlra's own: leave it as it was") from None
            except RlraError as error:
                raise RlraError(f"{where}: {error.message}", hint=error.hint) from None
        self._stream.truncate(whole)
        self._stream.seek(whole)

    def add(self, decision: Decision) -> None:
        """Append a decision; when this returns, it is on the disk."""
        line = orjson.dumps(decision.model_dump(mode="json", exclude_defaults=True)) + b"\n"
        self._stream.write(line)
        self._stream.flush()
        tried(self.path, lambda: os.fsync(self._stream.fileno()))

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()
