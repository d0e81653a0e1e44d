"""Several endpoints behind one model, against real servers on loopback."""

import asyncio
import gc
import random
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from schemas.errors import RlraError
from schemas.task import Message
from stages.models import limits, openai, routes
from stages.models.base import Completion, Request
from stages.models.health import FEWEST_TO_STOP, Health
from stages.models.openai import OpenAIModel
from stages.models.replies import TroubleError
from stages.models.routes import Route, Routes
from tests.stages.judge_server import JudgeServer, Reply, chat, error
from tests.stages.test_openai import asked, free_port, question

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds where a user waits seconds."""
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.005)
    monkeypatch.setattr(routes, "FIRST_COOL_DOWN_S", 0.1)


@cache
def listening(place: int) -> HTTPServer:
    """Return the server of this process at `place`, kept because stopping one takes half a second."""
    http = HTTPServer(threaded=True)
    http.start()
    return http


@contextmanager
def endpoints(*replies: Reply) -> Iterator[list[JudgeServer]]:
    """Serve each reply on a port of its own."""
    with ExitStack() as stack:
        for place in range(len(replies)):
            stack.callback(listening(place).clear)
        yield [JudgeServer(listening(place), reply) for place, reply in enumerate(replies)]


def model(servers: list[Any], **more: Any) -> OpenAIModel:
    urls = [server if isinstance(server, str) else server.url for server in servers]
    return OpenAIModel("openai:tiny", "tiny", urls, None, **{"timeout_s": 5, **more})


def questions(count: int) -> list[Request]:
    return [question(str(number), seed=number) for number in range(count)]


def answered(answers: list[Completion]) -> list[str]:
    return [answer.text for answer in answers]


def slow(seconds: float) -> Reply:
    def reply(payload: dict[str, Any], number: int) -> Response:
        time.sleep(seconds)
        return chat(asked(payload))

    return reply


def test_each_request_goes_to_the_least_busy_endpoint() -> None:
    with endpoints(slow(0.1), slow(0.01)) as (tortoise, hare):
        asker = model([tortoise, hare], concurrency=3)
        assert answered(asker.complete(questions(90))) == [str(number) for number in range(90)]
        assert tortoise.most_at_once <= 3
        assert hare.most_at_once <= 3
        assert tortoise.calls + hare.calls == 90
        assert hare.calls > 3 * tortoise.calls >= 9


def test_a_url_given_twice_is_one_endpoint() -> None:
    with endpoints(slow(0.01)) as (server,):
        assert model([server, server, server.url + "/"], concurrency=2).in_flight == 2


def test_nobody_is_lost_where_one_endpoint_is_dead_and_it_is_soon_left_alone() -> None:
    with endpoints(slow(0.005)) as (server,):
        asker = model([f"http://127.0.0.1:{free_port()}/v1", server], concurrency=4)
        assert answered(asker.complete(questions(100))) == [str(number) for number in range(100)]
        assert asker.counts["ejected"] == 1
        assert server.calls == 100
        # Before it was ejected, and then once for each time that it was tried again.
        assert asker.counts["transport_retries"] < 20


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_an_endpoint_that_refuses_everything_costs_no_answer(status: int) -> None:
    with endpoints(lambda payload, number: error(status), slow(0.005)) as (bad, good):
        asker = model([bad, good], concurrency=2)
        assert answered(asker.complete(questions(60))) == [str(number) for number in range(60)]
        assert asker.counts["ejected"] == 1
        assert good.calls == 60
        assert bad.calls < 20


def test_an_ejected_endpoint_is_tried_with_one_request_at_a_time_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "LONGEST_COOL_DOWN_S", 0.2)
    healed = threading.Event()

    def limping(payload: dict[str, Any], number: int) -> Response:
        moments.append((time.monotonic(), lame[0]._at_once))
        time.sleep(0.02)
        return chat(asked(payload)) if healed.is_set() else error(500)

    moments: list[tuple[float, int]] = []
    lame: list[JudgeServer] = []
    with endpoints(limping, slow(0.02)) as servers:
        lame.append(servers[0])
        asker = model(servers, concurrency=4)
        assert answered(asker.complete(questions(150))) == [str(number) for number in range(150)]
        first = len(moments)
        assert asker.counts["ejected"] == 1
        probes = moments[routes.EJECT_AFTER + 4 :]
        assert probes
        assert {busy for _, busy in probes} == {1}
        pauses = [later - sooner for (sooner, _), (later, _) in pairwise(probes)]
        assert all(pause >= 0.1 for pause in pauses)
        healed.set()
        time.sleep(0.3)
        assert answered(asker.complete(questions(150))) == [str(number) for number in range(150)]
        assert len(moments) - first > 20


def test_cool_downs_double_and_a_success_forgets_them() -> None:
    route = Route("u", "u", None, 4, (0, 0))
    now, ends = 100.0, []
    for _ in range(routes.EJECT_AFTER - 1):
        assert not route.failed(now)
    for _ in range(12):
        route.failed(now)
        ends.append(route.ejected_until - now)
        now = route.ejected_until
    assert ends[:3] == [0.1, 0.2, 0.4] or ends[:3] == pytest.approx([0.1, 0.2, 0.4])
    assert ends[-1] == routes.LONGEST_COOL_DOWN_S
    before = route.ejected_until
    route.failed(now - 1)  # a reply that was under way when the endpoint was ejected
    assert route.ejected_until == before
    route.succeeded()
    assert route.ejected_until == 0
    assert not route.failed(now)


def test_what_failed_on_one_endpoint_is_asked_at_another() -> None:
    with endpoints(lambda payload, number: error(500) if number % 3 else chat("a"), slow(0)) as (bad, good):
        asker = model([bad, good], concurrency=4)
        assert all(answer.finish == "stop" for answer in asker.complete(questions(60)))
        failed = {asked(payload) for number, payload in enumerate(bad.payloads, 1) if number % 3}
        assert failed
        assert failed <= {asked(payload) for payload in good.payloads}


def test_retry_after_pauses_the_endpoint_for_everyone() -> None:
    arrived: list[float] = []

    def reply(payload: dict[str, Any], number: int) -> Response:
        arrived.append(time.monotonic())
        return error(429, Retry_After="0.5") if number == 3 else chat(asked(payload))

    with endpoints(reply) as (server,):
        asker = model([server], concurrency=1)
        assert answered(asker.complete(questions(20))) == [str(number) for number in range(20)]
        assert arrived[3] - arrived[2] >= 0.5
        assert asker.counts["transport_retries"] == 1


def test_a_paused_endpoint_leaves_its_requests_to_another() -> None:
    with endpoints(lambda payload, number: error(503, Retry_After="30"), slow(0.001)) as (busy, free):
        begun = time.monotonic()
        asker = model([busy, free], concurrency=2)
        assert answered(asker.complete(questions(40))) == [str(number) for number in range(40)]
        assert time.monotonic() - begun < 5
        assert busy.calls <= 2
        assert free.calls == 40


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


def test_endpoints_that_never_answer_are_one_sentence() -> None:
    with endpoints(lambda payload, number: error(404)) as (server,):
        urls = [server, f"http://127.0.0.1:{free_port()}/v1"]
        with pytest.raises(RlraError, match=r"every one of 2 endpoints \(http.* is the first\) answers no request"):
            model(urls, concurrency=2, retries=1).complete(questions(50))


def test_a_server_that_stops_answering_ends_the_run_with_one_sentence() -> None:
    with endpoints(lambda payload, number: chat("yes") if number <= 30 else error(503)) as (server,):
        asker = model([server], concurrency=2, retries=1)
        with pytest.raises(RlraError, match=r"stopped answering: the last 16 requests failed, .*: HTTP 503") as caught:
            asker.complete(questions(1000))
        assert "the same command goes on" in str(caught.value.hint)
        assert server.calls <= 30 + 2 * (FEWEST_TO_STOP + 2)


def test_a_server_that_only_times_out_ends_the_run_too() -> None:
    with (
        endpoints(lambda payload, number: error(504)) as (server,),
        pytest.raises(RlraError, match="answers no request"),
    ):
        model([server], concurrency=4, retries=0).complete(questions(1000))
    assert server.calls <= FEWEST_TO_STOP + 4


def test_refused_requests_are_no_sign_of_a_dead_server() -> None:
    with endpoints(lambda payload, number: chat("yes") if number == 1 else error(400, "too long")) as (server,):
        answers = model([server], concurrency=4).complete(questions(100))
        assert [answer.finish for answer in answers].count("failed") == 99


@pytest.mark.parametrize("places", [1, 16, 64])
def test_a_third_of_failures_never_ends_a_run(places: int) -> None:
    """30 % of all requests fail for good, which is far more than 30 % of all calls."""
    health = Health("openai:m", Routes([Route("u", "u", None, places, (0, 0))], asker_counts()))
    draw = random.Random(7)
    for _ in range(100_000):
        health.begin()
        if draw.random() < 0.3:
            health.weigh(TroubleError("transport: HTTP 500", again=True))
        else:
            health.answered(question("a"))
        health.end()


def asker_counts() -> Any:
    return model(["http://localhost/v1"]).counts


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


# Keys.


def test_each_host_gets_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"127.0.0.1": "key-of-one", "localhost": None}
    with endpoints(slow(0.01), slow(0.01)) as (one, other):
        urls = [one.url.replace("localhost", "127.0.0.1"), other.url.replace("127.0.0.1", "localhost")]
        asker = OpenAIModel("openai:tiny", "tiny", urls, keys.get, concurrency=2, timeout_s=5)
        asker.complete([Request((Message(role="user", content="a"),), n, 0.0, 5) for n in range(20)])
        assert {headers.get("Authorization") for headers in one.headers} == {"Bearer key-of-one"}
        assert {headers.get("Authorization") for headers in other.headers} == {None}
