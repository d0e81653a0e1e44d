"""How many answers a prompt has on each side of a comparison, for measures that depend on it."""

from collections.abc import Iterable, Mapping
from itertools import combinations

from schemas.judged import Judged
from stages.suites.base import Suite

Sizes = Mapping[str, int]
"""Answers by prompt id, those that failed among them."""


def sizes_of(lines: Iterable[Judged]) -> Sizes:
    """Return how many answers each prompt has, those that failed among them."""
    return {line.id: len(line.responses) for line in lines}


def unequal(suite: Suite | None, sides: Mapping[str, Sizes]) -> str:
    """Return, in a sentence, the first prompt of which two labels have unequally many answers.

    It is empty where no prompt is like that, and for a suite whose measures do not depend on it. A single answer is no
    group: nothing that lies between answers is measured of it.
    """
    if suite is None or not suite.equal_groups:
        return ""
    for (label, first), (other, second) in combinations(sides.items(), 2):
        for name in filter(second.__contains__, first):
            if first[name] != second[name] and min(first[name], second[name]) > 1:
                return (
                    f"{name} has {first[name]} answers of {label} and {second[name]} of {other}: what the suite "
                    f"'{suite.name}' measures depends on how many"
                )
    return ""
