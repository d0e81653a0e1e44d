"""Ray Data as the place where a stage runs: blocks of lines go to a pool of actors, and what they made comes back."""

import contextlib
import logging
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from schemas.base import Record
from schemas.errors import RlraError
from schemas.jsonl import to_line

Work = Callable[[list[bytes], Counter[str]], Iterable[Record]]
"""A stage on the lines of one block; what it counts besides goes into the counter."""
Opening = Callable[[], AbstractContextManager[Work]]
"""Opens the stage, with its model, in an actor. It is sent there: what it is made of must be known there by name."""
Write = Callable[[str, bytes], None]
"""Writes a part, by name."""
PATIENCE_S = 10
"""How long a cluster may take to answer a call."""


@dataclass(frozen=True)
class Crew:
    """Where the actors are, and how many."""

    address: str = ""
    """Of the cluster; empty starts one on this machine, for this run."""
    actors: int = 0
    """0 is one for each core of the cluster, or for each GPU where the work wants one."""
    gpu: bool = False
    """Whether an actor wants a GPU of its own, where there are any."""


@dataclass(frozen=True)
class Block:
    """Lines that are done together, by one actor."""

    lines: bytes
    part: str = ""
    """The file that the actor writes what it makes to; empty where the lines come back."""
    kept: tuple[bytes, ...] = ()
    """All lines of the part, where some are made already; those are empty that are to be made of `lines`."""


class BlockActor:
    """Runs a stage on one block after another; the model is opened with the first."""

    def __init__(self, opening: Opening, write: Write, folder: str) -> None:
        self._opening, self._write, self._folder = opening, write, folder
        self._open = ExitStack()
        self._work: Work | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return what became of a block: the lines, the counts, and the error that ended it, if one did.

        What the user can mend is an answer like any other: raised here, Ray would wrap it, or try again.
        """
        made: list[bytes] = []
        counts: Counter[str] = Counter()
        error = b""
        try:
            if row["lines"]:
                work = self._work = self._work or self._opened()
                made += map(to_line, work(row["lines"].split(b"\n")[:-1], counts))
            if row["part"]:
                fresh, made = iter(made), []
                self._write(row["part"], b"".join(line or next(fresh) for line in row["kept"]))
        except RlraError as refused:
            error = orjson.dumps([refused.message, refused.hint])
        return {"lines": b"".join(made), "counts": orjson.dumps(counts), "error": error}

    def _opened(self) -> Work:
        with contextlib.suppress(OSError):  # another machine need not have it
            os.chdir(self._folder)
        return self._open.enter_context(self._opening())


@contextlib.contextmanager
def joined(crew: Crew) -> Iterator[ExitStack]:
    """Join the cluster, or start one of this machine's cores, and leave it at the end.

    What was put on the stack is done before, while the cluster can still be told of it. Raises RlraError where Ray is
    not installed, does not start, or there is no such cluster.
    """
    try:
        import ray
        from ray.data import DataContext
    except ImportError:
        raise RlraError("--engine ray: Ray is not installed", hint="type: pip install 'rlra[ray]'") from None
    handler = signal.getsignal(signal.SIGTERM)
    where: dict[str, Any] = (
        {"address": crew.address} if crew.address else {"address": "local", "include_dashboard": False}
    )
    try:
        _refuse_silence(crew.address)
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises one without a name where its processes do not come up
        raise RlraError(f"--ray-address {crew.address or 'local'}: {str(error).partition(chr(10))[0]}") from None
    signal.signal(signal.SIGTERM, handler)  # Ray puts its own there, which ends the process on the spot
    DataContext.get_current().enable_progress_bars = False
    try:
        with ExitStack() as leaving:
            yield leaving
    finally:
        ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Raise OSError where nobody listens: Ray would go on asking for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=PATIENCE_S).close()


def results(
    blocks: Iterable[Block],
    opening: Opening,
    write: Write,
    crew: Crew,
    counts: Counter[str],
    leaving: ExitStack,
    ordered: bool = True,
) -> Iterator[list[bytes]]:
    """Yield the lines that became of each block, in the order of the blocks, or as they are done.

    However it ends, the actors are gone once `leaving` is closed, which `joined` does. All blocks are put into the
    cluster's object store first, which spills to disk. An actor that dies is started again, and what it had under way
    is done again. Raises the RlraError that a block ended with, after its lines.
    """
    import pyarrow
    import ray.data

    many = pyarrow.list_(pyarrow.large_binary())
    kinds = pyarrow.schema([("lines", pyarrow.large_binary()), ("part", pyarrow.string()), ("kept", many)])
    rows: list[Any] = [ray.put(pyarrow.Table.from_pylist([vars(block)], kinds)) for block in blocks]
    if not rows:
        return
    ray.data.DataContext.get_current().execution_options.preserve_order = ordered
    gpus = ray.cluster_resources().get("GPU", 0) if crew.gpu else 0
    done = ray.data.from_arrow_refs(rows).map(
        cast(Any, BlockActor),
        fn_constructor_args=(opening, write, str(Path.cwd())),
        compute=ray.data.ActorPoolStrategy(size=crew.actors or int(gpus or ray.cluster_resources().get("CPU", 1))),
        num_cpus=1,
        num_gpus=1 if gpus else None,
    )
    # Left to itself, Ray ends a run that was broken off when its garbage is collected. That may be after the cluster
    # was left: it would start another to tell it, or print a traceback.
    leaving.callback(done._synchronize_progress_bar)
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it is set up anew with every data set
    for row in done.iter_rows():
        counts.update(orjson.loads(row["counts"]))
        yield row["lines"].split(b"\n")[:-1]
        if row["error"]:
            raise RlraError(*orjson.loads(row["error"]))
