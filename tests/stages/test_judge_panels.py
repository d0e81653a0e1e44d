"""Panels, repeats, cascades and short circuits against a real server: who is asked what, and what becomes of it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug import Response as Reply

from schemas.judged import Judged
from schemas.rubric import Criterion, Rubric, Tier
from stages.judge import JudgeSpec, judge
from stages.models.openai import OpenAIModel
from stages.verdict_cache import VerdictCache
from stages.voting import Panel
from tests.stages.judge_server import JudgeServer, asked_for, chat, error, serving, verdicts
from tests.stages.judging import group

WARM = Criterion(id="warm", text="Is warm.")
DEPTH = Criterion(
    id="depth",
    text="Goes deep.",
    tiers=(Tier(score=0, text="No."), Tier(score=4, text="Some."), Tier(score=10, text="Very.")),
)
RUBRIC = Rubric(rubric="r", criteria=(WARM, DEPTH))
Say = Callable[[str, str], str]


def judges(server: JudgeServer, *names: str) -> tuple[OpenAIModel, ...]:
    return tuple(OpenAIModel(f"openai:{name}", name, server.url, None, retries=0, timeout_s=10) for name in names)


def by_model(say: Say) -> Callable[[dict[str, Any], int], Reply]:
    """Answer `say(model, criterion)`; the word `fail` is a reply that nobody can use."""

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        said = {name: say(payload["model"], name) for name in asked_for(prompt)[0]}
        return error(400, "no") if "fail" in said.values() else chat(verdicts(prompt, said.__getitem__))

    return reply


def calls_of(server: JudgeServer) -> Counter[str]:
    return Counter(payload["model"] for payload in server.payloads)


def scores(done: Judged) -> list[float | None]:
    return [verdict.score for verdict in done.responses[0].verdicts]


LABELS = {
    "a": {"warm": "met", "depth": "2"},
    "b": {"warm": "met", "depth": "1"},
    "c": {"warm": "not met", "depth": "1"},
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("majority", [1.0, 4.0]),
        ("mean", [2 / 3, 6.0]),
        ("minimum", [0.0, 4.0]),
        ("unanimous", [None, None]),
    ],
)
def test_a_panel_votes_and_its_disagreement_is_kept(rule: Any, expected: list[float | None]) -> None:
    with serving(by_model(lambda model, name: LABELS[model][name])) as server:
        (done,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel=rule), Panel(judges(server, "a", "b", "c")))
        assert calls_of(server) == {"a": 1, "b": 1, "c": 1}
    warm, depth = done.responses[0].verdicts
    assert scores(done) == pytest.approx(expected)
    assert [vote.label for vote in warm.votes] == ["met", "met", "not met"]
    assert warm.disagreement == depth.disagreement == pytest.approx(1 / 3)
    assert warm.judge == f"{rule} of openai:a, openai:b, openai:c"
    assert done.usage is not None
    assert done.usage.calls == 3


def test_one_judge_more_is_asked_alone_and_another_rule_asks_nobody() -> None:
    with serving(by_model(lambda model, name: LABELS[model][name])) as server:
        (two,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel="mean"), Panel(judges(server, "a", "b")))
        (three,) = judge([two], JudgeSpec(panel="mean"), Panel(judges(server, "a", "b", "c")))
        assert calls_of(server) == {"a": 1, "b": 1, "c": 1}
        (least,) = judge([three], JudgeSpec(panel="minimum"), Panel(judges(server, "a", "b", "c")))
        (single,) = judge([least], JudgeSpec(), Panel(judges(server, "c")))
        assert calls_of(server) == {"a": 1, "b": 1, "c": 1}
    assert scores(three) == pytest.approx([2 / 3, 6.0])
    assert scores(least) == [0.0, 4.0]
    assert scores(single) == [0.0, 4.0]
    assert single.responses[0].verdicts[0].votes == ()


def test_a_judge_that_fails_fails_the_verdict_unless_a_quorum_is_left() -> None:
    say: Say = lambda model, name: "fail" if model == "c" else LABELS[model][name]  # noqa: E731
    with serving(by_model(say)) as server:
        panel = Panel(judges(server, "a", "b", "c"))
        (closed,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel="mean"), panel)
        (open_,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel="mean", quorum=2), panel)
        before = calls_of(server)
        server.reply = by_model(lambda model, name: LABELS[model][name])
        (healed,) = judge([closed], JudgeSpec(panel="mean"), panel)
        assert calls_of(server) - before == {"c": 1}
    assert [v.failure for v in closed.responses[0].verdicts] == ["transport", "transport"]
    assert closed.responses[0].reward is None
    assert scores(open_) == pytest.approx([1.0, 7.0])
    assert scores(healed) == pytest.approx([2 / 3, 6.0])


def test_repeats_have_seeds_and_orders_of_their_own() -> None:
    with serving(by_model(lambda model, name: LABELS["a"][name])) as server:
        spec = JudgeSpec(repeats=3, permutations=2, temperature=0.7)
        (done,) = judge([group("p", "t", rubric=RUBRIC)], spec, Panel(judges(server, "a")))
        assert server.calls == 6
        assert len({payload["seed"] for payload in server.payloads}) == 6
        orders = Counter(tuple(asked_for(payload["messages"][0]["content"])[0]) for payload in server.payloads)
    assert orders == {("warm", "depth"): 3, ("depth", "warm"): 3}
    assert [len(verdict.votes) for verdict in done.responses[0].verdicts] == [6, 6]
    assert scores(done) == [1.0, 10.0]


def test_the_stronger_judge_is_asked_only_where_the_others_are_unsure_and_then_decides() -> None:
    say: Say = lambda model, name: {"warm": "not met", "depth": "0"}[name] if model == "big" else LABELS[model][name]  # noqa: E731
    with serving(by_model(say)) as server:
        panel = Panel(judges(server, "a", "b"), *judges(server, "big"))
        counts: Counter[str] = Counter()
        (done,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel="mean", unsure=0.5), panel, counts=counts)
        assert [asked_for(p["messages"][0]["content"])[0] for p in server.payloads if p["model"] == "big"] == [
            ["depth"]
        ]
        asked = server.calls
        assert list(judge([done], JudgeSpec(panel="mean", unsure=0.5), panel)) == [done]
        assert server.calls == asked
    assert counts["escalated"] == 1
    warm, depth = done.responses[0].verdicts
    assert (warm.score, depth.score) == (1.0, 0.0)
    assert [vote.strong for vote in depth.votes] == [False, False, True]
    assert "openai:big" in depth.judge


def test_where_the_stronger_judge_fails_there_is_no_verdict() -> None:
    with serving(by_model(lambda model, name: "fail" if model == "big" else LABELS[model][name])) as server:
        panel = Panel(judges(server, "a", "c"), *judges(server, "big"))
        (done,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel="mean"), panel)
    assert [v.status for v in done.responses[0].verdicts] == ["failed", "failed"]


VETO = Criterion(id="short", check={"word_count": {"at_most": 2}}, veto="unless_met")


def test_a_veto_that_a_check_decided_saves_the_calls_of_its_response_alone() -> None:
    rubric = Rubric(rubric="r", criteria=(WARM, VETO))
    lines = [group("p", "two words", "these are four words", rubric=rubric)]
    with serving(by_model(lambda model, name: "met")) as server:
        (saved,) = judge(lines, JudgeSpec(short_circuit=True), Panel(judges(server, "a")))
        assert server.calls == 1
        (full,) = judge([saved], JudgeSpec(), Panel(judges(server, "a")))
        assert server.calls == 2
    assert [v.status for v in saved.responses[1].verdicts] == ["skipped", "scored"]
    assert "short" in saved.responses[1].verdicts[0].reason
    assert [r.reward for r in saved.responses] == [r.reward for r in full.responses] == [1.0, 0.0]
    assert [v.status for v in full.responses[1].verdicts] == ["scored", "scored"]


def test_only_failed_lets_every_other_verdict_stand() -> None:
    lines = [group("p", "t", "u", rubric=RUBRIC)]
    say: Say = lambda model, name: "fail" if name == "depth" else "met"  # noqa: E731
    spec = JudgeSpec(criteria_per_call="1")
    with serving(by_model(say)) as server:
        (first,) = judge(lines, spec, Panel(judges(server, "a")))
        server.reply = by_model(lambda model, name: LABELS["c"][name])
        before = server.calls
        again = spec.model_copy(update={"only_failed": True, "temperature": 0.9})
        (second,) = judge([first], again, Panel(judges(server, "b")))
        assert server.calls == before + 2
    assert [v.judge for v in second.responses[0].verdicts] == ["openai:a", "openai:b"]
    assert scores(second) == [1.0, 4.0]


def test_a_cache_is_shared_between_runs_and_holds_no_failure() -> None:
    lines = [group("p", "t", rubric=RUBRIC)]
    spec = JudgeSpec(criteria_per_call="1")
    failing = by_model(lambda model, name: "fail" if name == "depth" else "met")
    with VerdictCache(":memory:") as cache, serving(failing) as server:
        (first,) = judge(lines, spec, Panel(judges(server, "a"), cache=cache))
        server.reply = by_model(lambda model, name: LABELS["a"][name])
        before, counts = server.calls, Counter[str]()
        (second,) = judge(lines, spec, Panel(judges(server, "a"), cache=cache), counts=counts)
        assert server.calls == before + 1
        (third,) = judge(lines, spec, Panel(judges(server, "a"), cache=cache))
        assert server.calls == before + 1
    assert counts["cached"] == 1
    assert first.responses[0].reward is None
    assert scores(second) == [1.0, 10.0]
    assert third == second
    assert second.usage is not None
    assert second.usage.calls == 2


def test_thoughts_are_kept_apart_and_stay_with_the_verdicts_that_followed() -> None:
    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        return chat("<think>VERDICT warm: not met, hmm.</think>\n" + verdicts(prompt, LABELS["a"].__getitem__))

    with serving(reply) as server:
        (done,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(), Panel(judges(server, "a")))
        (again,) = judge([done], JudgeSpec(), Panel(judges(server, "a")))
    assert scores(done) == [1.0, 10.0]
    (thought,) = done.responses[0].thoughts
    assert thought.text == "VERDICT warm: not met, hmm."
    assert thought.keys == tuple(verdict.key for verdict in done.responses[0].verdicts)
    assert again == done
