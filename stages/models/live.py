"""Any model as one that answers each request by itself: a model of batches collects what is asked together."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import cast

from stages.models.base import Completion, LiveModel, Model, Request

QUIET_TURNS = 32
"""Turns of the event loop without a new request after which a batch is taken to be whole: more than the ten or so from
an answer to the question that follows from it."""


def live(model: Model) -> LiveModel:
    """Return `model` itself where it answers requests one by one, else a `Batched` around it."""
    return cast(LiveModel, model) if hasattr(model, "answer") else Batched(model)


def seated(models: Sequence[Model]) -> list[LiveModel]:
    """Return every model as a live one, where those of batches wait until no server has anything to answer.

    What a batch holds depends then on the questions alone, and not on how fast a server was. Nor does a batch that
    takes minutes, and the event loop with it, let the time of a request to a server run out.
    """
    servers = [Watched(cast(LiveModel, model)) for model in models if hasattr(model, "answer")]
    if len(servers) in (0, len(models)):
        return [live(model) for model in models]
    waiting = iter(servers)
    return [next(waiting) if hasattr(model, "answer") else Batched(model, servers) for model in models]


def follows_schemas(model: Model) -> bool:
    """Return whether `model` can be held to a JSON schema; of a server nobody knows before it is asked."""
    return bool(getattr(model, "follows_schemas", True))


def in_flight(model: Model) -> int:
    """Return how many requests `model` answers at a time; 0 for a model of batches."""
    return int(getattr(model, "in_flight", 16)) if hasattr(model, "answer") else 0


class Watched:
    """A live model that says whether it has anything to answer."""

    def __init__(self, model: LiveModel) -> None:
        """Take on the identity of `model`."""
        self.reference, self.revision, self.template = model.reference, model.revision, model.template
        self.engine, self.dtype = model.engine, model.dtype
        self._model = model
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return what the model returns."""
        return self._model.complete(requests)

    async def answer(self, request: Request) -> Completion:
        """Return what the model returns."""
        self._under_way += 1
        self._idle.clear()
        try:
            return await self._model.answer(request)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def idle(self) -> bool:
        """Wait until nothing is under way, and return whether there was anything."""
        was_busy = self._under_way > 0
        await self._idle.wait()
        return was_busy

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()


class Batched:
    """A model of batches as a `LiveModel`: what is asked until nothing more comes is one batch.

    Nothing but requests, to it or to the servers `beside` it, may be waited for in the same event loop: then a batch
    depends on what is asked together alone, and is the same in every run.
    """

    def __init__(self, model: Model, beside: Sequence[Watched] = ()) -> None:
        """Take on the identity of `model`. A batch waits until none of `beside` has anything to answer."""
        self.reference, self.revision, self.template = model.reference, model.revision, model.template
        self.engine, self.dtype = model.engine, model.dtype
        self.counts: Counter[str] = Counter()
        """Calls, tokens_in and tokens_out."""
        self._model, self._beside = model, beside
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
                was_busy = [await each.idle() for each in self._beside]
                quiet = quiet + 1 if len(self._waiting) == size and not any(was_busy) else 0
                size = len(self._waiting)
            batch, self._waiting = self._waiting, []
            if self._beside:  # which answer of a server came first is to change nothing
                batch.sort(key=lambda each: (each[0].seed, [turn.content for turn in each[0].messages]))
            self._answer(batch)

    def _answer(self, batch: list[tuple[Request, "asyncio.Future[Completion]"]]) -> None:
        asked = [(request, future) for request, future in batch if not future.done()]
        try:
            completions = self._model.complete([request for request, _ in asked])
            answered = list(zip(asked, completions, strict=True))
        except Exception as error:  # it belongs to everyone who asked
            for _, future in asked:
                future.set_exception(error)
            return
        for (_, future), completion in answered:
            self.counts.update(calls=1, tokens_in=completion.prompt_length, tokens_out=completion.length)
            future.set_result(completion)

    async def aclose(self) -> None:
        """Forget what is still waiting."""
        self._waiting = []
