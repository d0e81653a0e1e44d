"""How much a server may be asked for in a minute."""

from collections import deque

WINDOW_S = 60.5
"""A minute, and half a second more because requests take unequal time on their way."""


class Spent:
    """What one request took of a limit, and when."""

    __slots__ = ("amount", "moment")

    def __init__(self, moment: float, amount: float) -> None:
        self.moment = moment
        self.amount = amount


class Allowance:
    """At most `limit` units in any window of `WINDOW_S` seconds; a limit of 0 is none.

    A window that slides, where a bucket that refills would let twice the limit through in the
    minute after a rest. It costs one small object for each request of the last minute.
    """

    def __init__(self, limit: float) -> None:
        """Begin with nothing spent."""
        self.limit = limit
        self._spent: deque[Spent] = deque()
        self._total = 0.0

    def free_at(self, now: float, amount: float) -> float:
        """Return the moment from which `amount` can be spent, `now` at the earliest.

        What is larger than the whole limit waits until nothing else counts, and then passes.
        """
        if not self.limit:
            return now
        self._forget(now)
        over = self._total + min(amount, self.limit) - self.limit
        moment = now
        for spent in self._spent:
            if over <= 1e-9:
                break
            over -= spent.amount
            moment = spent.moment + WINDOW_S
        return moment

    def spend(self, now: float, amount: float) -> Spent:
        """Spend `amount`, and return the entry, so that it can be corrected."""
        entry = Spent(now, amount)
        if self.limit:
            self._spent.append(entry)
            self._total += amount
        return entry

    def correct(self, entry: Spent, amount: float) -> None:
        """Let `entry` count `amount` from now on: what was spent is often known only afterwards."""
        if self.limit and self._spent and entry.moment >= self._spent[0].moment:
            self._total += amount - entry.amount
            entry.amount = amount

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0].moment + WINDOW_S <= now:
            self._total -= self._spent.popleft().amount
        if not self._spent:
            self._total = 0.0


class Forecast:
    """How many tokens a request will take, judged by its size and by what requests took so far."""

    FIRST_TOKENS_PER_BYTE = 1 / 3
    SLOWNESS = 0.02

    def __init__(self) -> None:
        """Begin without experience: a token for three bytes, and an answer as long as is allowed."""
        self._per_byte = self.FIRST_TOKENS_PER_BYTE
        self._answer: float | None = None

    def tokens(self, size: int, max_tokens: int) -> float:
        """Return what a request of `size` bytes is likely to take, rather too much than too little."""
        answer = max_tokens if self._answer is None else min(max_tokens, self._answer)
        return size * self._per_byte + answer

    def learn(self, size: int, tokens_in: int, tokens_out: int) -> None:
        """Take in what a request took: more is believed at once, less only by and by."""
        if not (tokens_in or tokens_out):
            return
        self._per_byte = _eased(self._per_byte, tokens_in / max(size, 1), self.SLOWNESS)
        self._answer = tokens_out if self._answer is None else _eased(self._answer, tokens_out, self.SLOWNESS)


def _eased(held: float, seen: float, slowness: float) -> float:
    return max(seen, held + slowness * (seen - held))
