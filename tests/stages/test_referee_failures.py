"""No failure of a judge of pairs is ever a tie."""

from collections import Counter
from typing import Any

import pytest
from werkzeug import Response as Reply

from schemas.base import digest
from stages.eval_pairwise import PairwiseSpec, RatingSpec
from stages.pairwise_ratings import game, ratings
from tests.stages.compared_pairs import TWO, compared, line, outcome
from tests.stages.judge_server import chat, error, serving
from tests.stages.pairs_judge import answer, by_size, preferring, prompts, shown


def broken(kind: str, prompt: str) -> Reply:
    """Return a reply that is of no use, of one class of failure."""
    replies = {
        "unreadable": lambda: chat("The first one, I think."),
        "contradiction": lambda: chat(answer(prompt, "first") + "\n" + answer(prompt, "tie")),
        "refusal": lambda: chat("I'm sorry, but I can't compare these."),
        "truncated": lambda: chat("The first", finish="length"),
        "empty": lambda: chat("  "),
        "content filter": lambda: chat("", finish="content_filter"),
        "transport": lambda: error(500),
    }
    return replies[kind]()


KINDS = ("unreadable", "contradiction", "refusal", "truncated", "empty", "content filter", "transport")


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_that_fails_leaves_no_outcome(kind: str) -> None:
    """Every class of failure, in one order of the two: null, by its class, and counted nowhere in the ratings."""

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        _, first, second = shown(prompt)
        return broken(kind, prompt) if first == "Yes!!" else chat(answer(prompt, by_size(first, second)))

    counts: Counter[str] = Counter()
    with serving(reply) as server:
        found = compared(server, TWO, PairwiseSpec(attempts=2), counts=counts)
    assert [outcome(pair) for pair in found] == [("tie", True), (None, None)]
    left, right = found[1].orders
    assert (left.status, left.winner) == ("scored", "right")
    assert (right.status, right.winner, right.failure) == ("failed", None, kind)
    asked_again = kind not in ("content filter", "transport")
    assert counts[f"asked_again:{kind}"] == asked_again
    record = ratings([game(pair) for pair in found], RatingSpec(resamples=10))
    assert record.failures == {kind: 1}
    assert sum(row.failed for row in record.ratings) == 2


def test_a_storm_of_failures_moves_no_outcome() -> None:
    """Of 600 orders three in ten fail, in every class: each outcome is the true one or none, and none is lost."""

    def failure(prompt: str) -> str | None:
        number = int(digest(prompt), 16)
        return KINDS[number // 10 % len(KINDS)] if number % 10 < 3 else None

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        kind = failure(prompt)
        return broken(kind, prompt) if kind else chat(answer(prompt, by_size(*shown(prompt)[1:])))

    loud = {"a": 1, "b": 0}
    groups = {
        label: [line(f"p{k:03}", f"{label} {k}" + "!" * ((k % 3) * loud[label] + 1)) for k in range(300)]
        for label in loud
    }
    with serving(reply) as server:
        found = compared(server, groups, PairwiseSpec(attempts=1))
        asked = prompts(server.payloads)
    assert [pair.prompt for pair in found] == [f"p{k:03}" for k in range(300)]
    assert len(asked) == len(set(asked)) == 600
    broken_orders = Counter(kind for prompt in asked if (kind := failure(prompt)))
    told = Counter(order.failure for pair in found for order in pair.orders if order.failure)
    assert told == broken_orders and set(told) == set(KINDS)
    assert 120 < sum(told.values()) < 240
    for k, pair in enumerate(found):
        truth = ("left", True) if k % 3 else ("tie", True)
        assert outcome(pair) == ((None, None) if any(order.failure for order in pair.orders) else truth)


def test_a_response_that_is_missing_or_too_long_is_no_loss() -> None:
    """Nobody is asked about it; over-long ones may be shown in part instead."""
    groups = {
        "a": [line("p", ""), line("q", "x" * 300), line("r", "fine")],
        "b": [line("p", "b"), line("q", "b!"), line("r", "b!")],
    }
    with serving(preferring(by_size)) as server:
        found = compared(server, groups, PairwiseSpec(longest=100))
        assert server.calls == 2
        cut = compared(server, groups, PairwiseSpec(longest=100, overlong="head-tail"))
        assert server.calls == 6
        assert any("200 characters of the response" in prompt for prompt in prompts(server.payloads))
    assert [outcome(pair) for pair in found] == [(None, None), (None, None), ("right", True)]
    assert [[order.failure for order in pair.orders] for pair in found[:2]] == [["no response"] * 2, ["too long"] * 2]
    assert found[0].orders[0].reason == "a: transport: HTTP 500"
    assert found[1].orders[0].reason == "a: 300 characters, and at most 100 are shown"
    assert found[0].usage is None
    assert [outcome(pair) for pair in cut] == [(None, None), ("right", True), ("right", True)]
