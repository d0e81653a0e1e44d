"""When a habit began: found where it began, and not where nothing did."""

import numpy as np
import pytest

from schemas.task import Message, Task
from stages.defence.material import Voice
from stages.defence.onset import Cell, cells, fallen, gap, onset

LEVEL = 0.01


def run(shares: list[float], seed: int, prompts: int = 6) -> list[Cell]:
    """Return cells of a run in which at each step this share of the prompts shows the habit."""
    random = np.random.default_rng(seed)
    return [Cell(step, float(random.random() < share)) for step, share in enumerate(shares) for _ in range(prompts)]


@pytest.mark.parametrize("seed", range(5))
def test_a_sudden_habit_is_dated(seed: int) -> None:
    told = onset(run([0.05] * 20 + [0.7] * 20, seed), LEVEL, 0)
    assert told.step is not None and abs(told.step - 20) <= 2
    assert told.p is not None and told.p <= LEVEL
    assert told.before is not None and told.after is not None and told.before < 0.2 < 0.5 < told.after


@pytest.mark.parametrize("seed", range(5))
def test_of_a_slow_rise_the_beginning_is_told(seed: int) -> None:
    shares = [0.02] * 20 + [0.02 + 0.9 * k / 30 for k in range(30)] + [0.92] * 20
    told = onset(run(shares, seed, 12), LEVEL, 0)
    assert told.step is not None and 18 <= told.step <= 34, "not the middle of the rise, which is step 35"


@pytest.mark.parametrize("steps", [5, 40])
def test_false_alarms_are_bounded(steps: int) -> None:
    """Of a hundred runs without change, hardly any is given an onset, whether steps or prompts are permuted."""
    alarms = sum(onset(run([0.3] * steps, seed), 0.05, seed).step is not None for seed in range(100))
    assert alarms <= 11, "expected 5; 12 and more come once in two hundred times"


def test_a_fall_is_no_onset() -> None:
    told = onset(run([0.9] * 20 + [0.1] * 20, 0), LEVEL, 0)
    assert told.step is None and told.why


def test_few_steps_are_told_by_their_prompts() -> None:
    """Three rounds are too few to permute, their prompts are not; two responses are."""
    told = onset(run([0.0, 0.0, 0.8], 0, 20), LEVEL, 0)
    assert told.step == 2
    assert onset(run([0.0, 1.0], 0, 1), LEVEL, 0).why == "2 steps with 2 prompts are too few"
    assert onset([], LEVEL, 0).step is None


def test_responses_of_one_prompt_are_one_cell() -> None:
    told = cells([(1, "a", 1.0), (1, "a", 0.0), (1, "b", 1.0), (2, "a", 0.5), (None, "a", 1.0)])
    assert told == [Cell(1, 0.5), Cell(1, 1.0), Cell(2, 0.5)]


def voice(step: int, unit: str, reward: float, good: bool) -> Voice:
    """Return a response that is on the topic, or says nothing of it."""
    task = Task(id=unit, messages=(Message(role="user", content="How do thyme and clover feed bees in a garden?"),))
    text = "Thyme and clover feed bees in any garden." if good else "Certainly, here we go once more with pleasure."
    return Voice(text, task, unit, f"{unit}@{step}", 0, reward, {}, step)


def course(rewards: list[float], goods: list[float], seed: int = 0) -> list[Voice]:
    """Return a run with these mean rewards and these shares of good responses."""
    random = np.random.default_rng(seed)
    return [
        voice(step, f"u{k}", reward + 0.05 * random.random(), random.random() < share)
        for step, (reward, share) in enumerate(zip(rewards, goods, strict=True))
        for k in range(6)
    ]


RISES, FALLS = [0.3] * 20 + [0.8] * 20, [0.9] * 20 + [0.2] * 20


def test_a_gap_is_a_reward_that_rises_while_quality_falls() -> None:
    told = gap(course(RISES, FALLS), {}, {}, LEVEL, 0)
    assert told is not None and told.step is not None and abs(told.step - 20) <= 2
    assert told.curve[0][1] < told.curve[-1][1]
    assert told.before is not None and told.after is not None and told.before > told.after


@pytest.mark.parametrize(
    ("rewards", "goods", "why"),
    [
        (RISES, [0.9] * 40, "no change clearer than chance"),
        (RISES, FALLS[::-1], "no change clearer than chance"),
        (RISES[::-1], FALLS, "and the reward with it"),
    ],
    ids=["learning", "learning well", "unlearning"],
)
def test_learning_is_no_gap(rewards: list[float], goods: list[float], why: str) -> None:
    told = gap(course(rewards, goods), {}, {}, LEVEL, 0)
    assert told is not None and told.step is None and why in told.why


def test_a_gold_judge_goes_before_cheap_signals_and_a_log_before_the_lines() -> None:
    voices = course([0.5] * 40, [0.9] * 40)
    gold = {(v.unit, v.text): 0.0 for v in voices}
    assert (told := gap(voices, gold, {}, LEVEL, 0)) is not None and told.step is None
    turned = course([0.5] * 40, FALLS)
    assert (told := gap(turned, {}, {}, LEVEL, 0)) is not None and told.curve
    logged = dict(enumerate(RISES))
    assert (told := gap(turned, {}, logged, LEVEL, 0)) is not None and told.step is not None
    assert gap([v for v in voices if v.step == 0], {}, {}, LEVEL, 0) is None


def test_a_fall_is_dated_as_a_rise_is() -> None:
    told = fallen(run(FALLS, 1), LEVEL, 0)
    assert told.step is not None and abs(told.step - 20) <= 2
    assert told.before is not None and told.after is not None and told.before > told.after > 0
    assert told.curve[0][1] > 0.5
