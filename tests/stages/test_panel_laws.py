"""Any votes become a verdict: in no order, within bounds, monotone, and never a score out of a failure."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.criterion import Criterion
from schemas.judged import Verdict, Vote
from stages.panels import Rule, margin, rescored, verdict_of, votes_of
from tests.stages.panel_votes import CRITERIA, RULES, labels, panel, vote

rules = st.sampled_from(RULES)
criteria = st.sampled_from(CRITERIA)


@st.composite
def any_vote(draw: st.DrawFn, criterion: Criterion, status: str = "any") -> Any:
    """Draw what one vote says."""
    if status == "any":
        status = draw(st.sampled_from(["label", "label", "label", "shares", "abstained", "failed"]))
    if status == "failed":
        return draw(st.sampled_from(["!transport", "!unreadable", "!uncertain"]))
    if status == "abstained":
        return "cannot tell"
    if status == "label":
        return draw(st.sampled_from(labels(criterion)))
    parts = draw(st.lists(st.floats(0.001, 1), min_size=len(labels(criterion)), max_size=len(labels(criterion))))
    return tuple(part / sum(parts) for part in parts)


@st.composite
def judged(draw: st.DrawFn, low: int = 1, status: str = "any") -> tuple[Criterion, list[Vote]]:
    """Draw a criterion and votes on it."""
    criterion = draw(criteria)
    return criterion, panel(*draw(st.lists(any_vote(criterion, status), min_size=low, max_size=6)))


@given(judged(), rules, st.integers(0, 4), st.randoms(use_true_random=False))
def test_the_order_of_votes_changes_nothing(
    case: tuple[Criterion, list[Vote]], rule: Rule, quorum: int, random: Any
) -> None:
    criterion, votes = case
    mixed = random.sample(votes, len(votes))
    one, other = (verdict_of(criterion, each, rule, quorum) for each in (votes, mixed))
    fields = ("status", "score", "tier", "key", "disagreement")
    assert [getattr(one, name) for name in fields] == [getattr(other, name) for name in fields]
    assert margin(one) == margin(other)


@given(judged(), rules, st.integers(0, 4))
def test_a_score_is_within_the_tiers_and_of_a_gate_0_or_1(
    case: tuple[Criterion, list[Vote]], rule: Rule, quorum: int
) -> None:
    criterion, votes = case
    verdict = verdict_of(criterion, votes, rule, quorum)
    if verdict.score is not None:
        low, high = (-1, 4) if criterion.tiers else (0, 1)
        assert low <= verdict.score <= high
        assert criterion.is_weighed or verdict.score in (0.0, 1.0)
    assert 0 <= margin(verdict) <= 1


@given(judged(), rules, st.integers(0, 7))
def test_what_failed_is_never_a_score(case: tuple[Criterion, list[Vote]], rule: Rule, quorum: int) -> None:
    criterion, votes = case
    verdict = verdict_of(criterion, votes, rule, quorum)
    failed = [vote for vote in votes if vote.status == "failed"]
    answered = len(votes) - len(failed)
    if failed and not (quorum and answered >= quorum):
        assert (verdict.status, verdict.score, verdict.failure) == ("failed", None, failed[0].failure)
    elif failed:
        alone = [vote for vote in votes if vote.status != "failed"]
        assert verdict.score == _score_of_panel(criterion, alone, rule)
    if not answered:
        assert verdict.status == "failed"


def _score_of_panel(criterion: Criterion, votes: list[Vote], rule: Rule) -> float | None:
    """Return the score of votes that are a panel even where only one is left."""
    if len(votes) == 1 and rule in ("majority", "unanimous") and votes[0].shares:
        votes = [votes[0].model_copy(update={"shares": ()})]
    return verdict_of(criterion, votes, rule).score


@given(judged(), st.integers(0, 4))
def test_what_is_unanimous_has_the_majority_too(case: tuple[Criterion, list[Vote]], quorum: int) -> None:
    criterion, votes = case
    both = verdict_of(criterion, votes, "unanimous", quorum)
    if both.status == "failed":
        return
    majority = verdict_of(criterion, votes, "majority", quorum)
    assert (both.status, both.score, both.tier) == (majority.status, majority.score, majority.tier)
    assert len(votes) == 1 or both.disagreement in (0, None)


@given(judged(low=2, status="label"), rules, st.data())
def test_a_better_answer_never_lowers_the_score(case: tuple[Criterion, list[Vote]], rule: Rule, data: Any) -> None:
    criterion, votes = case
    at = data.draw(st.integers(0, len(votes) - 1))
    better = data.draw(st.sampled_from(labels(criterion)[labels(criterion).index(votes[at].label) :]))
    raised = [*votes[:at], votes[at].model_copy(update={"label": better}), *votes[at + 1 :]]
    before, after = (verdict_of(criterion, each, rule).score for each in (votes, raised))
    assume(before is not None and after is not None)
    assert after >= before  # type: ignore[operator]


@given(judged(low=2, status="shares"), st.sampled_from(["mean", "minimum"]), st.data())
def test_more_probability_on_a_better_answer_never_lowers_the_score(
    case: tuple[Criterion, list[Vote]], rule: Rule, data: Any
) -> None:
    criterion, votes = case
    at, moved = data.draw(st.integers(0, len(votes) - 1)), data.draw(st.floats(0, 1))
    shares = votes[at].shares
    shifted = (shares[0] * (1 - moved), *shares[1:-1], shares[-1] + shares[0] * moved)
    raised = [*votes[:at], votes[at].model_copy(update={"shares": shifted}), *votes[at + 1 :]]
    before, after = (verdict_of(criterion, each, rule).score for each in (votes, raised))
    assert before is not None and after is not None and after >= before - 1e-12


@given(st.data(), criteria, rules)
def test_a_single_vote_goes_into_a_verdict_and_out_again(data: Any, criterion: Criterion, rule: Rule) -> None:
    said = vote(data.draw(any_vote(criterion)), repaired=data.draw(st.booleans()))
    verdict = verdict_of(criterion, [said], rule)
    assert verdict.votes == () and verdict.disagreement is None
    assert votes_of(verdict) == {said.key: said}
    again = Verdict.model_validate_json(verdict.model_dump_json(exclude_defaults=True))
    assert votes_of(again) == {said.key: said}


@given(judged(low=2), rules, st.integers(0, 4))
def test_a_panel_keeps_its_votes(case: tuple[Criterion, list[Vote]], rule: Rule, quorum: int) -> None:
    criterion, votes = case
    verdict = verdict_of(criterion, votes, rule, quorum)
    assert votes_of(verdict) == {each.key: each for each in votes}
    for other in RULES:
        assert rescored(criterion, verdict, other, quorum) == verdict_of(criterion, votes, other, quorum)
