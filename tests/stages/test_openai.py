"""The OpenAI-compatible backend against a real server on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from schemas.errors import RlraError
from schemas.task import Message
from stages.models import connections, openai
from stages.models.base import Request
from stages.models.endpoint import endpoint
from stages.models.openai import OpenAIModel, api_key
from stages.models.replies import seconds
from tests.stages.judge_server import JudgeServer, chat, error, serving

KEY = "sk-secret-0123456789"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds between attempts."""
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.005)


def question(text: str, seed: int = 1) -> Request:
    return Request((Message(role="user", content=text),), seed, 0.5, 10)


def model(url: str, **more: Any) -> OpenAIModel:
    return OpenAIModel("openai:tiny", "tiny", url, KEY, **{"timeout_s": 5, **more})


def asked(payload: dict[str, Any]) -> str:
    return payload["messages"][-1]["content"]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


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


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_passing_failure_is_tried_again_and_counted(status: int) -> None:
    with serving(lambda payload, number: error(status) if number < 3 else chat("yes")) as server:
        one = model(server.url)
        assert one.complete([question("a")])[0].text == "yes"
        assert one.counts["transport_retries"] == 2


def test_a_lasting_failure_ends_as_a_failed_completion_after_bounded_retries() -> None:
    with serving(lambda payload, number: error(503)) as server:
        one = model(server.url, retries=2)
        answer = one.complete([question("a")])[0]
        assert (answer.finish, answer.text, answer.error) == ("failed", "", "transport: HTTP 503")
        assert server.calls == 3


def test_a_refused_request_is_not_tried_again_and_says_why_without_the_key() -> None:
    with serving(lambda payload, number: error(400, f"too long, {KEY}! " + "x" * 900)) as server:
        answer = model(server.url).complete([question("a")])[0]
        assert server.calls == 1
        assert answer.error is not None
        assert answer.error.startswith("transport: HTTP 400: too long, [key]! xxx")
        assert len(answer.error) < 250


@pytest.mark.parametrize("body", ["<html>busy</html>", "", "[]", "null", '{"choices": []}', '{"error": "x"}', "\xff{"])
def test_a_reply_that_is_no_chat_answer_is_a_transport_failure(body: str) -> None:
    with serving(lambda payload, number: Response(body.encode("latin-1"), status=200)) as server:
        answer = model(server.url, retries=1).complete([question("a")])[0]
        assert answer.error == "transport: the reply is no chat answer"
        assert server.calls == 2


@pytest.mark.parametrize(
    ("text", "finish", "expected"),
    [
        ("half", "length", ("half", "length", None)),
        (None, "length", ("", "length", None)),
        ("bad", "content_filter", ("", "failed", "content filter")),
        (None, "stop", ("", "failed", "empty")),
        (" \n", "stop", ("", "failed", "empty")),
        ("x", "abort", ("", "failed", "transport: the reply ends with finish_reason 'abort'")),
        (["x"], "stop", ("", "failed", "transport: the reply's content is no text")),
    ],
)
def test_how_the_answer_ended_is_looked_at_first(text: Any, finish: str, expected: tuple[Any, ...]) -> None:
    with serving(lambda payload, number: chat(text, finish)) as server:
        answer = model(server.url, retries=1).complete([question("a")])[0]
        assert (answer.text, answer.finish, answer.error) == expected


def test_a_huge_reply_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LARGEST_REPLY", 1 << 20)
    with serving(lambda payload, number: chat("x" * (2 << 20))) as server:
        answer = model(server.url).complete([question("a")])[0]
        assert answer.error == "transport: the reply is larger than 1 MiB"


def test_a_slow_server_is_a_timeout() -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        time.sleep(0.5)
        return chat("late")

    with serving(reply) as server:
        answer = model(server.url, timeout_s=0.1, retries=0).complete([question("a")])[0]
        assert answer.error == "transport: no reply within 0.1 s"


def test_retry_after_in_seconds_is_honoured() -> None:
    with serving(lambda payload, number: error(429, Retry_After="0.4") if number == 1 else chat("yes")) as server:
        begun = time.monotonic()
        assert model(server.url).complete([question("a")])[0].text == "yes"
        assert time.monotonic() - begun >= 0.4


def test_retry_after_as_a_date_is_honoured() -> None:
    until = datetime.now(UTC) + timedelta(seconds=1.5)
    stamp = format_datetime(until.replace(microsecond=0), usegmt=True)
    with serving(lambda payload, number: error(503, Retry_After=stamp) if number == 1 else chat("yes")) as server:
        assert model(server.url).complete([question("a")])[0].text == "yes"
        assert datetime.now(UTC) >= until.replace(microsecond=0)


def test_a_retry_after_beyond_all_patience_fails_at_once() -> None:
    with serving(lambda payload, number: error(429, Retry_After="86400")) as server:
        answer = model(server.url).complete([question("a")])[0]
        assert answer.error == "transport: HTTP 429, to be tried again only after 86400 s"
        assert server.calls == 1


@pytest.mark.parametrize("header", [None, "", "soon", "-1", "nan", "inf", "Mon, 99 Foo 2020", "1" * 400])
def test_a_retry_after_that_says_nothing_is_ignored(header: str | None) -> None:
    assert seconds(header) is None


def test_a_server_that_wants_the_other_name_of_the_limit_gets_it() -> None:
    said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    with serving(lambda payload, number: error(400, said) if "max_tokens" in payload else chat("yes")) as server:
        answers = model(server.url, concurrency=2).complete([question(str(n)) for n in range(5)])
        assert [answer.text for answer in answers] == ["yes"] * 5
        assert server.payloads[-1]["max_completion_tokens"] == 10


@pytest.mark.parametrize("status", [301, 401, 403, 404])
def test_an_endpoint_that_never_answers_is_one_clear_sentence(status: int) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        return error(status, f"{KEY} is not welcome", Location="http://127.0.0.1:1/")

    with serving(reply) as server:
        dead = model(server.url + "?token=hush", concurrency=4)
        with pytest.raises(RlraError) as caught:
            dead.complete([question(f"{status} {n}") for n in range(100)])
        said = caught.value.message
        assert said.startswith(f"openai:tiny: {server.url}/chat/completions answers no request: HTTP {status}")
        assert "RLRA_API_KEY" in str(caught.value.hint)
        assert KEY not in said + str(caught.value.hint)
        assert "hush" not in said
        # A call of the test before, given up there, may reach the server only now.
        calls = sum(asked(payload).startswith(f"{status} ") for payload in server.payloads)
        # A connection that a busy machine drops is sent again, and counted by the server too.
        assert calls <= 7 + dead.counts["transport_retries"]


def test_nobody_listening_is_one_clear_sentence() -> None:
    with pytest.raises(RlraError, match="answers no request: cannot connect") as caught:
        model(f"http://127.0.0.1:{free_port()}/v1", retries=1).complete([question("a"), question("b")])
    assert "base URL" in str(caught.value.hint)


def test_an_endpoint_that_answered_once_is_not_dead() -> None:
    with serving(lambda payload, number: chat("yes") if number == 1 else error(404)) as server:
        answers = model(server.url, concurrency=1).complete([question(str(n)) for n in range(10)])
        assert [answer.finish for answer in answers] == ["stop"] + ["failed"] * 9


def test_few_refusals_among_other_failures_are_no_dead_endpoint() -> None:
    """Replies may cross on their way, so the two refusals are kept apart by a whole call between them."""
    replies = {1: 403, 5: 403}
    with serving(lambda payload, number: error(replies.get(number, 400))) as server:
        asked = model(server.url, concurrency=2)
        for _ in range(3):
            answers = asked.complete([question("a"), question("b")])
            assert {answer.finish for answer in answers} == {"failed"}
        assert server.calls == 6


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
