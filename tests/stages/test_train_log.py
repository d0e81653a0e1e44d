"""What a run says of its steps, and when the training reward and a gold judge part."""

from collections import Counter
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.judged import Judged
from schemas.rubric import Criterion, Rubric
from schemas.train_log import TrainLog
from stages.train import TrainSpec
from stages.training.advantages import scored_groups
from stages.training.log import StepLog
from stages.training.parting import ALARMS, FEWEST, Held, parting, training_at
from stages.training.staged import train_staged
from stages.training.step_measures import shared_criteria, step_measures
from tests.judged_lines import RUBRIC, answer, group
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

WIDE: dict[str, Any] = {"max_kl": 1e9, "min_ess": 0, "max_clip": 1}
SPEC = TrainSpec(bf16=False, learning_rate=1e-3, prompts_per_step=2, micro_batch=4, save_every=0, epochs=2, **WIDE)

# The measures of a step.


def test_the_measures_of_a_step_are_means_over_what_is_there() -> None:
    good, vetoed = answer("a b", 2, 1, 0, 0), answer("a b c d", 2, 1, 0, 1, finish="length")
    failed = answer("a b c d e f", "failed", 1, 0, 0)
    gone = answer("", *["failed"] * 4, finish="failed")
    found = step_measures([group("p", good, vetoed), group("q", good, failed, gone)], frozenset({"tone", "rude"}))
    assert found == {
        "reward_spread": pytest.approx(stdev([1.0, 0.0])),  # the other group has one reward
        "length": (2 + 4 + 2 + 6) / 4,
        "truncated": 1 / 4,
        "veto_rate": 1 / 4,
        "judge_failed": 1 / 4,  # what was never answered could not be judged
        "met/tone": 1.0,
        "met/rude": 1 / 4,
        "met/instance": 4 / 8,  # short is met four times, lies never
    }


def test_a_step_of_which_nothing_is_known_has_no_zeros() -> None:
    found = step_measures([group("p", answer("", *["failed"] * 4, finish="failed"))], frozenset())
    assert found == {}


def test_only_criteria_that_every_prompt_has_are_named() -> None:
    other = Rubric(rubric="other", criteria=(RUBRIC.criteria[0], Criterion(id="own", text="Own.")))
    assert shared_criteria([RUBRIC, RUBRIC]) == {"tone", "short", "lies", "rude"}
    assert shared_criteria([RUBRIC, other]) == {"tone"}
    assert shared_criteria([]) == frozenset()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Judged], list[TrainLog]]:
    folder, log = tiny_model(tmp_path_factory.mktemp("tiny")), list[TrainLog]()
    groups = sampled(folder, 5)
    work = scored_groups(groups, SPEC.scale_rewards, 0, Counter())
    train_staged(work, str(folder), SPEC, Path(folder / "checkpoints"), 1, log.append)
    return groups, log


def test_a_staged_step_logs_the_measures_of_its_own_groups(run: tuple[list[Judged], list[TrainLog]]) -> None:
    """The reward, which the trainer takes from its rows, says which groups were in a step."""
    groups, log = run
    assert [(line.step, line.steps) for line in log] == [(step, 6) for step in range(1, 7)]
    by_reward = {}
    for first, one in enumerate(groups):
        for two in [one, *groups[first + 1 :]]:
            pair = [one] if one is two else [one, two]
            by_reward[round(fmean(r.reward or 0.0 for g in pair for r in g.responses), 5)] = pair
    for line in log:
        pair = by_reward[round(line.metrics["reward"], 5)]
        expected = step_measures(pair, frozenset({"good"}))
        assert {"reward_spread", "length", "truncated", "judge_failed", "met/good"} == set(expected)
        assert {name: line.metrics[name] for name in expected} == pytest.approx(expected)


def test_the_parts_of_a_step_add_up(run: tuple[list[Judged], list[TrainLog]]) -> None:
    for line in run[1]:
        assert 0 < line.metrics["seconds/step"] == line.metrics["seconds/learning"]
        assert line.metrics["step_time"] <= line.metrics["seconds/step"] + 0.01
    assert sum(line.metrics["seconds/step"] for line in run[1]) <= run[1][-1].seconds


class State:
    """What the trainer tells its callbacks."""

    is_world_process_zero, global_step, max_steps = True, 2, 5


def logged(logs: dict[str, Any], **state: Any) -> list[TrainLog]:
    lines: list[TrainLog] = []
    told = State()
    vars(told).update(state)
    StepLog(lines.append, [{"length": 1.0}, {"length": 2.0}]).on_log(None, told, None, logs)
    return lines


def test_sampling_and_judging_are_not_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 11.0])
    monkeypatch.setattr("stages.training.log.time.monotonic", lambda: next(clock))
    (line,) = logged({"loss": 0.1, "seconds/sampling": 6.0, "seconds/judging": 1.5})
    assert (line.metrics["seconds/step"], line.metrics["seconds/learning"]) == (10.0, 2.5)


def test_a_line_has_the_measures_of_its_step_and_no_value_that_is_not_finite() -> None:
    (line,) = logged({"loss": float("nan"), "grad_norm": 2.0, "kl": None, "name": "x"})
    assert line.metrics.items() >= {"grad_norm": 2.0, "length": 2.0}.items()
    assert not {"loss", "kl", "name"} & set(line.metrics)


def test_other_processes_and_other_lines_are_silent() -> None:
    assert logged({"loss": 0.1}, is_world_process_zero=False) == []
    assert logged({"train_runtime": 9.0}) == []


# The gold judge.


def points(training: list[float], gold: list[np.ndarray]) -> list[Held]:
    return [
        Held(10 * n, reward, {f"p{i}": float(value) for i, value in enumerate(values)})
        for n, (reward, values) in enumerate(zip(training, gold, strict=True))
    ]


def noise(seed: int, prompts: int, looks: int, spread: float = 0.2) -> list[np.ndarray]:
    """Return gold rewards that never change but for chance: prompts differ, and each look at one differs."""
    random = np.random.default_rng(seed)
    return list(random.uniform(0, 1, prompts) + random.normal(0, spread, (looks, prompts)))


def test_a_fall_under_a_rising_reward_is_found_at_its_step() -> None:
    gold = [values + drop for values, drop in zip(noise(1, 60, 5), (0, 0.05, 0.1, -0.3, -0.4), strict=True)]
    found = parting(points([0.2, 0.3, 0.4, 0.5, 0.6], gold))
    assert found is not None
    assert (found.since, found.step, found.prompts) == (20, 30, 60)
    assert found.rose == pytest.approx(0.1) and found.fell == pytest.approx(gold[2].mean() - gold[3].mean())
    assert found.says.startswith("from step 20 to 30 the training reward rose by 0.100 and the gold judge's fell by 0.")


@given(st.integers(0, 10**6), st.integers(0, 40), st.integers(1, 8), st.floats(-1, 1))
def test_nothing_parts_unless_one_rises_and_the_other_falls(seed: int, prompts: int, looks: int, slope: float) -> None:
    gold = [values - 0.5 * n for n, values in enumerate(noise(seed, prompts, looks))]
    rising = [slope * n for n in range(looks)]
    found = parting(points(rising, gold))
    if slope <= 0 or prompts < FEWEST or looks < 2:
        assert found is None
    else:
        assert found is not None and found.step == 10
    assert parting(points(rising, gold[::-1])) is None


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 8), st.randoms(use_true_random=False))
def test_a_parting_is_known_as_soon_as_it_is_there_and_stays(seed: int, looks: int, random: Any) -> None:
    """What comes later changes nothing about what was found, and the order of prompts is none."""
    gold = [values - 0.1 * n for n, values in enumerate(noise(seed, 30, looks))]
    all_points = points([0.1 * n for n in range(looks)], gold)
    found = parting(all_points)
    until = [parting(all_points[:count]) for count in range(1, looks + 1)]
    assert next((early for early in until if early), None) == found
    mixed = [Held(p.step, p.training, dict(random.sample(sorted(p.gold.items()), 30))) for p in all_points]
    assert parting(mixed) == found


@pytest.mark.parametrize("prompts", [FEWEST, 100])
def test_chance_alone_seldom_raises_an_alarm_however_often_one_looks(prompts: int) -> None:
    """In 400 runs whose gold reward never moved, looked at 12 times; 4 standard errors above the promised share."""
    runs = 400
    alarms = sum(parting(points([0.01 * n for n in range(12)], noise(n, prompts, 12))) is not None for n in range(runs))
    assert alarms / runs <= ALARMS + 4 * (ALARMS * (1 - ALARMS) / runs) ** 0.5


def test_the_training_reward_at_a_point_is_the_mean_of_the_last_steps() -> None:
    steps, rewards = list(range(1, 11)), [float(n) for n in range(1, 11)]
    assert training_at(steps, rewards, 7) == fmean([3, 4, 5, 6, 7])
    assert training_at(steps, rewards, 2) == 1.5
    assert training_at(steps, rewards, 0) == fmean([1, 2, 3, 4, 5])
    with pytest.raises(ValueError):
        training_at([], [], 3)
