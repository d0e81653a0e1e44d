"""The search where there are too few prompts to hold any out: every pattern that can tell anything is tested on all."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stages.defence.clusters import Suspect, alike, suspects
from stages.defence.material import Voice
from stages.defence.parts import SUSPECTED, Halves, Lead, clusters_of
from stages.defence.patterns import Measured, Pattern
from stages.defence.prior import Elsewhere, prior
from stages.defence.significance import adjusted, reachable

if TYPE_CHECKING:
    from stages.defend import DefendSpec

FEWEST_GOOD, OVERUSED, COMMON = 100, 10.0, 0.5
"""What at least this many good texts use so many times more seldom, and this share of the prompts uses, is tested apart
from the rest. Neither number looks at which side a response is on."""
TOGETHER = 0.6
"""The correlation from which on two patterns are tested as one."""
MOST_LEADS = 5

Weights = Mapping[int, float]
"""Of patterns, by `id`; what is not in it is not tested."""
Tested = list[tuple[Suspect, float]]
"""What was tested, with its q."""


def whole(
    parts: Halves,
    patterns: Sequence[Pattern],
    contrasts: Sequence[Measured],
    good: Sequence[Voice],
    spec: "DefendSpec",
) -> list[Lead]:
    """Return what is sure, and then up to `MOST_LEADS` leads: what stands out most of the rest.

    Against an earlier policy and with enough good texts, there are two sets of tests, and each has half of the false
    discoveries: words that good texts hardly use, and everything.
    """
    families = [_by_prior(patterns, contrasts, spec.false_discoveries)]
    unpaired = [measured for measured in contrasts if not measured.sides.paired]
    if unpaired and len(good) >= FEWEST_GOOD:
        families.append(_by_use(patterns, unpaired, Elsewhere(voice.text for voice in good)))
    told: dict[int, tuple[Suspect, float]] = {}
    for suspect, q in (each for family in families for each in family):
        q = min(1.0, q * len(families))
        if q < told.get(id(suspect.pattern), (suspect, 2.0))[1]:
            told[id(suspect.pattern)] = suspect, q
    order = sorted(told.values(), key=lambda each: (each[1], each[0].contrast.p / prior(each[0].pattern)))
    return _leads(order, parts, spec)


def _leads(order: Tested, parts: Halves, spec: "DefendSpec") -> list[Lead]:
    chances = {id(suspect): q for suspect, q in order}
    sure = [suspect for suspect, q in order if q <= spec.false_discoveries]
    rest = [suspect for suspect, q in order if q > spec.false_discoveries and suspect.contrast.p <= SUSPECTED]
    rest.sort(key=lambda suspect: suspect.contrast.p / prior(suspect.pattern))
    found: list[tuple[list[Suspect], bool]] = []
    for cluster in clusters_of(sure, parts, spec.seed):
        akin = [suspect for suspect in rest if _akin(suspect, cluster[0])]
        rest = [suspect for suspect in rest if suspect not in akin]
        found.append(([*cluster, *akin], True))
    while rest and sum(not is_sure for _, is_sure in found) < MOST_LEADS:
        akin = [suspect for suspect in rest if _akin(suspect, rest[0])]
        found.append((akin, False))
        rest = [suspect for suspect in rest if suspect not in akin]
    return [
        Lead(forms, forms[0].contrast, None, chances[id(forms[0])], len(order), is_sure) for forms, is_sure in found
    ]


def _akin(one: Suspect, other: Suspect) -> bool:
    """Return whether two forms are one thing to a reader: both or neither count how often, in the same responses."""
    if (one.pattern.rates is None) != (other.pattern.rates is None):
        return False
    if one.pattern.rates is not None and other.pattern.rates is not None:
        return one is other or float(np.corrcoef(one.pattern.rates, other.pattern.rates)[0, 1]) >= TOGETHER
    return alike(set(one.pattern.places.tolist()), set(other.pattern.places.tolist()))


def _by_prior(patterns: Sequence[Pattern], contrasts: Sequence[Measured], level: float) -> Tested:
    """Test every pattern that could be significant at all, weighted by what was expected of it beforehand."""
    pairs = [(p, m.best(p)) for m in contrasts for p in patterns if p.rates is None or not m.sides.paired]
    bar = reachable([best for _, best in pairs], level) if pairs else 0.0
    able = [pattern for pattern, best in pairs if best <= bar]
    return _tested(list({id(p): p for p in able}.values()), contrasts, {id(p): prior(p) for p in able}, len(able))


def _by_use(patterns: Sequence[Pattern], unpaired: Sequence[Measured], elsewhere: Elsewhere) -> Tested:
    """Test common words and phrases that as many words of good texts have more seldom, weighted by how much so."""
    longer = unpaired[0].words / elsewhere.words
    overused: dict[int, float] = {}
    for pattern in patterns:
        share, there = unpaired[0].pooled(pattern), elsewhere.share(pattern)
        if there is not None and share >= COMMON and share / there >= OVERUSED * longer:
            overused[id(pattern)] = share / there
    weights = _once(overused, patterns, unpaired[0])
    chosen = [pattern for pattern in patterns if id(pattern) in weights]
    return _tested(chosen, unpaired, weights, len(chosen) * len(unpaired))


def _once(found: Weights, patterns: Sequence[Pattern], measured: Measured) -> dict[int, float]:
    """Return those of some patterns, with their weights, that no other one goes along with in the same responses.

    Of two, how often a word comes says more than whether it is there; else the weightier one stays.
    """
    named = {id(pattern): pattern for pattern in patterns}
    kept: dict[int, float] = {}
    for name in sorted(found, key=lambda name: (named[name].rates is None, -found[name], named[name].what)):
        if not any(measured.together(named[name], named[other]) >= TOGETHER for other in kept):
            kept[name] = found[name]
    return kept


def _tested(patterns: Sequence[Pattern], contrasts: Sequence[Measured], weights: Weights, tests: int) -> Tested:
    """Return each pattern in its clearest contrast with its q, of so many tests; `weights` are scaled to mean 1."""
    told = suspects(patterns, contrasts, 1.0)
    mean = sum(weights.values()) / max(1, len(weights))
    own = [weights[id(suspect.pattern)] / mean for suspect in told]
    return list(zip(told, adjusted([s.contrast.p for s in told], own, max(tests, len(told))), strict=True))
