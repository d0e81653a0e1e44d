"""Agreement of any number of raters: Krippendorff's alpha and the intraclass correlations.

A row is one response, a column one rater; NaN is a missing label. Rows with fewer than two labels say nothing about
agreement and must be left out beforehand; the intraclass correlations need rows without a missing label.
"""

import numpy as np

from stages.agreement.resampling import Array, summed, totals_of

_DUST = 1e-12
"""A sum of squares below this share of the numbers that it was subtracted from is 0, but for rounding."""


def alpha_nominal(rows: Array, counts: Array) -> Array:
    """Return Krippendorff's alpha where any two different labels differ alike. Undefined where all labels are equal.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C.
    """
    frequencies = _frequencies(rows)
    labels = frequencies.sum(axis=1)
    within = (labels**2 - (frequencies**2).sum(axis=1)) / (labels - 1)
    totals = counts @ frequencies
    between = totals.sum(axis=1) ** 2 - (totals**2).sum(axis=1)
    return _alpha((counts * within).sum(axis=1), between, totals.sum(axis=1))


def alpha_ordinal(rows: Array, counts: Array) -> Array:
    """Return Krippendorff's alpha for ordered labels. Undefined where all labels are equal.

    The ordinal distance of two labels is the number of labels from one to the other, with half of those at either
    end: that is the distance of their midranks, worked out anew in each resample.
    Source: Krippendorff (2011), section E, the ordinal metric difference.
    """
    present = ~np.isnan(rows)
    labels = present.sum(axis=1)
    codes = np.unique(rows[present], return_inverse=True)[1]
    totals = totals_of(codes, counts[:, np.nonzero(present)[0]])
    ranks = totals.cumsum(axis=1) - totals / 2
    of_label, starts = ranks[:, codes], labels.cumsum() - labels
    sums, squares = (np.add.reduceat(of_label**power, starts, axis=1) for power in (1, 2))
    within = (2 * labels * squares - 2 * sums**2) / (labels - 1)
    number = totals.sum(axis=1)
    between = 2 * number * (totals * ranks**2).sum(axis=1) - 2 * (totals * ranks).sum(axis=1) ** 2
    return _alpha((counts * within).sum(axis=1), between, number)


def alpha_interval(rows: Array, counts: Array) -> Array:
    """Return Krippendorff's alpha where labels differ by the square of their difference. Undefined as the others are.

    Source: Krippendorff (2011), section E, the interval metric difference.
    """
    centred = rows - np.nanmedian(rows)
    labels = (~np.isnan(rows)).sum(axis=1)
    sums, squares = np.nansum(centred, axis=1), np.nansum(centred**2, axis=1)
    within = (2 * labels * squares - 2 * sums**2) / (labels - 1)
    number, raw = summed(counts, labels), summed(counts, squares)
    between = 2 * number * raw - 2 * summed(counts, sums) ** 2
    between[between <= _DUST * number * raw] = 0
    return _alpha((counts * within).sum(axis=1), between, number)


def icc_single(rows: Array, counts: Array) -> Array:
    """Return ICC(2,1): how far single labels agree absolutely, rows and raters both taken as random.

    (BMS − EMS) / (BMS + (k − 1) EMS + k (JMS − EMS) / n), with the mean squares between rows, between raters and of
    the rest. Undefined for fewer than two rows or raters, and where all labels are equal.
    Source: Shrout and Fleiss, Intraclass correlations, Psychol. Bull. 86 (1979).
    """
    between, raters, rest, number = _mean_squares(rows, counts)
    k = rows.shape[1]
    return _quotient(between - rest, between + (k - 1) * rest + k * (raters - rest) / number)


def icc_average(rows: Array, counts: Array) -> Array:
    """Return ICC(2,k): how far means over k raters agree absolutely with those over k others.

    (BMS − EMS) / (BMS + (JMS − EMS) / n). Undefined as ICC(2,1) is, and where the estimate of the variance of such
    means, which is the denominator, is not positive. Source: Shrout and Fleiss (1979).
    """
    between, raters, rest, number = _mean_squares(rows, counts)
    return _quotient(between - rest, between + (raters - rest) / number)


def _mean_squares(rows: Array, counts: Array) -> tuple[Array, Array, Array, Array]:
    k, number = rows.shape[1], counts.sum(axis=1)
    centred = rows - np.median(rows)
    sums, raw = summed(counts, centred.sum(axis=1)), summed(counts, (centred**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = sums**2 / (number * k)
        total = _undusted(raw - middle, raw)
        between = _undusted(summed(counts, centred.sum(axis=1) ** 2) / k - middle, raw)
        raters = _undusted((summed(counts, centred) ** 2).sum(axis=1) / number - middle, raw)
        rest = _undusted(total - between - raters, raw)
        number = np.where((number < 2) | (k < 2), np.nan, number)
        return between / (number - 1), raters / np.float64(k - 1), rest / ((number - 1) * (k - 1)), number


def _undusted(squares: Array, raw: Array) -> Array:
    return np.where(squares <= _DUST * raw, 0.0, squares)


def _frequencies(rows: Array) -> Array:
    """Return how often each label, in ascending order, stands in each row."""
    levels = np.unique(rows[~np.isnan(rows)])
    return (rows[:, :, None] == levels).sum(axis=1).astype(np.float64)


def _alpha(within: Array, between: Array, number: Array) -> Array:
    return 1.0 - _quotient((number - 1) * within, between)


def _quotient(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.full_like(below, np.nan), where=below > 0)
