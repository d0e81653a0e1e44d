"""Comparing responses two by two, against a real server on loopback: every pair, in both orders, and each once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response as Reply

from schemas.errors import RlraError
from schemas.judged import Judged, JudgedResponse, Verdict
from schemas.pairs import Matchup, Pair
from schemas.rollouts import Rollouts
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.eval_pairwise import PairwiseSpec, RatingSpec, judge_pairs, matchups, slim
from stages.judging import AHEAD
from stages.models.base import Completion, Request
from stages.pairwise_ratings import game, ratings
from stages.verdict_cache import VerdictCache
from tests.stages.compared_pairs import SPEC, TWO, compared, line, outcome
from tests.stages.judge_server import chat, error, serving
from tests.stages.judging import model
from tests.stages.pairs_judge import answer, by_size, preferring, prompts, shown
from tests.stages.shared_texts import SHARED, needs_shared

RUBRIC = Rubric(
    rubric="r", criteria=(Criterion(id="warm", text="Is warm."), Criterion(id="lies", text="Lies.", weight=-2))
)


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
