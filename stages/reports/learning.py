"""What training logs show: curves over the steps of all rounds, and the gold judge beside the training reward."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from matplotlib.axes import Axes

from schemas.train_log import TrainLog
from stages.reports.svg import AFTER, BEFORE, INK, WORSE, svg
from stages.training.parting import Held, Parting

CURVES = {
    "reward": "mean reward",
    "reward_spread": "spread of rewards within a group",
    "sampler_kl": "KL to the sampler",
    "kl": "KL to the reference model",
    "sampler_ess": "effective share of responses",
    "entropy": "entropy per token",
    "length": "tokens in a response",
    "truncated": "share cut off at the token limit",
    "veto_rate": "share set to 0 by a veto",
    "held_out": "mean reward on held-out prompts",
    "seconds/step": "seconds per step",
}
"""The measures that are drawn, in this order, and what they are."""
MOST_CRITERIA = 12
"""Criteria with a curve of their own: those that changed most."""
_HEIGHT, _WIDTH = 2.3, 4.2


def curves(logs: Sequence[TrainLog]) -> list[tuple[str, str]]:
    """Return (what it is, drawing) of each measure in `CURVES` that was logged, and of the reward of each kind."""
    kinds = sorted({name for log in logs for name in log.metrics if name.startswith("reward/")})
    labels = CURVES | {name: f"mean reward of {name.removeprefix('reward/')}" for name in kinds}
    found = [(label, curve(logs, name)) for name, label in labels.items()]
    return [(label, drawing) for label, drawing in found if drawing]


def criteria(logs: Sequence[TrainLog]) -> list[tuple[str, str]]:
    """Return (criterion, drawing) of the share that meets each criterion, the largest changes first."""
    names = {name for log in logs for name in log.metrics if name.startswith("met/")}
    ranked = sorted(names, key=lambda name: (-_change(learning_curve(logs, name)[1]), name))[:MOST_CRITERIA]
    found = [(name.removeprefix("met/"), curve(logs, name)) for name in ranked]
    return [(name, drawing) for name, drawing in found if drawing]


def _change(values: Sequence[float]) -> float:
    half = len(values) // 2
    return abs(fmean(values[half:]) - fmean(values[:half])) if half else 0.0


def curve(logs: Sequence[TrainLog], name: str) -> str | None:
    """Return one measure against optimizer step over all rounds; None where no line has it."""
    steps, values, rounds = learning_curve(logs, name)
    if not steps:
        return None

    def draw(axes: Axes) -> None:
        axes.plot(steps, values, color=AFTER, linewidth=1.5, marker="o" if len(steps) < 40 else "", markersize=3)
        _rounds(axes, rounds)

    return svg(draw, "A measure against optimizer step", height=_HEIGHT, width=_WIDTH)


def _rounds(axes: Axes, rounds: Sequence[int]) -> None:
    for start in rounds:
        axes.axvline(start, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="optimizer step")


def learning_curve(logs: Sequence[TrainLog], name: str = "reward") -> tuple[list[int], list[float], list[int]]:
    """Return (steps, values, steps at which a later round begins) of the lines that measured `name`.

    A step that is not larger than the one before begins a new round, counted on from the last, and so does another
    `round` in the lines' meta. A line that only adds to the step before it, such as one on held-out prompts, has no
    loss and begins none.
    """
    steps: list[int] = []
    values: list[float] = []
    rounds: list[int] = []
    base = last = 0
    number = None
    for log in (log for log in logs if log.metrics):
        is_step = "loss" in log.metrics
        again = log.step < last or (is_step and log.step == last > 0)
        base += last if again else 0
        if again or (is_step and number not in (None, log.meta.get("round"))):
            rounds.append(base if again else base + last)
        last, number = log.step, log.meta.get("round") if is_step else number
        if name in log.metrics:
            steps.append(base + log.step)
            values.append(log.metrics[name])
    return steps, values, rounds


def gold(logs: Sequence[TrainLog], points: Sequence[Held], parted: Parting | None) -> str | None:
    """Return the gold judge's mean reward beside that of the run's own judge; None where no gold judge spoke.

    `points` have bars of two standard errors, beside the training reward. Without them it is what the log itself says
    of held-out prompts.
    """
    steps, values, rounds = learning_curve(logs, "reward" if points else "held_out")
    at, means, _ = learning_curve(logs, "held_out_gold")
    errors = [0.0] * len(at)
    if points:
        at, means = [point.step for point in points], [fmean(point.gold.values()) for point in points]
        errors = [2 * _error(point.gold) for point in points]
    if not at:
        return None
    alarms = [parted.step] if parted else [log.step for log in logs if is_alarm(log)]

    def draw(axes: Axes) -> None:
        own = "training reward" if points else "the run's own judge, held-out prompts"
        axes.plot(steps, values, color=BEFORE, linewidth=1, alpha=0.8, label=own)
        axes.errorbar(at, means, yerr=errors, color=AFTER, marker="o", capsize=3, label="gold judge, held-out prompts")
        for step in alarms[:1]:
            axes.axvline(step, color=WORSE, linewidth=1.2, linestyle="--", label="they part")
        _rounds(axes, rounds)
        axes.set(ylabel="mean reward")
        axes.legend(frameon=False)

    return svg(draw, "The gold judge beside the run's own", width=5.2)


def is_alarm(log: TrainLog) -> bool:
    """Return whether a line of the log tells that gold judge and training reward part."""
    return (log.event or "").startswith("alarm")


def _error(values: Mapping[str, float]) -> float:
    return stdev(values.values()) / math.sqrt(len(values)) if len(values) > 1 else 0.0
