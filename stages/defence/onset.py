"""When a habit began in the course of a run, by a change-point whose chance is told by permutations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from schemas.findings import Onset
from stages.defence.contrasts import quality
from stages.defence.material import Voice

DRAWS = 1_999
FEWEST_STEPS = 12
"""Steps from which on they are what is permuted; with fewer it is the prompts, wherever they stand."""
FEWEST_CELLS = 12
SMOOTHED = 5
"""Steps in the mean that the curve shows."""


@dataclass(frozen=True)
class Cell:
    """The mean value of one prompt at one step."""

    step: int
    value: float


def cells(values: Sequence[tuple[int | None, str, float]]) -> list[Cell]:
    """Return one cell for each prompt and step out of (step, prompt, value) of responses; without a step none."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for step, unit, value in values:
        if step is not None:
            found[step, unit].append(value)
    return [Cell(step, fmean(each)) for (step, _), each in sorted(found.items())]


def onset(found: Sequence[Cell], level: float, seed: int) -> Onset:
    """Return the first step at which the mean rose for good.

    The change-point is the split of the steps at which the mean after lies most standard errors above the mean before
    (the CUSUM statistic). It counts where no more than `level` of the permuted runs have as clear a split anywhere.
    Then what lies before it is searched in the same way, so that of a slow rise the beginning is told.
    Nothing began where nothing passes: of runs without any change so many at most are given an onset.
    """
    by_step: dict[int, list[float]] = defaultdict(list)
    for cell in found:
        by_step[cell.step].append(cell.value)
    steps = sorted(by_step)
    curve = tuple(zip(steps, _smoothed([fmean(by_step[step]) for step in steps]), strict=True))
    if len(steps) < 2 or len(found) < FEWEST_CELLS:
        return Onset(step=None, p=None, curve=curve, why=f"{len(steps)} steps with {len(found)} prompts are too few")
    last: Onset | None = None
    while (change := _change(steps, by_step, level, seed)) and change[1] <= level:
        before, after = steps[: change[0]], steps[change[0] :]
        last = Onset(
            step=after[0], p=change[1] if last is None else last.p, before=_mean(before, by_step),
            after=_mean(after, by_step) if last is None else last.after, curve=curve,
        )  # fmt: skip
        steps = before
        if len(steps) < FEWEST_STEPS:
            break
    if last:
        return last
    return Onset(step=None, p=change[1] if change else None, curve=curve, why="no change clearer than chance")


def fallen(found: Sequence[Cell], level: float, seed: int) -> Onset:
    """Return the first step at which the mean fell for good, as `onset` does; the curve is the one that fell."""
    said = onset([Cell(cell.step, -cell.value) for cell in found], level, seed)
    turned = tuple((step, -value) for step, value in said.curve)
    before, after = (None if value is None else -value for value in (said.before, said.after))
    return said.model_copy(update={"curve": turned, "before": before, "after": after})


def _mean(steps: Sequence[int], by_step: Mapping[int, Sequence[float]]) -> float:
    return fmean(value for step in steps for value in by_step[step])


def _smoothed(values: Sequence[float]) -> list[float]:
    half = SMOOTHED // 2
    return [fmean(values[max(0, k - half) : k + half + 1]) for k in range(len(values))]


def _change(
    steps: Sequence[int], by_step: Mapping[int, Sequence[float]], level: float, seed: int
) -> tuple[int, float] | None:
    """Return how many steps lie before the clearest rise, and its chance; None where there is no room for one."""
    if len(steps) < 2:
        return None
    if len(steps) >= FEWEST_STEPS:
        values = np.array([fmean(by_step[step]) for step in steps])
        splits = np.arange(1, len(steps))
    else:
        values = np.array([value for step in steps for value in by_step[step]])
        splits = np.cumsum([len(by_step[step]) for step in steps])[:-1]
    seen = _statistics(values[None, :], splits)[0]
    random = np.random.default_rng(seed)
    drawn = _statistics(random.permuted(np.tile(values, (DRAWS, 1)), axis=1), splits).max(axis=1)
    at = int(seen.argmax())
    return at + 1, (1 + int((drawn >= seen[at] - 1e-12).sum())) / (1 + DRAWS)


def _statistics(rows: NDArray[np.float64], splits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each row and split, how far the mean after lies above the mean before, in its own standard errors."""
    size = rows.shape[1]
    sums = np.cumsum(rows, axis=1)
    before, total = sums[:, splits - 1], sums[:, -1:]
    rise = (total - before) / (size - splits) - before / splits
    return np.asarray(rise * np.sqrt(splits * (size - splits) / size))


def gap(
    voices: Sequence[Voice],
    gold: Mapping[tuple[str, str], float],
    training: Mapping[int, float],
    level: float,
    seed: int,
) -> Onset | None:
    """Return the first step from which on quality is lower while the reward is higher; None for voices without steps.

    Quality is the gold judge's reward where it judged, else cheap signals. A reward that rises while quality stays is
    no gap: that is what learning looks like to signals that see little. The curve is reward minus quality, each in its
    own standard deviations.
    """
    judged = [(v, gold.get((v.unit, v.text)) if gold else quality(v)) for v in voices if v.step is not None]
    worth = cells([(v.step, v.unit, value) for v, value in judged if value is not None])
    steps = sorted({cell.step for cell in worth})
    if len(steps) < 2:
        return None
    rewards = {step: training[step] for step in steps if step in training} or _means(
        cells([(v.step, v.unit, v.reward) for v in voices if v.reward is not None])
    )
    told, curve = fallen(worth, level, seed), _difference(rewards, _means(worth))
    if told.step is None:
        return told.model_copy(update={"curve": curve})
    before = [value for step, value in rewards.items() if step < told.step]
    after = [value for step, value in rewards.items() if step >= told.step]
    if not before or not after or fmean(after) <= fmean(before):
        return Onset(step=None, p=told.p, curve=curve, why=f"quality fell at step {told.step}, and the reward with it")
    return told.model_copy(update={"curve": curve})


def _means(found: Sequence[Cell]) -> dict[int, float]:
    by_step: dict[int, list[float]] = defaultdict(list)
    for cell in found:
        by_step[cell.step].append(cell.value)
    return {step: fmean(values) for step, values in sorted(by_step.items())}


def _difference(rewards: Mapping[int, float], worth: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    steps = sorted(rewards.keys() & worth.keys())
    if not steps:
        return ()
    one, other = (np.array([side[step] for step in steps]) for side in (rewards, worth))
    scaled = [(side - side.mean()) / (side.std() or 1.0) for side in (one, other)]
    return tuple(zip(steps, _smoothed((scaled[0] - scaled[1]).tolist()), strict=True))
