"""Rewards of a group → advantages: the formulas by hand, and why groups are dropped."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.judged import Judged, JudgedResponse
from schemas.rollouts import Tokens, pack
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.training.advantages import Scale, Scored, advantages, scored_groups, widest
from tests.judged_lines import policy, verdict

GOOD = Criterion(id="good", text="Is good.")
RUBRIC = Rubric(rubric="r", criteria=(GOOD,))
TOKENS = Tokens(ids=pack([7, 8], "i"), logprobs=pack([-1.0, -2.0], "f"))


def response(reward: float | None, vetoed: bool = False, **more: Any) -> JudgedResponse:
    said = verdict(GOOD, "failed" if reward is None else 1, "")
    fields = {"text": "x", "finish": "stop", "length": 2, "tokens": TOKENS, "verdicts": (said,), **more}
    return JudgedResponse(reward=reward, vetoed_by=("rude",) if vetoed else (), **fields)


def group(name: str, *rewards: float | None) -> Judged:
    return of(name, [response(reward) for reward in rewards])


def of(name: str, responses: Sequence[JudgedResponse]) -> Judged:
    turn = Message(role="user", content="x")
    return Judged(id=name, messages=(turn,), rubric=RUBRIC, policy=policy(), responses=tuple(responses))


def scored(*groups: Judged, scale: Scale = "group", keep: int = 0) -> tuple[list[Scored], Counter[str]]:
    dropped: Counter[str] = Counter()
    return scored_groups(groups, scale, keep, dropped), dropped


# The formulas.


def test_group_scale_divides_by_the_unbiased_spread_of_the_group() -> None:
    rewards = [0.0, 0.25, 1.0, 0.75]
    expected = (np.array(rewards) - 0.5) / (np.sqrt(0.625 / 3) + 1e-4)
    kept, dropped = scored(group("a", *rewards))
    assert kept[0].advantages == pytest.approx(expected, abs=1e-12)
    assert kept[0].responses == kept[0].group.responses
    assert dropped == {}


def test_without_scale_the_centred_rewards_are_the_advantages() -> None:
    kept, _ = scored(group("a", 0.0, 0.25, 1.0, 0.75), scale="none")
    assert kept[0].advantages == pytest.approx([-0.5, -0.25, 0.5, 0.25], abs=1e-15)


def test_batch_scale_divides_by_the_spread_of_all_learnable_groups_together() -> None:
    a, b = [0.0, 1.0], [0.2, 0.2, 0.8]
    centred = [np.array(a) - 0.5, np.array(b) - 0.4]
    spread = np.concatenate(centred).std(ddof=1) + 1e-4
    kept, dropped = scored(group("a", *a), group("flat", 0.9, 0.9), group("b", *b), scale="batch")
    assert [one.group.id for one in kept] == ["a", "b"]
    assert kept[0].advantages == pytest.approx(centred[0] / spread, abs=1e-12)
    assert kept[1].advantages == pytest.approx(centred[1] / spread, abs=1e-12)
    assert dropped == {"no_spread": 1}


def test_group_scale_divides_as_torch_does_and_so_trl() -> None:
    import torch

    rewards = torch.tensor([0.1, 0.9, 0.4, 0.4, 0.0])
    expected = (rewards - rewards.mean()) / (rewards.std() + 1e-4)
    assert advantages(rewards.double().numpy(), "group") == pytest.approx(expected.tolist(), abs=1e-6)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9), st.sampled_from(["group", "none"]))
def test_advantages_sum_to_zero_and_keep_the_order_of_rewards(values: list[float], scale: Scale) -> None:
    rewards = np.array(values)
    found = advantages(rewards, scale)
    assert float(found.sum()) == pytest.approx(0, abs=1e-6)
    assert all(
        (found[i] <= found[j]) or rewards[i] > rewards[j] for i in range(len(values)) for j in range(len(values))
    )


def test_advantages_do_not_depend_on_the_level_of_the_rewards() -> None:
    low, high = scored(group("a", 0.0, 0.5, 1.0), group("b", 10.0, 10.5, 11.0))[0]
    assert low.advantages == pytest.approx(high.advantages, abs=1e-9)


# What takes part.


def test_null_rewards_take_part_in_nothing() -> None:
    with_null, without = scored(group("a", 0.0, None, 1.0, None, 0.25), group("b", 0.0, 1.0, 0.25))[0]
    assert with_null.advantages == without.advantages
    assert [r.reward for r in with_null.responses] == [0.0, 1.0, 0.25]


@pytest.mark.parametrize("scale", ["group", "none", "batch"])
def test_responses_that_cannot_be_learned_from_take_part_in_nothing(scale: Scale) -> None:
    whole = [response(0.0), response(1.0), response(0.25)]
    failed = response(1.0, finish="failed", error="too long", text="", length=0, tokens=None)
    kept = scored(of("a", [failed, *whole, response(0.7, tokens=None), response(0.7, length=0)]), scale=scale)[0]
    assert kept[0].advantages == scored(of("a", whole), scale=scale)[0][0].advantages
    assert kept[0].responses == tuple(whole)


def test_a_vetoed_response_is_scored_with_its_group() -> None:
    kept, dropped = scored(of("a", [response(0.0, vetoed=True), response(0.5), response(1.0)]))
    assert kept[0].advantages == scored(group("b", 0.0, 0.5, 1.0))[0][0].advantages
    assert dropped == {}


def silent() -> JudgedResponse:
    """Return a response that could not be sampled."""
    return response(None, text="", finish="failed", length=0, tokens=None, error="engine: out of memory")


@pytest.mark.parametrize(
    ("responses", "reason"),
    [
        ([response(None), response(None)], "judge_failed"),
        ([response(None)], "judge_failed"),
        ([silent(), silent()], "sampling_failed"),
        ([silent(), response(None)], "judge_failed"),
        ([response(None), response(0.3)], "too_few_scored"),
        ([response(0.3)], "too_few_scored"),
        ([response(0.3), response(0.9, tokens=None)], "too_few_scored"),
        ([response(0.3), response(0.9, length=0)], "too_few_scored"),
        ([response(0.0, vetoed=True), response(0.0, vetoed=True)], "all_vetoed"),
        ([response(0.0, vetoed=True), response(0.0, vetoed=True), response(None)], "all_vetoed"),
        ([response(0.0, vetoed=True), response(1e-3, vetoed=True)], "all_vetoed"),
        ([response(0.5), response(0.5)], "no_spread"),
        ([response(0.5), response(0.5 + 5e-7)], "no_spread"),
        ([response(0.5), response(0.5), response(None)], "no_spread"),
        ([response(0.0, vetoed=True), response(0.0)], "no_spread"),
    ],
)
def test_a_group_is_dropped_whole_and_counted_by_reason(responses: list[JudgedResponse], reason: str) -> None:
    good = group("good", 0.0, 1.0)
    kept, dropped = scored(good, of("a", responses), good.model_copy(update={"id": "also"}), of("b", responses))
    assert [one.group.id for one in kept] == ["good", "also"]
    assert dropped == {reason: 2}


def test_the_least_spread_that_counts() -> None:
    assert scored(group("a", 0.5, 0.5 + 2e-6))[1] == {}


def test_a_spread_beyond_the_kept_ones_is_decided_on_the_whole_group() -> None:
    kept, dropped = scored(group("a", 0.5, 0.5, 0.5, 0.6), keep=2)
    assert dropped == {}
    assert kept[0].advantages == pytest.approx(advantages(np.array([0.5, 0.6]), "group"))


# Which responses are worth a backward pass.


@pytest.mark.parametrize("scale", ["group", "none", "batch"])
@given(st.lists(st.floats(0, 1), min_size=3, max_size=8).filter(lambda found: np.ptp(found) > 0.01), st.integers(2, 6))
def test_the_kept_responses_are_compared_among_themselves(scale: Scale, rewards: list[float], keep: int) -> None:
    """Then their advantages sum to 0: the group as a whole is made neither likelier nor less likely."""
    kept = scored(group("a", *rewards), keep=keep, scale=scale)[0][0]
    own = [r.reward for r in kept.responses if r.reward is not None]
    assert len(own) == min(keep, len(rewards))
    assert kept.advantages == scored(group("a", *own), scale=scale)[0][0].advantages
    assert sum(kept.advantages) == pytest.approx(0, abs=1e-9)
    assert kept.reward == pytest.approx(sum(rewards) / len(rewards))


def test_keeping_more_than_there_are_keeps_all() -> None:
    assert scored(group("a", 0.1, 0.9), keep=5)[0] == scored(group("a", 0.1, 0.9))[0]


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 4).map(float), st.floats(0, 1)), min_size=2, max_size=8), st.data())
def test_widest_is_as_wide_as_any_subset(values: list[float], data: st.DataObject) -> None:
    rewards = np.array(values)
    keep = data.draw(st.integers(2, len(values)))
    found = widest(rewards, keep)
    assert len(found) == len(set(found)) == keep
    assert found == sorted(found)
    best = max(float(rewards[list(subset)].var()) for subset in combinations(range(len(values)), keep))
    assert float(rewards[found].var()) == pytest.approx(best, abs=1e-9)


def test_among_equally_wide_subsets_the_balanced_one_is_kept() -> None:
    rewards = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert rewards[widest(rewards, 4)].tolist() == [1.0, 1.0, 0.0, 0.0]
