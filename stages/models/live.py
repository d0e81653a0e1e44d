"""Any model as one that answers each request by itself: a model of batches collects what is asked together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import cast

from stages.models.base import Completion, LiveModel, Model, Request

QUIET_TURNS = 8
"""Turns of the event loop without a new request after which a batch is taken to be whole."""


def live(model: Model) -> LiveModel:
    """Return `model` itself where it answers requests one by one, else a `Batched` around it."""
    return cast(LiveModel, model) if hasattr(model, "answer") else Batched(model)


def in_flight(model: Model) -> int:
    """Return how many requests `model` answers at a time; 0 for a model of batches."""
    return int(getattr(model, "in_flight", 16)) if hasattr(model, "answer") else 0


class Batched:
    """A model of batches as a `LiveModel`: what is asked until nothing more comes is one batch.

    Nothing but requests may be waited for in the same event loop: then a batch depends on what is asked
    together alone, and is the same in every run.
    """

    def __init__(self, model: Model) -> None:
        """Take on the identity of `model`."""
        self.reference, self.revision, self.template = model.reference, model.revision, model.template
        self.engine, self.dtype = model.engine, model.dtype
        self.counts: Counter[str] = Counter()
        """Calls, tokens_in and tokens_out."""
        self._model = model
        self._waiting: list[tuple[Request, asyncio.Future[Completion]]] = []
        self._collector: asyncio.Task[None] | None = None

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return what the model returns."""
        return self._model.complete(requests)

    async def answer(self, request: Request) -> Completion:
        """Return the completion, once the batch that the request is in was answered. Raises what the model raises."""
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._collector is None or self._collector.done():
            self._collector = asyncio.create_task(self._collect())
        return await future

    async def _collect(self) -> None:
        while self._waiting:
            size, quiet = 0, 0
            while quiet < QUIET_TURNS:
                await asyncio.sleep(0)
                quiet = quiet + 1 if len(self._waiting) == size else 0
                size = len(self._waiting)
            batch, self._waiting = self._waiting, []
            self._answer(batch)

    def _answer(self, batch: list[tuple[Request, "asyncio.Future[Completion]"]]) -> None:
        asked = [(request, future) for request, future in batch if not future.done()]
        try:
            completions = self._model.complete([request for request, _ in asked])
        except Exception as error:  # it belongs to everyone who asked
            for _, future in asked:
                future.set_exception(error)
            return
        for (_, future), completion in zip(asked, completions, strict=True):
            self.counts.update(calls=1, tokens_in=completion.prompt_length, tokens_out=completion.length)
            future.set_result(completion)

    async def aclose(self) -> None:
        """Forget what is still waiting."""
        self._waiting = []
