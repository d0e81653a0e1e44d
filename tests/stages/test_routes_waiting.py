"""Requests that wait for a place or for the next minute: none is lost, and who gives up gives the place back."""

import asyncio
import gc
import time
import warnings
from typing import Any

import pytest
from werkzeug import Response

from stages.models import limits
from stages.models.base import Completion
from stages.models.routes import Route, Routes
from tests.stages import endpoint_servers
from tests.stages.endpoint_servers import answered, asker_counts, endpoints, model, questions, slow
from tests.stages.judge_server import chat, error
from tests.stages.openai_calls import asked, question

hasty = endpoint_servers.hasty
pytestmark = pytest.mark.filterwarnings("error")


def test_requests_per_minute_hold_at_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WINDOW_S", 0.65)
    arrived: list[float] = []

    def reply(payload: dict[str, Any], number: int) -> Response:
        arrived.append(time.monotonic())
        return error(500) if number == 4 else chat(asked(payload))

    with endpoints(reply) as (server,):
        asker = model([server], concurrency=8, requests_per_minute=10)
        assert answered(asker.complete(questions(25))) == [str(number) for number in range(25)]
        assert len(arrived) == 26
        arrived.sort()
        assert all(later - sooner >= 0.5 for sooner, later in zip(arrived, arrived[10:], strict=False))
        assert arrived[9] - arrived[0] < 0.5  # what is allowed goes at once
        assert arrived[-1] - arrived[0] < 2.5


def test_tokens_per_minute_hold_at_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server counts 10 tokens for each call, whatever the model thinks beforehand."""
    monkeypatch.setattr(limits, "WINDOW_S", 0.65)
    arrived: list[float] = []

    def reply(payload: dict[str, Any], number: int) -> Response:
        arrived.append(time.monotonic())
        return chat(asked(payload))

    with endpoints(reply) as (server,):
        asker = model([server], concurrency=4, tokens_per_minute=100)
        assert answered(asker.complete(questions(30))) == [str(number) for number in range(30)]
        arrived.sort()
        assert all(later - sooner >= 0.5 for sooner, later in zip(arrived, arrived[10:], strict=False))
        assert arrived[-1] - arrived[0] < 3.5  # three windows, and what the first estimates cost


def test_a_request_that_took_more_than_was_thought_counts_with_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 tokens each, where the first is thought to take some 10: two fit into a window, and never a third."""
    monkeypatch.setattr(limits, "WINDOW_S", 0.65)
    arrived: list[float] = []

    def reply(payload: dict[str, Any], number: int) -> Response:
        arrived.append(time.monotonic())
        return chat("yes", usage={"prompt_tokens": 30, "completion_tokens": 10})

    with endpoints(reply) as (server,):
        model([server], concurrency=1, tokens_per_minute=100).complete(questions(6))
        assert len(arrived) == 6
        assert all(later - sooner >= 0.5 for sooner, later in zip(arrived, arrived[2:], strict=False))


def test_limits_hold_for_each_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WINDOW_S", 30.0)
    with endpoints(slow(0), slow(0)) as servers:
        asker = model(servers, concurrency=8, requests_per_minute=10)
        begun = time.monotonic()
        asker.complete(questions(20))
        assert time.monotonic() - begun < 5
        assert [server.calls for server in servers] == [10, 10]


# Many requests at a time, in one event loop.


def test_thousands_may_wait_and_go_in_the_order_of_asking() -> None:
    with endpoints(slow(0)) as (server,):
        asker = model([server], concurrency=1)

        async def ask() -> list[Completion]:
            try:
                return await asyncio.gather(*[asker.answer(one) for one in questions(2000)])
            finally:
                await asker.aclose()

        assert answered(asyncio.run(ask())) == [str(number) for number in range(2000)]
        assert [asked(payload) for payload in server.payloads] == [str(number) for number in range(2000)]


def test_waiting_is_cheap() -> None:
    """40,000 waiting requests are let in and out in a second or two of CPU: no scan over those who wait."""
    turnstile = Routes([Route("u", "u", None, 8, (0, 0))], asker_counts())

    async def pass_through() -> None:
        route, _ = await turnstile.enter(0)
        await asyncio.sleep(0)
        turnstile.leave(route)

    async def crowd() -> None:
        await asyncio.gather(*[pass_through() for _ in range(40_000)])

    begun = time.process_time()
    asyncio.run(crowd())
    assert time.process_time() - begun < 10
    assert turnstile.routes[0].in_flight == 0


def test_cancelled_requests_give_their_places_back() -> None:
    with endpoints(slow(0.05)) as (server,):
        asker = model([server], concurrency=3)

        async def ask() -> None:
            for round_number in range(3):
                tasks = [asyncio.create_task(asker.answer(one)) for one in questions(30)]
                await asyncio.sleep(0.02 * round_number)
                for task in tasks[::2]:
                    task.cancel()
                done = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(isinstance(each, asyncio.CancelledError) for each in done[::2])
                assert all(isinstance(each, Completion) and each.finish == "stop" for each in done[1::2])
            assert asker._routes.routes[0].in_flight == 0
            await asker.aclose()

        asyncio.run(ask())
        assert server.most_at_once <= 6  # a server notices only later that a caller has gone


def test_a_place_that_is_granted_to_a_cancelled_request_is_not_lost() -> None:
    turnstile = Routes([Route("u", "u", None, 1, (0, 0))], asker_counts())

    async def ask() -> None:
        route, _ = await turnstile.enter(0)
        waiting = asyncio.create_task(turnstile.enter(0))
        await asyncio.sleep(0)
        turnstile.leave(route)  # grants the place to `waiting`, which is cancelled before it wakes
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert route.in_flight == 0
        await asyncio.wait_for(turnstile.enter(0), 1)

    asyncio.run(ask())


def test_a_run_that_is_given_up_leaves_nothing_open() -> None:
    with endpoints(slow(0.5)) as (server,), warnings.catch_warnings():
        warnings.simplefilter("error")
        asker = model([server], concurrency=2)

        async def ask() -> None:
            tasks = [asyncio.create_task(asker.answer(one)) for one in questions(10)]
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asker.aclose()

        asyncio.run(ask())
        gc.collect()
        assert asker._routes.routes[0].in_flight == 0


def test_another_event_loop_may_use_the_model_afterwards() -> None:
    with endpoints(slow(0)) as (server,):
        asker = model([server])
        for _ in range(3):

            async def ask() -> Completion:
                try:
                    return await asker.answer(question("again"))
                finally:
                    await asker.aclose()

            assert asyncio.run(ask()).text == "again"
