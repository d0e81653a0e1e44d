"""Rewards of a group → advantages, and which responses are worth a backward pass."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.judged import Judged, JudgedResponse

Scale = Literal["group", "none", "batch"]
SPREAD = 1e-6
"""Groups whose rewards differ by less teach nothing but noise."""


@dataclass(frozen=True)
class Scored:
    """A group that can be learned from: its scored responses and their advantages, in step."""

    group: Judged
    responses: tuple[JudgedResponse, ...]
    advantages: tuple[float, ...]
    reward: float
    """The mean over all scored responses of the group, those left out included."""


def scored_groups(groups: Iterable[Judged], scale: Scale, keep: int, dropped: Counter[str]) -> list[Scored]:
    """Return the groups that can be learned from, in order; `dropped` counts the others by reason.

    The decision is made on the group: no answers, no or fewer than two scored responses, all vetoed, or no spread
    drop it whole. Of what is kept the `keep` responses with the greatest reward variance stay (0: all of them), and
    advantages are among these: they sum to 0, or a group would push all that it says up, or down. Scale `batch` divides
    by the spread of all groups together.
    """
    kept: list[tuple[Judged, list[JudgedResponse], float]] = []
    centred: list[NDArray[np.float64]] = []
    for group in groups:
        usable = [r for r in group.responses if r.reward is not None and r.tokens is not None and r.length > 0]
        rewards = np.array([r.reward for r in usable], dtype=float)
        if reason := unusable(group, usable, rewards):
            dropped[reason] += 1
        else:
            chosen = widest(rewards, keep or len(rewards))
            kept.append((group, [usable[index] for index in chosen], float(rewards.mean())))
            centred.append(advantages(rewards[chosen], scale))
    if scale == "batch" and kept:
        spread = float(np.concatenate(centred).std(ddof=1)) + 1e-4
        centred = [values / spread for values in centred]
    return [
        Scored(group, tuple(chosen), tuple(values.tolist()), reward)
        for (group, chosen, reward), values in zip(kept, centred, strict=True)
    ]


def unusable(group: Judged, usable: Sequence[JudgedResponse], rewards: NDArray[np.float64]) -> str | None:
    """Return why a group teaches nothing, or None: judged on the group, never response by response."""
    if all(response.finish == "failed" for response in group.responses):
        return "sampling_failed"
    if all(response.reward is None for response in group.responses):
        return "judge_failed"
    if len(usable) < 2:
        return "too_few_scored"
    if all(response.vetoed_by for response in usable):
        return "all_vetoed"
    if float(np.ptp(rewards)) < SPREAD:
        return "no_spread"
    return None


def advantages(rewards: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Return `(R − mean) / (std + 1e-4)` with the unbiased std, or the centred rewards alone.

    The formula of GRPO (arXiv 2402.03300) as TRL computes it; without the division it is that of
    Dr. GRPO (arXiv 2503.20783).
    """
    centred = rewards - rewards.mean()
    return centred / (rewards.std(ddof=1) + 1e-4) if scale == "group" else centred


def widest(rewards: NDArray[np.float64], keep: int) -> list[int]:
    """Return the `keep` indices with the greatest reward variance, in order (arXiv 2504.13818).

    The best subset always takes some of the highest and the rest from the lowest rewards, so only
    `keep + 1` subsets are compared; among equals the most balanced one wins.
    """
    if keep >= len(rewards):
        return list(range(len(rewards)))
    order = np.argsort(rewards, kind="stable")
    subsets = [np.concatenate([order[:low], order[len(order) - keep + low :]]) for low in range(keep + 1)]
    best = max(range(keep + 1), key=lambda low: (round(float(rewards[subsets[low]].var()), 12), -abs(2 * low - keep)))
    return sorted(int(index) for index in subsets[best])
