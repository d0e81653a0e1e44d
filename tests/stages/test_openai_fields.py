"""The fields of a request: sampling is spelled out, and what a server refuses is left out if it may be missed."""

from typing import Any

import orjson
from werkzeug import Response

from stages.models.wire import payload
from tests.stages import openai_calls
from tests.stages.group_servers import able, asking, choice, group, model, reply, texts, without
from tests.stages.judge_server import error, serving

hasty = openai_calls.hasty


def test_fields_that_a_server_refuses_are_left_out_and_stay_so() -> None:
    refused = ("top_k", "return_token_ids", "min_p", "logprobs", "repetition_penalty", "top_p")
    plain = lambda asked, number: reply(choice("yes", token_ids=None, logprobs=None))  # noqa: E731
    for status in (400, 403, 422):
        with serving(without(*refused, status=status, say=plain)) as server:
            one = model(server, retries=0)
            (answer,) = one.complete([asking(f"{status}", 1, exact=True)])
            assert (answer.text, answer.length, answer.ids) == ("yes", 3, None)
            assert len(server.payloads) == len(refused) + 1
            assert one.complete([asking("b", 1, exact=True)])[0].text == "yes"
            assert len(server.payloads) == len(refused) + 2


def test_several_refusals_in_one_message_are_one_refusal() -> None:
    def strict(asked: dict[str, Any], number: int) -> Response:
        unknown = sorted({"top_k", "min_p", "repetition_penalty", "return_token_ids"} & set(asked))
        return error(400, f"Unrecognized request arguments supplied: {unknown}") if unknown else able(asked, number)

    with serving(strict) as server:
        assert texts(model(server, retries=0).complete(group("a", 4))) == [f"0+{n}" for n in range(4)]
        assert server.calls == 2


def test_a_refusal_that_only_repeats_the_request_teaches_nothing() -> None:
    def echo(asked: dict[str, Any], number: int) -> Response:
        bad = asked["messages"][0]["content"] == "bad"
        return error(400, f"cannot read {sorted(asked)}") if bad else able(asked, number)

    with serving(echo) as server:
        one = model(server, retries=0, concurrency=1)
        bad, good = one.complete([asking("bad", 1, exact=True), asking("good", 1, exact=True)])
        assert bad.error is not None and bad.error.startswith("transport: HTTP 400: cannot read")
        assert good.ids == (100, 101, 102)
        assert server.calls == 3


def test_what_was_asked_for_is_never_left_out() -> None:
    """A server that lacks a way to draw has to fail: an answer drawn in another way would pass for one."""
    wanted: list[dict[str, Any]] = [{"top_k": 9}, {"top_p": 0.5}, {"repetition_penalty": 1.1}, {"stop": ["x"]}]
    for altered in wanted:
        with serving(without("top_k", "top_p", "repetition_penalty", "stop")) as server:
            (answer,) = model(server).complete([asking("a", 1, exact=True, **altered)])
            assert answer.error == f"transport: HTTP 400: Unrecognized request argument supplied: {next(iter(altered))}"
            assert all(altered.items() <= payload.items() for payload in server.payloads)
    with serving(without("chat_template_kwargs")) as server:
        (answer,) = model(server).complete([asking("a", 1, template_args='{"enable_thinking":false}')])
        assert (answer.finish, server.calls) == ("failed", 1)


def test_sampling_is_spelled_as_the_protocol_has_it() -> None:
    altered = {"top_p": 0.5, "top_k": 9, "repetition_penalty": 1.1, "presence_penalty": 0.2, "frequency_penalty": -0.3}
    sent = orjson.loads(payload(asking("a", 1, **altered, stop=("x", "\n")), "m", "max_tokens"))
    assert {name: sent[name] for name in altered} == altered
    assert sent["stop"] == ["x", "\n"]
    sent = orjson.loads(payload(asking("a", 1, template_args='{"enable_thinking":false}'), "m", "max_tokens"))
    assert sent["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_server_is_told_to_sample_plainly_where_that_counts() -> None:
    """Left to itself it would take its own defaults, or the model's, and nobody would know."""
    plain = orjson.loads(payload(asking("a", 1, exact=True), "m", "max_tokens"))
    assert {name: plain[name] for name in ("top_p", "top_k", "min_p", "repetition_penalty")} == {
        "top_p": 1,
        "top_k": -1,
        "min_p": 0,
        "repetition_penalty": 1,
    }
    assert set(orjson.loads(payload(asking("a", 1), "m", "max_tokens"))) == {
        "model",
        "messages",
        "temperature",
        "max_tokens",
        "seed",
    }
