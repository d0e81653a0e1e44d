"""The log of a training run as it grows: in its file, before people's eyes, and in trackers."""

from pathlib import Path

import orjson

from rlra_cli.train_table import Lines
from schemas.jsonl import to_line
from schemas.train_log import TrainLog
from stages.training.trackers import Trackers


class RunLog:
    """`train_log/1` lines in the order of their steps."""

    def __init__(self, path: Path, view: Lines, trackers: Trackers) -> None:
        """Write to `path`, show in `view`, hand on to `trackers`."""
        self._path, self._view, self._trackers = path, view, trackers
        self._before = 0.0

    def cut(self, step: int) -> None:
        """Forget what came after `step`, how the run ended and half a line included: it is done again.

        The seconds of the lines to come go on from those of the last one that stays.
        """
        if not self._path.exists():
            return
        kept = 0
        with self._path.open("r+b") as stream:
            for line in stream:
                if not line.endswith(b"\n") or (found := orjson.loads(line))["step"] > step or found.get("event"):
                    break
                kept, self._before = kept + len(line), found["seconds"]
            stream.truncate(kept)

    def write(self, line: TrainLog) -> None:
        """Append a line; that of how the run ended tells of no time."""
        if line.event is None:
            line = line.model_copy(update={"seconds": round(self._before + line.seconds, 2)})
        with self._path.open("ab") as stream:
            stream.write(to_line(line))
        self._view.add(line)
        self._trackers.write(line)

    def close(self) -> None:
        """Give the terminal back, and end the run in the trackers."""
        self._view.close()
        self._trackers.close()
