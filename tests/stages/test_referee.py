"""Comparing responses two by two, against a real server on loopback: no failure is ever a tie."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response as Reply

from schemas.base import digest
from schemas.errors import RlraError
from schemas.judged import Judged, JudgedResponse, Verdict
from schemas.pairs import Matchup, Pair
from schemas.rollouts import Policy, Response, Rollouts
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.eval_pairwise import PairwiseSpec, RatingSpec, judge_pairs, matchups, slim
from stages.judging import AHEAD
from stages.models.base import Completion, Request
from stages.pairwise_ratings import game, ratings
from stages.verdict_cache import VerdictCache
from tests.stages.judge_server import JudgeServer, chat, error, serving
from tests.stages.judging import model
from tests.stages.pairs_judge import answer, by_size, preferring, prompts, shown
from tests.stages.shared_texts import SHARED, needs_shared

RUBRIC = Rubric(
    rubric="r", criteria=(Criterion(id="warm", text="Is warm."), Criterion(id="lies", text="Lies.", weight=-2))
)
SPEC = PairwiseSpec()


def line(name: str, *texts: str, policy: str = "m", rubric: Rubric | None = None, system: str = "") -> Rollouts:
    """Return a group of responses; an empty text is one that could not be had."""
    turns = [Message(role="system", content=system)] if system else []
    return Rollouts(
        id=name,
        messages=(*turns, Message(role="user", content=f"Prompt {name}")),
        rubric=rubric,
        policy=Policy(model=policy, revision="r", template="", engine="e", dtype="", seed=0),
        responses=tuple(
            Response(text=text, finish="stop", length=1)
            if text
            else Response(text="", finish="failed", length=0, error="transport: HTTP 500")
            for text in texts
        ),
    )


def compared(
    server: JudgeServer, groups: dict[str, Sequence[Rollouts]], spec: PairwiseSpec = SPEC, **more: Any
) -> list[Pair]:
    """Return all pairs of the groups, compared."""
    judge = model(server, retries=0)
    return list(judge_pairs(matchups(groups, spec), spec, judge, **more))


def outcome(pair: Pair) -> tuple[str | None, bool | None]:
    """Return what both orders came to."""
    return pair.winner, pair.consistent


TWO = {"a": [line("p1", "Hello!"), line("p2", "No.")], "b": [line("p2", "Yes!!", policy="n"), line("p1", "Hi!")]}


def test_every_pair_is_asked_about_in_both_orders() -> None:
    """By prompt id, whatever the order of the lines; each response stands first once."""
    with serving(preferring(by_size)) as server:
        found = compared(server, TWO)
        asked = sorted(shown(prompt)[1:] for prompt in prompts(server.payloads))
    assert [pair.id for pair in found] == ["p1/a/b/0", "p2/a/b/0"]
    assert asked == sorted([("Hello!", "Hi!"), ("Hi!", "Hello!"), ("No.", "Yes!!"), ("Yes!!", "No.")])
    assert [outcome(pair) for pair in found] == [("tie", True), ("right", True)]
    second = found[1]
    assert [(order.first, order.winner) for order in second.orders] == [("left", "right"), ("right", "right")]
    assert (second.left.label, second.left.model, second.left.text) == ("a", "m", "No.")
    assert (second.right.label, second.right.model, second.judge) == ("b", "n", "openai:judge")
    assert second.usage is not None and (second.usage.calls, second.usage.tokens_in) == (2, 14)


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        (lambda first, second: "first", ("tie", False)),
        (lambda first, second: "second", ("tie", False)),
        (lambda first, second: "tie", ("tie", True)),
        (lambda first, second: "first" if first == "No." else "tie", ("tie", False)),
        (lambda first, second: "first" if first == "No." else "second", ("left", True)),
    ],
)
def test_a_verdict_that_turns_with_the_order_is_a_tie(choose: Any, expected: tuple[str, bool]) -> None:
    with serving(preferring(choose)) as server:
        found = compared(server, TWO)
    assert outcome(found[1]) == expected


def test_three_labels_meet_two_by_two_response_by_response() -> None:
    """The smaller group ends a pair; `responses` is the most."""
    groups = {
        "a": [line("p", "a0", "a1", "a2")],
        "b": [line("p", "b0", "b1")],
        "c": [line("p", "c0", "c1", "c2")],
    }
    found = list(matchups(groups, PairwiseSpec(responses=3)))
    assert [(each.left.text, each.right.text) for each in found] == [
        ("a0", "b0"),
        ("a1", "b1"),
        ("a0", "c0"),
        ("a1", "c1"),
        ("a2", "c2"),
        ("b0", "c0"),
        ("b1", "c1"),
    ]
    assert [each.id for each in found[:2]] == ["p/a/b/0", "p/a/b/1"]
    assert len(list(matchups(groups, SPEC))) == 3


def judged(name: str, text: str) -> Judged:
    """Return a judged line."""
    verdicts = tuple(
        Verdict(criterion=each.id, status="scored", score=1.0, judge="j", key="k") for each in RUBRIC.leaves
    )
    plain = line(name, text, rubric=RUBRIC)
    responses = (JudgedResponse(text=text, finish="stop", length=1, verdicts=verdicts, reward=0.5),)
    kept = {key: getattr(plain, key) for key in Rollouts.model_fields if key not in ("tag", "responses")}
    return Judged(**kept, responses=responses)


def test_lines_are_compared_by_their_rubric_or_by_a_question() -> None:
    """A rubric's texts, of judged lines too; a question of the user's own replaces it, whatever the rubrics are."""
    groups = {"a": [judged("p", "one")], "b": [judged("p", "two")]}
    (by_rubric,) = matchups(groups, SPEC)
    assert by_rubric.criteria == ("Wanted: Is warm.", "Not wanted: Lies.")
    asked = PairwiseSpec(criterion="Which is kinder?")
    (by_question,) = matchups({"a": groups["a"], "b": [line("p", "two")]}, asked)
    assert by_question.criteria == ("Which is kinder?",)
    (bare,) = matchups({"a": [line("p", "one")], "b": [line("p", "two")]}, SPEC)
    assert bare.criteria == ()


def test_a_slim_line_is_compared_as_the_whole_one() -> None:
    """What is left out has no say: verdicts, tokens, further responses."""
    groups = {"a": [judged("p", "one")], "b": [line("p", "two", "more", rubric=RUBRIC)]}
    thin = {label: [slim(each, SPEC) for each in lines] for label, lines in groups.items()}
    assert list(matchups(thin, SPEC)) == list(matchups(groups, SPEC))
    assert [len(lines[0].responses) for lines in thin.values()] == [1, 1]
    assert not isinstance(thin["a"][0], Judged)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": [line("p", "x")]}, "two labels or more"),
        ({"a": [line("p", "x")], "b": []}, "b has no prompts"),
        ({"a": [line("p", "x"), line("q", "x")], "b": [line("p", "y")]}, "1 of the prompt ids of a are not in b: 'q'"),
        (
            {"a": [line("p", "x")], "b": [line("p", "y")], "c": [line("p", "y"), line("z", "y")]},
            "1 of the prompt ids of c are not in a: 'z'",
        ),
        ({"a": [line("p", "x", system="A")], "b": [line("p", "y")]}, "p: a and b have different conversations"),
        ({"a": [line("p", "x", rubric=RUBRIC)], "b": [line("p", "y")]}, "p: a and b were judged by different rubrics"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anyone_is_asked(
    groups: dict[str, list[Rollouts]], said: str
) -> None:
    with pytest.raises(RlraError, match=said):
        matchups(groups, SPEC)


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


def test_equal_responses_are_asked_about_once() -> None:
    """Both orders are one question; whoever is preferred then, order is all there is to it."""
    with serving(preferring(lambda first, second: "first")) as server:
        (found,) = compared(server, {"a": [line("p", "same")], "b": [line("p", "same")]})
        assert server.calls == 1
    assert outcome(found) == ("tie", False)
    assert found.usage is not None and found.usage.calls == 1


def test_a_verdict_is_known_again(tmp_path: Path) -> None:
    """Labels have no say in what a verdict depends on; another text, question or sampling has. Failures are asked."""
    groups = {"a": [line("p", "one!"), line("q", "broken")], "b": [line("p", "two"), line("q", "four")]}

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        _, first, second = shown(prompt)
        return error(500) if first == "broken" else chat(answer(prompt, by_size(first, second)))

    def calls(given: dict[str, list[Rollouts]], spec: PairwiseSpec = SPEC) -> tuple[int, list[Pair]]:
        with serving(reply) as server, VerdictCache(tmp_path / "cache.db") as cache:
            found = compared(server, given, spec, cache=cache)
            return server.calls, found

    first, pairs = calls(groups)
    again, known = calls(groups)
    assert (first, again) == (4, 1)
    assert known == pairs
    assert calls({"x": groups["b"], "y": groups["a"]})[0] == 1
    assert calls({"x": groups["b"], "y": groups["a"]})[1][0].winner == "right"
    assert calls(groups, PairwiseSpec(resamples=5, level=0.5, anchor="a"))[0] == 1
    for spec in (PairwiseSpec(criterion="Kinder?"), PairwiseSpec(temperature=0.5), PairwiseSpec(seed=1)):
        assert calls(groups, spec)[0] == 4
    assert calls({**groups, "b": [line("p", "two"), line("q", "five")]})[0] == 2


class Far:
    """A model of batches that prefers the response with more exclamation marks."""

    reference, revision, template, engine, dtype = "hf:far", "far", "", "far end", ""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer every request."""
        self.sizes.append(len(requests))
        prompts = [request.messages[0].content for request in requests]
        return [Completion(answer(prompt, by_size(*shown(prompt)[1:])), "stop", 1) for prompt in prompts]


def test_a_model_in_this_process_is_asked_window_by_window() -> None:
    far = Far()
    groups = {"a": [line(f"p{k}", f"x{k}") for k in range(5)], "b": [line(f"p{k}", f"y{k}!") for k in range(5)]}
    spec = PairwiseSpec(window=2)
    found = list(judge_pairs(matchups(groups, spec), spec, far))
    assert far.sizes == [4, 4, 2]
    assert {outcome(pair) for pair in found} == {("right", True)}


def test_pairs_come_in_order_and_are_not_read_ahead() -> None:
    """However late an answer comes; and of what waits no more than a few times what is in flight is read."""
    read: list[str] = []

    def waiting() -> Any:
        for each in matchups(groups, SPEC):
            read.append(each.id)
            yield each

    groups = {
        "a": [line(f"p{k:03}", f"x{k}") for k in range(200)],
        "b": [line(f"p{k:03}", f"y{k}!") for k in range(200)],
    }
    with serving(preferring(by_size)) as server:
        found = judge_pairs(waiting(), SPEC, model(server, concurrency=4))
        first = next(found)
        assert first.id == "p000/a/b/0"
        assert len(read) <= AHEAD * 4 // 2 < 200
        rest = [pair.id for pair in found]
    assert rest == [f"p{k:03}/a/b/0" for k in range(1, 200)]
    assert isinstance(first, Matchup)


@needs_shared
def test_llmbar_neighbor_with_gpt4s_own_verdicts() -> None:
    """Its stored verdicts, given by a server on loopback, come to its published accuracy and order-consistency."""
    folder = SHARED / "llmbar" / "gpt4_vanilla"
    rows = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    published = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
    said = {}
    for row in rows:
        one, two = row["output_1"], row["output_2"]
        straight, swapped = (row["results"][0][f"swap = {swap}"]["winner"] for swap in (False, True))
        said[row["input"], one, two] = "first" if straight == "1" else "second"
        said[row["input"], two, one] = "second" if swapped == "1" else "first"

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        conversation, first, second = shown(prompt)
        return chat(answer(prompt, said[conversation.partition("turn of the user\n")[2], first, second]))

    groups = {
        label: [
            line(f"{k:03}", row[f"output_{label}"]).model_copy(
                update={"messages": (Message(role="user", content=row["input"]),)}
            )
            for k, row in enumerate(rows)
        ]
        for label in ("1", "2")
    }
    with serving(reply) as server:
        pairs = compared(server, groups)
    right = [["left", "right"][row["label"] - 1] for row in rows]
    hits = [[order.winner == side for order in pair.orders] for pair, side in zip(pairs, right, strict=True)]
    straight, swapped = (sum(hit) for hit in zip(*hits, strict=True))
    both = sum(pair.winner == side for pair, side in zip(pairs, right, strict=True))
    record = ratings([game(pair) for pair in pairs], RatingSpec(resamples=500))
    assert published["correct_False"].startswith(f"{straight} / 134 ")
    assert published["correct_True"].startswith(f"{swapped} / 134 ")
    assert published["correct_average"] == f"{100 * (straight + swapped) / 268}%"
    assert published["correct_both"].startswith(f"{both} / 134 ")
    assert record.consistency.value == pytest.approx(125 / 134)
    assert published["equal"].startswith("125 / 134 ")
    assert sum(pair.consistent is False for pair in pairs) == 9 == record.ratings[0].ties
