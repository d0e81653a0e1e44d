"""A server that fails: asked again within bounds, then a failed completion, and one sentence where it never answers."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from werkzeug import Response

from schemas.errors import RlraError
from stages.models import connections
from stages.models.replies import seconds
from tests.stages import openai_calls
from tests.stages.judge_server import chat, error, serving
from tests.stages.openai_calls import KEY, asked, free_port, model, question

hasty = openai_calls.hasty


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
