"""The verdict cache: what is stored is found, by several processes, after a kill, and never a failure."""

import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from schemas.judged import Vote
from stages.verdict_cache import ROWS, Answered, Stored, VerdictCache
from tests.house.sources import ROOT
from tests.stages.stored_votes import row

ANSWERED = Answered("request 1", tokens_in=70, tokens_out=30, calls=2, thinking="Hm … 嗯 \x1b[31m")
RICH = Vote(
    judge="openai:a", key="k1", status="scored", label="met", shares=(0.25, 0.75), mass=0.875, reason="é", repaired=True
)
WRITER = """
import sys
from schemas.judged import Vote
from stages.verdict_cache import Answered, Stored, VerdictCache
path, name, rows, flush_every = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with VerdictCache(path) as cache:
    for row in range(rows):
        key = f"shared {row}" if row % 2 else f"{name} {row}"
        vote = Vote(judge="openai:j", key=key, status="scored", label="met", reason=f"{key} " + "because " * 20)
        cache.put([Stored(vote, Answered(f"asked {key}", 7, 3, 1))])
        if row % flush_every == flush_every - 1:
            cache.flush()
            print(row + 1, flush=True)
"""


def writer(path: Path, name: str, rows: int, flush_every: int, **more: Any) -> subprocess.Popen[str]:
    """Start a process that writes `rows` rows, half of them under keys that every writer has."""
    words = [sys.executable, "-c", WRITER, str(path), name, str(rows), str(flush_every)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **more)


def sound(path: Path) -> int:
    """Return how many votes a file holds, after SQLite's own check of it and a reading of every row."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        keys = [key for (key,) in file.execute("SELECT key FROM votes")]
    with VerdictCache(path) as cache:
        found = cache.get(keys)
    assert found.keys() == set(keys)
    assert all(stored.vote.reason.startswith(f"{key} because ") for key, stored in found.items())
    assert all(stored.answered == Answered(f"asked {key}", 7, 3, 1) for key, stored in found.items())
    return len(keys)


@pytest.mark.parametrize("place", ["file", ":memory:"])
def test_what_was_put_is_found_before_and_after_it_is_written(tmp_path: Path, place: str) -> None:
    stored = [Stored(RICH, ANSWERED), row("k2", status="abstained", label="cannot tell")]
    with VerdictCache(tmp_path / "new" / "cache.db" if place == "file" else place) as cache:
        cache.put(stored)
        for _ in range(2):
            assert cache.get(["k1", "unknown", "k2", "k1"]) == {"k1": stored[0], "k2": stored[1]}
            cache.flush()
        assert cache.get([]) == {}
    if place == "file":
        with VerdictCache(tmp_path / "new" / "cache.db") as again:
            assert again.get(["k2", "k1"]) == {"k1": stored[0], "k2": stored[1]}
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["cache.db"]


def test_the_first_of_two_votes_stays(tmp_path: Path) -> None:
    first, second = row("k", "r1"), row("k", "r2", label="not met")
    for flush in (False, True):
        with VerdictCache(tmp_path / f"{flush}.db") as cache:
            cache.put([first])
            if flush:
                cache.flush()
            cache.put([second])
            assert cache.get(["k"])["k"] == first
            cache.flush()
            assert cache.get(["k"])["k"] == first


def test_a_failed_vote_is_refused_and_so_is_what_comes_with_it() -> None:
    failed = Stored(Vote(judge="j", key="f", status="failed", failure="transport"), ANSWERED)
    with VerdictCache(":memory:") as cache:
        with pytest.raises(ValueError, match="failed vote"):
            cache.put([row("good"), failed])
        assert cache.get(["f", "good"]) == {}


def test_thousands_of_keys_are_one_question(tmp_path: Path) -> None:
    rows = {f"{number:016x}": row(f"{number:016x}", f"r{number // 8}") for number in range(3 * ROWS + 7)}
    with VerdictCache(tmp_path / "c.db") as cache:
        cache.put(rows.values())
        cache.flush()
        assert cache.get([*rows, "unknown"]) == rows


def test_rows_that_wait_are_written_before_they_are_many(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "c.db", every_s=float("inf"))
    for number in range(ROWS + 1):
        cache.put([row(f"k{number}")])
    with VerdictCache(tmp_path / "c.db") as other:
        assert len(other.get(f"k{number}" for number in range(ROWS + 1))) == ROWS
    cache.close()
    cache.close()


def test_rows_that_come_one_by_one_are_written_in_time(tmp_path: Path) -> None:
    with VerdictCache(tmp_path / "c.db", every_s=0.05) as cache, VerdictCache(tmp_path / "c.db") as other:
        for number in range(3):
            cache.put([row(f"k{number}")])
            assert f"k{number}" in other.get([f"k{number}"])
            cache.put([row(f"next to k{number}")])
            assert number == 0 or f"next to k{number - 1}" in other.get([f"next to k{number - 1}"])
            time.sleep(0.06)


def test_an_error_under_way_is_not_hidden_by_closing(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"), VerdictCache(tmp_path / "c.db") as cache:
        cache.put([row("k")])
        raise KeyError("mine")
    with VerdictCache(tmp_path / "c.db") as cache:
        assert cache.get(["k"])


def test_four_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path, rows = tmp_path / "c.db", 600
    writers = [writer(path, f"w{number}", rows, 25) for number in range(4)]
    for process in writers:
        _, trouble = process.communicate(timeout=120)
        assert process.returncode == 0, trouble
    assert sound(path) == 4 * rows // 2 + rows // 2


def test_a_kill_loses_nothing_that_was_written(tmp_path: Path) -> None:
    path, kept = tmp_path / "c.db", {}
    writers = {f"w{number}": writer(path, f"w{number}", 100_000, 5) for number in range(4)}
    for number, (name, process) in enumerate(writers.items()):
        assert process.stdout
        said = [process.stdout.readline() for _ in range(10 + 7 * number)]
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        kept[name] = int([*said, *re.findall(r"\d+\n", rest)][-1])
    assert sound(path) >= sum(kept.values()) // 2
    with VerdictCache(path) as cache:
        for name, rows in kept.items():
            keys = [f"shared {each}" if each % 2 else f"{name} {each}" for each in range(rows)]
            assert cache.get(keys).keys() == set(keys)


def test_threads_share_a_cache(tmp_path: Path) -> None:
    wrong: list[str] = []

    def work(name: int) -> None:
        for number in range(200):
            cache.put([row(f"{name}/{number}")])
            if number % 50 == name:
                cache.flush()
            if f"{name}/{number}" not in cache.get([f"{name}/{number}"]):
                wrong.append(f"{name}/{number}")

    with VerdictCache(tmp_path / "c.db") as cache:
        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == [] and len(cache.get(f"{n}/{k}" for n in range(4) for k in range(200))) == 800


def test_eight_processes_make_the_file_at_once(tmp_path: Path) -> None:
    words = [sys.executable, "-c", MAKER, str(tmp_path / "c.db"), str(time.time() + 1.5)]
    makers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(8)]
    assert [process.communicate(timeout=60)[1] for process in makers] == [""] * 8


MAKER = """
import sys, time
from stages.verdict_cache import VerdictCache
time.sleep(max(0, float(sys.argv[2]) - time.time()))
VerdictCache(sys.argv[1]).close()
"""


def test_a_verdict_costs_less_than_its_share(tmp_path: Path) -> None:
    """Twenty microseconds of processor time per verdict, written in batches; five times that is allowed here."""
    rows = [row(f"{number:016x}", f"r{number // 8}", reason="because it says so " * 6) for number in range(8_000)]
    with VerdictCache(tmp_path / "c.db") as cache:
        began = time.process_time()
        for each in rows:
            cache.put([each])
        cache.flush()
        spent = time.process_time() - began
    assert spent / len(rows) < 100e-6
