"""Who pays for the calls of a run: what each model took, what it cost, and a stop before a budget is overrun."""

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import count

from schemas.errors import BudgetReachedError
from schemas.prices import Prices, price_of
from stages.estimate import prompt_tokens, tokens_in
from stages.models.base import Completion, Request


@dataclass
class Spent:
    """What calls took."""

    calls: int = 0
    tokens_in: int = 0
    cached: int = 0
    """Those of `tokens_in` that were in a prefix cache."""
    tokens_out: int = 0
    usd: float | None = None
    """None without prices."""

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True)
class _Aside:
    """What is set aside for a call under way: its prompt as it is likely to be counted, and the longest answer."""

    request: Request
    prompt: int = 0
    """The prompt as estimated, uncorrected; 0 without a budget."""
    tokens: float = 0.0
    usd: float = 0.0


@dataclass
class _Longer:
    """How much longer a model counts prompts than they were estimated."""

    counted: int = 0
    estimated: int = 0

    @property
    def factor(self) -> float:
        """What estimates are multiplied with: at least 1, so that they err on the safe side."""
        return max(1.0, self.counted / self.estimated) if self.estimated else 1.0


class Account:
    """The purse of one run: `admit` before each call, `charge` after it. Belongs to one thread.

    A budget of 0 is none. A call is admitted only where what is spent, what the calls under way may take at most and
    what it may take itself are within the budgets together: they are overrun by no more than prompts turn out to be
    longer than was estimated, and the estimates learn from what models count. What verdicts took in earlier runs is
    not counted.
    """

    def __init__(self, prices: Prices | None = None, budget_usd: float = 0.0, budget_tokens: int = 0) -> None:
        """Begin with nothing spent. Raises ValueError for a budget in USD without prices."""
        if budget_usd and not prices:
            raise ValueError("a budget in USD needs prices")
        self.models: dict[str, Spent] = {}
        self._prices, self._budget_usd, self._budget_tokens = prices, budget_usd, budget_tokens
        self._under_way: dict[int, _Aside] = {}
        self._numbers = count(1)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._longer: dict[str, _Longer] = {}
        self._ended = ""

    @property
    def spent(self) -> Spent:
        """What all calls took that have ended."""
        total = Spent(usd=0.0 if self._prices else None)
        for own in self.models.values():
            total.calls += own.calls
            total.tokens_in += own.tokens_in
            total.cached += own.cached
            total.tokens_out += own.tokens_out
            total.usd = None if own.usd is None else (total.usd or 0.0) + own.usd
        return total

    def admit(self, model: str, request: Request) -> int:
        """Set aside what the call may take, and return a number to give to `charge`.

        Raises BudgetReachedError where that is more than is left, and RlraError for a model without a price.
        """
        aside = self._may_take(model, request)
        if over := self._over(aside):
            raise self._reached(over)
        number = next(self._numbers)
        self._under_way[number] = aside
        return number

    async def admitted(self, model: str, request: Request) -> int:
        """Do as `admit`, but wait while calls under way may yet leave something over. Raises as `admit` does.

        Where one call was refused no other is admitted, small as it may be: the refusal ends the run, and what is begun
        then is paid for and thrown away.
        """
        try:
            while not self._ended and self._under_way and self._over(self._may_take(model, request)):
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
            self._ended = self._ended or self._over(self._may_take(model, request))
            if self._ended:
                raise self._reached(self._ended)
            return self.admit(model, request)
        finally:
            self._wake()  # where this one has no room, or was cancelled, the next in line may have

    def charge(self, model: str, aside: int, completion: Completion) -> None:
        """Book what the call took, in place of what `admit` set aside.

        An answer whose server counts nothing is booked as it is estimated. A call that failed costs what it says it
        took, which is nothing where no answer came: nobody can know what a provider bills for it.
        """
        planned = self._under_way.pop(aside)
        own = self.models.setdefault(model, Spent(usd=0.0 if self._prices else None))
        prompt, answer = completion.prompt_length, completion.length
        if prompt:
            self._learn(model, planned, prompt)
        elif completion.finish != "failed":
            prompt, answer = prompt_tokens(planned.request), answer or tokens_in(completion.text)
        cached = min(completion.cached, prompt)
        own.calls += 1
        own.tokens_in += prompt
        own.cached += cached
        own.tokens_out += answer
        if self._prices:
            own.usd = (own.usd or 0.0) + price_of(self._prices, model).of(prompt, answer, cached)
        self._wake()

    def _may_take(self, model: str, request: Request) -> _Aside:
        price = price_of(self._prices, model) if self._prices else None
        if not (self._budget_usd or self._budget_tokens):
            return _Aside(request)
        prompt, most = prompt_tokens(request), request.max_tokens
        likely = prompt * self._longer.get(model, _Longer()).factor
        return _Aside(request, prompt, likely + most, price.of(likely, most) if price else 0.0)

    def _learn(self, model: str, planned: _Aside, counted: int) -> None:
        if planned.prompt:
            longer = self._longer.setdefault(model, _Longer())
            longer.counted += counted
            longer.estimated += planned.prompt

    def _over(self, aside: _Aside) -> str:
        """Return the budget that has no room for the call, with its option, or ""."""
        if not (self._budget_usd or self._budget_tokens):
            return ""
        spent, asides = self.spent, [aside, *self._under_way.values()]
        if self._budget_tokens and spent.tokens + sum(each.tokens for each in asides) > self._budget_tokens:
            return "--budget-tokens"
        if self._budget_usd and (spent.usd or 0.0) + sum(each.usd for each in asides) > self._budget_usd:
            return "--budget-usd"
        return ""

    def _reached(self, option: str) -> BudgetReachedError:
        spent = self.spent
        budget = f"{self._budget_tokens:,} tokens" if option == "--budget-tokens" else f"{self._budget_usd:,g} USD"
        took = f"{spent.tokens_in:,} tokens in ({spent.cached:,} cached) and {spent.tokens_out:,} out"
        usd = "" if spent.usd is None else f", for {spent.usd:,.4f} USD"
        return BudgetReachedError(
            f"the budget of {budget} has no room for another call: {spent.calls:,} calls took {took}{usd}",
            hint=f"what is written is kept: the same command with a larger {option} goes on from there",
        )

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
