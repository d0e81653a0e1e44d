"""One number for a group of rewards."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean, median

Rewards = Sequence[float]

OF_REWARDS: dict[str, Callable[[Rewards], float]] = {"mean": fmean, "median": median, "max": max, "min": min}
"""Statistics on the scale of the rewards: high is easy."""
NAMES = (*OF_REWARDS, "spread", "pass_rate")
CRITERION = "criterion:"
"""A statistic of this name and a criterion's id is the mean of its verdicts: 1 is met, or the best tier."""


def spread(rewards: Rewards) -> float:
    """Return the standard deviation of the rewards themselves, of which there must be one or more."""
    middle = fmean(rewards)
    return math.sqrt(fmean([(reward - middle) ** 2 for reward in rewards]))


def statistic(rewards: Rewards, which: str, pass_at: float = 1.0) -> float:
    """Return the statistic of the rewards, of which there must be one or more."""
    if which == "spread":
        return spread(rewards)
    if which == "pass_rate":
        return sum(reward >= pass_at for reward in rewards) / len(rewards)
    return float(OF_REWARDS[which](rewards))


def tells_ease(which: str) -> bool:
    """Return whether a high value means that the prompt is easy, as it does for rewards."""
    return which in OF_REWARDS or which == "pass_rate"
