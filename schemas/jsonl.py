"""The only door to an artifact: JSONL, plain, `.gz` or `.zst`, a file or `-`, read and written as records."""

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import orjson
from pydantic import ValidationError

from schemas.base import Record
from schemas.errors import PlacedError, RlraError
from schemas.files import BROKEN, compressed, digest_of, exclusive, files_of, is_remote, opened, shown
from schemas.kinds import KINDS, MADE_BY
from schemas.migrations import upgrade

__all__ = [
    "KINDS",
    "TAG",
    "Source",
    "Target",
    "explain",
    "first_problem",
    "loads",
    "location_of",
    "parse",
    "tag_of",
    "to_data",
    "to_line",
]
RecordT = TypeVar("RecordT", bound=Record)

TAG = re.compile(rb'^\{"schema": ?"([a-z_]+)/([0-9]{1,6})"')


_ALTERNATIVE = re.compile(r"constrained-|literal\[")
"""What pydantic puts behind the key where a value may be of several types."""
NOT_LINES = (".csv", ".parquet", ".yaml", ".yml", ".json", ".toml")


class Source:
    """The lines of a JSONL file or pipe, or of the files of a folder; counts and hashes what was read.

    `name` is what messages call it: of several files the one that is being read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = "stdin" if path == "-" else shown(path)
        self.records = 0
        self._hash = hashlib.sha256()
        self._whole: tuple[str, int | None] | None = None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (line number, line without its newline); blank lines are passed over."""
        for file in files_of(self.path):
            self.name = "stdin" if file == "-" else shown(file)
            with opened(file) as stream:
                number = 0
                try:
                    for number, line in enumerate(stream, start=1):
                        self._hash.update(line)
                        if stripped := line.rstrip(b"\r\n"):
                            yield number, stripped
                except (OSError, *BROKEN) as error:
                    raise RlraError(
                        f"{self.name}:{number + 1}: cannot read on: {error}",
                        hint="is the file whole, and of the kind its name says?",
                    ) from None

    def read(self, kind: type[RecordT], also: type[RecordT] | None = None) -> Iterator[RecordT]:
        """Yield every line as a record of `kind`, or of `also`, upgraded to today's version.

        Raises RlraError naming file, line and field at the first line that does not hold, or
        whose id was seen before.
        """
        seen: set[str] = set()
        for number, line in self.lines():
            tag = TAG.match(line)
            wanted = also if also and tag and tag[1].decode() == also.KIND else kind
            record = parse(line, wanted, f"{self.name}:{number}")
            if record.id in seen:
                raise RlraError(
                    f"{self.name}:{number}: id: '{record.id}' stands on an earlier line too", hint="ids must differ"
                )
            seen.add(record.id)
            self.records += 1
            yield record

    def sha256(self) -> str:
        """Return the digest of the decompressed bytes that were read so far."""
        return self._hash.hexdigest()

    def fingerprint(self) -> tuple[str, int | None]:
        """Return the SHA-256 of the decompressed bytes and the number of lines, None for what is no JSONL.

        A file is read through once for it; of a pipe it is what was read so far; a data set by name has none.
        """
        if self.path.startswith("hf:"):
            return "", None
        if self.path == "-":
            return self._hash.hexdigest(), self.records
        if self._whole is None:
            sha256, lines = digest_of(self.path)
            self._whole = sha256, None if Path(self.path).suffix in NOT_LINES else lines
        return self._whole

    def total(self) -> int | None:
        """Return how many lines there are to read; None for a pipe."""
        return None if self.path == "-" else self.fingerprint()[1]


def parse(line: bytes, kind: type[RecordT], where: str) -> RecordT:
    """Return one line as a record of `kind`. Raises RlraError beginning with `where`.

    The tag is read before the shape, so that a file of another kind or of a newer version says
    so, and not that some field is wrong.
    """
    tag = TAG.match(line)
    if tag and tag[1].decode() == kind.KIND and int(tag[2]) == kind.VERSION:
        return _shaped(line, kind, where)
    data = loads(line, where)
    name, version = tag_of(data, where)
    if name != kind.KIND:
        found = f"{'an' if name[0] in 'aeiou' else 'a'} {name} line"
        raise RlraError(f"{where}: schema: this is {found}, and {kind.KIND} is needed", hint=_made_by(kind.KIND))
    if version > kind.VERSION:
        raise RlraError(
            f"{where}: schema: {name}/{version} is newer than {kind.schema_tag()}, which this rlra reads",
            hint="upgrade rlra",
        )
    if version < kind.VERSION:
        data = upgrade(data, name, version, kind.VERSION)
    return _shaped(orjson.dumps(data), kind, where)


def loads(line: bytes, where: str) -> dict[str, Any]:
    """Return a line as a JSON object. Raises RlraError if it is none."""
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RlraError(
            f"{where}: not JSON: {error}", hint="each line must be one whole JSON object in UTF-8"
        ) from None
    if not isinstance(data, dict):
        raise RlraError(f"{where}: a JSON object is needed, found {type(data).__name__}")
    return data


def tag_of(data: dict[str, Any], where: str) -> tuple[str, int]:
    """Return (kind, version) of a line. Raises RlraError for a line without a known tag."""
    tag = data.get("schema")
    name, _, version = tag.partition("/") if isinstance(tag, str) else ("", "", "")
    if name not in KINDS or not re.fullmatch("[0-9]{1,6}", version) or int(version) < 1:
        said = f"'{tag}' is no kind of record" if tag is not None else "the line does not say what it is"
        raise RlraError(
            f"{where}: schema: {said}", hint=f"known kinds: {', '.join(f'{k}/{r.VERSION}' for k, r in KINDS.items())}"
        )
    return name, int(version)


def _made_by(kind: str) -> str:
    if kind not in MADE_BY:
        return f"people write {kind}/{KINDS[kind].VERSION} lines, such as by adding labels to the responses of rollouts"
    return f"make it with `{MADE_BY[kind]}`"


def _shaped(line: bytes, kind: type[RecordT], where: str) -> RecordT:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        loads(line, where)  # the tag is read without parsing the line: it may be no JSON at all
        raise RlraError(f"{where}: {explain(error)}") from None


def explain(error: ValidationError) -> str:
    """Return the first problem of a validation error as `field.path[index]: what`."""
    first = first_problem(error)
    path = ""
    for part in location_of(first):
        path += f"[{part}]" if isinstance(part, int) else f".{part[:80]}"
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        what = "unknown field"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path.lstrip('.') or 'line'}: {what}{more}"


def first_problem(error: ValidationError) -> Any:
    """Return the problem to speak of: an unknown key before one that is missing, for it is often the same key."""
    problems = error.errors(include_url=False)
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


def location_of(problem: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Return the keys and indices that lead to one problem of a validation error."""
    cause, at = problem.get("ctx", {}).get("error"), tuple(problem["loc"])
    if at and isinstance(at[-1], str) and _ALTERNATIVE.match(at[-1]):
        at = at[:-1]
    return (*at, *cause.at) if isinstance(cause, PlacedError) else at


def to_data(record: Record) -> dict[str, Any]:
    """Return a record as plain data, its tag first. Fields at their defaults are left out."""
    return {"schema": record.schema_tag(), **record.model_dump(mode="json", exclude_defaults=True)}


def to_line(record: Record) -> bytes:
    """Return a record as one line, newline included."""
    return orjson.dumps(to_data(record)) + b"\n"


def refuse_no_file(path: str) -> None:
    """Raise RlraError for an output that can be no file here; `-` is stdout."""
    if is_remote(path) or path.endswith("/") or _is_special(Path(path)):
        hint = "--engine ray writes to folders; `-` is stdout"
        raise RlraError(f"{shown(path)}: the lines need a file to go to", hint=hint)


def _is_special(path: Path) -> bool:
    """Return whether a file cannot take the place of what lies there: a folder, a pipe, a device."""
    return path.exists() and (not path.is_file() or path.parent.resolve() == Path("/dev"))


class Target:
    """An artifact that is being written: to stdout, or to `X.partial` and renamed when complete.

    Raises RlraError when another process is writing the same artifact, or it can be no file here.
    """

    def __init__(self, path: str, resume: bool = False) -> None:
        import jsonlines

        refuse_no_file(path)
        self.path = None if path == "-" else Path(path)
        self.records = 0
        self._hash = hashlib.sha256()
        self._stream: IO[bytes] = sys.stdout.buffer
        if self.path is not None:
            self.partial = self.path.with_name(self.path.name + ".partial")
            self._stream = exclusive(self.partial, fresh=not resume)
        self._writer = jsonlines.Writer(cast(Any, self._stream), dumps=cast(Any, self._encode), flush=True)
        self._hash = hashlib.sha256()  # the writer tries `dumps` out when it is made

    def kept(self, kind: type[RecordT], align: int = 1, total: int | None = None) -> Iterator[RecordT]:
        """Yield the whole lines that an interrupted run left, then cut the file off behind them.

        Their number is rounded down to a multiple of `align`, unless they are all of `total`. Consume
        it before the first `write`.
        """
        if self.path is None:
            return
        lines = sum(1 for line in self._stream if line.endswith(b"\n"))
        keep = lines if lines == total else lines - lines % align
        self._stream.seek(0)
        for _ in range(keep):
            line = self._stream.readline()
            self._hash.update(line)
            self.records += 1
            yield parse(line.rstrip(b"\n"), kind, f"{self.partial}:{self.records}")
        self._stream.truncate()

    def _encode(self, data: dict[str, Any]) -> bytes:
        line = orjson.dumps(data)
        self._hash.update(line + b"\n")
        return line

    def write(self, record: Record) -> None:
        """Append one record; it is on its way to the file when this returns."""
        self._writer.write(to_data(record))
        self.records += 1

    def sha256(self) -> str:
        """Return the digest of the uncompressed bytes so far, kept lines included."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Leave the partial file where it is."""
        if self.path is not None:
            self._stream.close()

    def complete(self) -> None:
        """Make the target: compress if its name says so, reach the disk, rename."""
        self._stream.flush()
        if self.path is None:
            return
        os.fsync(self._stream.fileno())
        os.replace(compressed(self.partial, self.path.suffix), self.path)
        self.partial.unlink(missing_ok=True)
        self._stream.close()
