"""Accounts: what calls take is counted, and no budget is overrun while estimates hold."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import BudgetReachedError, RlraError
from schemas.judged import Judged
from schemas.prices import Price
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.accounts import Account, Spent
from stages.estimate import prompt_tokens
from stages.judge import JudgeSpec, judge
from stages.models.base import Completion, Request
from stages.verdict_cache import VerdictCache
from stages.voting import Panel
from tests.stages.judge_server import JudgeServer, chat, serving, verdicts
from tests.stages.judging import asked, group, model

PRICES = {"a": Price(**{"in": 1.0, "cached": 0.25, "out": 4.0}), "b": Price(**{"in": 10.0, "out": 40.0})}
TEXT = "Is this warm? " * 20


def request(max_tokens: int = 50, text: str = TEXT) -> Request:
    return Request((Message(role="user", content=text),), 1, 0.0, max_tokens)


def done(prompt: int = 10, length: int = 5, **more: Any) -> Completion:
    return Completion("It is.", "stop", length, prompt_length=prompt, **more)


FAILED = Completion("", "failed", 0, error="transport: timed out")
ESTIMATED = prompt_tokens(request())


def run(account: Account, model: str, completion: Completion, asked: Request | None = None) -> None:
    account.charge(model, account.admit(model, asked or request()), completion)


def test_what_calls_take_is_counted_by_model() -> None:
    account = Account(PRICES)
    run(account, "openai:a", done(1000, 100, cached=400))
    run(account, "openai:a", done(1000, 100))
    run(account, "openai:b", done(7, 3))
    run(account, "openai:b", FAILED)
    assert account.models["openai:a"] == Spent(2, 2000, 400, 200, pytest.approx((1600 + 400 * 0.25 + 800) / 1e6))
    assert account.models["openai:b"] == Spent(2, 7, 0, 3, pytest.approx((70 + 120) / 1e6))
    total = account.spent
    assert (total.calls, total.tokens_in, total.cached, total.tokens_out, total.tokens) == (4, 2007, 400, 203, 2210)
    assert total.usd == pytest.approx(sum(each.usd or 0 for each in account.models.values()))


def test_without_prices_there_is_no_cost() -> None:
    account = Account()
    assert account.spent == Spent()
    run(account, "m", done())
    assert account.spent == Spent(1, 10, 0, 5, None)


def test_an_answer_that_nobody_counted_is_booked_as_it_is_estimated() -> None:
    account = Account(budget_tokens=10_000)
    run(account, "m", Completion("It is warm.", "stop", 0))
    assert account.spent == Spent(1, ESTIMATED, 0, 4)
    run(account, "m", Completion("It is warm.", "length", 17))
    assert account.spent.tokens_out == 4 + 17


def test_more_cached_than_there_was_cannot_be() -> None:
    account = Account(PRICES)
    run(account, "a", done(10, 0, cached=500))
    assert account.spent.usd == pytest.approx(10 * 0.25e-6)


def test_a_model_without_a_price_is_an_error_before_it_is_asked() -> None:
    with pytest.raises(RlraError, match="what 'openai:c' costs"):
        Account(PRICES).admit("openai:c", request())


def test_a_budget_in_usd_needs_prices() -> None:
    with pytest.raises(ValueError, match="prices"):
        Account({}, budget_usd=1)


@given(
    st.integers(1, 3000),
    st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=40),
    st.booleans(),
)
@settings(max_examples=60)
def test_a_budget_is_never_overrun(budget: int, calls: list[tuple[int, bool]], in_usd: bool) -> None:
    """Whatever is under way at a time; of prompts that are as long as estimated, and answers within their limit."""
    account = Account(PRICES, budget_usd=budget / 1e6) if in_usd else Account(budget_tokens=budget)
    under_way: list[tuple[int, int]] = []
    for length, ends in calls:
        try:
            under_way.append((account.admit("a", request()), length))
        except BudgetReachedError:
            assert budget < ESTIMATED + 50 or account.spent.calls or under_way or in_usd
        if ends and under_way:
            number, took = under_way.pop(0)
            account.charge("a", number, done(ESTIMATED, took))
        at_most = (account.spent.usd or 0) * 1e6 if in_usd else account.spent.tokens
        rest = (ESTIMATED + 4 * 50 if in_usd else ESTIMATED + 50) * len(under_way)
        assert at_most + rest <= budget + 1e-6
    for number, took in under_way:
        account.charge("a", number, done(ESTIMATED, took))
    assert ((account.spent.usd or 0) * 1e6 if in_usd else account.spent.tokens) <= budget + 1e-6


@pytest.mark.parametrize(
    ("account", "budget", "option"),
    [
        (Account(budget_tokens=ESTIMATED + 60), f"{ESTIMATED + 60:,} tokens", "--budget-tokens"),
        (Account(PRICES, budget_usd=0.002), "0.002 USD", "--budget-usd"),
    ],
)
def test_the_end_says_what_was_spent_and_how_to_go_on(account: Account, budget: str, option: str) -> None:
    run(account, "a", done(ESTIMATED, 47))
    with pytest.raises(BudgetReachedError) as caught:
        account.admit("a", request(10_000))
    said = (
        f"the budget of {budget} has no room for another call: 1 calls took {ESTIMATED} tokens in (0 cached) and 47 out"
    )
    assert caught.value.message.startswith(said) and caught.value.exit_code == 4
    assert ("USD" in caught.value.message.removeprefix(said)) is ("usd" in option)
    assert option in (caught.value.hint or "") and "what is written is kept" in (caught.value.hint or "")


def test_estimates_learn_from_what_the_model_counts() -> None:
    account = Account(budget_tokens=100_000)
    run(account, "m", done(10 * ESTIMATED, 0))
    left = 100_000 - account.spent.tokens
    account.admit("m", request(left - 10 * ESTIMATED))
    fresh = Account(budget_tokens=100_000)
    run(fresh, "m", done(10 * ESTIMATED, 0))
    with pytest.raises(BudgetReachedError):
        fresh.admit("m", request(left - 10 * ESTIMATED + 1))


def test_a_model_that_counts_less_does_not_make_it_reckless() -> None:
    account = Account(budget_tokens=ESTIMATED + 50)
    run(account, "m", done(1, 0))
    with pytest.raises(BudgetReachedError):
        account.admit("m", request(50))
    account.admit("m", request(49))


def answering(account: Account, each: int, asked: int, took: int, at_once: int) -> tuple[int, int, int]:
    """Return how many calls were answered, how many refused, and how many were under way at most."""
    under_way = most = answered = refused = 0

    async def call() -> None:
        nonlocal under_way, most, answered, refused
        async with limit:
            try:
                number = await account.admitted("a", request(each))
            except BudgetReachedError:
                assert under_way == 0, "nothing that was paid for is thrown away"
                refused += 1
                return
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            answered += 1
            account.charge("a", number, done(ESTIMATED, took))

    async def all_calls() -> None:
        await asyncio.wait_for(asyncio.gather(*(call() for _ in range(asked))), timeout=30)

    limit = asyncio.Semaphore(at_once)
    asyncio.run(all_calls())
    return answered, refused, most


def test_calls_wait_for_what_others_leave_over() -> None:
    """Each may take 500 and takes 5: one after the other, nearly the whole budget is put to use."""
    one = ESTIMATED + 500
    answered, refused, most = answering(account := Account(budget_tokens=3 * one), 500, 60, 5, at_once=60)
    assert most == 3 and account.spent.tokens == answered * (ESTIMATED + 5) <= 3 * one
    assert answered + refused == 60
    assert account.spent.tokens + one > 3 * one, "no call was refused that there was room for"


def test_without_a_budget_nobody_waits() -> None:
    assert answering(Account(), 500, 200, 5, at_once=50) == (200, 0, 50)


def test_a_cancelled_wait_holds_nobody_up() -> None:
    async def scene() -> int:
        account = Account(budget_tokens=ESTIMATED + 50)
        first = await account.admitted("a", request())
        second, third = (asyncio.create_task(account.admitted("a", request(10))) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        account.charge("a", first, FAILED)
        return await asyncio.wait_for(third, timeout=10)

    assert asyncio.run(scene())


def test_a_wait_that_was_cancelled_when_its_turn_came_passes_it_on() -> None:
    async def scene() -> int:
        account = Account(budget_tokens=ESTIMATED + 50)
        first = await account.admitted("a", request())
        second, third = (asyncio.create_task(account.admitted("a", request())) for _ in range(2))
        await asyncio.sleep(0)
        account.charge("a", first, FAILED)
        second.cancel()
        return await asyncio.wait_for(third, timeout=10)

    assert asyncio.run(scene())


def test_where_one_call_met_the_end_no_smaller_one_is_begun_after_it() -> None:
    """The refusal ends the run: what would be begun then is paid for and thrown away."""

    async def scene() -> None:
        account = Account(budget_tokens=2 * ESTIMATED + 100)
        first = await account.admitted("a", request(50))
        waiting = [asyncio.create_task(account.admitted("a", request(answer))) for answer in (90, 60)]
        await asyncio.sleep(0)
        account.charge("a", first, done(ESTIMATED, 30))
        for task in waiting:
            with pytest.raises(BudgetReachedError, match="1 calls took"):
                await task
        with pytest.raises(BudgetReachedError, match="1 calls took"):
            await account.admitted("a", request(60))
        account.admit("a", request(60))

    asyncio.run(asyncio.wait_for(scene(), timeout=10))


RUBRIC = Rubric(rubric="r", criteria=(Criterion(id="warm", text="Is warm."), Criterion(id="short", text="Is short.")))
GROUPS = [group(f"g{number}", f"First {number}.", f"Second {number}.", rubric=RUBRIC) for number in range(12)]


def within(budget: int, server: JudgeServer, cache: VerdictCache) -> list[Judged]:
    """Return the lines that could be judged within a budget of tokens, which is not overrun."""
    account, lines = Account(budget_tokens=budget), []
    panel = Panel((model(server),), cache=cache, purse=account)
    try:
        for line in judge(GROUPS, JudgeSpec(criteria_per_call="1", max_tokens=60), panel):
            lines.append(line)  # noqa: PERF402 (what came before the error counts)
    except BudgetReachedError:
        pass
    assert account.spent.tokens <= budget
    return lines


def test_a_run_that_stops_at_its_budget_goes_on_and_asks_nothing_twice() -> None:
    def reply(payload: dict[str, Any], number: int) -> Any:
        prompt = payload["messages"][0]["content"]
        usage = {"prompt_tokens": prompt_tokens(request(text=prompt)), "completion_tokens": 20}
        return chat(verdicts(prompt, lambda name: "met"), usage=usage)

    with serving(reply) as server, VerdictCache(":memory:") as cache:
        begun = [len(within(8_000, server, cache)) for _ in range(20)]
        assert begun[0] < begun[-1] == len(GROUPS) and begun == sorted(begun)
        assert len(asked(server)) == len(set(asked(server))) == len(GROUPS) * 4
