"""A run that is broken off and gone on with: what all of its goes took is told together, or told to be more."""

import time
from collections import Counter
from pathlib import Path

import pytest

from rlra_cli.goes import all_goes
from rlra_cli.options import RunOptions
from rlra_cli.run import Job


class BrokenOffError(Exception):
    """The end of a go."""


def job(output: Path, calls: int = 0, **spec: int) -> Job:
    """Return a run that began ten seconds ago, whose models were called so often."""
    made = Job("judge", dict(spec), str(output), RunOptions(quiet=True))
    made.started, made.clock = time.monotonic() - 10, time.time() - 10
    made.spending = lambda: Counter({"calls": calls, "usd": calls / 4})  # type: ignore[dict-item]
    return made


def broken_off(went: Job, place: Path, made: int = 0) -> Job:
    with pytest.raises(BrokenOffError), all_goes(went, place, made, resume=True):
        raise BrokenOffError
    return went


def ended(went: Job, place: Path, made: int, resume: bool = True) -> Job:
    with all_goes(went, place, made, resume):
        went.counts.update(went.spending())
    assert not place.exists()
    return went


def seconds(went: Job) -> int:
    return round(time.monotonic() - went.started)


def test_what_all_goes_took_is_added_up(tmp_path: Path) -> None:
    place = tmp_path / "taken.json"
    first = broken_off(job(tmp_path, 8), place)
    broken_off(job(tmp_path, 4), place, made=3)
    last = ended(job(tmp_path, 1), place, made=5)
    assert last.counts == {"calls": 13, "usd": 3.25}
    assert isinstance(last.counts["calls"], int)
    assert (seconds(last), last.clock) == (30, first.clock)


def test_what_a_killed_go_took_is_not_known_and_that_is_said(tmp_path: Path) -> None:
    """A kill leaves what was kept when the go began; one that is broken off in order later does not make it whole."""
    place = tmp_path / "taken.json"
    assert ended(job(tmp_path, 1), place, made=5).counts == {"calls": 1, "usd": 0.25, "resumed_after": 5}
    broken_off(job(tmp_path, 8), place)
    with all_goes(job(tmp_path, 4), place, 3, resume=True):
        killed = place.read_bytes()
    place.write_bytes(killed)
    broken_off(job(tmp_path, 2), place, made=6)
    last = ended(job(tmp_path, 1), place, made=7)
    assert last.counts == {"calls": 11, "usd": 2.75, "resumed_after": 3}
    assert seconds(last) == 30


def test_another_run_and_one_that_starts_afresh_have_taken_nothing_yet(tmp_path: Path) -> None:
    place = tmp_path / "taken.json"
    broken_off(job(tmp_path, 8, seed=1), place)
    assert ended(job(tmp_path, 1, seed=2), place, made=0).counts["calls"] == 1
    broken_off(job(tmp_path, 8), place)
    afresh = ended(job(tmp_path, 1), place, made=0, resume=False)
    assert (afresh.counts["calls"], seconds(afresh)) == (1, 10)


def test_what_was_kept_and_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    place = tmp_path / "taken.json"
    place.write_bytes(b'{"recipe": "')
    assert ended(job(tmp_path, 1), place, made=2).counts["resumed_after"] == 2


def test_stdout_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(BrokenOffError), all_goes(job(tmp_path), None, 0, resume=True):
        raise BrokenOffError
    assert list(tmp_path.iterdir()) == []
