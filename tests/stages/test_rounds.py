"""What a round of training is, what held-out prompts say of it, and when it is the last: promises without a model."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rlra_cli.round_options import RoundOptions
from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.manifest import Manifest, Recipe
from schemas.report import Change
from schemas.train_log import TrainLog
from stages.rounds import HeldOut, alarm, best, continued, held_out, seed_of, spent, taken, tasks_of
from tests.judged_lines import answer, group
from tests.stages.training_groups import RUBRIC, tasks

sizes = st.integers(1, 12)


@given(total=sizes, count=st.integers(0, 15), seed=st.integers(0, 3), rounds=st.integers(1, 9))
def test_rounds_take_the_tasks_in_turn(total: int, count: int, seed: int, rounds: int) -> None:
    """No round has a task twice, and over any number of rounds no task is two turns ahead of another."""
    seen: Counter[str] = Counter()
    for number in range(1, rounds + 1):
        chosen = [task.id for task in tasks_of(tasks(total), number, count, seed)]
        assert len(chosen) == len(set(chosen)) == min(count or total, total)
        seen.update(chosen)
    turns = [seen[task.id] for task in tasks(total)]
    assert max(turns) - min(turns) <= 1


@given(total=sizes, count=st.integers(0, 15))
def test_a_task_that_comes_again_is_sampled_by_another_seed(total: int, count: int) -> None:
    """And as long as none did, the seed is the one that was given: so it is by hand."""
    seeds: dict[str, set[int]] = {task.id: set() for task in tasks(total)}
    for number in range(1, 10):
        seed = seed_of(7, number, count, total)
        chosen = tasks_of(tasks(total), number, count, 0)
        assert seed == 7 or number * len(chosen) > total
        for task in chosen:
            assert seed not in seeds[task.id]
            seeds[task.id].add(seed)


def test_the_order_of_tasks_is_drawn_by_the_seed_alone() -> None:
    given_, turned = tasks(9), list(reversed(tasks(9)))
    assert tasks_of(given_, 1, 5, 3) == tasks_of(turned, 1, 5, 3)
    assert tasks_of(given_, 1, 5, 3) != tasks_of(given_, 1, 5, 4)
    assert tasks_of(given_, 1, 5, 3) != given_[:5]


def rounds_of(*gains: float) -> list[HeldOut]:
    """Return what stands after rounds with such gains, the start before them."""
    changes = [
        Change(name="reward", better="higher", before=0, after=g, change=g, low=g, high=g, prompts=1) for g in gains
    ]
    return [HeldOut(n, {"a": 0.0}, change) for n, change in enumerate([None, *changes])]


@pytest.mark.parametrize(
    ("gains", "patience", "number", "why"),
    [
        ([0.1, 0.3, 0.2], 1, 2, "no better held-out reward since round 2"),
        ([0.1, 0.3, 0.2], 2, 2, None),
        ([0.1, 0.3, 0.2], 0, 2, None),
        ([0.3, 0.3, 0.3], 2, 1, "no better held-out reward since round 1"),
        ([-0.2, -0.1], 2, 2, "no better held-out reward since the start"),
        ([-0.1, 0.0], 2, 2, "no better held-out reward since the start"),
        ([0.1], 1, 1, None),
        ([], 1, 0, None),
    ],
)
def test_the_best_round_and_the_end_of_patience(
    gains: list[float], patience: int, number: int, why: str | None
) -> None:
    """The untrained model is what a round has to beat, but never the result of a run that had a round."""
    assert best(rounds_of(*gains)) == number
    assert spent(rounds_of(*gains), patience) == why


def lines(*rewards: float | None) -> list[Judged]:
    """Return judged lines of one answer each, with such rewards."""
    found = [group(f"p{n}", answer("Yes.", 1, rubric=RUBRIC), rubric=RUBRIC) for n in range(len(rewards))]
    return [
        line.model_copy(update={"responses": (line.responses[0].model_copy(update={"reward": reward}),)})
        for line, reward in zip(found, rewards, strict=True)
    ]


def test_what_held_out_prompts_say_is_paired_with_the_start() -> None:
    start, now = lines(0.2, 0.4, None, 0.5), lines(0.6, None, 0.9, 0.6)
    assert held_out(0, start, start, 0).metrics() == {"held_out": pytest.approx(np.mean([0.2, 0.4, 0.5]))}
    found = held_out(2, start, now, 0)
    assert found.rewards == pytest.approx({"p0": 0.6, "p2": 0.9, "p3": 0.6})
    metrics = found.metrics("held_out_gold")
    assert metrics["held_out_gold"] == pytest.approx(0.6)
    assert metrics["held_out_gold_gain"] == pytest.approx(0.25)
    assert metrics["held_out_gold_low"] <= 0.25 <= metrics["held_out_gold_high"]


@pytest.mark.parametrize(("start", "now"), [([0.5, None], [None, 0.5]), ([0.5, 0.5], [None, None])])
def test_without_a_prompt_to_compare_it_says_so(start: Any, now: Any) -> None:
    with pytest.raises(RlraError, match="round 1: no held-out"):
        held_out(1, lines(*start), lines(*now), 0)


def test_a_gold_judge_that_parts_from_the_training_reward_is_told_of() -> None:
    """Forty prompts, of which the gold judge thinks less after each round while the reward rises."""
    names = [f"p{n}" for n in range(40)]
    own = rounds_of(0.2, 0.4)
    falling = [HeldOut(n, {name: 0.9 - 0.3 * n + 0.001 * i for i, name in enumerate(names)}, None) for n in range(3)]
    said = alarm(own, falling, [0, 10, 20])
    assert said and "from step 0 to 10 the training reward rose by 0.200 and the gold judge's fell by 0.300" in said
    assert alarm(own, [falling[0]] * 3, [0, 10, 20]) is None


def test_the_logs_of_rounds_become_one() -> None:
    log = [
        TrainLog(id="step-000001", step=1, steps=1, seconds=2.5),
        TrainLog(id="end", step=1, seconds=0, event="finished"),
    ]
    first, last = continued(log, 3, step=8, seconds=40.0)
    assert (first.id, first.step, first.seconds, first.meta) == ("round-3-step-000001", 9, 42.5, {"round": 3})
    assert (last.id, last.step, last.event) == ("round-3-end", 9, "finished")
    assert first.steps is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rounds": 2, "patience": 2}, "go with --held-out"),
        ({"rounds": 2, "gold_judge": ("openai:x",)}, "go with --held-out"),
    ],
)
def test_options_that_would_have_no_effect_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RoundOptions(**given)


def made(stage: str, **counts: float) -> Manifest:
    return Manifest(recipe=Recipe(stage=stage, rlra="1", spec={}, inputs={}), run={"counts": counts})


def test_what_rounds_took_is_added_up_and_no_response_twice() -> None:
    found = taken(
        [
            made("train", records=4),
            made("rollout", records=4, responses=8, tokens=90, cut_off=3),
            made("judge", records=4, responses=8, failed=1, calls=9, tokens_in=70, tokens_out=20, usd=0.25),
            made("select-data", records=3, dropped_below_band=1),
            made("rollout", records=4, responses=8, tokens=10),
            made("judge", records=4, responses=8, calls=1, usd=0.5),
            made("select-data", records=2, dropped_below_band=1, dropped_no_spread=1),
        ]
    )
    used = {"tokens": 100, "calls": 10, "tokens_in": 70, "tokens_out": 20, "usd": 0.75}
    assert found == {"responses": 16, **used, "kept": 5, "dropped_below_band": 2, "dropped_no_spread": 1}
    assert taken([made("rollout", responses=0), made("select-data")]) == {"responses": 0, "kept": 0}
