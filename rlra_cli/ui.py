"""Progress, summaries and errors, to stderr."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from schemas.errors import RlraError
from stages.visible import visible

T = TypeVar("T")


def say(text: str, quiet: bool = False) -> None:
    """Print one line to stderr, unless quiet."""
    if not quiet:
        print(visible(text), file=sys.stderr, flush=True)


def complain(error: RlraError) -> None:
    """Print an error, and its hint on a line of its own."""
    say(f"rlra: {error.message}")
    if error.hint:
        say(f"  hint: {error.hint}")


def progress(records: Iterable[T], what: str, done: int, total: int | None, quiet: bool) -> Iterator[T]:
    """Yield `records`, showing a bar with speed and time left where stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield from records
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done)
        for record in records:
            yield record
            bar.advance(task)


def duration(since: float) -> str:
    """Return the time since `since` (of `time.monotonic`) as `41 s` or `3 min 05 s`."""
    seconds = round(time.monotonic() - since)
    return f"{seconds} s" if seconds < 100 else f"{seconds // 60} min {seconds % 60:02d} s"
