"""How large a change so many prompts would show, and how many prompts would show a change so large.

The test is two-sided, of a mean of paired differences, at a false alarm rate of 1 − level. With z_α the 1 − α/2 and z_β
the `power` quantile of the normal distribution, n prompts show a change of δ where

    n = (z_α + z_β)² (spread / δ)² + z_α² / 2

The second term is what an estimated spread costs: Guenther, The American Statistician 35 (1981), 243–244, which comes
within one prompt of the noncentral t. Without it, this is the power formula of Miller, arXiv 2411.00640.
"""

import math
from statistics import NormalDist

_DUST = 1e-8


def detectable(spread: float, prompts: int, level: float, power: float) -> float | None:
    """Return the smallest change that `prompts` prompts show with a chance of `power`; in units of `spread`.

    `spread` is the standard deviation of the paired differences. None where it is 0 or unknown, which says nothing of
    other prompts, and for too few prompts.
    """
    alpha, beta = _quantiles(level, power)
    left = prompts - alpha**2 / 2
    return (alpha + beta) * spread / math.sqrt(left) if spread > 0 and left > 0 else None


def needed(spread: float, change: float, level: float, power: float) -> int | None:
    """Return how many prompts show a change of `change` with a chance of `power`.

    None without a spread, and for a change that is none or the dust of rounding.
    """
    if not (spread > 0 and abs(change) > _DUST * spread):
        return None
    alpha, beta = _quantiles(level, power)
    return math.ceil(((alpha + beta) * spread / change) ** 2 + alpha**2 / 2)


def _quantiles(level: float, power: float) -> tuple[float, float]:
    return NormalDist().inv_cdf((1 + level) / 2), NormalDist().inv_cdf(power)
