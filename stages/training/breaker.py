"""How long, and how often, an online run bears with its judge before it stops."""

import asyncio
import math
import re
import time
from collections import deque
from collections.abc import Sequence

from pydantic import Field, field_validator

from schemas.base import Part
from schemas.errors import RlraError, TooManyFailuresError
from stages.models.base import Completion, LiveModel, Request

LAST = 100
"""Responses over which failures are counted, or those of one step where they are more."""


class JudgeLimits(Part):
    """When an online run stops because of its judge; nothing of it changes what is learned."""

    max_failures: str = "50%"
    """The run stops, resumably (exit 3), where more judgements fail than this, a number or a share: online of the last
    100, with --rounds of one round."""
    judge_seconds: float = Field(default=900.0, gt=0, allow_inf_nan=False)
    """Online: the longest that judge servers are waited for in one step; what they have not answered then has failed.
    One request is waited for --timeout-s, and sent again --retries times with growing pauses of up to 30 s."""

    @field_validator("max_failures")
    @classmethod
    def _number_or_share(cls, text: str) -> str:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?%?", text, re.ASCII):
            raise ValueError(f"'{text}' is neither a number nor a share such as 50%")
        return text

    def bar(self, responses: int) -> float:
        """Return how many of so many responses may fail."""
        return float(self.max_failures.rstrip("%")) * (responses / 100 if self.max_failures.endswith("%") else 1)


class JudgeFailedError(TooManyFailuresError):
    """The judge is of no use any more; the run can go on when it is."""


class Breaker:
    """Counts failed judgements over the latest responses of all processes."""

    def __init__(self, limits: JudgeLimits) -> None:
        self._limits = limits
        self._last: deque[bool] = deque(maxlen=LAST)

    def see(self, failed: Sequence[bool]) -> None:
        """Note which responses of a step have no reward because their judgement failed.

        Raises JudgeFailedError where that is all of them, or more of the latest than `max_failures` allows. Until
        there were `LAST` responses, those to come count as judged.
        """
        window = max(LAST, len(failed))
        self._last = deque([*self._last, *failed], maxlen=window)
        count, why = sum(self._last), "`rlra stats` of the run's judged.jsonl counts the reasons"
        if all(failed):
            raise JudgeFailedError(f"the judgement of every one of {len(failed)} responses failed", hint=why)
        if count > self._limits.bar(window):
            allowed = f"more than --max-failures {self._limits.max_failures}"
            said = f"the judgement of {count} of the last {len(self._last)} responses failed, {allowed}"
            raise JudgeFailedError(said, hint=why)


class BoundedModel:
    """A live model whose answers are waited for until a moment that is set; follows the protocol `LiveModel`.

    After it, a request has failed. What ends the use of the model is a JudgeFailedError.
    """

    def __init__(self, model: LiveModel) -> None:
        """Take on the identity of `model`; no time is set."""
        self.reference, self.revision, self.template = model.reference, model.revision, model.template
        self.engine, self.dtype = model.engine, model.dtype
        self.in_flight = getattr(model, "in_flight", 16)
        self.until = math.inf
        """The moment, of `time.monotonic`."""
        self._model = model

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return what the model returns, in whatever time."""
        return self._model.complete(requests)

    async def answer(self, request: Request) -> Completion:
        """Return what the model returns, or a failed completion when the time is over."""
        left = self.until - time.monotonic()
        try:
            if left > 0:
                async with asyncio.timeout(None if math.isinf(left) else left):
                    return await self._model.answer(request)
        except TimeoutError:
            pass
        except RlraError as error:
            raise JudgeFailedError(error.message, error.hint) from None
        return Completion("", "failed", 0, error="transport: the time for judging a step is over")

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()
