"""Several endpoints behind one model, against real servers on loopback: who is asked, and who is left alone."""

import random
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from werkzeug import Response

from schemas.errors import RlraError
from schemas.task import Message
from stages.models import routes
from stages.models.base import Request
from stages.models.health import FEWEST_TO_STOP, Health
from stages.models.openai import OpenAIModel
from stages.models.replies import TroubleError
from stages.models.routes import Route, Routes
from tests.stages import endpoint_servers
from tests.stages.endpoint_servers import answered, asker_counts, endpoints, model, questions, slow
from tests.stages.judge_server import JudgeServer, chat, error
from tests.stages.openai_calls import asked, free_port, question

hasty = endpoint_servers.hasty
pytestmark = pytest.mark.filterwarnings("error")


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
    """A request that is refused for what it is (HTTP 400) says nothing of the next one."""
    one_fits = endpoints(lambda payload, number: chat("yes") if asked(payload) == "7" else error(400, "too long"))
    with one_fits as (server,):
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


# Keys.


def test_each_host_gets_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"127.0.0.1": "key-of-one", "localhost": None}
    with endpoints(slow(0.01), slow(0.01)) as (one, other):
        urls = [one.url.replace("localhost", "127.0.0.1"), other.url.replace("127.0.0.1", "localhost")]
        asker = OpenAIModel("openai:tiny", "tiny", urls, keys.get, concurrency=2, timeout_s=5)
        asker.complete([Request((Message(role="user", content="a"),), n, 0.0, 5) for n in range(20)])
        assert {headers.get("Authorization") for headers in one.headers} == {"Bearer key-of-one"}
        assert {headers.get("Authorization") for headers in other.headers} == {None}
