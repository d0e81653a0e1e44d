"""How sure an excess is, with prompts as units, and how many false discoveries are among several."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import comb, exp, lgamma, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from schemas.findings import Interval, Rate

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]
CONFIDENCE = 0.95
DRAWS = 9_999
_FEW_DRAWS = 0.001
Split = tuple[int, int, int]
"""Of one prompt: responses with the pattern on both sides, responses on the high side, responses on the low side."""


def sign_test(splits: Sequence[Split], excess: int) -> float:
    """Return the chance that `excess` or more prompts, net, have the pattern more often on their high side.

    Of each prompt it is known how many of its responses have the pattern, and which ones do is drawn by lot. It counts
    as +1 where the high side's share is larger, −1 where it is smaller. So a prompt counts once, however many responses
    it has, sides may differ in size, and the distribution of the sum is exact.
    """
    counts = Counter(split for split in splits if 0 < split[0] < split[1] + split[2])
    lots = sum(counts.values())
    chances = np.ones(1)
    for split in sorted(counts):
        up, down = _chances(*split)
        step = np.array([down, 1 - up - down, up])
        for _ in range(counts[split]):
            chances = np.convolve(chances, step)
    return float(min(1.0, max(chances[max(0, excess + lots) :].sum(), 0.0)))


@lru_cache(maxsize=65536)
def _chances(have: int, high: int, low: int) -> tuple[float, float]:
    """Return how likely lots give the high side a larger share than the low side, and a smaller one."""
    ways = comb(high + low, have)
    up = down = 0.0
    for k in range(max(0, have - low), min(have, high) + 1):
        weight = comb(high, k) * comb(low, have - k) / ways
        up += weight * (k * low > (have - k) * high)
        down += weight * (k * low < (have - k) * high)
    return up, down


def best_sign_test(splits: Sequence[Split]) -> float:
    """Return the smallest p that the sign test could have given, whichever responses have the pattern."""
    counts = Counter(split for split in splits if 0 < split[0] < split[1] + split[2])
    return exp(sum(times * log(max(_chances(*split)[0], 1e-300)) for split, times in counts.items()))


def fisher(a: int, n: int, b: int, m: int) -> float:
    """Return Fisher's exact one-sided p: the chance of `a` or more of the n, when a + b of all n + m have it."""
    k = a + b
    chances = (_log_comb(n, i) + _log_comb(m, k - i) for i in range(max(a, k - m), min(k, n) + 1))
    return min(1.0, sum(exp(chance - _log_comb(n + m, k)) for chance in chances))


def _log_comb(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def between(values: Numbers, is_high: Flags, seed: int) -> float:
    """Return the chance of as large a difference between two sets of prompts; `values` has a number for each prompt.

    Of shares that are all 0 or 1 it is Fisher's exact test. Of others, the chance of so large a difference of means
    when sides are drawn by lot, which `DRAWS` draws tell. Where it is too small for them, twice the smaller of that
    and Fisher's, for how many lie above the median of all.
    """
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    above = values > (0.5 if binary else float(np.median(values)))
    high, low = int(is_high.sum()), int((~is_high).sum())
    exact = fisher(int(above[is_high].sum()), high, int(above[~is_high].sum()), low)
    if binary:
        return exact
    reached = int((_draws(len(values), high, seed) @ values >= float(values[is_high].sum()) - 1e-9).sum())
    drawn = (1 + reached) / (1 + DRAWS)
    return drawn if drawn > _FEW_DRAWS else 2 * min(exact, drawn)


@lru_cache(maxsize=4)
def _draws(prompts: int, high: int, seed: int) -> Flags:
    sides = np.tile(np.arange(prompts) < high, (DRAWS, 1))
    return np.random.default_rng(seed).permuted(sides, axis=1)


def adjusted(
    chances: Sequence[float], weights: Sequence[float] | None = None, tested: int | None = None
) -> list[float]:
    """Return, for each p, the rate of false discoveries among those as small (Benjamini and Hochberg, 1995).

    `tested` counts all tests where only the smallest p are handed in. Weights that do not depend on what is tested, of
    mean 1 over all of them, favour some (Genovese, Roeder and Wasserman, 2006).
    """
    weights = weights or [1.0] * len(chances)
    tested = tested or len(chances)
    scaled = [min(1.0, p / weight) if weight > 0 else 1.0 for p, weight in zip(chances, weights, strict=True)]
    order = sorted(range(len(scaled)), key=lambda k: scaled[k])
    found, least = [1.0] * len(scaled), 1.0
    for rank in range(len(order), 0, -1):
        least = min(least, scaled[order[rank - 1]] * tested / rank)
        found[order[rank - 1]] = least
    return found


def reachable(best: Sequence[float], level: float) -> float:
    """Return the p that a pattern must be able to reach at best to be tested at all (Tarone, 1990; Gilbert, 2005).

    What cannot become significant, whichever responses have it, is not tested, and the correction is for the others.
    """
    ordered = np.sort(np.array(best))
    for tests in range(1, len(ordered) + 1):
        if np.searchsorted(ordered, level / tests, side="right") <= tests:
            return level / tests
    return level / max(1, len(ordered))


def rate(hits: int, n: int) -> Rate:
    """Return a share with its one-sided 95 % bounds (Clopper and Pearson, 1934)."""
    if n == 0:
        return Rate(hits=0, n=0, low=0.0, high=1.0)
    high = 1.0 if hits == n else _solve(lambda share: _at_most(hits, n, share) - (1 - CONFIDENCE))
    low = 0.0 if hits == 0 else 1 - _solve(lambda share: _at_most(n - hits, n, share) - (1 - CONFIDENCE))
    return Rate(hits=hits, n=n, low=low, high=high)


def _at_most(k: int, n: int, share: float) -> float:
    """Return the chance of at most k of n."""
    if share <= 0 or share >= 1:
        return 1.0 if share <= 0 else float(k >= n)
    return sum(exp(_log_comb(n, i) + i * log(share) + (n - i) * log(1 - share)) for i in range(k + 1))


def _solve(falling: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high


def log_odds(high: float, n: float, low: float, m: float) -> Interval:
    """Return the log odds ratio of two shares of n and m prompts, half a prompt added to each cell (Haldane, 1956)."""
    a, b, c, d = (share * size + 0.5 for share, size in ((high, n), (1 - high, n), (low, m), (1 - low, m)))
    value, error = log(a * d / (b * c)), sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    return Interval(value=value, low=value - z * error, high=value + z * error)
