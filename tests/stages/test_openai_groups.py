"""How a policy behind a chat server is asked for groups of answers: `n`, token ids, log-probabilities."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from stages.models import connections
from stages.models.openai import MOST_CHOICES, OpenAIModel
from stages.models.wire import answered
from tests.stages import openai_calls
from tests.stages.group_servers import Say, able, asking, choice, group, model, reply, single, texts, without
from tests.stages.judge_server import error, serving

hasty = openai_calls.hasty


def test_a_group_is_one_request_with_the_seed_of_its_first() -> None:
    with serving(able) as server:
        one = model(server)
        answers = one.complete([*group("a", 8), *group("b", 3)])
        assert texts(answers) == [*(f"0+{n}" for n in range(8)), *(f"0+{n}" for n in range(3))]
        assert sorted((each["messages"][0]["content"], each["n"], each["seed"]) for each in server.payloads) == [
            ("a", 8, 0),
            ("b", 3, 0),
        ]
        assert {answer.length for answer in answers} == {3}
        assert one.counts == {"calls": 2, "tokens_in": 14, "tokens_out": 33, "tokens_cached": 8}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.0, 1.0]), st.integers(0, 2)), max_size=80))
def test_how_requests_are_put_together_follows_from_them_alone(drawn: list[tuple[str, float, int]]) -> None:
    requests = [asking(text, seed, temperature=temperature) for text, temperature, seed in drawn]
    chunks = OpenAIModel("openai:t", "t", "http://localhost/v1", None)._chunks(requests)
    assert [place for chunk in chunks for place in chunk] == list(range(len(requests)))
    for chunk in chunks:
        assert len({replace(requests[place], seed=0) for place in chunk}) == 1
        assert len(chunk) <= (MOST_CHOICES if requests[chunk[0]].temperature else 1)
    kinds = [(replace(requests[chunk[0]], seed=0), len(chunk)) for chunk in chunks]
    for (kind, size), (after, _) in pairwise(kinds):
        assert kind != after or not kind.temperature or size == MOST_CHOICES


def test_a_large_group_is_asked_for_in_parts() -> None:
    with serving(able) as server:
        answers = model(server).complete(group("a", 40))
        assert len(set(texts(answers))) == 40
        assert Counter(each["n"] for each in server.payloads) == {16: 2, 8: 1}
        assert sorted(each["seed"] for each in server.payloads) == [0, 16, 32]


@pytest.mark.parametrize(
    "say",
    [
        single,
        without("n", say=single),
        without("n", status=422, say=single),
        lambda asked, number: error(400, "Only one completion choice is allowed") if "n" in asked else single(asked, 1),
    ],
)
def test_a_server_that_gives_one_answer_at_a_time_is_asked_so_with_every_seed(say: Say) -> None:
    with serving(say) as server:
        one = model(server, concurrency=2, retries=0)
        answers = one.complete([*group("a", 8), *group("b", 8), *group("c", 8)])
        assert texts(answers) == [f"{n}+0" for n in range(8)] * 3
        assert all(answer.logprobs == (0.0, -0.5, -1.0) for answer in answers)
        assert one.counts["tokens_in"] == 7 * 24
        before = server.calls
        assert before <= 24 + 2  # of a refusal each place learns at most once
        assert texts(one.complete(group("d", 8))) == [f"{n}+0" for n in range(8)]
        assert server.calls == before + 8
        assert not any("n" in each for each in server.payloads[before:])


def test_each_server_is_asked_as_it_can_be() -> None:
    """The server that gives one answer at a time gets no `n` again; the other one goes on to be asked for several."""
    with serving(able) as server:
        one = model(server, server.url + "?other", concurrency=1)
        one._routes.routes[0].refused = frozenset({"n"})
        answers = one.complete([request for name in "abcdef" for request in group(name, 4)])
        assert all(len(set(texts(answers[start : start + 4]))) == 4 for start in range(0, 24, 4))
        assert {each.get("n", 1) for each in server.payloads} == {1, 4}


def test_token_ids_and_log_probabilities_are_kept_where_they_agree() -> None:
    with serving(able) as server:
        (answer,) = model(server).complete([asking("a", 1, exact=True)])
        assert (answer.prompt_ids, answer.ids) == ((1, 2, 3, 4, 5, 6, 7), (100, 101, 102))
        assert answer.logprobs == (0.0, -0.5, -1.0)
        assert (answer.length, answer.prompt_length, answer.cached) == (3, 7, 4)
        sent = server.payloads[0]
        assert (sent["logprobs"], sent["return_token_ids"]) == (True, True)
        assert "top_logprobs" not in sent
        assert "n" not in sent


@pytest.mark.parametrize(
    "broken",
    [
        {"token_ids": [1, 2]},
        {"token_ids": None},
        {"token_ids": [1, 2, "3"]},
        {"token_ids": [1, 2, -3]},
        {"token_ids": [1, 2, True]},
        {"token_ids": [1, 2, 1 << 31]},
        {"token_ids": "123"},
        {"logprobs": None},
        {"logprobs": {"content": [{"logprob": -1}, {"logprob": -1}, {"logprob": None}]}},
        {"logprobs": {"content": [{"logprob": -1}, {}, {"logprob": -1}]}},
        {"logprobs": {"content": "abc"}},
    ],
)
def test_tokens_that_are_not_told_whole_are_absent(broken: dict[str, Any]) -> None:
    with serving(lambda asked, number: reply(choice("yes", **broken))) as server:
        (answer,) = model(server).complete([asking("a", 1, exact=True)])
        assert (answer.text, answer.finish, answer.length) == ("yes", "stop", 3)
        assert (answer.ids, answer.logprobs) == (None, None)


@pytest.mark.parametrize("altered", [{"temperature": 0.7}, {"top_p": 0.9}, {"top_k": 5}, {"presence_penalty": 0.5}])
def test_log_probabilities_of_another_distribution_than_the_drawn_one_are_not_kept(altered: dict[str, float]) -> None:
    """A server tells those of the model itself."""
    with serving(able) as server:
        (answer,) = model(server).complete([asking("a", 1, exact=True, **altered)])
        assert answer.ids == (100, 101, 102)
        assert answer.logprobs is None


def test_each_answer_of_a_group_ends_in_its_own_way() -> None:
    found = reply(
        choice("good", 0),
        choice("bad", 1, finish_reason="content_filter"),
        choice("half", 2, finish_reason="length", tokens=10),
        choice("", 3, tokens=1),
        choice("x", 4, message={"content": "so", "reasoning_content": "Let me see."}),
    )
    with serving(lambda asked, number: found) as server:
        answers = model(server).complete(group("a", 5))
    assert [(a.finish, a.text, a.error, a.length) for a in answers] == [
        ("stop", "good", None, 3),
        ("failed", "", "content filter", 3),
        ("length", "half", None, 10),
        ("stop", "", None, 1),
        ("stop", "so", None, 3),
    ]
    assert answers[4].thinking == "Let me see."


def test_how_long_each_of_several_answers_is_is_never_guessed() -> None:
    mute = {"token_ids": None, "logprobs": None}
    body = {"choices": [choice("a", **mute), choice("b", **mute)], "usage": {"completion_tokens": 9}}
    assert [each.length for each in answered(body, asking("a", 1), 2).answers] == [0, 0]
    counted = {"choices": [choice("a", token_ids=None), choice("b", tokens=5, logprobs=None)]}
    assert [each.length for each in answered(counted, asking("a", 1), 2).answers] == [3, 5]


def test_more_answers_than_were_asked_for_are_dropped() -> None:
    with serving(lambda asked, number: reply(*(choice(str(n), n) for n in range(5)))) as server:
        assert texts(model(server).complete(group("a", 2))) == ["0", "1"]


def test_a_lost_request_loses_its_part_of_the_group_alone() -> None:
    def flaky(asked: dict[str, Any], number: int) -> Response:
        return error(400, "the cat sat on it") if asked["seed"] == 16 else able(asked, number)

    with serving(flaky) as server:
        answers = model(server, retries=1).complete(group("a", 40))
    assert [answer.finish for answer in answers] == ["stop"] * 16 + ["failed"] * 16 + ["stop"] * 8


def test_a_reply_may_be_as_large_as_its_answers_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LARGEST_REPLY", 1000)
    with serving(lambda asked, number: reply(*(choice("x" * 500, n) for n in range(asked.get("n", 1))))) as server:
        assert texts(model(server).complete(group("a", 8, max_tokens=2))) == ["x" * 500] * 8
    with serving(lambda asked, number: reply(choice("x" * 2000))) as server:
        assert "larger than" in str(model(server).complete([asking("b", 1, max_tokens=1)])[0].error)


def test_tokens_per_minute_count_every_answer_of_a_request() -> None:
    with serving(able) as server:
        one = model(server, tokens_per_minute=10**6)
        one.complete(group("a", 8))
        assert sum(spent.amount for spent in one._routes.routes[0]._tokens._spent) == 7 + 24
