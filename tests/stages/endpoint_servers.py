"""Servers on loopback, several of which are the endpoints of one model."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from stages.models import openai, routes
from stages.models.base import Completion, Request
from stages.models.openai import OpenAIModel
from tests.stages.judge_server import JudgeServer, Reply, chat
from tests.stages.openai_calls import asked, question

NUMBERS = count()


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
    """Serve each reply on a port of its own, below a path that no test before used.

    A request that another test has given up may still be on its way to the same port.
    """
    path = f"/{next(NUMBERS)}/v1"
    with ExitStack() as stack:
        for place in range(len(replies)):
            stack.callback(listening(place).clear)
        yield [JudgeServer(listening(place), reply, path) for place, reply in enumerate(replies)]


def model(servers: list[Any], **more: Any) -> OpenAIModel:
    """Return the model behind the servers, or addresses."""
    urls = [server if isinstance(server, str) else server.url for server in servers]
    return OpenAIModel("openai:tiny", "tiny", urls, None, **{"timeout_s": 5, **more})


def questions(count: int) -> list[Request]:
    """Return requests with the numbers below `count`."""
    return [question(str(number), seed=number) for number in range(count)]


def answered(answers: list[Completion]) -> list[str]:
    """Return the texts of the answers."""
    return [answer.text for answer in answers]


def slow(seconds: float) -> Reply:
    """Return a server that says after `seconds` what it was asked."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        time.sleep(seconds)
        return chat(asked(payload))

    return reply


def asker_counts() -> Any:
    """Return the counts of a model that has asked nothing."""
    return model(["http://localhost/v1"]).counts
