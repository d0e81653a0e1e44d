"""Transformers models in worker processes: on a CPU, one process per core beats one with many threads."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING

from schemas.errors import RlraError
from schemas.task import Message
from stages.models.base import Completion, Request

if TYPE_CHECKING:
    from stages.models.hf import HFModel

PATIENCE_S = 10
_model: "HFModel | None" = None
_refused: RlraError | None = None


class PooledModel:
    """A `Model` whose batches are answered by `processes` workers, each with one copy of the weights.

    How requests are cut into batches depends on the requests and on `batch_size` alone, so the
    number of workers does not change any answer.
    """

    follows_schemas = False
    """Whether it can be held to a JSON schema."""

    def __init__(self, reference: str, processes: int, batch_size: int, dtype: str) -> None:
        """Start the workers and wait until one has the model. Raises RlraError when it cannot be loaded."""
        from stages.models.weights import weights_of

        name, self.revision = weights_of(reference)
        self.reference = reference
        self.dtype = dtype
        self._batch_size = batch_size
        # The waiting policy must be in the environment before a worker imports torch: spinning threads
        # on shared cores cost a factor of ten and more.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=get_context("spawn"),
            initializer=_start,
            initargs=(os.getpid(), reference, name, self.revision, dtype),
        )
        try:
            self.engine, self.template = self._pool.submit(_about).result()
        except BrokenProcessPool:
            raise RlraError(
                f"{reference}: the model could not be loaded", hint="the worker's own words stand above"
            ) from None
        except RlraError:
            self.close()
            raise

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return one completion per request, in order.

        Batches hold prompts of similar length; the longest are the first, so that no
        worker is left alone with them at the end.
        """
        order = sorted(range(len(requests)), key=lambda index: _characters(requests[index]), reverse=True)
        batches = [order[start : start + self._batch_size] for start in range(0, len(order), self._batch_size)]
        answers: list[Completion | None] = [None] * len(requests)
        try:
            done = self._pool.map(_answer, [[requests[index] for index in batch] for batch in batches])
            for batch, completions in zip(batches, done, strict=True):
                for index, completion in zip(batch, completions, strict=True):
                    answers[index] = completion
        except BrokenProcessPool:
            raise RlraError(
                f"{self.reference}: a worker process died",
                hint="out of memory? try fewer --processes or a smaller --batch-size",
            ) from None
        return [answer for answer in answers if answer is not None]

    def likelihood(self, answers: Sequence[tuple[Sequence[Message], str]]) -> list[float]:
        """Return the mean log-probability per token (nats) of each (conversation, answer), in order."""
        return list(self._pool.map(_likely, *zip(*answers, strict=True), chunksize=8)) if answers else []

    def close(self) -> None:
        """End the workers, whatever they are doing, and the thread that minds them.

        A thread that is about to end when the interpreter does makes Python report a bad file descriptor, now and then.
        """
        workers = list((self._pool._processes or {}).values())
        minder: threading.Thread | None = getattr(self._pool, "_executor_manager_thread", None)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()
        if minder:
            minder.join(timeout=PATIENCE_S)


def _characters(request: Request) -> int:
    return sum(len(message.content) for message in request.messages)


def _start(parent: int, reference: str, name: str, revision: str, dtype: str) -> None:
    """Make this process a worker: one thread, deaf to Ctrl-C (the parent ends it), gone with its parent."""
    global _model, _refused
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, args=(parent,), daemon=True).start()
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import torch
    import transformers

    from stages.allocation import keep_freed_memory
    from stages.models.hf import HFModel

    keep_freed_memory()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    try:
        _model = HFModel(reference, name, revision, dtype)
    except RlraError as error:
        _refused = error  # raised here it would be a traceback; it is raised by the first call instead


def _leave_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _loaded() -> "HFModel":
    if _refused is not None:
        raise _refused
    if _model is None:
        raise RuntimeError("the worker has no model")
    return _model


def _about() -> tuple[str, str]:
    return _loaded().engine, _loaded().template


def _likely(messages: Sequence[Message], text: str) -> float:
    return _loaded().likelihood(messages, text)


def _answer(requests: list[Request]) -> list[Completion]:
    try:
        return _loaded().complete(requests)
    except (RuntimeError, IndexError, MemoryError) as error:
        # An engine error (a token that the weights do not have, memory that ran out) may be one request's alone.
        what = str(error).partition("\n")[0] or type(error).__name__
        if len(requests) == 1:
            return [Completion(text="", finish="failed", length=0, error=f"engine: {what}")]
    half = (len(requests) + 1) // 2
    return [*_answer(requests[:half]), *_answer(requests[half:])]
