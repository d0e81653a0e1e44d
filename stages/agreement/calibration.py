"""Whether a judge is as often right as it is sure."""

import numpy as np

from stages.agreement.resampling import Array, summed

BINS = 10
"""Bins of equal width over confidences from 0 to 1."""


def calibration_error(rows: Array, counts: Array) -> Array:
    """Return the expected calibration error of (confidence, 1 if right and else 0): Σ (n_b / n) |right_b − sure_b|.

    The sum goes over `BINS` bins of equal width. It is biased upward in small samples, and more so in resamples of
    them. Undefined without rows.
    Source: Guo et al., On calibration of modern neural networks (arXiv 1706.04599), after Naeini et al. (2015).
    """
    bins = np.clip(np.ceil(rows[:, 0] * BINS).astype(int) - 1, 0, BINS - 1)
    of_bin = bins[:, None] == np.arange(BINS)
    gaps = summed(counts, (rows[:, 1] - rows[:, 0])[:, None] * of_bin)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(gaps).sum(axis=1) / counts.sum(axis=1))
