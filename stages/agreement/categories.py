"""Agreement of two on categories: accuracy and Cohen's kappa.

Rows are (one's category, the other's); categories are whole numbers, and their distances are those numbers' own: a
tier that nobody chose still lies between its neighbours.
"""

import numpy as np

from stages.agreement.resampling import Array, Whole


def accuracy(rows: Array, counts: Array) -> Array:
    """Return the share of rows in which both chose the same category. Undefined without rows."""
    return _ratio(counts @ (rows[:, 0] == rows[:, 1]), counts.sum(axis=1))


def kappa(rows: Array, counts: Array) -> Array:
    """Return Cohen's kappa, 1 − (observed disagreement) / (disagreement expected by chance).

    Undefined where chance alone leaves no room for disagreement: both gave every row one and the same category.
    Source: Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960).
    """
    return _kappa(rows, counts, 0)


def kappa_linear(rows: Array, counts: Array) -> Array:
    """Return Cohen's kappa with disagreements weighted by |i − j|. Undefined as `kappa` is.

    Source: Cohen, Weighted kappa, Psychol. Bull. 70 (1968); linear weights: Cicchetti and Allison (1971).
    """
    return _kappa(rows, counts, 1)


def kappa_quadratic(rows: Array, counts: Array) -> Array:
    """Return Cohen's kappa with disagreements weighted by (i − j)². Undefined as `kappa` is.

    Source: Cohen, Weighted kappa, Psychol. Bull. 70 (1968); Fleiss and Cohen (1973) on its likeness to the ICC.
    """
    return _kappa(rows, counts, 2)


def confusion(rows: Array, categories: int) -> Whole:
    """Return how often each category of the second column (one row each) met each of the first (one column each)."""
    cells = (rows[:, 1] * categories + rows[:, 0]).astype(np.int64)
    return np.bincount(cells, minlength=categories**2).reshape(categories, categories)


def _kappa(rows: Array, counts: Array, power: int) -> Array:
    levels = np.unique(rows)
    distances = _distance(levels[:, None], levels[None, :], power)
    one, other = (counts @ (rows[:, [side]] == levels) for side in (0, 1))
    observed = counts @ _distance(rows[:, 0], rows[:, 1], power)
    expected = ((one @ distances) * other).sum(axis=1)  # times the number of rows
    return 1.0 - _ratio(observed * counts.sum(axis=1), expected)


def _distance(one: Array, other: Array, power: int) -> Array:
    return np.abs(one - other) ** power if power else (one != other).astype(np.float64)


def _ratio(above: Array, below: Array) -> Array:
    """Return above / below, NaN where below is 0. Both are sums of whole numbers, and exact."""
    return np.divide(above, below, out=np.full_like(below, np.nan), where=below > 0)
