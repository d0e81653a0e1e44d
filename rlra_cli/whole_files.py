"""Rubrics and pages beside the lines of a command: written aside, then put in their place, whole or not at all."""

import os
from collections.abc import Sequence
from pathlib import Path

from schemas.errors import RlraError
from schemas.files import put
from schemas.jsonl import refuse_no_file


def refuse_no_files(paths: Sequence[Path | None]) -> None:
    """Raise RlraError for what is to go to stdout, a pipe, a device or a folder: a file would take its place."""
    for path in filter(None, paths):
        if str(path) == "-":
            raise RlraError("-: only lines go to stdout, this needs a file to go to")
        refuse_no_file(str(path))


def put_aside(path: Path, text: str) -> Path:
    """Write a text beside `path` and return where. Raises RlraError where it cannot be written."""
    partial = path.with_name(path.name + ".partial")
    put(partial, text.encode())
    return partial


def put_whole(path: Path, text: str) -> None:
    """Write a text to `path`, in place of what was there. Raises RlraError where it cannot be written."""
    os.replace(put_aside(path, text), path)
