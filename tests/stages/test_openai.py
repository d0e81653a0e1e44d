"""The OpenAI-compatible backend against a real server on loopback: what is asked, where, and with which key."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from schemas.errors import RlraError
from stages.models.endpoint import endpoint
from stages.models.openai import api_key
from tests.stages import openai_calls
from tests.stages.judge_server import JudgeServer, chat, error, serving
from tests.stages.openai_calls import KEY, asked, free_port, model, question

hasty = openai_calls.hasty


def test_answers_come_in_the_order_of_the_requests_and_never_more_at_once_than_allowed() -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        time.sleep(0.002 * (5 - number % 5))
        return chat(f"re {asked(payload)}")

    with serving(reply) as server:
        one = model(server.url, concurrency=4)
        answers = one.complete([question(str(n)) for n in range(30)])
        assert [answer.text for answer in answers] == [f"re {n}" for n in range(30)]
        assert all(answer.finish == "stop" and answer.length == 3 for answer in answers)
        assert 1 < server.most_at_once <= 4
        assert one.counts == {"calls": 30, "tokens_in": 210, "tokens_out": 90}
        assert one.complete([question("again")])[0].text == "re again"
        assert one.complete([]) == []


def test_the_request_says_what_was_asked() -> None:
    with serving(lambda payload, number: chat("yes")) as server:
        model(server.url).complete([question("hello", seed=2**62 + 5)])
        assert server.payloads == [
            {
                "model": "tiny",
                "messages": [{"role": "user", "content": "hello"}],
                "temperature": 0.5,
                "max_tokens": 10,
                "seed": 5,
            }
        ]
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_server_that_wants_the_other_name_of_the_limit_gets_it() -> None:
    said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    with serving(lambda payload, number: error(400, said) if "max_tokens" in payload else chat("yes")) as server:
        answers = model(server.url, concurrency=2).complete([question(str(n)) for n in range(5)])
        assert [answer.text for answer in answers] == ["yes"] * 5
        assert server.payloads[-1]["max_completion_tokens"] == 10


def test_the_key_is_nowhere_to_be_seen() -> None:
    assert KEY not in repr(model("http://localhost/v1"))


def test_proxies_of_the_environment_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with serving(lambda payload, number: chat("yes")) as server:
        assert model(server.url).complete([question("a")])[0].text == "yes"


def test_where_the_key_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RLRA_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert api_key(None) is None
    monkeypatch.setenv("OPENAI_API_KEY", "second\n")
    assert api_key(None) == "second"
    monkeypatch.setenv("RLRA_API_KEY", "first")
    assert api_key(None) == "first"
    (tmp_path / "key").write_text("third\n")
    assert api_key(tmp_path / "key") == "third"


@pytest.mark.parametrize("content", ["", "two\nlines-of-secret", "sécret"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(content: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(RlraError) as caught:
        api_key(tmp_path / "key")
    assert "secret" not in caught.value.message
    with pytest.raises(RlraError, match="cannot read the key"):
        api_key(tmp_path / "none")


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000/v1", "ftp://host/v1", "http://", "http://me:pw@host/v1", "http://host:99999/", "http://["],
)
def test_a_base_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(RlraError) as caught:
        endpoint(url)
    assert "pw" not in caught.value.message


def test_a_base_url_keeps_its_query_and_may_be_the_whole_endpoint() -> None:
    whole = "http://host:1/v1/chat/completions"
    assert endpoint("http://host:1/v1/") == (whole, whole)
    assert endpoint(whole) == (whole, whole)
    assert endpoint("http://host:1/v1?api-version=2") == (whole + "?api-version=2", whole)


def test_an_interrupt_ends_the_calls_cleanly() -> None:
    stop: Callable[[dict[str, Any], int], Response] = lambda payload, number: time.sleep(3) or chat("late")  # noqa: E731
    with serving(stop) as server:
        program = (
            "from schemas.task import Message; from stages.models.base import Request;"
            "from stages.models.openai import OpenAIModel;"
            f"m = OpenAIModel('openai:t', 't', {server.url!r}, None);"
            "m.complete([Request((Message(role='user', content='a'),), 1, 0.0, 5)] * 40)"
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        child = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment)
        wait_for(server)
        begun = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=10)
        assert time.monotonic() - begun < 2
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert "never retrieved" not in said
        assert "Unclosed" not in said


def wait_for(server: JudgeServer) -> None:
    deadline = time.monotonic() + 10
    while server.calls == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
