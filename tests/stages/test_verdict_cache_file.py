"""A file of verdicts that is strange, damaged, locked, full or read-only is an error, and what waits is not lost."""

import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import RlraError
from stages.verdict_cache import VerdictCache
from tests.house.sources import ROOT
from tests.stages.stored_votes import row


def other_database(path: Path) -> None:
    """Write a database that is not ours."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE mine (x)")


def of_version_2(path: Path) -> None:
    """Write a cache that a later rlra made."""
    VerdictCache(path).close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 2")


STRANGE: list[tuple[Any, str]] = [
    (
        lambda path: path.write_bytes(b"no database\n" * 99),
        "no verdict cache, or a damaged one: file is not a database",
    ),
    (other_database, "a database, but not one of verdicts"),
    (of_version_2, "a verdict cache of version 2; this rlra reads version 1"),
    (Path.mkdir, "the verdict cache cannot be used: unable to open database file"),
    (lambda path: path.symlink_to("/proc/none/c.db"), "the verdict cache cannot be used: unable to open database file"),
]


@pytest.mark.parametrize(("make", "what"), STRANGE, ids=lambda value: value if isinstance(value, str) else "")
def test_a_strange_file_is_refused_and_left_as_it_is(tmp_path: Path, make: Any, what: str) -> None:
    path = tmp_path / "c.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(RlraError) as caught:
        VerdictCache(path)
    assert caught.value.message == f"{path}: {what}" and caught.value.hint
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_torn_file_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with VerdictCache(path) as cache:
        cache.put(row(f"k{number}", reason="because " * 40) for number in range(300))
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with pytest.raises(RlraError, match="or a damaged one"), VerdictCache(path) as cache:
        cache.get(f"k{number}" for number in range(300))


def test_a_vote_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    with VerdictCache(tmp_path / "c.db") as cache:
        cache.put([row("k")])
    with closing(sqlite3.connect(tmp_path / "c.db")) as file:
        file.execute("""UPDATE votes SET vote = '{"judge":"j","key":"k","status":"failed"}'""")
        file.commit()
    with VerdictCache(tmp_path / "c.db") as cache, pytest.raises(RlraError, match="damaged"):
        cache.get(["k"])


def test_a_vote_under_the_key_of_another_is_damage(tmp_path: Path) -> None:
    with VerdictCache(tmp_path / "c.db") as cache:
        cache.put([row("k")])
    with closing(sqlite3.connect(tmp_path / "c.db")) as file:
        file.execute("UPDATE votes SET key = 'other'")
        file.commit()
    with VerdictCache(tmp_path / "c.db") as cache, pytest.raises(RlraError, match="damaged"):
        cache.get(["other"])


def test_a_lock_that_stays_is_an_error_and_what_waits_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    cache = VerdictCache(path, busy_s=0.2, every_s=float("inf"))
    cache.put([row("k")])
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(RlraError, match=r"locked for 0\.2 s"):
            cache.flush()
        with pytest.raises(RlraError, match=r"locked for 0\.2 s"):
            VerdictCache(path, busy_s=0.2)
        assert cache.get(["k"]), "a reader need not wait"
        holder.execute("ROLLBACK")
    cache.close()
    with VerdictCache(path) as again:
        assert again.get(["k"])


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_lock_that_goes_away_is_waited_for(tmp_path: Path, there: bool, kind: str) -> None:
    """Also of a process that is making the file."""
    path = tmp_path / "c.db"
    if there:
        VerdictCache(path).close()
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute(f"BEGIN {kind}")
    timer = threading.Timer(0.3, lambda: holder.execute("ROLLBACK"))
    timer.start()
    with VerdictCache(path, busy_s=20) as cache:
        cache.put([row("k")])
        cache.flush()
        assert cache.get(["k"])
    timer.join()
    holder.close()


FULL = """
import resource, signal, sys
from schemas.errors import RlraError
from stages.verdict_cache import VerdictCache
from tests.stages.stored_votes import row
cache = VerdictCache(sys.argv[1])
cache.put([row("first")])
cache.flush()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
for number in range(10_000):
    cache.put([row(f"k{number}", reason="because " * 50)])
    try:
        cache.flush()
    except RlraError as error:
        print(number, error.message, sep="\\n")
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert f"k{number}" in cache.get([f"k{number}"])
cache.close()
"""


def test_a_full_disk_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FULL, str(tmp_path / "c.db")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    number, said = done.stdout.splitlines()
    assert int(number) > 10 and re.search(
        "the verdict cache cannot be used: (disk I/O error|database or disk is full)", said
    )
    with VerdictCache(tmp_path / "c.db") as cache:
        keys = ["first", *(f"k{each}" for each in range(int(number) + 1))]
        assert cache.get(keys).keys() == set(keys)


READ_ONLY = """
import os, sys
from schemas.errors import RlraError
from stages.verdict_cache import VerdictCache
os.setuid(65534) if os.getuid() == 0 else None
try:
    VerdictCache(sys.argv[1])
except RlraError as error:
    print(error.message)
"""


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_file_that_cannot_be_written_is_refused_at_once(folder_too: bool) -> None:
    """In a folder that another user may enter, which those of pytest are not: root may write everything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.db"
        with VerdictCache(path) as cache:
            cache.put([row("k")])
        path.chmod(0o444)
        path.parent.chmod(0o555 if folder_too else 0o777)
        words = [sys.executable, "-c", READ_ONLY, str(path)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60)
        path.parent.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "the verdict cache cannot be used: " in done.stdout
