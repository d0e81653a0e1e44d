"""The bytes of an artifact: found, opened, locked and compressed."""

import contextlib
import fcntl
import glob
import gzip
import hashlib
import io
import os
import re
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import zstandard

from schemas.errors import RlraError

StepT = TypeVar("StepT")
BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""What reading a compressed file raises when it is cut off, or none at all."""
BEGUN = "recipe.json"
"""Lies in a folder of parts that is not complete: the recipe with which it was begun."""
LINES = re.compile(r"\.jsonl(\.gz|\.zst)?$")


def is_remote(path: str) -> bool:
    """Return whether `path` is a URL, such as s3://bucket/file, which fsspec reads."""
    return "://" in path


def shown(path: str) -> str:
    """Return `path` as messages and manifests say it: a URL without user, password and query."""
    return without_secrets(path.partition("?")[0]) if is_remote(path) else path


def without_secrets(text: str) -> str:
    """Return `text` with user, password and query cut out of any URL in it: some servers take their key there."""
    return re.sub(r"([a-z0-9+]+://[^?\s]*)\?\S*", r"\1", re.sub(r"://[^/?\s]*@", "://", text))


def tried(path: str, step: Callable[[], StepT]) -> StepT:
    """Return what a step with the file system of `path` gives. Raises RlraError for whatever goes wrong with it."""
    try:
        return step()
    except FileNotFoundError:
        raise RlraError(f"{shown(path)}: no such file or directory", hint=_begun(path)) from None
    except Exception as error:  # each file system raises its own
        said = without_secrets(str(error).partition("\n")[0]) or type(error).__name__
        raise RlraError(f"{shown(path)}: {said}") from None


def _begun(path: str) -> str:
    """Return a hint where a file is not there, and what a command has left of it is."""
    begun = not Path(path).exists() and Path(f"{path}.partial").is_file()
    return f"{shown(path)}.partial is there: repeat the command that makes it, and it goes on" if begun else ""


def put(path: Path, content: bytes) -> None:
    """Write a file and the folders above it. Raises RlraError where it cannot be written."""
    tried(str(path.parent), lambda: path.parent.mkdir(parents=True, exist_ok=True))
    tried(str(path), lambda: path.write_bytes(content))


def reached(path: str) -> tuple[Any, str]:
    """Return the file system of a URL or path, and the path in it. Raises RlraError where there is none."""
    import fsspec

    return tried(path, lambda: fsspec.core.url_to_fs(path))


def files_of(path: str) -> list[str]:
    """Return the files that `path` means, by name: itself, or the JSONL files of a folder or a pattern with `*`.

    Raises RlraError where a folder or pattern has none, and for a folder of parts that is not complete.
    """
    if is_remote(path):
        if not (shown(path).endswith("/") or glob.has_magic(shown(path))):  # a query is no pattern
            return [path]
        system, place = reached(path)
        names = tried(path, lambda: system.glob(place) if glob.has_magic(place) else system.ls(place, detail=False))
        found = [system.unstrip_protocol(name) for name in names]
    elif Path(path).is_dir():
        found = [str(file) for file in Path(path).iterdir()]
    elif glob.has_magic(path) and not Path(path).exists():
        found = glob.glob(path)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    else:
        return [path]
    if any(name.endswith(f"/{BEGUN}") for name in found):
        raise RlraError(f"{shown(path)}: not complete", hint="the command that makes it goes on where it stopped")
    if not (lines := sorted(name for name in found if LINES.search(name))):
        raise RlraError(f"{shown(path)}: no files of JSONL there")
    return lines


@contextlib.contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open `path`, a file or a URL, for reading as decompressed bytes; `-` is stdin.

    Raises RlraError if it cannot be opened, or decompressed to its end.
    """
    if path == "-":
        yield sys.stdin.buffer
        return
    if is_remote(path):
        system, place = reached(path)
        raw = tried(path, lambda: system.open(place, "rb"))
    else:
        try:
            raw = open(path, "rb")
        except OSError as error:
            raise RlraError(f"{path}: {(error.strerror or str(error)).lower()}", hint=_begun(path)) from None
    with raw, _whole(path):
        yield _plain(raw, path)


def digest_of(path: str) -> tuple[str, int]:
    """Return the SHA-256 of the decompressed content of all that `path` means, and how many lines that is."""
    total, lines = hashlib.sha256(), 0
    for file in files_of(path):
        last = b""
        with opened(file) as stream:
            while chunk := stream.read(1 << 20):
                total.update(chunk)
                lines += chunk.count(b"\n")
                last = chunk[-1:]
        lines += last not in (b"", b"\n")
    return total.hexdigest(), lines


def _plain(raw: IO[bytes], path: str) -> IO[bytes]:
    name = shown(path)
    if name.endswith(".gz"):
        return cast(IO[bytes], gzip.open(raw))
    return cast(IO[bytes], io.BufferedReader(_Frames(raw))) if name.endswith(".zst") else raw


@contextlib.contextmanager
def _whole(path: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise RlraError(
            f"{path}: cannot read on: {error}", hint="is the file whole, and of the kind its name says?"
        ) from None


class _Frames(io.RawIOBase):
    """The content of a `.zst` file. Raises EOFError inside a frame, where zstandard's own reader ends in silence."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._frame.unused_data or self._raw.read(1 << 16)
            if not chunk:
                if self._begun:
                    raise EOFError("the file ends inside a frame")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready = memoryview(self._frame.decompress(chunk))
            self._begun = not self._frame.eof
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


def exclusive(partial: Path, fresh: bool) -> IO[bytes]:
    """Open `partial` for reading and writing, emptied if `fresh`, as the only process to do so.

    Raises RlraError when another process is writing it, or its folder cannot be made.
    """
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        stream = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise RlraError(f"{partial}: {(error.strerror or str(error)).lower()}") from None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise RlraError(f"{partial}: another process is writing it") from None
    if fresh:
        stream.truncate()
    return stream


def compressed(partial: Path, suffix: str) -> Path:
    """Return a file with the content of `partial`, compressed as `suffix` says, on the disk; without one, `partial`."""
    if suffix not in (".gz", ".zst"):
        return partial
    packed = partial.with_name(partial.name + suffix)
    with partial.open("rb") as plain, packed.open("wb") as raw:
        if suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as stream:
                shutil.copyfileobj(plain, stream, 1 << 20)
        else:
            zstandard.ZstdCompressor().copy_stream(plain, raw, size=partial.stat().st_size)
        raw.flush()
        os.fsync(raw.fileno())
    return packed
