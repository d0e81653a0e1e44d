"""Ratios of two sums over prompts on both sides of a comparison: how much they changed, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from stages.agreement.means import Array, clipped_bootstrap, paired_bootstrap

# Bounds the memory of one block of resamples to about 100 MB, whatever the number of prompts.
_DRAWS_PER_BLOCK = 4_000_000
_MOST_UNDEFINED = 0.05
"""The share of resamples without a denominator above which there is no interval: it would speak of the others alone."""


@dataclass(frozen=True)
class Sides:
    """What each prompt adds to the numerator and to the denominator of a ratio, before and after.

    Both arrays have one row per prompt and two columns. A mean over prompts is the ratio whose denominators are 1.
    """

    before: Array
    after: Array
    clip: bool = False
    """Whether both ratios are clipped to [0, 1]."""

    def __len__(self) -> int:
        return len(self.before)

    @property
    def ratios(self) -> tuple[float, float]:
        """Both ratios, NaN for one whose denominators sum up to 0."""
        (old, old_of), (new, new_of) = self.before.sum(axis=0), self.after.sum(axis=0)
        return float(_ratio(old, old_of, self.clip)), float(_ratio(new, new_of, self.clip))

    @property
    def is_mean(self) -> bool:
        """Whether all denominators are 1."""
        return bool((self.before[:, 1] == 1).all() and (self.after[:, 1] == 1).all())

    def spread(self) -> float:
        """Return the standard deviation of what single prompts do to the change: over √n it is the standard error.

        For means these are the paired differences. For ratios they are the linearised residuals
        `(a − A·b) / mean(b)`, with `A` the ratio, after minus before: Cochran, Sampling Techniques (1977), chapter 6;
        Deng et al., arXiv 1803.06336. NaN for fewer than two prompts, and where a clip takes effect.
        """
        if len(self) < 2 or (self.clip and not all(0 < ratio < 1 for ratio in self.ratios)):
            return float("nan")
        old, new = (_residuals(side) for side in (self.before, self.after))
        return float((new - old).std(ddof=1))


def interval(sides: Sides, resamples: int, seed: int, level: float) -> tuple[float, float, float] | None:
    """Return (change, low, high): the change of a ratio, after minus before, and its percentile bootstrap interval.

    Prompts are drawn with replacement, both of their sides at once. None where a ratio has no denominator, or more
    than 5 % of the resamples have none. The order of the prompts has no say, and swapped sides give the negated
    interval. Raises ValueError as `paired_bootstrap` does.
    """
    if np.isnan(sides.ratios).any():
        return None
    if sides.is_mean:
        old, new = sides.before[:, 0], sides.after[:, 0]
        if sides.clip:
            return clipped_bootstrap(old, new, resamples, seed, level)
        return paired_bootstrap(new - old, resamples, seed, level)
    rows = np.hstack([sides.before, sides.after])
    ordered, mirrored = _ordered(rows), _ordered(rows[:, [2, 3, 0, 1]])
    # Of two sides and the same two swapped, the same ones are always resampled.
    flipped = mirrored.tolist() < ordered.tolist()
    drawn = _drawn_changes(mirrored if flipped else ordered, resamples, seed, sides.clip)
    known = drawn[~np.isnan(drawn)]
    if len(known) < (1 - _MOST_UNDEFINED) * resamples:
        return None
    # Rounding may leave dust where a resample's change is 0, and dust has a sign.
    known[np.abs(known) < 1e-12 * np.abs(sides.ratios).max()] = 0.0
    low, high = (float(end) for end in np.quantile(known, [(1 - level) / 2, (1 + level) / 2]))
    change = sides.ratios[1] - sides.ratios[0]
    if (ordered == mirrored).all():  # what is its own mirror image has an interval that is, too
        return 0.0, 0.0 - (high - low) / 2, (high - low) / 2
    return (change, 0.0 - high, 0.0 - low) if flipped else (change, low, high)


def _ratio(numerator: Array, denominator: Array, clip: bool = False) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(denominator != 0, np.divide(numerator, denominator), np.nan)
    return ratio.clip(0, 1) if clip else ratio


def _residuals(side: Array) -> Array:
    numerators, denominators = side.T
    ratio = numerators.sum() / denominators.sum()
    return np.asarray((numerators - ratio * denominators) / denominators.mean())


def _ordered(rows: Array) -> Array:
    return rows[np.lexsort(rows.T[::-1])]


def _drawn_changes(rows: Array, resamples: int, seed: int, clip: bool) -> Array:
    random, columns = np.random.default_rng(seed), np.ascontiguousarray(rows.T)
    block = max(1, _DRAWS_PER_BLOCK // len(rows))
    changes = []
    for start in range(0, resamples, block):
        picks = random.integers(0, len(rows), size=(min(block, resamples - start), len(rows)), dtype=np.int32)
        old, old_of, new, new_of = (column[picks].sum(axis=1) for column in columns)
        changes.append(_ratio(new, new_of, clip) - _ratio(old, old_of, clip))
    return np.concatenate(changes)
