"""Gates are asked about first: a closed one saves what it guards, and one that fails makes no number."""

from collections import Counter
from typing import Any

from werkzeug import Response as Reply

from schemas.rollouts import Response
from stages.judge import JudgeSpec, judge
from tests.stages import named_criteria
from tests.stages.judge_server import error, serving
from tests.stages.judging import asked, group, model, rewards, saying, statuses
from tests.stages.named_criteria import leaf, named, rubric

impatient = named_criteria.impatient
GATED = rubric(
    leaf("a"),
    {
        "id": "g",
        "criteria": [
            leaf("go", gate="unless_met", abstain="allowed"),
            leaf("b"),
            {"id": "h", "criteria": [leaf("on", gate="unless_met"), leaf("c")]},
        ],
    },
)


def test_a_gate_is_asked_first_and_saves_the_rest() -> None:
    """One call per round and response; behind a closed gate nobody is asked, and the verdict says why."""
    with serving(saying(named)) as server:
        (done,) = judge([group("p", "yes", "no go", "no on", rubric=GATED)], JudgeSpec(), model(server))
        assert asked(server) == [
            ("no go", ("a", "go")),
            ("no on", ("a", "go")),
            ("no on", ("b", "on")),
            ("yes", ("a", "go")),
            ("yes", ("b", "on")),
            ("yes", ("c",)),
        ]
    assert rewards(done) == [1.0, 0.5, 0.75]
    stopped = done.responses[1].verdicts
    assert [v.criterion for v in stopped if v.status == "skipped"] == ["b", "on", "c"]
    assert {v.reason for v in stopped if v.status == "skipped"} == {"stopped by the gate 'go'"}
    assert done.responses[1].vetoed_by == ()


def test_an_abstention_on_a_gate_opens_it_for_the_whole_group() -> None:
    """So that siblings are judged on the same criteria; in another group it closes as ever."""
    lines = [group("p", "perhaps go", "no go", rubric=GATED), group("q", "no go", rubric=GATED)]
    with serving(saying(named)) as server:
        first, second = judge(lines, JudgeSpec(), model(server))
    assert [each["go"] for each in statuses(first)] == ["abstained", "scored"]
    assert [each["b"] for each in statuses(first)] == ["scored", "scored"]
    assert statuses(second)[0]["b"] == "skipped"
    assert (rewards(first), rewards(second)) == ([1.0, 1.0], [0.5])


def test_a_gate_that_fails_makes_no_number_and_is_asked_again() -> None:
    """Nobody knows whether the rest would have counted: null, and nothing behind it is asked until it is known."""

    def down(payload: dict[str, Any], number: int) -> Reply:
        return error(503)

    with serving(down) as server:
        (done,) = judge([group("p", "yes", rubric=GATED)], JudgeSpec(), model(server))
        before = server.calls
        assert rewards(done) == [None]
        assert statuses(done) == [{"a": "failed", "go": "failed", "b": "skipped", "on": "skipped", "c": "skipped"}]
        server.reply = saying(named)
        (again,) = judge([done], JudgeSpec(), model(server))
        assert server.calls == before + 3
    assert rewards(again) == [1.0]


def test_a_gate_may_be_a_check() -> None:
    """Then a closed one costs no call at all."""
    short = {"id": "short", "check": {"word_count": {"at_most": 2}}, "gate": "unless_met"}
    found = rubric({"id": "g", "criteria": [short, leaf("b")]})
    with serving(saying(named)) as server:
        (done,) = judge([group("p", "one two", "one two three", rubric=found)], JudgeSpec(), model(server))
        assert asked(server) == [("one two", ("b",))]
    assert rewards(done) == [1.0, 0.0]


def test_checks_behind_a_gate_are_skipped_too() -> None:
    """And without any model a group of checks is gated all the same."""
    gate = {"id": "short", "check": {"word_count": {"at_most": 2}}, "gate": "unless_met"}
    inside = {"id": "inside", "check": {"word_count": {"at_least": 2}}}
    found = rubric({"id": "g", "criteria": [gate, inside]}, {"id": "c", "check": {"word_count": {"at_least": 1}}})
    (done,) = judge([group("p", "one two", "one", "one two three", rubric=found)], JudgeSpec(), None)
    assert rewards(done) == [1.0, 0.5, 0.5]
    assert [each["inside"] for each in statuses(done)] == ["scored", "scored", "skipped"]


def test_what_was_skipped_is_asked_when_the_gate_is_opened() -> None:
    """The gate's own verdict is kept; only what it had stopped is new."""
    opened = rubric({"id": "g", "criteria": [leaf("go", gate="if_met"), leaf("b")]})
    closed = rubric({"id": "g", "criteria": [leaf("go", gate="unless_met"), leaf("b")]})
    counts: Counter[str] = Counter()
    with serving(saying(named)) as server:
        (first,) = judge([group("p", "no go", rubric=closed)], JudgeSpec(), model(server))
        (second,) = judge([first], JudgeSpec(), model(server), [opened], counts=counts)
        assert asked(server) == [("no go", ("b",)), ("no go", ("go",))]
        (third,) = judge([second], JudgeSpec(), model(server), [closed])
        assert server.calls == 2
    assert (rewards(first), rewards(second), rewards(third)) == ([0.0], [1.0], [0.0])
    assert counts["reused"] == 1
    assert third.responses == first.responses


def test_an_absent_response_fails_behind_gates_as_elsewhere() -> None:
    """Nobody is asked; the reward is null."""
    gone = Response(text="", finish="failed", length=0, error="no memory")
    line = group("p", "yes", rubric=GATED)
    with serving(saying(named)) as server:
        (done,) = judge([line.model_copy(update={"responses": (*line.responses, gone)})], JudgeSpec(), model(server))
        assert {text for text, _ in asked(server)} == {"yes"}
    assert rewards(done) == [1.0, None]
    assert "scored" not in statuses(done)[1].values()
