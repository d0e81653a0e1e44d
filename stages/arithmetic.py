"""One block of responses through a rubric: what each criterion is worth, what each group, and what the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.criterion import Criterion
from schemas.reward import EVERY, RewardSpec, Saturation
from stages.curves import saturated, shaped

Array = NDArray[np.float64]
WHOLE = ""
"""Names the whole rubric where a group is named by its id."""


@dataclass(frozen=True)
class Level:
    """What one sum is taken over: the top of the rubric, or the inside of a group."""

    weighed: tuple[Criterion, ...]
    """The leaves and groups that are in the sum."""
    columns: tuple[int, ...]
    """The columns of all leaves that stand here, gates and vetoes among them."""
    weights: Array
    """Of the columns; 0 where a leaf is not simply added up."""
    constant: float
    """What the sum begins with: scores that do not begin at 0 are moved all at once."""
    bent: tuple[Criterion, ...]
    """The weighed ones that are not simply added up: groups, and leaves with a prerequisite or a saturation."""
    gates: tuple[Criterion, ...]
    highest: float
    lowest: float
    here: bool
    """Whether the declared normalisation and shaping apply to this sum; otherwise it is a plain weighted mean."""


@dataclass
class Plan:
    """A rubric made ready to be evaluated, without the criteria that a group of responses goes without."""

    spec: RewardSpec
    column: dict[str, int]
    parents: dict[str, list[tuple[Criterion, float]]]
    curves: dict[str, Saturation]
    levels: dict[str, Level]
    behind: dict[str, tuple[Criterion, ...]]
    """By the id of a prerequisite: the gates that it stands behind."""
    scales: dict[str, tuple[float, float]]
    """By leaf: its lowest score, and the highest less the lowest; where a table holds scores and not units."""
    declared: bool
    """Whether any criterion is weighed at all; a defence rubric may have vetoes alone."""


def plan(
    criteria: Sequence[Criterion], spec: RewardSpec, without: frozenset[str] = frozenset(), scores: bool = False
) -> Plan:
    """Return the plan for `criteria` without those named by `without`, and without groups that are left empty.

    With `scores`, what is to be evaluated are the scores of tiers as they are, not units.
    """
    leaves = [leaf for criterion in criteria for leaf in criterion.leaves()]
    nodes = {node.id: node for node in _inside(criteria) if node.is_weighed and _is_left(node, spec, without)}
    parents: dict[str, list[tuple[Criterion, float]]] = {}
    for effect in spec.interactions:
        if effect.requires and all(name in nodes for name in effect.requires):
            child, parent = effect.requires
            parents.setdefault(child, []).append((nodes[parent], effect.leak or 0.0))
    every = spec.saturation.get(EVERY)
    curves = {name: curve for name in nodes if (curve := spec.saturation.get(name, every))}
    scales = {c.id: (c.tiers[0].score, c.tiers[-1].score - c.tiers[0].score) for c in leaves if c.tiers and scores}
    declared = any(criterion.is_weighed for criterion in criteria)
    behind = {name: gates for name, gates in behind_gates(criteria, without) if gates}
    made = Plan(spec, {leaf.id: k for k, leaf in enumerate(leaves)}, parents, curves, {}, behind, scales, declared)
    # A veto decides over the whole, also where the group that it stands in has left the sum.
    homeless = [veto for veto in _homeless(criteria, nodes) if veto.id not in without]
    made.levels[WHOLE] = _level((*criteria, *homeless), made, nodes, without)
    for node in nodes.values():
        if node.criteria:
            made.levels[node.id] = _level(node.criteria, made, nodes, without, top=False)
    return made


def behind_gates(
    criteria: Sequence[Criterion], without: frozenset[str] = frozenset(), gates: tuple[Criterion, ...] = ()
) -> Iterator[tuple[str, tuple[Criterion, ...]]]:
    """Yield every criterion's id and the gates, those named by `without` aside, that it stands behind."""
    for criterion in criteria:
        yield criterion.id, gates
        own = tuple(child for child in criterion.criteria if child.gate and child.id not in without)
        yield from behind_gates(criterion.criteria, without, (*gates, *own))


def _homeless(criteria: Sequence[Criterion], nodes: dict[str, Criterion]) -> Iterator[Criterion]:
    for criterion in criteria:
        if criterion.criteria and criterion.id not in nodes:
            yield from (leaf for leaf in criterion.leaves() if leaf.veto)
        else:
            yield from _homeless(criterion.criteria, nodes)


def _inside(criteria: Sequence[Criterion]) -> Iterator[Criterion]:
    for criterion in criteria:
        yield criterion
        yield from _inside(criterion.criteria)


def _is_left(node: Criterion, spec: RewardSpec, without: frozenset[str]) -> bool:
    if not node.criteria:
        return node.id not in without
    left = [child for child in node.criteria if child.is_weighed and _is_left(child, spec, without)]
    # Penalties alone have a range, but no sum of positive weights to be divided by.
    by_range = spec.normalise == "range" and spec.per == "dimension" and not any(child.criteria for child in left)
    # All or nothing needs no scale at all: a group of faults is passed where none of them is there.
    return any(child.weight > 0 for child in left) or (bool(left) and (by_range or spec.aggregate == "all"))


def _level(
    criteria: Sequence[Criterion], made: Plan, nodes: dict[str, Criterion], without: frozenset[str], top: bool = True
) -> Level:
    weighed = tuple(c for c in criteria if c.id in nodes)
    leaves = sorted((c for c in criteria if not c.criteria and c.id not in without), key=lambda c: made.column[c.id])
    bent = tuple(c for c in weighed if c.criteria or c.id in made.parents or c.id in made.curves)
    plain = {c.id for c in weighed} - {c.id for c in bent}
    scales = [made.scales.get(c.id, (0.0, 1.0)) for c in leaves]
    weights = [c.weight / span if c.id in plain else 0.0 for c, (_, span) in zip(leaves, scales, strict=True)]
    return Level(
        weighed=weighed,
        columns=tuple(made.column[c.id] for c in leaves),
        weights=np.array(weights),
        constant=-sum(weight * low for weight, (low, _) in zip(weights, scales, strict=True)),
        bent=bent,
        gates=tuple(c for c in leaves if c.gate),
        highest=sum(c.weight for c in weighed if c.weight > 0),
        lowest=sum(c.weight for c in weighed if c.weight < 0),
        here=not any(c.criteria for c in weighed) if made.spec.per == "dimension" else top,
    )


def weighted(units: Array, weights: Array) -> Array:
    """Return `units @ weights` without BLAS, whose threads wait for each other longer than such a sum takes."""
    total: Array = np.einsum("ij,j->i", units, weights)
    return total


@dataclass
class Evaluation:
    """The numbers of one block of responses; each is computed once, when it is first asked for.

    `units` is (n, leaves). What failed is NaN there, and makes NaN of every sum that it belongs to, a
    veto's or a gate's column included: their weight is 0, and 0 times NaN is NaN.
    """

    plan: Plan
    units: Array
    raw: dict[str, Array] = field(default_factory=dict)
    """By criterion or group: its unit value, before prerequisites."""
    gained: dict[str, Array] = field(default_factory=dict)
    """After prerequisites."""
    worth: dict[str, Array] = field(default_factory=dict)
    """After saturation: what is weighted."""
    sums: dict[str, Array] = field(default_factory=dict)
    """By group, and by `WHOLE`: the sum with its pairwise effects."""
    normalised: dict[str, Array] = field(default_factory=dict)

    def reward(self) -> Array:
        """Return the rewards (n,) before any veto; NaN where a verdict that is needed failed."""
        if not self.plan.declared:
            level = self.plan.levels[WHOLE]
            return 1.0 + weighted(self._columns(level.columns), level.weights)
        return self.value_of(WHOLE)

    def value_of(self, name: str) -> Array:
        """Return what a group, or the whole, is worth from what is inside it."""
        level = self.plan.levels[name]
        if not level.weighed:
            return np.full(len(self.units), np.nan)
        if self.plan.spec.aggregate == "all":
            value = self._all(level)
        else:
            value = self._bounded(self._sum(name, level), name, level)
        for gate in level.gates:
            value[self._closed(gate)] = 0.0
        return value

    def _closed(self, gate: Criterion) -> NDArray[np.bool_]:
        given = self.units[:, self.plan.column[gate.id]]
        return (given == 1.0) if gate.gate == "if_met" else (given < 1.0)

    def _columns(self, columns: tuple[int, ...]) -> Array:
        if not columns:
            return self.units[:, :0]
        first, last = columns[0], columns[-1]
        # A slice is a view; picking columns copies them.
        return self.units[:, first : last + 1] if last - first + 1 == len(columns) else self.units[:, list(columns)]

    def _sum(self, name: str, level: Level) -> Array:
        total = weighted(self._columns(level.columns), level.weights)
        if level.constant:
            total += level.constant
        for criterion in level.bent:
            total += criterion.weight * self.worth_of(criterion)
        inside = {criterion.id: criterion for criterion in level.weighed}
        for effect in self.plan.spec.interactions:
            if effect.pair and effect.effect is not None and all(end in inside for end in effect.pair):
                first, second = (self.worth_of(inside[end]) for end in effect.pair)
                both = first * second
                both *= effect.effect
                total += both
        self.sums[name] = total
        return total

    def _bounded(self, total: Array, name: str, level: Level) -> Array:
        spec, span = self.plan.spec, level.highest - level.lowest
        normalise = spec.normalise if level.here else "positive"
        if normalise == "none":
            return self._shaped_sum(total, level.highest) if spec.shaping else total.copy()
        if normalise == "positive" and not level.highest:
            return np.full(len(total), np.nan)
        value = (total - level.lowest) / span if normalise == "range" else total / level.highest
        if level.here and spec.clip == "mean":
            return value
        np.maximum(value, 0.0, out=value)
        np.minimum(value, 1.0, out=value)
        self.normalised[name] = value
        return shaped(value, spec.shaping, span) if level.here and spec.shaping else value.copy()

    def _shaped_sum(self, total: Array, highest: float) -> Array:
        """Shape an un-normalised sum on its stretch from 0 to the sum of the positive weights, and only there."""
        shaping = self.plan.spec.shaping
        if shaping is None or not highest:
            return total.copy()
        share = np.clip(total / highest, 0.0, 1.0)
        inside = np.where(np.isnan(total), np.nan, highest * shaped(share, shaping, highest))
        return np.where((total < 0) | (total > highest), total, inside)

    def _all(self, level: Level) -> Array:
        value = np.ones(len(self.units)) + 0.0 * self._columns(level.columns).sum(axis=1)
        for criterion in level.weighed:
            given = self.raw_of(criterion)
            passed = given >= 1.0 if criterion.weight > 0 else given <= 0.0
            value = np.where(np.isnan(given), np.nan, value * passed)
        return value

    def raw_of(self, criterion: Criterion) -> Array:
        """Return the unit values (n,) of a leaf, or what a group is worth, before prerequisites."""
        if criterion.id not in self.raw:
            column = self.plan.column.get(criterion.id)
            self.raw[criterion.id] = self.value_of(criterion.id) if column is None else self._unit(criterion.id, column)
        return self.raw[criterion.id]

    def _unit(self, name: str, column: int) -> Array:
        # A copy: what follows reads it several times, and a column of a table lies scattered in memory.
        given = self.units[:, column].copy()
        if name in self.plan.scales:
            low, span = self.plan.scales[name]
            given -= low
            given /= span
        return given

    def gained_of(self, criterion: Criterion) -> Array:
        """Apply prerequisites: `g = u · Π (u_parent + (1 − u_parent)·leak)`; an absent parent has no say."""
        if criterion.id not in self.gained:
            gain = self.raw_of(criterion)
            for parent, leak in self.plan.parents.get(criterion.id, ()):
                above = self.raw_of(parent) * (1.0 - leak)
                for gate in self.plan.behind.get(parent.id, ()):
                    above[self._closed(gate)] = 0.0  # nobody was asked about it, and its group is worth 0
                above += leak
                gain = np.multiply(gain, above, out=above)
            self.gained[criterion.id] = gain
        return self.gained[criterion.id]

    def worth_of(self, criterion: Criterion) -> Array:
        """Return what is weighted (n,): the gain after saturation."""
        if criterion.id not in self.worth:
            curve, gain = self.plan.curves.get(criterion.id), self.gained_of(criterion)
            self.worth[criterion.id] = saturated(gain, curve) if curve else gain
        return self.worth[criterion.id]
