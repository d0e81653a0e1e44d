"""What is sent to a chat server and what its replies say, against a real server on loopback."""

import gzip
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from schemas.errors import RlraError
from stages.models import connections, openai
from stages.models.base import Completion, Request
from stages.models.endpoint import api_key, endpoint, key_name, parted, secrets_of
from stages.models.openai import OpenAIModel
from stages.models.wire import bounded_line
from tests.stages.judge_server import JudgeServer, chat, error, serving
from tests.stages.openai_calls import KEY, asked, question

SCHEMA = '{"type":"object","properties":{"met":{"type":"boolean"}}}'


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds between attempts."""
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.005)


def model(server: JudgeServer, query: str = "", **more: Any) -> OpenAIModel:
    return OpenAIModel("openai:tiny", "tiny", server.url + query, KEY, **{"timeout_s": 5, "retries": 0, **more})


def asking(text: str = "a", **more: Any) -> Request:
    return Request(question(text).messages, 1, 0.0, 10, **more)


def reply(message: dict[str, Any], finish: str = "stop", **more: Any) -> Response:
    """Return a chat answer with any message, and more fields of its choice."""
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    return Response(orjson.dumps({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))


def calls(server: JudgeServer, request: Request) -> int:
    """Return how often the server got the very words of `request`.

    Its other calls may be another test's, given up there and late to arrive.
    """
    return sum(asked(payload) == request.messages[0].content for payload in server.payloads)


def only(server: JudgeServer, request: Request, **more: Any) -> Completion:
    return model(server, **more).complete([request])[0]


# JSON schemas.


def test_a_schema_is_sent_as_it_is() -> None:
    with serving(lambda payload, number: chat('{"met":true}')) as server:
        assert only(server, asking(schema=SCHEMA)).text == '{"met":true}'
        assert server.payloads[0]["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "verdicts", "strict": True, "schema": orjson.loads(SCHEMA)},
        }


@pytest.mark.parametrize(
    "said", ["Unknown parameter: response_format", "json_schema is not supported", "guided decoding is off"]
)
def test_a_server_without_schemas_is_one_clear_sentence(said: str) -> None:
    with serving(lambda payload, number: error(400, said)) as server:
        with pytest.raises(RlraError, match="does not follow JSON schemas: HTTP 400: ") as caught:
            model(server, concurrency=2).complete([asking(said, schema=SCHEMA)] * 1000)
        assert "--method text" in str(caught.value.hint) and "--no-schemas" in str(caught.value.hint)
        assert calls(server, asking(said)) <= 4


def test_another_refusal_of_a_request_with_a_schema_is_its_own() -> None:
    with serving(lambda payload, number: error(400, "the prompt is too long")) as server:
        assert only(server, asking(schema=SCHEMA)).error == "transport: HTTP 400: the prompt is too long"


def test_a_server_that_followed_a_schema_once_is_not_given_up_for_one_that_it_refuses() -> None:
    def deep(payload: dict[str, Any], number: int) -> Response:
        return chat("{}") if asked(payload) == "0" else error(400, "schema: too deep")

    with serving(deep) as server:
        answers = model(server, concurrency=1).complete([asking(str(n), schema=SCHEMA) for n in range(3)])
        assert [answer.error for answer in answers] == [None, *["transport: HTTP 400: schema: too deep"] * 2]


# Log-probabilities.


def told(*entries: Any) -> dict[str, Any]:
    return {"content": [{"token": "x", "logprob": -1, "top_logprobs": list(entries)}]}


def test_the_likeliest_first_tokens_are_read_best_first() -> None:
    entries = [{"token": "B", "logprob": -2.5}, {"token": " A", "logprob": -0.25}, {"token": "C", "logprob": None}]
    with serving(lambda payload, number: reply({"content": "\n"}, "length", logprobs=told(*entries))) as server:
        answer = only(server, asking(top=20))
        assert answer.top == ((" A", -0.25), ("B", -2.5))
        assert (answer.finish, answer.error) == ("length", None)
        assert (server.payloads[0]["logprobs"], server.payloads[0]["top_logprobs"]) == (True, 20)


def test_an_empty_answer_with_log_probabilities_is_an_answer() -> None:
    with serving(lambda payload, number: reply({"content": ""}, logprobs=told({"token": "", "logprob": 0}))) as server:
        assert only(server, asking(top=1)).top == (("", 0.0),)


NOTHING_TOLD: list[Any] = [
    None,
    {},
    [],
    {"content": None},
    {"content": []},
    {"content": [None]},
    {"content": [{"top_logprobs": []}]},
    {"content": [{"top_logprobs": [{"token": "a"}]}]},
    {"content": [{"top_logprobs": [{"token": "a", "logprob": "high"}]}]},
]


@pytest.mark.parametrize("logprobs", NOTHING_TOLD)
def test_a_server_that_tells_no_log_probabilities_is_one_clear_sentence(logprobs: Any) -> None:
    with serving(lambda payload, number: reply({"content": "x"}, logprobs=logprobs)) as server:
        with pytest.raises(RlraError, match="tells no log-probabilities") as caught:
            model(server, concurrency=3).complete([asking(str(logprobs), top=5)] * 1000)
        assert "--method text" in str(caught.value.hint)
        assert calls(server, asking(str(logprobs))) <= 8


def test_a_server_that_told_them_once_fails_where_it_does_not() -> None:
    def forgetful(payload: dict[str, Any], number: int) -> Response:
        logprobs = told({"token": "x", "logprob": -1.0}) if asked(payload) == "0" else None
        return reply({"content": "x"}, logprobs=logprobs)

    with serving(forgetful) as server:
        answers = model(server, concurrency=1).complete([asking(str(n), top=5) for n in range(40)])
        assert [answer.finish for answer in answers] == ["stop", *["failed"] * 39]
        assert answers[1].error == "transport: the server tells no log-probabilities"


# Thinking, refusals, withheld answers, usage.


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_is_set_apart(field: str) -> None:
    with serving(lambda payload, number: reply({"content": "yes", field: "Let me see."})) as server:
        answer = only(server, asking())
        assert (answer.text, answer.thinking) == ("yes", "Let me see.")


@pytest.mark.parametrize("thought", [None, 3, ["a"], {"text": "a"}])
def test_thinking_that_is_no_text_is_none(thought: Any) -> None:
    with serving(lambda payload, number: reply({"content": "yes", "reasoning": thought})) as server:
        assert only(server, asking()).thinking == ""


def test_a_refusal_is_a_failure_of_one_bounded_line() -> None:
    said = {"content": None, "refusal": "I cannot\nhelp \x1b[31mwith that. " + "x" * 900}
    with serving(lambda payload, number: reply(said)) as server:
        answer = only(server, asking())
        assert (answer.finish, answer.text, answer.length, answer.prompt_length) == ("failed", "", 3, 7)
        assert answer.error is not None
        assert answer.error.startswith("refusal: I cannot help ?[31mwith that. xxx")
        assert len(answer.error) < 250


@pytest.mark.parametrize("refusal", [None, "", False])
def test_an_empty_refusal_is_none(refusal: Any) -> None:
    with serving(lambda payload, number: reply({"content": "yes", "refusal": refusal})) as server:
        assert only(server, asking()).text == "yes"


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
def test_a_prompt_that_a_filter_withholds_is_the_class_content_filter(code: str) -> None:
    refused = Response(orjson.dumps({"error": {"code": code, "message": "no"}}), status=400)
    with serving(lambda payload, number: refused) as server:
        assert only(server, asking(code), retries=2).error == "content filter"
        assert calls(server, asking(code)) == 1


def test_tool_calls_are_no_answer() -> None:
    with serving(lambda payload, number: reply({"content": None}, "tool_calls")) as server:
        assert only(server, asking()).error == "transport: the reply ends with finish_reason 'tool_calls'"


def test_cached_tokens_are_counted() -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 64}}
    with serving(lambda payload, number: chat("yes", usage=usage)) as server:
        asker = model(server)
        answer = asker.complete([asking()])[0]
        assert (answer.prompt_length, answer.length, answer.cached) == (90, 3, 64)
        assert asker.counts == {"calls": 1, "tokens_in": 90, "tokens_out": 3, "tokens_cached": 64}


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "7"}, {"prompt_tokens_details": 3}, "many"])
def test_usage_that_says_nothing_counts_nothing(usage: Any) -> None:
    with serving(lambda payload, number: chat("yes", usage=usage)) as server:
        answer = only(server, asking())
        assert (answer.text, answer.prompt_length, answer.length, answer.cached) == ("yes", 0, 0, 0)


def test_a_compressed_reply_is_bounded_by_what_it_unfolds_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LARGEST_REPLY", 1 << 20)

    def packed(payload: dict[str, Any], number: int) -> Response:
        body = gzip.compress(chat("x" * (1000 if asked(payload) == "a" else 4 << 20)).get_data())
        return Response(body, content_type="application/json", headers={"Content-Encoding": "gzip"})

    with serving(packed) as server:
        short, long = model(server, concurrency=1).complete([asking("a"), asking("b")])
        assert short.text == "x" * 1000
        assert long.error == "transport: the reply is larger than 1 MiB"


@given(st.binary(max_size=300))
def test_no_error_body_breaks_the_reader(body: bytes) -> None:
    from stages.models.replies import message, withheld

    assert isinstance(message(body), str)
    assert withheld(body) in (True, False)


@given(st.text(max_size=3000))
def test_what_a_server_says_is_one_bounded_printable_line(text: str) -> None:
    line = bounded_line(text)
    assert len(line) <= 200
    assert line.isprintable()


# Keys.


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 422, 429, 500])
def test_no_error_holds_the_key_or_the_query(status: int) -> None:
    """The server echoes both, in its message and in where it sends the caller."""
    said = f"{KEY} token=hushhush and hush%2Bhush and hush+hush"

    def echo(payload: dict[str, Any], number: int) -> Response:
        return chat("yes") if asked(payload) == "a" else error(status, said, Location=f"http://127.0.0.1:1/?{KEY}")

    with serving(echo) as server:
        asker = model(server, "?token=hushhush&other=hush%2Bhush", concurrency=1)
        answers = asker.complete([asking("a"), asking("b")])
        assert answers[0].text == "yes"
        shown = str(answers[1].error) + repr(asker) + str(asker.counts)
        assert answers[1].finish == "failed"
        assert KEY not in shown
        assert "hush" not in shown


def test_a_host_with_a_key_of_its_own_gets_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "key").write_text("from-the-file")
    assert key_name("api.example-1.com") == "RLRA_API_KEY_API_EXAMPLE_1_COM"
    monkeypatch.setenv("RLRA_API_KEY_API_EXAMPLE_1_COM", "its-own")
    monkeypatch.setenv("RLRA_API_KEY", "for-all")
    assert api_key(None, "api.example-1.com") == "its-own"
    assert api_key(tmp_path / "key", "api.example-1.com") == "its-own"
    assert api_key(None, "other.com") == "for-all"
    assert api_key(tmp_path / "key", "other.com") == "from-the-file"
    monkeypatch.setenv("RLRA_API_KEY_OTHER_COM", "two words")
    with pytest.raises(RlraError, match="RLRA_API_KEY_OTHER_COM: the key holds blanks") as caught:
        api_key(None, "other.com")
    assert "two words" not in caught.value.message


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("openai:m", ("openai:m", None)),
        ("openai:org/m:free@http://host:1/v1", ("openai:org/m:free", "http://host:1/v1")),
        ("openai:m@2024@https://host/v1?k=s", ("openai:m@2024", "https://host/v1?k=s")),
        ("openai:m@http://a/v1@http://b/v1", ("openai:m@http://a/v1", "http://b/v1")),
        ("openai:m@host", ("openai:m@host", None)),
        ("smollm2", ("smollm2", None)),
    ],
)
def test_a_reference_may_carry_its_url(reference: str, expected: tuple[str, str | None]) -> None:
    assert parted(reference) == expected


def test_what_a_query_says_is_secret_and_what_it_calls_it_is_not() -> None:
    url, shown = endpoint("http://host/v1?api-version=2024&token=hush-hush")
    assert "hush" not in shown
    secrets = secrets_of(url, "key")
    assert {"key", "hush-hush", "2024"} <= set(secrets)
    assert "api-version" not in secrets
    assert list(secrets) == sorted(secrets, key=len, reverse=True)
