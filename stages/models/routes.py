"""Which endpoint a request goes to, and when: the least busy live one, first come first served."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Sequence

from stages.models.limits import Allowance, Spent

EJECT_AFTER = 5
FIRST_COOL_DOWN_S, LONGEST_COOL_DOWN_S = 1.0, 60.0


class Route:
    """One endpoint: what it has in flight, and from when on it takes another request."""

    def __init__(self, url: str, shown_url: str, key: str | None, limit: int, per_minute: tuple[int, int]) -> None:
        """Begin with nothing in flight. `per_minute` limits requests and tokens; 0 is no limit."""
        self.url = url
        self.shown_url = shown_url
        self.key = key
        self.length_field = "max_tokens"
        """How the server calls the limit on an answer's tokens."""
        self.refused: frozenset[str] = frozenset()
        """Fields that the server was found not to take, and that can be left out."""
        self.limit = limit
        self.in_flight = 0
        self.sent = 0
        self.ejected_until = 0.0
        """0 is a live endpoint; another one gets a single request from this moment on, to try it."""
        self._paused_until = 0.0
        self._faults_in_a_row = 0
        self._ejections = 0
        self._requests, self._tokens = map(Allowance, per_minute)
        self._is_rated = any(per_minute)

    def free_at(self, now: float, cost: float) -> float:
        """Return the moment from which a request of `cost` tokens may go: infinity while all places are taken."""
        if self.in_flight >= self.limit:
            return math.inf
        moment = max(now, self._paused_until)
        if self._is_rated:
            moment = max(moment, self._requests.free_at(now, 1), self._tokens.free_at(now, cost))
        return moment

    def take(self, now: float, cost: float) -> Spent | None:
        """Take a place for a request of `cost` tokens; the entry is for `correct`."""
        self.in_flight += 1
        self.sent += 1
        if not self._is_rated:
            return None
        self._requests.spend(now, 1)
        return self._tokens.spend(now, cost)

    def correct(self, entry: Spent | None, tokens: int) -> None:
        """Put the tokens that a request took in place of the estimate."""
        if entry is not None and tokens:
            self._tokens.correct(entry, tokens)

    def pause(self, until: float) -> None:
        """Send nothing before `until`: the server asked for it."""
        self._paused_until = max(self._paused_until, until)

    def is_paused(self, now: float) -> bool:
        """Return whether the server asked to be left alone for longer than until now."""
        return now < self._paused_until

    def succeeded(self) -> None:
        """Note an answer: the endpoint is live."""
        self._faults_in_a_row = self._ejections = 0
        self.ejected_until = 0.0

    def failed(self, now: float) -> bool:
        """Note a fault of the server; returns whether this made a live endpoint an ejected one."""
        self._faults_in_a_row += 1
        was_live = not self.ejected_until
        if self._faults_in_a_row < EJECT_AFTER or now < self.ejected_until:
            return False
        cool_down_s = min(LONGEST_COOL_DOWN_S, FIRST_COOL_DOWN_S * 2**self._ejections)
        self._ejections += 1
        self.ejected_until = now + cool_down_s
        return was_live


Place = tuple[Route, Spent | None]


class _Waiting:
    """A request that waits for a place, and the endpoints that failed it."""

    __slots__ = ("cost", "granted", "tried")

    def __init__(self, granted: asyncio.Future[Place], cost: float, tried: frozenset[Route]) -> None:
        self.granted = granted
        self.cost = cost
        self.tried = tried


class Routes:
    """The endpoints of one model, and the requests that wait for a place at one.

    Where every endpoint is ejected, all are tried: a server that is alone cannot be spared.
    """

    def __init__(self, routes: Sequence[Route], counts: Counter[str]) -> None:
        """Begin with nobody waiting. `counts` gains `ejected`."""
        self.routes = tuple(routes)
        self._counts = counts
        self._new: deque[_Waiting] = deque()
        self._again: deque[_Waiting] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def places(self) -> int:
        """How many requests may be in flight at a time, over all endpoints."""
        return sum(route.limit for route in self.routes)

    async def enter(self, cost: float, tried: frozenset[Route] = frozenset()) -> Place:
        """Wait for a place, and take it: in the order of asking, except that a request sent again goes first.

        An endpoint in `tried` is taken only where no other one may be asked.
        """
        loop = asyncio.get_running_loop()
        if not self._new and not self._again:
            now = loop.time()
            if route := self._free(now, cost, tried):
                return route, route.take(now, cost)
        waiting = _Waiting(loop.create_future(), cost, tried)
        queue = self._again if tried else self._new
        queue.append(waiting)
        if tried or len(queue) == 1:  # whoever comes behind others waits for them anyway
            self._admit()
        try:
            return await waiting.granted
        except asyncio.CancelledError:
            if waiting.granted.done() and not waiting.granted.cancelled():
                self.leave(waiting.granted.result()[0])
            raise

    def leave(self, route: Route) -> None:
        """Give a place back."""
        route.in_flight -= 1
        if self._new or self._again:
            self._admit()

    def failed(self, route: Route, now: float) -> None:
        """Note a fault of the server behind `route`."""
        if route.failed(now) and len(self.routes) > 1:
            self._counts["ejected"] += 1

    def has_other(self, tried: frozenset[Route]) -> bool:
        """Return whether there is an endpoint outside `tried` that may be asked now."""
        now = asyncio.get_running_loop().time()
        return any(not route.ejected_until and not route.is_paused(now) for route in self.routes if route not in tried)

    def close(self) -> None:
        """Stop the clock; whoever still waits is given up."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None
        for waiting in (*self._new, *self._again):
            waiting.granted.cancel()
        self._new.clear()
        self._again.clear()

    def _candidates(self, now: float, tried: frozenset[Route]) -> list[Route]:
        able = [route for route in self.routes if not route.ejected_until]
        if able:
            # One request at a time tries an ejected endpoint whose cool-down is over.
            able += [route for route in self.routes if 0 < route.ejected_until <= now and not route.in_flight]
        else:
            able = list(self.routes)
        return [route for route in able if route not in tried and not route.is_paused(now)] or able

    def _free(self, now: float, cost: float, tried: frozenset[Route]) -> Route | None:
        if len(self.routes) == 1:
            only = self.routes[0]
            return only if only.free_at(now, cost) <= now else None
        free = [route for route in self._candidates(now, tried) if route.free_at(now, cost) <= now]
        return min(free, key=lambda route: (route.in_flight / route.limit, route.sent), default=None)

    def _admit(self) -> None:
        """Give free places to those who wait, and see to it that this happens again when time alone frees one."""
        now = asyncio.get_running_loop().time()
        held: list[_Waiting] = []
        while self._again:
            waiting = self._again.popleft()
            if not self._granted(waiting, now):
                held.append(waiting)
        self._again.extend(held)
        while self._new and self._granted(self._new[0], now):
            self._new.popleft()
        self._set_alarm(now)

    def _granted(self, waiting: _Waiting, now: float) -> bool:
        """Give `waiting` a place; returns False where there is none and it still wants one."""
        if waiting.granted.done():
            return True
        route = self._free(now, waiting.cost, waiting.tried)
        if route is not None:
            waiting.granted.set_result((route, route.take(now, waiting.cost)))
        return route is not None

    def _set_alarm(self, now: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        first = [*self._again, *([self._new[0]] if self._new else [])]
        moments = [self._moment(route, now, waiting.cost) for waiting in first for route in self.routes]
        soonest = min(moments, default=math.inf)
        if soonest < math.inf:
            self._alarm = asyncio.get_running_loop().call_at(max(soonest, now + 0.001), self._admit)

    def _moment(self, route: Route, now: float, cost: float) -> float:
        moment = max(route.free_at(now, cost), route.ejected_until)
        # A moment that has come already frees no place: a reply does, and that one admits by itself.
        return moment if moment > now else math.inf
