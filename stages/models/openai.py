"""Any server that speaks the OpenAI chat protocol: vLLM, SGLang, llama.cpp, a provider."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from schemas.errors import RlraError
from stages.models.base import Completion, Request
from stages.models.connections import Connections
from stages.models.endpoint import api_key, endpoint, host_of
from stages.models.health import Health
from stages.models.limits import Forecast
from stages.models.replies import TroubleError
from stages.models.routes import Place, Route, Routes
from stages.models.wire import Answered
from stages.seeds import derive

__all__ = ["OpenAIModel", "api_key"]

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
MOST_CHOICES = 16
"""So many answers one HTTP request asks for at most: one that is lost, or cut off by a timeout, loses no more."""


class OpenAIModel:
    """A model behind one or more OpenAI-compatible chat endpoints; follows the protocol `LiveModel`.

    `counts` says what was used: calls, transport_retries, tokens_in, tokens_out, tokens_cached, and
    how often an endpoint was ejected. The key is sent to its server and appears nowhere else.
    """

    template = ""
    engine = "OpenAI-compatible server"
    dtype = ""

    def __init__(
        self,
        reference: str,
        name: str,
        base_urls: str | Sequence[str],
        key: str | Callable[[str], str | None] | None,
        concurrency: int = 16,
        timeout_s: float = 120,
        retries: int = 4,
        requests_per_minute: int = 0,
        tokens_per_minute: int = 0,
    ) -> None:
        """Keep the settings; nothing is sent yet. Raises RlraError for a base URL that cannot be one.

        `key` may be a function from a host to its key. Concurrency and the limits per minute, 0 for
        none, hold for each endpoint.
        """
        self.reference = reference
        self.revision = name
        self.counts: Counter[str] = Counter()
        self._counts_tokens = tokens_per_minute > 0
        places = dict(map(endpoint, [base_urls] if isinstance(base_urls, str) else base_urls))
        if not places:
            raise RlraError(f"{reference}: no base URL is given", hint="such as http://localhost:8000/v1")
        per_minute = (requests_per_minute, tokens_per_minute)
        keys = {url: key(host_of(url)) if callable(key) else key for url in places}
        routes = [Route(url, shown, keys[url], concurrency, per_minute) for url, shown in places.items()]
        self._routes = Routes(routes, self.counts)
        self._retries = retries
        self._forecast = Forecast()
        self._connections = Connections(name, timeout_s)
        self._health = Health(reference, self._routes)

    @property
    def in_flight(self) -> int:
        """How many requests are answered at a time, over all endpoints."""
        return self._routes.places

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return one completion per request, in order, as many in flight at a time as the endpoints allow.

        Requests in a row that differ in nothing but their seed go out as one, for `n` answers, with the seed
        of the first: the server derives the others' numbers from it, so whole groups have to be asked again.
        Never raises for one request's sake. Raises RlraError as `answer` does.
        """
        return asyncio.run(self._complete(requests)) if requests else []

    async def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        answers: dict[int, Completion] = {}
        try:
            await self._work(requests, self._chunks(requests), answers)
            # A server that gives one answer at a time gave one for each chunk.
            await self._work(requests, [[place] for place in range(len(requests)) if place not in answers], answers)
        finally:
            await self.aclose()
        return [answers[place] for place in range(len(requests))]

    def _chunks(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the places of the requests that go out together; greedy answers are all the same to a server."""
        most = 1 if all("n" in route.refused for route in self._routes.routes) else MOST_CHOICES
        chunks: list[list[int]] = []
        kind = None
        for place, request in enumerate(requests):
            before, kind = kind, replace(request, seed=0)
            if kind == before and request.temperature and len(chunks[-1]) < most:
                chunks[-1].append(place)
            else:
                chunks.append([place])
        return chunks

    async def _work(
        self, requests: Sequence[Request], chunks: Sequence[list[int]], answers: dict[int, Completion]
    ) -> None:
        """Fill in the answers to chunks of requests, as many chunks at a time as the endpoints allow."""
        waiting = iter(chunks)

        async def work() -> None:
            for places in waiting:
                # There may be fewer answers than were asked for.
                found = await self._asked(requests[places[0]], len(places))
                answers.update(zip(places, found, strict=False))

        workers = [asyncio.create_task(work()) for _ in range(min(self._routes.places, len(chunks)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def answer(self, request: Request) -> Completion:
        """Return the completion of one request, waiting while the endpoints have no place for it.

        Belongs to the event loop that first called it, until `aclose`. Never raises for the request's
        sake. Raises RlraError when the endpoints have never answered and turn away as many requests in
        a row as are in flight at a time, or all there are; when they stop answering; and when they lack
        what every request needs.
        """
        return (await self._asked(request))[0]

    async def aclose(self) -> None:
        """Close the connections of this event loop; another loop may use the model afterwards."""
        self._routes.close()
        await self._connections.aclose()

    async def _asked(self, request: Request, choices: int = 1) -> list[Completion]:
        """Return so many answers to one request, or fewer from a server that gives one at a time."""
        self.counts["calls"] += 1
        self._health.begin()
        try:
            return (await self._answered(request, choices)).answers
        except TroubleError as trouble:
            self._health.weigh(trouble)
            return [Completion("", "failed", 0, error=trouble.error)] * choices
        finally:
            self._health.end()

    async def _answered(self, request: Request, choices: int) -> Answered:
        """Send the request until it is answered or there is no more sense in it. Raises TroubleError."""
        size = sum(len(turn.content.encode()) for turn in request.messages) if self._counts_tokens else 0
        cost = self._forecast.tokens(size, request.max_tokens)
        cost += (choices - 1) * self._forecast.tokens(0, request.max_tokens)
        tried: frozenset[Route] = frozenset()
        attempt = 0
        while True:
            place = await self._routes.enter(cost, tried)
            route = place[0]
            try:
                found = await self._connections.post(route, request, choices)
                self._book(request, found, place, size)
                return found
            except TroubleError as trouble:
                attempt += 1
                tried |= {route}
                self._note(trouble, route)
                has_other = self._routes.has_other(tried)
                if attempt > self._retries or not (trouble.again or (trouble.is_servers and has_other)):
                    raise
                self.counts["transport_retries"] += 1
                if not has_other:
                    # A pause keeps the place: whoever waits for it would meet the same fault.
                    await asyncio.sleep(wait_s(request.seed, attempt))
            finally:
                self._routes.leave(route)

    def _note(self, trouble: TroubleError, route: Route) -> None:
        now = asyncio.get_running_loop().time()
        if trouble.wait_s is not None and trouble.again:
            route.pause(now + trouble.wait_s)
        elif trouble.is_servers and not (trouble.server_is_well and trouble.again):
            self._routes.failed(route, now)

    def _book(self, request: Request, found: Answered, place: Place, size: int) -> None:
        route, spent = place
        route.succeeded()
        self._health.answered(request)
        self.counts["tokens_in"] += found.tokens_in
        self.counts["tokens_out"] += found.tokens_out
        if found.cached:
            self.counts["tokens_cached"] += found.cached
        if spent is not None:
            route.correct(spent, found.tokens_in + found.tokens_out)
            self._forecast.learn(size, found.tokens_in, math.ceil(found.tokens_out / len(found.answers)))


def wait_s(seed: int, attempt: int) -> float:
    """Return the pause before the next attempt: doubling, with jitter.

    The jitter comes from the request's own seed, so that no global random state is touched.
    """
    longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
    return longest * (0.5 + 0.5 * derive(seed, "back-off", attempt) / 2**63)
