"""Verdicts → reward: all the arithmetic, nothing else.

The order of the steps, each off unless the rubric declares it: unit score → prerequisites →
saturation → weighted sum with pairwise effects, normalised and clipped → shaping → veto. A group of
criteria is worth the weighted mean of what is inside it, unless one of its gates fires: then 0. The
paper (arXiv 2508.12790) describes saturation, interaction, shaping and veto in prose and prints no
formula: those here and in `stages.curves` are this project's instantiation.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.criterion import Criterion
from schemas.judged import Verdict
from schemas.reward import RewardSpec
from schemas.rubric import Rubric
from stages.arithmetic import Evaluation, Plan, behind_gates, plan

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Reward = tuple[float | None, tuple[str, ...]]

BLOCK = 16384
"""Rows that are worked on at a time: with ten criteria their scores stay in the cache."""


def score_group(rubric: Rubric, verdicts: Sequence[Sequence[Verdict]]) -> list[Reward]:
    """Return (reward, vetoes that fired) for each response of one group.

    `verdicts` holds one row per response, each with one verdict per leaf of the rubric, in order. A
    failed verdict makes the reward None, unless a veto fired: then it is 0 whatever the others say. A
    criterion on which any response's judge abstained leaves the sum and its denominator for the whole
    group, so that siblings are scored on the same criteria.
    """
    rewards = combine(rubric.criteria, unit_scores(rubric, verdicts), rubric.reward, abstained(rubric, verdicts))
    return [_gated(rubric, row, float(reward)) for row, reward in zip(verdicts, rewards, strict=True)]


def unit_scores(rubric: Rubric, verdicts: Sequence[Sequence[Verdict]]) -> Array:
    """Return the unit scores (responses, leaves). A veto whose judge abstained does not fire, and is 0 and not NaN."""
    rows = [
        [0.0 if c.veto and v.status == "abstained" else unit(c, v) for c, v in zip(rubric.leaves, row, strict=True)]
        for row in verdicts
    ]
    return np.array(rows, dtype=float).reshape(len(verdicts), -1)


def abstained(rubric: Rubric, verdicts: Sequence[Sequence[Verdict]]) -> frozenset[str]:
    """Return the ids of the criteria, vetoes aside, on which the judge of any of the responses abstained."""
    leaves = [(k, leaf) for k, leaf in enumerate(rubric.leaves) if not leaf.veto]
    return frozenset(leaf.id for k, leaf in leaves if any(row[k].status == "abstained" for row in verdicts))


def _gated(rubric: Rubric, row: Sequence[Verdict], reward: float) -> Reward:
    fired = tuple(c.id for c, verdict in zip(rubric.leaves, row, strict=True) if c.veto and fires(c, verdict))
    if fired:
        return 0.0, fired
    return (None if np.isnan(reward) else reward), ()


def fires(criterion: Criterion, verdict: Verdict) -> bool:
    """Return whether `criterion` is a veto or a gate and `verdict` makes it fire."""
    when = criterion.veto or criterion.gate
    if when is None or verdict.status != "scored":
        return False
    return (verdict.score == 1.0) == (when == "if_met")


def unit(criterion: Criterion, verdict: Verdict) -> float:
    """Return the verdict's score on the unit interval; NaN without a score, and 0 where a gate stopped the group.

    With tiers `(s − min) / (max − min)`; without, the score itself, which is 1 for met; and for a
    check that is not met at least the criterion's partial credit times the closeness.
    """
    if verdict.score is None:
        return 0.0 if verdict.status == "skipped" else float("nan")
    if criterion.tiers:
        low, high = criterion.tiers[0].score, criterion.tiers[-1].score
        return (verdict.score - low) / (high - low)
    return max(verdict.score, criterion.partial * (verdict.closeness or 0.0))


def combine(
    criteria: Sequence[Criterion], units: Array, spec: RewardSpec, without: frozenset[str] = frozenset()
) -> Array:
    """Return the rewards (n,) of unit scores (n, leaves), before any veto. NaN in gives NaN out.

    What stands behind a closed gate is not looked at, unless a prerequisite names it. The criteria named by `without`
    leave every sum and denominator. Where none that is weighed is left there is nothing to reward: all NaN; where
    none was declared, every reward is 1.
    """
    made = plan(criteria, spec, without)
    rewards = np.empty(len(units))
    for start in range(0, len(units), BLOCK):
        rewards[start : start + BLOCK] = Evaluation(made, units[start : start + BLOCK]).reward()
    return rewards


def score_table(
    rubric: Rubric, scores: Array, groups: NDArray[np.int64] | None = None, abstains: Mask | None = None
) -> tuple[Array, Mask]:
    """Return the rewards (n,), NaN for none, and which vetoes fired (n, vetoes), of a table of stored scores.

    `scores` (n, leaves) holds verdict scores as a judge gave them, NaN where there is none. `abstains`
    (n, leaves) marks abstentions, `groups` (n,) which responses are siblings. Equal to `score_group`, group by
    group; partial credit needs the closeness of single verdicts and is not in a table.
    """
    vetoes = [(k, leaf.veto == "if_met") for k, leaf in enumerate(rubric.leaves) if leaf.veto]
    columns = [k for k, _ in vetoes]
    if abstains is not None and abstains[:, columns].any():
        scores, abstains = scores.copy(), abstains.copy()
        for k, if_met in vetoes:  # a veto whose judge abstained does not fire, and its siblings' may
            scores[abstains[:, k], k] = 0.0 if if_met else 1.0
        abstains[:, columns] = False
    scores = _with_unasked_vetoes(rubric, scores)
    rewards, fired = np.empty(len(scores)), np.zeros((len(scores), len(vetoes)), dtype=bool)
    for rows, without in _patterns(rubric, len(scores), groups, abstains):
        made = plan(rubric.criteria, rubric.reward, without, scores=True)
        for part in rows:
            block = Evaluation(made, scores[part]).reward()
            for column, (k, if_met) in enumerate(vetoes):
                given = scores[part, k]
                fires = (given == 1.0) if if_met else (given < 1.0)
                fired[part, column] = fires
                np.putmask(block, fires, 0.0)
            rewards[part] = block
    return rewards, fired


def _with_unasked_vetoes(rubric: Rubric, scores: Array) -> Array:
    """Return the scores, where vetoes that a closed gate kept from being asked about do not fire, and did not fail."""
    column = {leaf.id: k for k, leaf in enumerate(rubric.leaves)}
    vetoes = {leaf.id: leaf.veto for leaf in rubric.leaves if leaf.veto}
    made = scores
    for name, gates in behind_gates(rubric.criteria):
        if name in vetoes and gates:
            given = [(scores[:, column[gate.id]], gate.gate == "if_met") for gate in gates]
            closed = np.logical_or.reduce([(one == 1.0) if if_met else (one < 1.0) for one, if_met in given])
            unasked = closed & np.isnan(scores[:, column[name]])
            if unasked.any():
                made = scores.copy() if made is scores else made
                made[unasked, column[name]] = 0.0 if vetoes[name] == "if_met" else 1.0
    return made


def _patterns(
    rubric: Rubric, size: int, groups: NDArray[np.int64] | None, abstains: Mask | None
) -> list[tuple[list[slice | NDArray[np.int64]], frozenset[str]]]:
    """Return the rows in blocks, put together by the criteria that their whole group goes without."""
    if abstains is None or not abstains.any():
        return [([slice(start, start + BLOCK) for start in range(0, size, BLOCK)], frozenset())]
    order = np.arange(size)
    first = order
    if groups is not None:
        order = order if (groups[1:] >= groups[:-1]).all() else np.argsort(groups, kind="stable")
        first = np.flatnonzero(np.diff(groups[order], prepend=groups[order[:1]] - 1))
    columns = np.flatnonzero(abstains.any(axis=0))
    dropped = np.logical_or.reduceat(abstains[order][:, columns], first)
    # By their bytes: to sort a table of truth values row by row takes longer than all the rest.
    packed = np.packbits(dropped, axis=1)
    names = packed.view(f"V{packed.shape[1]}").reshape(-1) if packed.shape[1] > 1 else packed.reshape(-1)
    _, some, kind_of_group = np.unique(names, return_index=True, return_inverse=True)
    kind_of_row = np.repeat(kind_of_group.reshape(-1), np.diff(first, append=size))
    sizes = np.bincount(kind_of_row, minlength=len(some))
    by_kind = np.split(order[np.argsort(kind_of_row, kind="stable")], np.cumsum(sizes)[:-1])
    found: list[tuple[list[slice | NDArray[np.int64]], frozenset[str]]] = []
    for number in np.argsort(-sizes, kind="stable"):
        rows, without = by_kind[number], frozenset(rubric.leaves[k].id for k in columns[dropped[some[number]]])
        parts: list[slice | NDArray[np.int64]] = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        # Slices are views, and picking rows copies them: where most rows are of one kind all are scored so, and the
        # others then anew.
        if not found and 2 * len(rows) > size:
            parts = [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]
        found.append((parts, without))
    return found


__all__ = ["Plan", "abstained", "combine", "fires", "score_group", "score_table", "unit", "unit_scores"]
