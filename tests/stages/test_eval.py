"""The comparison of two judged files: values computed by hand, its symmetries, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.report import Change, Report
from schemas.reward import RewardSpec
from schemas.rubric import Criterion, Rubric
from stages.eval import EvalSpec, Guard, evaluate
from stages.measures import degenerate, distinct
from stages.suites import SUITES
from tests.judged_lines import LIES, RUBRIC, SHORT, TONE, answer, group

SPEC = EvalSpec(resamples=200)
LABELS = ("base", "trained")


def report(before: list[Judged], after: list[Judged], guard: Guard | None = None) -> Report:
    return evaluate(before, after, LABELS, SPEC, guard)


def changes(before: list[Judged], after: list[Judged], guard: Guard | None = None) -> dict[str, Change]:
    found = report(before, after, guard)
    return {change.name: change for change in (*found.measures, *found.criteria)}


def values(change: Change) -> tuple[float, float, float]:
    return change.before, change.after, change.change


# Rewards of (tone, short, lies): (2·u + short − lies) / 3, with u of the tiers 0, 1/4, 1.
GOOD, FAIR, POOR = answer("a b c d", 2, 1, 0, 0), answer("a b", 1, 1, 0, 0), answer("a a a", 0, 0, 1, 0)


def test_values_are_means_over_responses_then_prompts() -> None:
    before = [group("p", FAIR, POOR), group("q", POOR, POOR)]
    after = [group("p", GOOD, FAIR, GOOD, FAIR), group("q", FAIR)]
    found = changes(before, after)
    assert values(found["reward"]) == pytest.approx((0.125, 0.625, 0.5))  # (0.5+0)/2, 0; (1+0.5)/2, 0.5
    assert values(found["tone"]) == pytest.approx((0.0625, 0.4375, 0.375))
    assert values(found["short"]) == pytest.approx((0.25, 1, 0.75))
    assert values(found["lies"]) == pytest.approx((0.75, 0, -0.75))
    assert values(found["all_met"]) == pytest.approx((0, 0.25, 0.25))
    assert values(found["length_words"]) == pytest.approx((2.75, 2.5, -0.25))
    assert found["distinct_1"].before == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert {change.prompts for change in found.values()} == {2}


def test_better_directions() -> None:
    found = changes([group("p", POOR)], [group("p", GOOD)])
    better = {name: change.better for name, change in found.items()}
    assert better["reward"] == better["tone"] == better["all_met"] == better["distinct_2"] == "higher"
    assert (
        better["lies"]
        == better["rude"]
        == better["truncated"]
        == better["veto_rate"]
        == better["repetition"]
        == "lower"
    )
    assert better["length_words"] == better["length_tokens"] == "neither"


def test_null_rewards_are_no_zeros() -> None:
    failed = answer("a b", 2, "failed", 0, 0)
    found = report([group("p", GOOD, failed), group("q", failed)], [group("p", GOOD, GOOD), group("q", GOOD)])
    reward = next(change for change in found.measures if change.name == "reward")
    assert (values(reward), reward.prompts) == ((1, 1, 0), 1)
    assert (found.before.unscored, found.after.unscored) == (2, 0)
    short = next(change for change in found.criteria if change.name == "short")
    assert (short.before, short.prompts) == (1, 1)


def test_nothing_scored_gives_no_reward_change() -> None:
    failed = group("p", answer("a", "failed", "failed", "failed", "failed"))
    assert not {"reward", "all_met", "veto_rate", "tone"} & changes([failed], [failed]).keys()


def test_a_response_that_could_not_be_had_is_not_an_empty_text() -> None:
    lost = answer("", "failed", "failed", "failed", "failed", finish="failed")
    found = changes([group("p", GOOD, lost)], [group("p", GOOD, answer("", 0, 0, 0, 0))])
    assert values(found["degenerate"]) == (0, 0.5, 0.5)
    assert values(found["length_words"]) == (4, 2, -2)


def test_vetoes_and_cut_off_answers_are_rates() -> None:
    rude, cut = answer("a", 2, 1, 0, 1), answer("a b", 2, 1, 0, 0, finish="length")
    found = changes([group("p", GOOD, rude)], [group("p", GOOD, cut)])
    assert values(found["veto_rate"]) == (0.5, 0, -0.5)
    assert values(found["truncated"]) == (0, 0.5, 0.5)


def test_a_veto_that_could_not_be_judged_is_unknown() -> None:
    unsure = group("p", answer("a", 2, 1, 0, "failed"))
    assert "veto_rate" not in changes([unsure], [unsure])


def test_abstained_criteria_have_no_say_in_all_met() -> None:
    found = changes([group("p", answer("a", 2, "abstained", 0, 0))], [group("p", answer("a", 1, "abstained", 0, 0))])
    assert values(found["all_met"]) == (1, 0, -1)
    assert "short" not in found


def test_criteria_are_paired_where_they_occur() -> None:
    other = Rubric(rubric="own", criteria=(TONE, Criterion(id="rhyme", text="Rhymes.")))
    lines = [group("p", GOOD), group("q", answer("a", 2, 1, rubric=other), rubric=other)]
    found = changes(lines, lines)
    assert (found["tone"].prompts, found["rhyme"].prompts, found["lies"].prompts) == (2, 1, 1)


def test_a_criterion_with_both_signs_has_no_better_direction() -> None:
    praised = Rubric(rubric="own", criteria=(SHORT, LIES.model_copy(update={"weight": 1.0})))
    lines = [group("p", GOOD), group("q", answer("a", 1, 1, rubric=praised), rubric=praised)]
    assert changes(lines, lines)["lies"].better == "neither"


def test_guard_is_paired_by_id() -> None:
    found = changes([group("p", GOOD)], [group("p", GOOD)], ({"p": -1.5, "q": -1.0}, {"p": -1.0, "z": 0.0}))
    guard = found["reference_loglik"]
    assert (values(guard), guard.prompts, guard.better) == ((-1.5, -1.0, 0.5), 1, "higher")
    assert "reference_loglik" not in changes([group("p", GOOD)], [group("p", GOOD)])


def test_report_says_who_was_compared() -> None:
    found = report([group("p", GOOD, GOOD, model="m1")], [group("p", GOOD, model="m2")])
    assert (found.before.label, found.before.model, found.before.responses) == ("base", "m1", 2)
    assert (found.after.label, found.after.model, found.after.prompts) == ("trained", "m2", 1)
    assert (found.id, found.level, found.resamples, found.seed) == ("base..trained", 0.95, 200, 0)


LEVELS = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1), st.sampled_from([0, 0, 1, "failed"]))
GROUPS = st.lists(LEVELS.map(lambda said: answer("a b a b c", *said)), min_size=1, max_size=3)
SIDES = st.lists(st.tuples(GROUPS, GROUPS), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(SIDES, st.randoms(use_true_random=False))
def test_order_has_no_say_and_swapping_negates(sides: list[tuple[Any, Any]], random: Any) -> None:
    before = [group(f"p{n}", *old) for n, (old, _) in enumerate(sides)]
    after = [group(f"p{n}", *new) for n, (_, new) in enumerate(sides)]
    first = report(before, after)
    mirror = report(after, before)
    for there, back in zip((*first.measures, *first.criteria), (*mirror.measures, *mirror.criteria), strict=True):
        assert (there.change, there.low, there.high) == (-back.change, -back.high, -back.low)
        assert there.change == pytest.approx(there.after - there.before)
        assert there.low - 1e-9 <= there.change <= there.high + 1e-9
    random.shuffle(before)
    random.shuffle(after)
    assert report(before, after) == first


def test_nothing_changes_between_a_file_and_itself() -> None:
    lines = [group(f"p{n}", GOOD, POOR, FAIR) for n in range(4)]
    found = report(lines, lines)
    assert {(c.change, c.low, c.high) for c in (*found.measures, *found.criteria)} == {(0, 0, 0)}


def test_ids_on_one_side_only_are_refused() -> None:
    many = [group(f"p{n}", GOOD) for n in range(9)]
    with pytest.raises(RlraError, match=r"8 of the prompt ids of trained are not in base: 'p1', 'p2', .* and 3 more"):
        report(many[:1], many)
    with pytest.raises(RlraError, match=r"1 of the prompt ids of base are not in trained: 'p8'$"):
        report(many, many[:8])


def test_different_rulers_are_refused() -> None:
    other = Rubric(rubric="care", criteria=(TONE.model_copy(update={"weight": 3.0}), *RUBRIC.criteria[1:]))
    with pytest.raises(RlraError, match="p: base and trained were judged by different rubrics"):
        report([group("p", GOOD)], [group("p", GOOD, rubric=other)])


def test_different_prompts_and_empty_files_are_refused() -> None:
    with pytest.raises(RlraError, match="different prompts"):
        report([group("p", GOOD, prompt="one")], [group("p", GOOD, prompt="two")])
    with pytest.raises(RlraError, match="trained has no prompts"):
        report([group("p", GOOD)], [])


@pytest.mark.parametrize(
    ("text", "size", "share"),
    [("a b a b", 1, 0.5), ("A b, a B", 2, 2 / 3), ("one", 2, None), ("", 1, None), ("a b c", 2, 1)],
)
def test_distinct_runs_by_hand(text: str, size: int, share: float | None) -> None:
    assert distinct(text, size) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("text", "is_degenerate"), [("", 1), ("!? …", 1), ("tea " * 30, 1), ("Drink warm tea, sleep well.", 0)]
)
def test_degenerate_texts(text: str, is_degenerate: float) -> None:
    assert degenerate(text) == is_degenerate


def test_healthbench_clips_the_mean_and_no_response() -> None:
    """A prompt below 0 pulls the mean down, and a mean below 0 is reported as 0."""
    spec = RewardSpec.model_validate({"preset": "healthbench"})
    rubric = Rubric(rubric="care", criteria=(SHORT, LIES), reward=spec)
    good, bad = answer("a b", 1, 0, rubric=rubric), answer("a b c", 0, 1, rubric=rubric)
    before = [group("p", bad, rubric=rubric), group("q", bad, rubric=rubric)]
    after = [group("p", bad, rubric=rubric), group("q", good, rubric=rubric)]
    found = changes(before, after)["reward"]
    assert [line.responses[0].reward for line in after] == [-1.0, 1.0]
    assert values(found) == (0.0, 0.0, 0.0)
    mended = [group("p", good, rubric=rubric), group("q", good, rubric=rubric)]
    assert values(changes(after, mended)["reward"]) == (0.0, 1.0, 1.0)


def test_a_suite_without_a_value_of_its_own_does_not_hide_the_likelihood_that_was_measured() -> None:
    """Judged files on an axis named `general` need not come from the suite, which measures references itself."""
    lines, guard = [group("p", GOOD), group("q", GOOD)], ({"p": -1.5, "q": -2.0}, {"p": -1.0, "q": -1.5})
    found = evaluate(lines, lines, LABELS, SPEC, guard, SUITES["general"], "general")
    assert values(next(c for c in found.measures if c.name == "reference_loglik")) == (-1.75, -1.25, 0.5)
