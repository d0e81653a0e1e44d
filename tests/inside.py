"""`rlra` in the process of the tests, which has imported torch: for what is neither about processes nor about signals.

Everything else is as in a process of its own: the command line, the folder, the environment, both streams, the code.
"""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

from rlra_cli.main import main


def run_inside(folder: Path, words: Sequence[str], env: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run `rlra WORDS` in `folder`; return its exit code and what it wrote to stdout and stderr.

    What it raises, and a process of its own would print as a traceback, is raised here.
    """
    gc.freeze()  # what is there already needs no looking through in the end
    with ExitStack() as stack:
        stack.callback(gc.unfreeze)
        stack.callback(gc.collect)  # as a process that ends, a run lets go of its folder
        stack.callback(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        with ExitStack() as place:
            place.enter_context(_poured_into(1, "stdout", out))
            place.enter_context(_poured_into(2, "stderr", err))
            place.enter_context(chdir(folder))
            place.enter_context(patch.object(sys, "argv", ["rlra", *words]))
            place.enter_context(patch.dict(os.environ, env, clear=True))
            place.enter_context(patch("stages.models.pool.ProcessPoolExecutor", OneWorker))
            code = _code_of(main)
        return code, _content(out), _content(err)


def _code_of(work: Callable[[], None]) -> int:
    try:
        work()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@contextmanager
def _poured_into(descriptor: int, name: str, file: IO[bytes]) -> Iterator[None]:
    """Let all that is written to a descriptor, by whomever, go into `file`."""
    before = os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    try:
        with patch.object(sys, name, open(descriptor, "w", encoding="utf-8", closefd=False)):
            yield
            getattr(sys, name).flush()
    finally:
        os.dup2(before, descriptor)
        os.close(before)


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


class OneWorker:
    """Stands for the worker processes of a model: answers at once, in this process."""

    _processes = None

    def __init__(self, processes: int, mp_context: object, initializer: object, initargs: tuple[Any, ...]) -> None:
        """Load the model."""
        from stages.models import pool
        from stages.models.hf import HFModel

        pool._model = HFModel(*initargs[1:])

    def submit(self, work: Callable[[], Any]) -> "Future[Any]":
        """Do some work."""
        done: Future[Any] = Future()
        done.set_result(work())
        return done

    map = staticmethod(map)

    def shutdown(self, **how: bool) -> None:
        """End nothing."""
