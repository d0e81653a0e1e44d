"""Inputs that are read more than once, and outputs that take lines as they are."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import typer

from schemas.errors import RlraError
from schemas.files import opened, shown
from schemas.jsonl import Source, Target


@contextlib.contextmanager
def rereadable(path: str, once: bool = False) -> Iterator[Source]:
    """Give a source whose lines can be read any number of times; those of stdin only once, where that is enough.

    What comes through a pipe is kept in a temporary file, which nothing can leave behind: it has no name.
    """
    if (path == "-" and once) or (path != "-" and not Path(path).is_fifo()):
        yield Source(path)
        return
    with opened(path) as pipe, tempfile.TemporaryFile() as spool:
        shutil.copyfileobj(pipe, spool, 1 << 20)
        spool.flush()
        yield _Spooled(path, spool)


def refuse_changed(context: typer.Context, option: str, files: Mapping[str, Source]) -> None:
    """Raise RlraError where one of the files of an option that `--spec` brought back is not what the manifest says.

    `files` are by their roles in a recipe. What the command line names itself is taken as it is.
    """
    origin, spec = context.get_parameter_source(option), context.params["spec_file"]
    if spec is None or origin is None or origin.name != "DEFAULT_MAP":
        return
    from schemas.yaml_file import load_yaml

    inputs = load_yaml(spec).value.get("recipe", {}).get("inputs", {})
    for role, source in files.items():
        if role in inputs and inputs[role]["sha256"] != source.fingerprint()[0]:
            said = f"{shown(source.path)}: changed since {spec} was written"
            raise RlraError(said, hint=f"name it with --{option} to use it as it is now")


class _Spooled(Source):
    """What came through a pipe, by the name of the pipe."""

    def __init__(self, path: str, spool: IO[bytes]) -> None:
        super().__init__(path)
        self._spool = spool
        self._kept = Source(f"/dev/fd/{spool.fileno()}")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        self._spool.seek(0)  # where opening it anew goes on at the old place
        return self._kept.lines()

    def fingerprint(self) -> tuple[str, int | None]:
        self._spool.seek(0)
        return self._kept.fingerprint()


class LineTarget(Target):
    """An artifact of lines that are copied as they are."""

    def copy(self, line: bytes) -> None:
        """Append one line, given without its newline."""
        self._stream.write(line + b"\n")
        self._hash.update(line + b"\n")
        self.records += 1
