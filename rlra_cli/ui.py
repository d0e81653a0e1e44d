"""Progress, summaries and errors, to stderr."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from schemas.errors import RlraError
from stages.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

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


def console(width: int = 120, stdout: bool = False) -> "Console":
    """Return where tables go: as wide as the terminal is.

    A log or a pipe has no width of its own, and 80 columns would break names and intervals in two: there it is `width`,
    or on stdout, which may be piped to a pager, what COLUMNS says.
    """
    from rich.console import Console

    stream = sys.stdout if stdout else sys.stderr
    known = stream.isatty() or (stdout and "COLUMNS" in os.environ)
    return Console(stderr=not stdout, width=None if known else width, highlight=False)


def progress(
    records: Iterable[T],
    what: str,
    done: int,
    total: int | None,
    quiet: bool,
    counts: Mapping[str, float] | None = None,
) -> Iterator[T]:
    """Yield `records`, showing a bar with time left where stderr is a terminal.

    Where `counts`, which grows meanwhile, has responses and tokens, their speed is shown, and the share cut off.
    """
    if quiet or not sys.stderr.isatty():
        yield from records
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[speed]}"),
    )
    counts = {} if counts is None else counts
    before, began = dict(counts), time.monotonic()
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done, speed="")
        for record in records:
            yield record
            bar.update(task, advance=1, speed=speed(before, counts, time.monotonic() - began))


def speed(before: Mapping[str, float], now: Mapping[str, float], seconds: float) -> str:
    """Return responses and tokens per second between two counts, and the share cut off of all responses so far."""
    if not now.get("tokens") or seconds <= 0:
        return ""
    answered, tokens = ((now[name] - before.get(name, 0)) / seconds for name in ("responses", "tokens"))
    cut = now.get("cut_off", 0) / now["responses"]
    return f"{answered:,.1f} responses/s, {tokens:,.0f} tokens/s, {cut:.0%} cut off"


def duration(since: float) -> str:
    """Return the time since `since` (of `time.monotonic`) as `41 s` or `3 min 05 s`."""
    return span(time.monotonic() - since)


def span(seconds: float) -> str:
    """Return a time as `41 s` or `3 min 05 s`."""
    seconds = round(seconds)
    return f"{seconds} s" if seconds < 100 else f"{seconds // 60} min {seconds % 60:02d} s"
