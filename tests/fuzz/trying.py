"""Thousands of inputs tried on one reader: each is read, or refused in one short line; nothing else, and soon.

`RLRA_FUZZ_INPUTS=200000 pytest tests/fuzz` makes it a long run of so many inputs in all. Then every fourth input is
traced, and one that reaches a line of `schemas` or `stages/reading/` that none before it did is mutated further.
"""

import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest

from schemas.errors import RlraError
from stages.asking import UnreadableError
from stages.visible import visible

USUAL = 8_000
"""How many inputs the suite tries, all readers together."""
GIVEN = os.environ.get("RLRA_FUZZ_INPUTS")
LONGEST_MESSAGE, LONGEST_HINT = 1_000, 4_000
SECONDS = 2.0
"""The most processor time that an input may take, in the better of two tries: a collection of garbage may fall into
one, over all that earlier tests left in the process."""
HANGS_AFTER = 60
MOST_MEGABYTES = 400
"""How much a reader may add to the most memory that the process ever had."""
TRACED = ("/schemas/", "/stages/reading/", "/rlra_cli/rubric_files.py")


class HangError(BaseException):
    """A reader does not return. No `except Exception` on the way takes it."""


@dataclass
class Tally:
    """What became of the inputs of one reader."""

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    slowest: float = 0.0
    faults: dict[str, str] = field(default_factory=dict)
    """By what went wrong, the first input that did it."""

    def __str__(self) -> str:
        """Return the tally in a line."""
        said = ", ".join(f"{count:,} {what}" for what, count in sorted(self.outcomes.items()))
        return f"{self.name}: {self.outcomes.total():,} inputs: {said}; {self.kept} kept; slowest {self.slowest:.2f} s"


def share(part: float) -> int:
    """Return how many inputs a reader gets that has this part of them all."""
    return int(part * int(GIVEN or USUAL))


def fuzz(
    name: str,
    part: float,
    seeds: Sequence[Any],
    mutate: Callable[[random.Random, Any], Any],
    read: Callable[[Any], str],
    where: str = "",
) -> Tally:
    """Try mutations of `seeds` on `read`, which returns what kind of good result there is, and raises refusals.

    A refusal must begin with `where`. Fails with the first input of each kind of fault; input `n` depends on `name`,
    `n` and, in a long run, on what was kept before it.
    """
    tally, corpus, seen = Tally(name), list(seeds), set[tuple[str, int]]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(share(part)):
        rng = random.Random(f"{name} {number}")
        given = mutate(rng, rng.choice(corpus if rng.random() < 0.5 else seeds))
        if GIVEN and number % 4 == 0:
            with _traced(seen) as reached:
                _try(tally, given, read, where)
            if reached - seen:
                seen |= reached
                corpus.append(given)
                tally.kept += 1
        else:
            _try(tally, given, read, where)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{tally}; {grown:.0f} MB more")
    if tally.faults:
        pytest.fail("\n".join(f"{what}\n    {given}" for what, given in tally.faults.items()), pytrace=False)
    assert grown < MOST_MEGABYTES
    return tally


def _try(tally: Tally, given: Any, read: Callable[[Any], str], where: str) -> None:
    outcome, wrong, took = _outcome(given, read, where)
    if took > SECONDS and not GIVEN:
        took = min(took, _outcome(given, read, where)[2])
        if took > SECONDS:
            wrong = wrong or f"took {took:.1f} s"
    tally.slowest = max(tally.slowest, took)
    tally.outcomes[outcome] += 1
    if wrong:
        shown = repr(given)
        tally.faults.setdefault(wrong, shown if len(shown) < 3_000 else f"{shown[:1_500]} … {shown[-1_500:]}")


def _outcome(given: Any, read: Callable[[Any], str], where: str) -> tuple[str, str, float]:
    """Return what became of an input, what is wrong with that, and the seconds of this thread that it took."""
    begun = time.thread_time()
    try:
        with _watched():
            outcome, wrong = read(given), ""
    except (RlraError, UnreadableError) as error:
        outcome, wrong = "refused", flaw(error, where)
    except (Exception, HangError) as error:
        outcome, wrong = "fault", f"{type(error).__name__}: {error!s:.200}{_place(error)}"
    return outcome, wrong, time.thread_time() - begun


def flaw(error: RlraError | UnreadableError, where: str = "") -> str:
    """Return what is wrong with how a refusal says itself: nothing, or a line."""
    message = str(error)
    hint = (error.hint or "") if isinstance(error, RlraError) else ""
    if not message.startswith(where):
        return f"does not begin with the place: {message[:200]!r}"
    if visible(message + hint) != message + hint or set(message + hint) & set("\t\n"):
        return f"has control characters: {message[:200]!r} {hint[:100]!r}"
    if len(message) > LONGEST_MESSAGE or len(hint) > LONGEST_HINT:
        return f"has {len(message)} characters: {message[:200]!r}"
    return ""


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})" if trace else ""


@contextmanager
def _watched() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise HangError(f"does not return within {HANGS_AFTER} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _traced(seen: set[tuple[str, int]]) -> Iterator[set[tuple[str, int]]]:
    """Collect the lines of the readers that are reached."""
    reached: set[tuple[str, int]] = set()

    def line(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        return line if any(part in frame.f_code.co_filename for part in TRACED) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield reached
    finally:
        sys.settrace(before)
