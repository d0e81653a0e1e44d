"""p-values of several tests, corrected for being several."""

from collections.abc import Callable, Mapping, Sequence


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values such that calling those ≤ α real is wrong about any at all with a chance of α at most.

    Valid however the tests depend on each other. Source: Holm, Scandinavian Journal of Statistics 6 (1979), 65–70.
    """
    found, highest = [0.0] * len(values), 0.0
    for rank, n in enumerate(_ascending(values)):
        highest = max(highest, min(1.0, values[n] * (len(values) - rank)))
        found[n] = highest
    return found


def benjamini_hochberg(values: Sequence[float]) -> list[float]:
    """Return p-values such that of those ≤ α a share of α at most is wrong, on average.

    Valid for tests that are independent or depend on each other positively. Source: Benjamini and Hochberg, Journal
    of the Royal Statistical Society B 57 (1995), 289–300.
    """
    found, lowest = [0.0] * len(values), 1.0
    for rank, n in reversed(list(enumerate(_ascending(values), start=1))):
        lowest = min(lowest, values[n] * len(values) / rank)
        found[n] = lowest
    return found


CORRECTIONS: Mapping[str, Callable[[Sequence[float]], list[float]]] = {"holm": holm, "bh": benjamini_hochberg}
"""By the name of the option."""


def _ascending(values: Sequence[float]) -> list[int]:
    return sorted(range(len(values)), key=values.__getitem__)
