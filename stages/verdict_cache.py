"""The verdict cache: votes that judges gave, by the digest of all that they depend on, in one SQLite file.

Several processes and threads may read and write it at the same time. A vote that is stored is never changed: of two
that were given for one key, the first stays. What cannot be stored is an error that stops the work, because a cache
that quietly keeps nothing pays for every judgement again, run after run.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.judged import Vote

APPLICATION = 0x726C7261  # "rlra", which SQLite keeps in the header of the file
VERSION = 1
BUSY_S = 30.0
"""How long to wait for another process that is writing."""
ROWS = 512
"""Keys that one query asks for, and the most rows that wait in memory before they are written."""
EVERY_S = 0.1
"""How long rows wait while others follow them: a transaction of its own for each would take three times as long."""

_TABLES = (
    """CREATE TABLE answers (
        request TEXT PRIMARY KEY, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, calls INTEGER NOT NULL,
        thinking TEXT NOT NULL)""",
    "CREATE TABLE votes (key TEXT PRIMARY KEY, request TEXT NOT NULL REFERENCES answers, vote TEXT NOT NULL)",
)
_FIND = """SELECT key, vote, answers.request, tokens_in, tokens_out, calls, thinking
    FROM votes JOIN answers ON answers.request = votes.request WHERE key IN ({})"""
_KEEP_ANSWER = "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)"
_KEEP_VOTE = "INSERT OR IGNORE INTO votes VALUES (?, ?, ?)"


@dataclass(frozen=True)
class Answered:
    """The answer that a vote was read from; one answer may hold votes on several criteria."""

    request: str
    """The digest of what was asked."""
    tokens_in: int
    tokens_out: int
    calls: int
    """Answers that it took, repeated questions included."""
    thinking: str = ""
    """What the model thought before it answered."""


@dataclass(frozen=True)
class Stored:
    """A vote and the answer that it came from."""

    vote: Vote
    answered: Answered


class VerdictCache:
    """The cache in the file `path`, made where there is none; `:memory:` is a cache of this process alone.

    Rows that were put are found at once. They are written by `flush`, by `close`, and by the first `put` that comes
    `every_s` after the last writing or finds `ROWS` of them: a process that is killed loses what it had not written and
    nothing else. Raises RlraError, at opening and at every
    later step, for a file that is no such cache, is of another version, cannot be written, stays locked or is damaged;
    rows that could not be written wait on, and the next `flush` tries them again.
    """

    def __init__(self, path: str | Path, busy_s: float = BUSY_S, every_s: float = EVERY_S) -> None:
        self.path = str(path)
        self._busy_s, self._every_s = busy_s, every_s
        self._written = 0.0
        self._waiting: dict[str, Stored] = {}
        self._at_waiting = threading.Lock()
        self._at_file = threading.Lock()
        with self._explained():
            self._file = _opened(self.path, busy_s)

    def get(self, keys: Iterable[str]) -> dict[str, Stored]:
        """Return what is stored under those of `keys` that are known."""
        wanted = list(dict.fromkeys(keys))
        with self._at_waiting:
            found = {key: self._waiting[key] for key in wanted if key in self._waiting}
        for start in range(0, len(wanted), ROWS):
            found.update(self._found(wanted[start : start + ROWS]))  # what another process wrote first stays
        return found

    def _found(self, keys: Sequence[str]) -> Iterator[tuple[str, Stored]]:
        with self._at_file, self._explained():
            rows = self._file.execute(_FIND.format(",".join("?" * len(keys))), keys).fetchall()
        for key, text, *answered in rows:
            try:
                vote = Vote.model_validate_json(text)
            except ValidationError:
                vote = None
            if vote is None or vote.key != key or vote.status == "failed":
                raise RlraError(f"{self.path}: the verdict cache is damaged", hint=_ANOTHER)
            yield key, Stored(vote, Answered(*answered))

    def put(self, rows: Iterable[Stored]) -> None:
        """Store rows. Raises ValueError for a vote that failed: only answers are worth keeping."""
        added = list(rows)
        if any(row.vote.status == "failed" for row in added):
            raise ValueError("a failed vote is not stored: the next run is to ask again")
        with self._at_waiting:
            for row in added:
                self._waiting.setdefault(row.vote.key, row)
            due = len(self._waiting) >= ROWS or time.monotonic() - self._written >= self._every_s
        if due:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait, all in one transaction; when it returns, a kill of the process cannot lose them."""
        with self._at_file:
            with self._at_waiting:
                rows = list(self._waiting.values())
            self._written = time.monotonic()
            if not rows:
                return
            with self._explained(), _transaction(self._file):
                self._file.executemany(_KEEP_ANSWER, {row.answered.request: _answer(row) for row in rows}.values())
                self._file.executemany(_KEEP_VOTE, map(_vote, rows))
            with self._at_waiting:
                for row in rows:
                    del self._waiting[row.vote.key]

    def close(self) -> None:
        """Write what waits and close the file; it may be closed again. Raises RlraError when it cannot be written."""
        try:
            self.flush()
        finally:
            with self._at_file:
                self._file.close()

    def __enter__(self) -> "VerdictCache":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            return self.close()
        with contextlib.suppress(RlraError):  # the error that is on its way says more
            self.close()
        return None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # a bug here, and no fault of the file
            raise
        except sqlite3.Error as error:
            raise _said(self.path, error, self._busy_s) from None
        except OSError as error:
            raise RlraError(f"{self.path}: {(error.strerror or str(error)).lower()}") from None


_ANOTHER = "give another file; the verdicts in the judged lines are not touched"


def _opened(path: str, busy_s: float) -> sqlite3.Connection:
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        with _transaction(file, "DEFERRED"):
            _refuse_strangers(file, path)
        _write_ahead(file, path, busy_s)
        file.execute("PRAGMA synchronous = NORMAL")
        with _transaction(file):
            for statement in _TABLES if _refuse_strangers(file, path) == 0 else ():
                file.execute(statement)
            # Written each time: only so does a file that cannot be written say so now, and not after the first calls.
            file.execute(f"PRAGMA user_version = {VERSION}")
            file.execute(f"PRAGMA application_id = {APPLICATION}")
    except BaseException:
        file.close()
        raise
    return file


def _refuse_strangers(file: sqlite3.Connection, path: str) -> int:
    """Return the version of the cache, 0 for a file that is empty still. Raises RlraError for any other file.

    To be called in a transaction: another process may be making the cache at this moment.
    """
    ((application,),) = file.execute("PRAGMA application_id")
    ((version,),) = file.execute("PRAGMA user_version")
    ((tables,),) = file.execute("SELECT count(*) FROM sqlite_master")
    if (application, version, tables) == (0, 0, 0):
        return 0
    if application != APPLICATION:
        raise RlraError(
            f"{path}: a database, but not one of verdicts", hint="give a file of its own to the verdict cache"
        )
    if version != VERSION:
        known = f"this rlra reads version {VERSION}"
        raise RlraError(
            f"{path}: a verdict cache of version {version}; {known}", hint="give another file, or upgrade rlra"
        )
    return VERSION


def _write_ahead(file: sqlite3.Connection, path: str, busy_s: float) -> None:
    """Let readers and a writer work at the same time. Of processes that open a new file at once, one has to wait."""
    until = time.monotonic() + busy_s
    while True:
        try:
            ((mode,),) = file.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:  # SQLite does not wait by itself here
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
    if mode not in ("wal", "memory"):
        raise RlraError(
            f"{path}: this file system has no write-ahead logs, which several processes need",
            hint="keep the verdict cache on a local disk",
        )


@contextlib.contextmanager
def _transaction(file: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    file.execute(f"BEGIN {kind}")
    try:
        yield
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:  # some errors, such as a full disk, have ended it already
            file.execute("ROLLBACK")
        raise


def _answer(row: Stored) -> tuple[str, int, int, int, str]:
    answered = row.answered
    return answered.request, answered.tokens_in, answered.tokens_out, answered.calls, answered.thinking


def _vote(row: Stored) -> tuple[str, str, str]:
    return row.vote.key, row.answered.request, row.vote.model_dump_json(exclude_defaults=True)


def _is_busy(error: sqlite3.Error) -> bool:
    # The low byte is the kind of the error; the rest says more.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _said(path: str, error: sqlite3.Error, busy_s: float) -> RlraError:
    if _is_busy(error):
        what = f"another process has kept the verdict cache locked for {busy_s:g} s"
        return RlraError(f"{path}: {what}", hint="end that process, or give another file")
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return RlraError(f"{path}: no verdict cache, or a damaged one: {error}", hint=_ANOTHER)
    return RlraError(
        f"{path}: the verdict cache cannot be used: {error}",
        hint="what is written is kept; make room or give a file that can be written, and the same command goes on",
    )
