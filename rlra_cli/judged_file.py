"""The file of judged groups that an online run leaves beside its model, and goes on with when it is resumed."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from schemas.errors import RlraError
from schemas.jsonl import to_line
from schemas.judged import Judged
from schemas.manifest import path_for


@dataclass(frozen=True)
class JudgedFile:
    """`judged/1` lines in the order of their steps; the id of each is `TASK@STEP`."""

    path: Path

    def begin(self) -> None:
        """Remove what an earlier run left. Raises RlraError for a file that `rlra judge` made."""
        if path_for(self.path).exists():
            raise RlraError(
                f"{self.path}: made by another command, and an online run keeps its verdicts there",
                hint="give another folder with -o",
            )
        self.path.unlink(missing_ok=True)

    def cut(self, step: int) -> None:
        """Forget what came after `step`, half a line included: it is judged again."""
        if not self.path.exists():
            return
        kept = 0
        with self.path.open("r+b") as stream:
            for line in stream:
                if not line.endswith(b"\n") or step_of(orjson.loads(line)["id"]) > step:
                    break
                kept += len(line)
            stream.truncate(kept)

    def add(self, group: Judged) -> None:
        """Append a group."""
        with self.path.open("ab") as stream:
            stream.write(to_line(group))


def step_of(name: str) -> int:
    """Return the step that the id of a group names."""
    return int(name.rpartition("@")[2])
