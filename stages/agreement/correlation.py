"""How two numbers of the same rows go together, and by how much one exceeds the other."""

import numpy as np

from stages.agreement.resampling import Array, Whole, starts_of, summed, totals_of

_DUST = 1e-12
"""A variance below this share of the numbers that it was subtracted from is 0, but for rounding."""


def pearson(rows: Array, counts: Array) -> Array:
    """Return Pearson's product-moment correlation. Undefined where either column has but one value.

    Source: Pearson, Notes on regression and inheritance, Proc. R. Soc. 58 (1895).
    """
    x, y = (rows - np.median(rows, axis=0)).T
    number = counts.sum(axis=1)
    sums = [summed(counts, x), summed(counts, y)]
    with np.errstate(divide="ignore", invalid="ignore"):
        spreads = [_spread(summed(counts, v**2), total, number) for v, total in zip((x, y), sums, strict=True)]
        together = summed(counts, x * y) - sums[0] * sums[1] / number
        return _bounded(together / np.sqrt(spreads[0] * spreads[1]))


def spearman(rows: Array, counts: Array) -> Array:
    """Return Spearman's rank correlation: Pearson's, of midranks. Undefined as `pearson` is.

    Source: Spearman, The proof and measurement of association between two things (1904); ties by midranks.
    """
    x, y = (_midranks(column, counts) for column in rows.T)
    spreads = (counts * x**2).sum(axis=1) * (counts * y**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _bounded((counts * x * y).sum(axis=1) / np.sqrt(np.where(spreads > 0, spreads, np.nan)))


def kendall(rows: Array, counts: Array) -> Array:
    """Return Kendall's tau-b, which allows for ties. Undefined where either column has but one value.

    Source: Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945).
    """
    codes = (np.unique(column, return_inverse=True)[1] for column in rows.T)
    y, x = sorted(codes, key=lambda column: int(column.max()))  # few values are soon gone through
    order = np.lexsort((y, x))  # among equal x no pair is discordant
    x, y, counts = x[order], y[order], counts[:, order]
    number = counts.sum(axis=1)
    pairs = number * (number - 1) / 2
    tied_x, tied_y = _tied(x, counts), _tied(y, counts)
    tied_both = (counts * (counts - 1) / 2).sum(axis=1)
    surplus = pairs - tied_x - tied_y + tied_both - 2 * _discordant(y, counts)
    untied = (pairs - tied_x) * (pairs - tied_y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _bounded(surplus / np.sqrt(np.where(untied > 0, untied, np.nan)))


def mean_error(rows: Array, counts: Array) -> Array:
    """Return the mean of the first column: of errors, how much too high one side is. Undefined without rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(summed(counts, rows[:, 0]) / counts.sum(axis=1))


def _spread(squares: Array, sums: Array, number: Array) -> Array:
    spread = squares - sums**2 / number
    return np.where(spread > _DUST * squares, spread, np.nan)


def _bounded(values: Array) -> Array:
    """Return correlations without what rounding put beyond −1 and 1."""
    return np.clip(values, -1.0, 1.0)


def _midranks(column: Array, counts: Array) -> Array:
    """Return each row's midrank in each resample, less the mean of all ranks."""
    codes = np.unique(column, return_inverse=True)[1]
    totals = totals_of(codes, counts)
    return np.asarray((totals.cumsum(axis=1) - totals / 2)[:, codes] - counts.sum(axis=1, keepdims=True) / 2)


def _tied(codes: Whole, counts: Array) -> Array:
    totals = totals_of(codes, counts)
    return np.asarray((totals * (totals - 1) / 2).sum(axis=1))


def _discordant(codes: Whole, counts: Array) -> Array:
    """Return the number of pairs of which the earlier row has the higher code, row for row as often as it counts.

    As radix sort does, it looks at one bit of the codes after the other: of two codes the higher one has the first
    bit in which they differ. So n rows take log n passes, for all resamples together.
    """
    found = np.zeros(len(counts))
    for bit in range(int(codes.max()).bit_length()):
        order = np.argsort(codes >> (bit + 1), kind="stable")
        high = (codes[order] >> bit) & 1
        starts = starts_of(codes[order] >> (bit + 1))
        below = counts[:, order]
        above = below * high
        below -= above
        so_far = above.cumsum(axis=1)
        before = so_far[:, starts] - above[:, starts]  # those of earlier groups
        found += np.einsum("ij,ij->i", so_far, below)
        found -= np.einsum("ij,ij->i", before, np.add.reduceat(below, starts, axis=1))
    return found
