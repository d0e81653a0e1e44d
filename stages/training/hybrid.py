"""Tasks of several kinds in one run, each with its own reward: how many of each kind a step holds.

A task's own rubric decides its reward, and advantages are of its own group, so that kinds meet only in the batch.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import TypeVar

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.rubric import Rubric
from schemas.task import Task
from stages.measures import mean, rubric_of
from stages.seeds import derive
from stages.selection.fields import at, label
from stages.train import TrainSpec
from stages.training.advantages import Scored

ItemT = TypeVar("ItemT")


def kind_of(task: Task, rubric: Rubric, by: str) -> str:
    """Return the kind of a task that is judged by `rubric`: what stands at the path `by`, or how its reward is made.

    For `reward` that is `verifiable` where programs alone decide, and `judged` where a model is asked.
    """
    if by == "reward":
        return "judged" if any(criterion.needs_judge for criterion in rubric.leaves) else "verifiable"
    return label(at(task, tuple(by.split("."))))


def counts(mix: Mapping[str, float], size: int) -> Iterator[Counter[str]]:
    """Yield for ever how many of each kind the next step of `size` holds.

    Where the shares of a step are whole numbers every step has them; else what one step rounds away the next ones
    make up for: over the run no kind is two or more away from its share.
    """
    shares = {kind: Fraction(str(share)) for kind, share in mix.items()}
    whole = sum(shares.values())
    owed = dict.fromkeys(mix, Fraction(0))
    while True:
        owed = {kind: owed[kind] + shares[kind] * size / whole for kind in mix}
        given = Counter[str]()
        for _ in range(size):
            kind = max(owed, key=lambda name: owed[name])
            owed[kind] -= 1
            given[kind] += 1
        yield given


def mixed(groups: Sequence[Scored], spec: TrainSpec, dropped: Counter[str]) -> list[Scored]:
    """Return the groups, in order, that whole steps of the declared mix are made of, each once; all without a mix.

    `dropped` counts the others: `other_kind`, and `left_over_KIND` where the groups of another kind were used up.
    Which ones of a kind are left over the seed decides. Raises RlraError where there is not one whole step.
    """
    if not spec.mix or not groups:
        return list(groups)
    pools = _pools(((_kind(scored, spec), number) for number, scored in enumerate(groups)), spec.mix)
    left = {"other_kind": len(groups) - sum(map(len, pools.values()))}
    used = Counter[str]()
    for given in counts(spec.mix, spec.prompts_per_step):
        if any(used[kind] + number > len(pools[kind]) for kind, number in given.items()):
            break
        used += given
    if not used:
        found = ", ".join(f"{len(pool)} {kind}" for kind, pool in pools.items())
        raise RlraError(
            f"--mix: no whole step of {spec.prompts_per_step} can be made of {found} groups",
            hint="use a smaller --prompts-per-step, or other shares",
        )
    for kind, pool in pools.items():
        random.Random(derive(spec.seed, "mix", kind)).shuffle(pool)
        left[f"left_over_{kind}"] = len(pool) - used[kind]
    dropped.update({reason: number for reason, number in left.items() if number})
    return [groups[number] for number in sorted(n for kind, pool in pools.items() for n in pool[: used[kind]])]


def mixed_steps(groups: Iterable[Scored], spec: TrainSpec) -> Iterator[list[Scored]]:
    """Yield the groups of each step of one epoch, those of a kind in order; `groups` are what `mixed` returned."""
    pools = _pools(((_kind(scored, spec), scored) for scored in groups), spec.mix)
    left = {kind: iter(pool) for kind, pool in pools.items()}
    for given in counts(spec.mix, spec.prompts_per_step):
        step = [scored for kind, number in given.items() for scored in islice(left[kind], number)]
        if not step:
            return
        yield step


def sampled_steps(tasks: Sequence[Task], kinds: Sequence[str], spec: TrainSpec) -> list[list[Task]]:
    """Return the tasks of every step of an online run, in the declared mix, or as they come without one.

    Tasks of a kind come in passes over all of them, shuffled anew by the seed; no step holds one twice. Raises
    RlraError where a step needs more of a kind than there are.
    """
    mix = spec.mix or {"": 1.0}
    places = ((kind if spec.mix else "", number) for number, kind in enumerate(kinds))
    pools = {kind: _Pool(kind, pool, spec.seed) for kind, pool in _pools(places, mix).items()}
    return [
        [tasks[place] for kind, number in given.items() for place in pools[kind].take(number)]
        for given in islice(counts(mix, spec.prompts_per_step), spec.steps)
    ]


class _Pool:
    """The places of the tasks of one kind, dealt out for ever."""

    def __init__(self, kind: str, places: Sequence[int], seed: int) -> None:
        self._kind, self._places, self._seed = kind, places, seed
        self._left: list[int] = []
        self._passes = 0

    def take(self, number: int) -> list[int]:
        if number > len(self._places):
            kind = f"of kind {self._kind} " if self._kind else ""
            raise RlraError(
                f"{len(self._places)} tasks {kind}cannot fill steps that hold {number} of them",
                hint="no step holds a task twice: use a smaller --prompts-per-step",
            )
        taken, self._left = self._left[:number], self._left[number:]
        if len(taken) < number:
            fresh = list(self._places)
            random.Random(derive(self._seed, "order", self._kind, self._passes)).shuffle(fresh)
            fresh.sort(key=lambda place: place in taken)
            self._passes += 1
            missing = number - len(taken)
            taken, self._left = taken + fresh[:missing], fresh[missing:]
        return taken


def rewards_by_kind(groups: Iterable[Judged], spec: TrainSpec) -> dict[str, float]:
    """Return the mean reward of the scored responses of each kind of the mix, as `reward/KIND`."""
    found: defaultdict[str, list[float | None]] = defaultdict(list)
    for group in groups if spec.mix else ():
        name = f"reward/{kind_of(group, rubric_of(group), spec.mix_by)}"
        found[name] += [response.reward for response in group.responses]
    means = {name: mean(rewards) for name, rewards in found.items()}
    return {name: value for name, value in means.items() if value is not None}


def _kind(scored: Scored, spec: TrainSpec) -> str:
    return kind_of(scored.group, rubric_of(scored.group), spec.mix_by)


def _pools(items: Iterable[tuple[str, ItemT]], mix: Mapping[str, float]) -> dict[str, list[ItemT]]:
    """Return the items of each kind of the mix. Raises RlraError for a kind without any."""
    found: defaultdict[str, list[ItemT]] = defaultdict(list)
    for kind, item in items:
        found[kind].append(item)
    refuse_missing(mix, found)
    return {kind: found[kind] for kind in mix}


def refuse_missing(mix: Iterable[str], kinds: Iterable[str]) -> None:
    """Raise RlraError for a kind of the mix that is not among `kinds`."""
    there = set(kinds)
    if missing := [kind for kind in mix if kind not in there]:
        known = ", ".join(sorted(there)) or "none"
        raise RlraError(f"--mix: there is nothing of kind '{missing[0]}'", hint=f"kinds that there are: {known}")
