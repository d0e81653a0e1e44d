"""When an online run gives up on its judge, and how long it waits for it."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.task import Message
from stages.models.base import Completion, Request
from stages.models.openai import wait_s
from stages.training.breaker import LAST, BoundedModel, Breaker, JudgeFailedError, JudgeLimits

REQUEST = Request((Message(role="user", content="Is it good?"),), seed=0, temperature=0.0, max_tokens=9)


class Slow:
    """A live model that answers after a time, or is of no use."""

    reference, revision, template, engine, dtype = "openai:slow", "slow", "", "e", ""
    in_flight = 3

    def __init__(self, seconds: float = 0.0, error: RlraError | None = None) -> None:
        self.seconds, self.error, self.asked, self.closed = seconds, error, 0, False

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        return [Completion("yes", "stop", 1) for _ in requests]

    async def answer(self, request: Request) -> Completion:
        self.asked += 1
        if self.error:
            raise self.error
        await asyncio.sleep(self.seconds)
        return Completion("yes", "stop", 1)

    async def aclose(self) -> None:
        self.closed = True


def seen(breaker: Breaker, *steps: list[bool]) -> str:
    """Return what the breaker says at the last of the steps; at none before it."""
    for step in steps[:-1]:
        breaker.see(step)
    with pytest.raises(JudgeFailedError) as stopped:
        breaker.see(steps[-1])
    assert stopped.value.exit_code == 3
    return stopped.value.message


@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=40), max_size=12), st.integers(0, 100))
def test_a_run_goes_on_exactly_as_long_as_few_enough_of_the_latest_failed(steps: list[list[bool]], bar: int) -> None:
    """Against a count over all there was: a step may fail in part, but not in whole."""
    breaker, all_of_them = Breaker(JudgeLimits(max_failures=f"{bar}%")), list[bool]()
    for step in steps:
        all_of_them += step
        if all(step) or sum(all_of_them[-LAST:]) > bar:
            with pytest.raises(JudgeFailedError):
                breaker.see(step)
            return
        breaker.see(step)


def test_a_step_larger_than_the_window_counts_whole() -> None:
    step = [True] * 60 + [False] * 60
    Breaker(JudgeLimits(max_failures="50%")).see(step)
    said = seen(Breaker(JudgeLimits(max_failures="49%")), step)
    assert said == "the judgement of 60 of the last 120 responses failed, more than --max-failures 49%"


def test_failures_long_ago_are_forgotten() -> None:
    breaker = Breaker(JudgeLimits(max_failures="5"))
    breaker.see([True] * 5 + [False] * 5)
    for _ in range(LAST // 10):
        breaker.see([False] * 10)
    breaker.see([True] * 5 + [False] * 5)
    assert "6 of the last 100" in seen(breaker, [True, False])


def test_a_step_without_any_reward_ends_the_run_whatever_is_allowed() -> None:
    said = seen(Breaker(JudgeLimits(max_failures="100%")), [True, False, True], [True] * 3)
    assert said == "the judgement of every one of 3 responses failed"


@pytest.mark.parametrize("text", ["", "x", "5 %", "-1", "1e3", "٣%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="neither a number nor a share"):
        JudgeLimits(max_failures=text)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_a_time_that_never_ends_is_refused(seconds: float) -> None:
    with pytest.raises(ValidationError):
        JudgeLimits(judge_seconds=seconds)


# The time.


def test_a_model_that_hangs_is_waited_for_until_the_time_is_over_and_then_not_asked() -> None:
    slow = Slow(seconds=3600)
    bounded = BoundedModel(slow)
    bounded.until = time.monotonic() + 0.2
    began = time.monotonic()
    first = asyncio.run(bounded.answer(REQUEST))
    assert 0.2 <= time.monotonic() - began < 30
    second = asyncio.run(bounded.answer(REQUEST))
    assert first == second
    assert (first.finish, first.error) == ("failed", "transport: the time for judging a step is over")
    assert slow.asked == 1


def test_in_time_an_answer_is_the_model_s_own() -> None:
    bounded = BoundedModel(slow := Slow())
    assert asyncio.run(bounded.answer(REQUEST)) == Completion("yes", "stop", 1)
    bounded.until = time.monotonic() + 60
    assert asyncio.run(bounded.answer(REQUEST)) == Completion("yes", "stop", 1)
    assert (bounded.reference, bounded.in_flight) == ("openai:slow", 3)
    asyncio.run(bounded.aclose())
    assert slow.closed


def test_a_model_that_is_of_no_use_any_more_ends_the_run_resumably() -> None:
    bounded = BoundedModel(Slow(error=RlraError("openai:slow: stopped answering", hint="wait")))
    with pytest.raises(JudgeFailedError, match="stopped answering") as stopped:
        asyncio.run(bounded.answer(REQUEST))
    assert (stopped.value.exit_code, stopped.value.hint) == (3, "wait")


def test_nine_retries_outlast_a_minute() -> None:
    """What docs/training.md advises for a judge that is down for that long."""
    for seed in range(200):
        assert sum(wait_s(seed, attempt) for attempt in range(1, 10)) > 60
