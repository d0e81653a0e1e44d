"""How the votes of a panel become a verdict, rule by rule."""

from itertools import permutations
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.criterion import Criterion, Tier
from schemas.errors import RlraError
from schemas.judged import Verdict, Vote
from stages.panels import Rule, margin, name_of, rescored, unsure, verdict_of, votes_of
from stages.scoring import fires
from tests.stages.panel_votes import FAULT, GATE, NEEDED, PLAIN, RULES, TIERED, VETO, labels, panel, vote


@given(st.lists(st.booleans(), min_size=1, max_size=9).filter(lambda votes: len(votes) % 2))
def test_the_majority_of_an_odd_panel_is_the_median(votes: list[bool]) -> None:
    verdict = verdict_of(PLAIN, panel(*("met" if met else "not met" for met in votes)), "majority")
    assert verdict.score == median(map(float, votes))


@pytest.mark.parametrize(
    ("rule", "said", "score", "tier"),
    [
        ("majority", ("2", "2", "0"), 4.0, 2),
        ("majority", ("0", "1", "1", "2"), 0.0, 1),
        ("majority", ((0.5, 0.3, 0.2), (0.4, 0.3, 0.3), "2"), -1.0, 0),
        ("mean", ("2", "2", "0"), 7 / 3, None),
        ("mean", ("1", "1"), 0.0, 1),
        ("mean", ((0.5, 0.25, 0.25), "2"), 2.25, None),
        ("mean", ("cannot tell", "2", "2"), 4.0, 2),
        ("minimum", ("2", "1", "2"), 0.0, 1),
        ("minimum", ("cannot tell", "2"), 4.0, 2),
        ("minimum", ("1", (0.0, 0.5, 0.5)), 0.0, 1),
        ("minimum", ("1", (0.5, 0.4, 0.1)), -0.1, 0),
        ("unanimous", ("1", "1", "1"), 0.0, 1),
    ],
)
def test_the_rules_on_tiers(rule: Rule, said: Any, score: float, tier: int | None) -> None:
    verdict = verdict_of(TIERED, panel(*said), rule)
    assert (verdict.status, verdict.tier) == ("scored", tier)
    assert verdict.score == pytest.approx(score)


@pytest.mark.parametrize(
    ("rule", "said", "status"),
    [
        ("majority", ("met", "not met"), "failed"),
        ("majority", ("met", "cannot tell"), "failed"),
        ("majority", ("met", "cannot tell", "cannot tell"), "abstained"),
        ("majority", ("met", "met", "cannot tell"), "scored"),
        ("unanimous", ("met", "met", "not met"), "failed"),
        ("unanimous", ("met", "cannot tell"), "failed"),
        ("unanimous", ("cannot tell", "cannot tell"), "abstained"),
        ("mean", ("cannot tell", "cannot tell"), "abstained"),
        ("minimum", ("cannot tell", "cannot tell"), "abstained"),
    ],
)
def test_who_differs_too_much_decides_nothing(rule: Rule, said: Any, status: str) -> None:
    verdict = verdict_of(PLAIN, panel(*said), rule)
    assert verdict.status == status
    assert verdict.failure == ("disagreement" if status == "failed" else None)
    assert status != "failed" or verdict.reason.startswith("the votes differ: ")


@pytest.mark.parametrize(
    ("criterion", "score"),
    [(PLAIN, 0.0), (FAULT, 1.0), (VETO, 1.0), (NEEDED, 0.0), (GATE, 1.0)],
    ids=lambda value: getattr(value, "id", value),
)
def test_the_minimum_is_what_is_worst_for_the_response(criterion: Criterion, score: float) -> None:
    assert verdict_of(criterion, panel("met", "not met"), "minimum").score == score


@pytest.mark.parametrize(
    ("criterion", "met", "score"),
    [
        *[(VETO, 0.49, 0), (VETO, 0.5, 1), (VETO, 0.51, 1), (GATE, 0.5, 1), (GATE, 0.4, 0)],
        *[(NEEDED, 0.49, 0), (NEEDED, 0.5, 0), (NEEDED, 0.51, 1), (PLAIN, 0.5, 0.5), (FAULT, 0.3, 0.3)],
    ],
)
def test_the_score_of_a_gate_is_rounded_against_the_response(criterion: Criterion, met: float, score: float) -> None:
    single = verdict_of(criterion, [vote(met)], "mean")
    several = verdict_of(criterion, panel(met, met), "mean")
    assert single.score == several.score == pytest.approx(score)
    assert single.shares == (1 - met, met)
    if not criterion.is_weighed:
        assert fires(criterion, single) is (met >= 0.5 if criterion is not NEEDED else met <= 0.5)


def test_a_tied_mean_on_a_veto_fires() -> None:
    assert fires(VETO, verdict_of(VETO, panel("met", "not met"), "mean"))
    assert fires(NEEDED, verdict_of(NEEDED, panel("met", "not met"), "mean"))


def test_a_single_vote_is_a_plain_verdict() -> None:
    verdict = verdict_of(TIERED, [vote((0.0, 0.25, 0.75))], "majority")
    assert verdict == Verdict(
        criterion="tiered",
        status="scored",
        score=3.0,
        tier=2,
        reason="a says so",
        judge="openai:a",
        key="key of a",
        shares=(0.0, 0.25, 0.75),
        mass=0.9,
    )


def test_a_panel_is_named_and_keyed_by_its_members() -> None:
    votes = [vote("met", "b"), vote("met", "a"), vote("met", "b", key="second")]
    verdict = verdict_of(PLAIN, votes, "majority")
    assert verdict.judge == "majority of openai:b, openai:a" == name_of([v.judge for v in votes], "majority")
    assert verdict.reason == "b says so"
    assert verdict.key == verdict_of(PLAIN, votes[::-1], "mean").key
    assert verdict.key != verdict_of(PLAIN, votes[:2], "majority").key
    assert name_of(["openai:a"], "mean") == "openai:a"


@pytest.mark.parametrize(("quorum", "score"), [(0, None), (1, 1.0), (2, 1.0), (3, None)])
def test_a_quorum_does_without_what_failed(quorum: int, score: float | None) -> None:
    verdict = verdict_of(PLAIN, panel("met", "!transport", "met"), "majority", quorum)
    assert verdict.score == score
    assert verdict.failure == (None if score else "transport")
    assert verdict.disagreement == 0
    assert score or verdict.reason == "openai:b: b says so"


def test_one_answer_that_is_left_agrees_with_nobody() -> None:
    assert verdict_of(PLAIN, panel("met", "!empty"), "majority", 1).disagreement is None


def test_the_stronger_judge_decides() -> None:
    weak = panel("met", "not met")
    yes, broken = vote("met", "big", strong=True), vote("!empty", "big", strong=True)
    for order in permutations([*weak, yes]):
        verdict = verdict_of(PLAIN, order, "majority")
        assert (verdict.score, verdict.reason) == (1.0, "big says so")
        assert verdict.disagreement == pytest.approx(1 / 3) and not unsure(verdict, 1.0)
    verdict = verdict_of(PLAIN, [*weak, yes], "mean")
    assert verdict.judge == "openai:big after mean of openai:a, openai:b"
    assert rescored(PLAIN, verdict, "minimum").score == 1.0
    failed = verdict_of(PLAIN, [*panel("met", "met"), broken], "majority", quorum=1)
    assert (failed.status, failed.failure) == ("failed", "empty")
    assert verdict_of(PLAIN, [weak[0], yes], "mean").judge == "openai:big after openai:a"


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (("met",), 1),
        ((0.8,), 0.6),
        (((0.2, 0.5, 0.3),), 0.2),
        (("met", "met", "met", "not met", "not met"), 0.2),
        (("0", "1", "2"), 0),
        (("0", "0", "2"), 1 / 3),
        (("met", 0.6), 0.6),
        (("met", "met", "cannot tell", "cannot tell"), 0),
        (("met", "met", "!empty"), 1),
        (("!empty",), 0),
    ],
)
def test_the_margin_is_the_lead_of_the_likeliest_answer(votes: Any, expected: float) -> None:
    criterion = TIERED if any(str(v) in "012" or isinstance(v, tuple) for v in votes) else PLAIN
    for rule in RULES:
        assert margin(verdict_of(criterion, panel(*votes), rule, 1)) == pytest.approx(expected)
    assert len(votes) > 1 or margin(panel(*votes)[0]) == pytest.approx(expected)


def test_who_is_unsure() -> None:
    def single(said: Any) -> Verdict:
        return verdict_of(PLAIN, [vote(said)], "mean")

    assert unsure(single(0.75), 0.51) and not unsure(single(0.75), 0.5)
    assert unsure(single("cannot tell"), 0) and unsure(single("!empty"), 0)
    assert not unsure(single("met"), 1)
    assert unsure(verdict_of(PLAIN, panel("met", "met", "not met"), "majority"), 0.5)
    assert not unsure(Verdict(criterion="c", status="skipped", score=None, judge="j", key="k"), 1)


def test_a_stored_verdict_is_worth_what_its_tier_is_worth_today() -> None:
    today = TIERED.model_copy(update={"tiers": tuple(Tier(score=10 * k, text="t") for k in range(3))})
    for said, before, after in [("2", 4, 20), ((0.5, 0.0, 0.5), 1.5, 10), ("!empty", None, None)]:
        stored = verdict_of(TIERED, [vote(said)], "mean")
        assert stored.score == before
        assert rescored(today, stored, "mean").score == after
    assert rescored(today, verdict_of(TIERED, panel("2", "1"), "mean"), "mean").score == 15


def test_a_stored_verdict_of_what_has_become_a_veto() -> None:
    stored = verdict_of(PLAIN, [vote(0.6)], "mean")
    veto = PLAIN.model_copy(update={"veto": "if_met"})
    assert rescored(veto, stored, "mean").score == 1.0
    assert rescored(PLAIN, rescored(veto, stored, "mean"), "mean") == stored


def test_what_no_judge_said_has_no_votes_and_stays_as_it_is() -> None:
    by_check = Verdict(criterion="c", status="scored", score=0.4, judge="check", key="k")
    skipped = Verdict(criterion="c", status="skipped", score=None, judge="openai:a", key="k")
    old = Verdict(criterion="c", status="failed", score=None, reason="transport", judge="openai:a", key="k")
    for verdict in (by_check, skipped, old):
        assert votes_of(verdict) == {}
        assert rescored(PLAIN, verdict, "majority") == verdict


@pytest.mark.parametrize(
    ("criterion", "stored"),
    [
        (TIERED, vote("3")),
        (TIERED, vote("-1")),
        (TIERED, vote("met")),
        (TIERED, vote(0.5)),
        (PLAIN, vote("1")),
        (PLAIN, vote("")),
        (PLAIN, vote("banana")),
        (PLAIN, vote((0.2, 0.3, 0.5), "a").model_copy(update={"label": "met"})),
    ],
)
def test_an_answer_that_the_criterion_does_not_have_is_a_users_error(criterion: Criterion, stored: Vote) -> None:
    """As in a file that was edited by hand, or judged by another rubric."""
    for votes in ([stored], [vote(labels(criterion)[0], "b"), stored]):
        with pytest.raises(RlraError, match=f"criterion '{criterion.id}': a stored vote says"):
            verdict_of(criterion, votes, "majority")
    single = Verdict(criterion="tiered", status="scored", score=9.0, tier=7, judge="openai:a", key="k")
    with pytest.raises(RlraError, match="says '7'"):
        rescored(TIERED, single, "mean")
