"""What has changed about the prompts since they were measured before."""

import numpy as np

from stages.selection.decisions import Decisions
from stages.selection.predicates import EQUAL
from stages.selection.rows import Rows


def since(made: Decisions, previous: Rows) -> dict[str, int]:
    """Return how many prompts left the band since, and to which side, lost their spread, are new or missing.

    The band is today's, in values, for both. `both` is how many are in both files; only they can have changed.
    """
    now, rows = made.rows, made.rows
    _, here, there = np.intersect1d(now["key"], previous["key"], return_indices=True)
    low, high = made.bands.low[here], made.bands.high[here]
    before, after = previous["value"][there], rows["value"][here]
    was_in = (before >= low) & (before <= high)
    return {
        "both": len(here),
        "too_easy": int((was_in & (after > high)).sum()),
        "too_hard": int((was_in & (after < low)).sum()),
        "no_spread": int(((previous["range"][there] >= EQUAL) & (rows["range"][here] < EQUAL)).sum()),
        "into_the_band": int((~was_in & (after >= low) & (after <= high)).sum()),
        "new": len(now) - len(here),
        "missing": len(previous) - len(here),
    }
