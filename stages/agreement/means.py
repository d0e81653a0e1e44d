"""How sure a mean is: bootstrap intervals over prompts."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Bounds the memory of one block of resamples to about 100 MB, whatever the number of prompts.
_DRAWS_PER_BLOCK = 8_000_000


def paired_bootstrap(differences: Array, resamples: int, seed: int, level: float) -> tuple[float, float, float]:
    """Return (mean, low, high): the mean of paired differences and its percentile bootstrap interval.

    One difference per prompt; prompts are drawn with replacement `resamples` times, and the interval
    runs between the `(1 − level) / 2` and `(1 + level) / 2` quantiles of the drawn means. The result
    does not depend on the order of the prompts, and negated differences give the negated interval.
    A single prompt gives an interval without width: it says nothing about other prompts.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    Raises ValueError for no differences, for one that is not finite, and for a level outside (0, 1).
    """
    if not len(differences) or not np.isfinite(differences).all():
        raise ValueError("the bootstrap needs one finite difference or more")
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, found {level}")
    ordered, mirrored = np.sort(differences), np.sort(-differences)
    # Of a list and its mirror image the same one is always resampled.
    flipped = mirrored.tolist() < ordered.tolist()
    mean, low, high = _interval(mirrored if flipped else ordered, resamples, seed, level)
    if (ordered == mirrored).all():  # what is its own mirror image has an interval that is, too
        return 0.0, 0.0 - (high - low) / 2, (high - low) / 2
    return (0.0 - mean, 0.0 - high, 0.0 - low) if flipped else (mean, low, high)


def clipped_bootstrap(
    before: Array, after: Array, resamples: int, seed: int, level: float
) -> tuple[float, float, float]:
    """Return (change, low, high) of means that are clipped to [0, 1], as HealthBench clips them (arXiv 2505.08775).

    `before` and `after` hold one value per prompt; prompts are drawn with replacement, both means of a draw are
    clipped, and the interval is that of `paired_bootstrap`. Raises ValueError as that does.
    """
    paired_bootstrap(after - before, 1, seed, level)
    random = np.random.default_rng(seed)
    changes: list[float] = []
    for _ in range(resamples):
        picks = random.integers(0, len(before), size=len(before))
        changes.append(float(np.clip(after[picks].mean(), 0, 1) - np.clip(before[picks].mean(), 0, 1)))
    low, high = np.quantile(changes, [(1 - level) / 2, (1 + level) / 2])
    return float(np.clip(after.mean(), 0, 1) - np.clip(before.mean(), 0, 1)), float(low), float(high)


def _interval(ordered: Array, resamples: int, seed: int, level: float) -> tuple[float, float, float]:
    mean = float(ordered.mean())
    # Centred first, so that equal differences give exactly their own value.
    drawn = mean + _drawn_means(ordered - mean, resamples, np.random.default_rng(seed))
    # Rounding may leave dust where a resample's mean is 0, and dust has a sign.
    drawn[np.abs(drawn) < 1e-12 * np.abs(ordered).max()] = 0.0
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return mean, float(low), float(high)


def _drawn_means(values: Array, resamples: int, random: np.random.Generator) -> Array:
    block = max(1, _DRAWS_PER_BLOCK // len(values))
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    return np.concatenate([_block_means(values, size, random) for size in sizes])


def _block_means(values: Array, resamples: int, random: np.random.Generator) -> Array:
    picks = random.integers(0, len(values), size=(resamples, len(values)), dtype=np.int32)
    return values[picks].mean(axis=1)
