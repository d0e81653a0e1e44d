"""Rounds of staged training: which tasks a round has, what the held-out prompts say of it, and when it is the last."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.manifest import Manifest
from schemas.report import Change
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.provenance import USED
from stages.seeds import derive

START = 0
"""The number of what was there before the first round."""


def tasks_of(tasks: Sequence[Task], number: int, count: int, seed: int) -> list[Task]:
    """Return the tasks of round `number`: the next `count` (0: all) in an order drawn by `seed`, round and round."""
    ordered = sorted(tasks, key=lambda task: task.id)
    Random(derive(seed, "rounds")).shuffle(ordered)
    count = min(count or len(tasks), len(tasks))
    return [ordered[(start % len(ordered))] for start in range((number - 1) * count, number * count)]


def seed_of(seed: int, number: int, count: int, total: int) -> int:
    """Return the seed that round `number` samples by: `seed` as long as no task came before, then another each time."""
    return seed + max(0, number - total // min(count or total, total))


@dataclass(frozen=True)
class HeldOut:
    """What the judges say of the held-out answers after one round, and how that differs from before the first."""

    number: int
    rewards: Mapping[str, float]
    """Mean reward by prompt, of those that have one."""
    change: Change | None
    """None before the first round."""

    @property
    def mean(self) -> float:
        """The mean reward over the prompts, which is comparable between rounds as far as they have the same ones."""
        return self.change.after if self.change else sum(self.rewards.values()) / len(self.rewards)

    @property
    def gain(self) -> float:
        """The mean paired change against what was there before the first round."""
        return self.change.change if self.change else 0.0

    def metrics(self, name: str = "held_out") -> dict[str, float]:
        """Return the figures for the log."""
        change = self.change
        more = {f"{name}_gain": change.change, f"{name}_low": change.low, f"{name}_high": change.high} if change else {}
        return {name: self.mean, **more}


def held_out(number: int, start: Sequence[Judged], now: Sequence[Judged], seed: int) -> HeldOut:
    """Return how the held-out answers of round `number` are, compared with those of the start, prompt by prompt.

    Raises RlraError where no prompt has a reward on both sides.
    """
    from stages.eval import EvalSpec, evaluate
    from stages.measures import REWARD, group_mean

    found = {group.id: group_mean(group, REWARD) for group in now}
    rewards = {name: reward for name, reward in found.items() if reward is not None}
    if not rewards:
        raise RlraError(f"round {number}: no held-out answer has a reward", hint="look at them with `rlra show`")
    if number == START:
        return HeldOut(number, rewards, None)
    report = evaluate(list(start), list(now), ("start", f"round {number}"), EvalSpec(seed=seed))
    change = next((change for change in report.measures if change.name == REWARD.name), None)
    if change is None:
        raise RlraError(f"round {number}: no held-out prompt has a reward both before the first round and after this")
    return HeldOut(number, rewards, change)


def best(held: Sequence[HeldOut]) -> int:
    """Return the number of the trained round with the greatest gain, the first of equals; 0 before there is one."""
    return max((one for one in held if one.number != START), key=lambda one: one.gain, default=held[0]).number


def spent(held: Sequence[HeldOut], patience: int) -> str | None:
    """Return what says that so many rounds went by without a greater gain than any before; before round 1 it is 0."""
    top = max(held, key=lambda one: one.gain).number
    if not 0 < patience <= held[-1].number - top:
        return None
    return f"no better held-out reward since {f'round {top}' if top != START else 'the start'}"


def alarm(trained_for: Sequence[HeldOut], gold: Sequence[HeldOut], steps: Sequence[int]) -> str | None:
    """Return what says that a gold judge parts from the judge that is trained for, if it does. See `parting`."""
    from stages.training.parting import Held, parting

    rows = zip(trained_for, gold, steps, strict=True)
    parted = parting([Held(step, own.mean, other.rewards) for own, other, step in rows])
    return parted.says if parted else None


def continued(log: Iterable[TrainLog], number: int, step: int, seconds: float) -> Iterator[TrainLog]:
    """Yield the log of round `number` as it stands in that of all rounds: steps and seconds counted on."""
    for line in log:
        changed = {
            "id": f"round-{number}-{line.id}",
            "step": step + line.step,
            "steps": None,
            "seconds": round(seconds + line.seconds, 2),
            "meta": {**line.meta, "round": number},
        }
        yield line.model_copy(update=changed)


def taken(made: Iterable[Manifest]) -> Counter[str]:
    """Return what the files of all rounds took together, by their manifests, as the run counts it.

    `responses` that were sampled, what models used (calls, tokens, dollars), the groups that were `kept` to learn from,
    and by reason how many selections `dropped_`. Judged responses are those that were sampled: they count once.
    """
    total: Counter[str] = Counter()
    for manifest in made:
        stage, counts = manifest.recipe.stage, manifest.run.get("counts", {})
        total.update({name: counts[name] for name in USED if name in counts})
        if stage == "rollout":
            total["responses"] += counts.get("responses", 0)
        elif stage == "select-data":
            total["kept"] += counts.get("records", 0)
            total.update({name: number for name, number in counts.items() if name.startswith("dropped_")})
    return total
