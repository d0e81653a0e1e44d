"""The arithmetic of ablations: the rewards of a group with criteria and without, and what that does to its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.ablation import Effect, Ranking
from schemas.judged import Judged, Verdict
from schemas.rubric import Rubric
from stages.agreement import Draws, Table, clipped_bootstrap, estimates, kendall, mean_error, paired_bootstrap
from stages.agreement.resampling import Statistic, value_of
from stages.gates import guards, stopped
from stages.measures import rubric_of
from stages.scoring import abstained, combine, fires, unit_scores

if TYPE_CHECKING:
    from stages.ablation import AblationSpec, Marks

Array = NDArray[np.float64]
DIGITS = 9
"""Rewards that agree in so many decimals are equal, as in `rlra stats`."""
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Group:
    """The rewards of one group, with the criteria and without them; NaN for none."""

    id: str
    before: Array
    after: Array
    clipped: bool
    """Whether its rubric has means of rewards clipped, and not rewards."""

    @classmethod
    def of(cls, line: Judged, without: frozenset[str]) -> Group:
        """Return the rewards of a judged group with and without some of its criteria."""
        clipped = rubric_of(line).reward.clip == "mean"
        return cls(line.id, rewards(line, frozenset()), rewards(line, without), clipped)

    def known(self) -> NDArray[np.bool_]:
        """Return which responses have a reward both ways."""
        return ~(np.isnan(self.before) | np.isnan(self.after))

    def both(self) -> tuple[Array, Array]:
        """Return their rewards."""
        known = self.known()
        return self.before[known], self.after[known]


def rewards(line: Judged, without: frozenset[str]) -> Array:
    """Return the rewards of a group as if its rubric had never had the criteria `without`; NaN for none."""
    rubric, rows = rubric_of(line), [response.verdicts for response in line.responses]
    units = unit_scores(rubric, rows)
    units[_unasked(rubric, rows, without)] = np.nan
    found = combine(rubric.criteria, units, rubric.reward, abstained(rubric, rows) | without)
    vetoes = [(k, leaf) for k, leaf in enumerate(rubric.leaves) if leaf.veto and leaf.id not in without]
    found[[any(fires(leaf, row[k]) for k, leaf in vetoes) for row in rows]] = 0.0
    return np.round(found, DIGITS)


def _unasked(rubric: Rubric, rows: Sequence[Sequence[Verdict]], without: frozenset[str]) -> NDArray[np.bool_]:
    """Return which verdicts nobody was asked for, on account of a gate or a veto that is left out."""
    before = {name: tuple(gate for gate in gates if gate.id not in without) for name, gates in guards(rubric).items()}
    named = [{verdict.criterion: verdict for verdict in row} for row in rows]
    unasked = [
        [verdict.status == "skipped" and not stopped(before[verdict.criterion], by_name, named) for verdict in row]
        for row, by_name in zip(rows, named, strict=True)
    ]
    return np.array(unasked, dtype=bool).reshape(len(rows), -1)


def counted(groups: Sequence[Group]) -> tuple[int, int, int]:
    """Return how many responses have a reward both ways, how many only with the criteria, and how many only without."""
    before, after = (np.isnan(np.concatenate([getattr(g, side) for g in groups])) for side in ("before", "after"))
    return int((~before & ~after).sum()), int((~before & after).sum()), int((before & ~after).sum())


def effects(groups: Sequence[Group], spec: AblationSpec) -> tuple[Effect, ...]:
    """Return what the criteria do to the mean reward of a group, to its spread, and to how often it has none."""
    return (
        _effect("reward", "neither", groups, lambda values: float(values.mean()), spec),
        _effect("spread", "higher", groups, lambda values: float(values.std()), spec, fewest=2),
        _effect("no_spread", "lower", groups, lambda values: float(np.ptp(values) == 0), spec, fewest=2),
    )


def _effect(
    name: str,
    better: Better,
    groups: Sequence[Group],
    of: Callable[[Array], float],
    spec: AblationSpec,
    fewest: int = 1,
) -> Effect:
    """Return a measure of the rewards of a group, as the mean over groups of `fewest` responses or more."""
    known = [group.both() for group in groups if group.known().sum() >= fewest]
    if not known:
        why = "no group has two such responses" if fewest > 1 else "no response has a reward both ways"
        return Effect(
            name=name, better=better, before=None, after=None, change=None, low=None, high=None, groups=0, why=why
        )
    before, after = np.array([[of(values) for values in both] for both in known]).T
    clipped = name == "reward" and all(group.clipped for group in groups)
    if clipped:
        found = clipped_bootstrap(before, after, spec.resamples, spec.seed, spec.level)
    else:
        found = paired_bootstrap(after - before, spec.resamples, spec.seed, spec.level)
    means = [float(side.mean().clip(0, 1) if clipped else side.mean()) for side in (before, after)]
    return Effect(
        name=name,
        better=better,
        before=means[0],
        after=means[1],
        change=found[0],
        groups=len(known),
        **_ends(found, len(known)),
    )


def _ends(found: tuple[float, float, float], groups: int) -> dict[str, Any]:
    if groups < 2:
        return {"low": None, "high": None, "why": "one group says nothing about others"}
    return {"low": found[1], "high": found[2]}


def ranking(groups: Sequence[Group], spec: AblationSpec) -> Ranking:
    """Return how far the order within groups stays as it is, and how many pairs change places."""
    taus: list[float] = []
    counts = np.zeros(4, dtype=np.int64)
    for group in groups:
        before, after = group.both()
        tau = value_of(kendall, np.column_stack([before, after]))
        taus += [] if tau is None else [tau]
        one, other = _orders(before), _orders(after)
        merged, parted = (one != 0) & (other == 0), (one == 0) & (other != 0)
        counts += [len(one), (one * other < 0).sum(), merged.sum(), parted.sum()]
    names = ("pairs", "flipped", "merged", "parted")
    pairs: dict[str, Any] = dict(zip(names, map(int, counts), strict=True))
    if not taus:
        why = "in no group do rewards differ both with them and without"
        return Ranking(tau=None, low=None, high=None, groups=0, **pairs, why=why)
    found = paired_bootstrap(np.array(taus), spec.resamples, spec.seed, spec.level)
    return Ranking(tau=found[0], **_ends(found, len(taus)), groups=len(taus), **pairs)


def _orders(values: Array) -> NDArray[np.int64]:
    """Return the sign of the difference of each pair of values, of which none is counted twice."""
    first, second = np.triu_indices(len(values), k=1)
    return np.sign(values[first] - values[second]).astype(np.int64)


def against(groups: Sequence[Group], marks: Marks, spec: AblationSpec) -> tuple[Effect, ...]:
    """Return how well rewards agree with people's labels, with the criteria and without them."""
    rows: list[tuple[float, float, float]] = []
    pairs: list[tuple[float, float]] = []
    of_rows: list[int] = []
    of_pairs: list[int] = []
    for number, group in enumerate(groups):
        known = [int(n) for n in np.flatnonzero(group.known()) if (group.id, int(n)) in marks]
        mine = [(float(group.before[n]), float(group.after[n]), marks[group.id, n]) for n in known]
        apart = [(_right(a[0], b[0], a[2], b[2]), _right(a[1], b[1], a[2], b[2]))
                 for a, b in combinations(mine, 2) if a[2] != b[2]]  # fmt: skip
        rows, of_rows = rows + mine, of_rows + [number] * len(mine)
        pairs, of_pairs = pairs + apart, of_pairs + [number] * len(apart)
    draws = Draws(len(groups), spec.resamples, spec.seed, spec.level)
    right = Table(np.array(pairs).reshape(-1, 2), np.array(of_pairs, dtype=np.int64))
    whole = Table(np.array(rows).reshape(-1, 3), np.array(of_rows, dtype=np.int64))
    return (
        _agreement("pairs_right", right, mean_error, (), draws),
        _agreement("kendall", whole, kendall, (2,), draws),
    )


def _right(one: float, other: float, mark: float, against: float) -> float:
    """Return whether two rewards are in the order of two different labels; half for a tie."""
    return 0.5 if one == other else float((one > other) == (mark > against))


def _agreement(name: str, table: Table, of: Statistic, beside: tuple[int, ...], draws: Draws) -> Effect:
    """Return a statistic of the first column of a table and the columns `beside`, and of the second and these."""
    with_, without = ([side, *beside] for side in (0, 1))
    statistics: dict[str, Statistic] = {
        "before": lambda rows, counts: of(rows[:, with_], counts),
        "after": lambda rows, counts: of(rows[:, without], counts),
        "change": lambda rows, counts: of(rows[:, without], counts) - of(rows[:, with_], counts),
    }
    found = estimates([table], statistics, draws)
    change, values = found["change"], {side: each.value for side, each in found.items()}
    why = ""
    if change.value is None:
        apart = "no group has two responses that people rank apart" if name == "pairs_right" else "nothing is labelled"
        why = "all labels are equal, or all rewards" if len(table) else apart
    elif change.low is None:
        why = "one group says nothing about others" if change.clusters < 2 else "undefined in too many resamples"
    return Effect(
        name=name, better="higher", **values, low=change.low, high=change.high, groups=change.clusters, why=why
    )
