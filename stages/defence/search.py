"""The search itself: found on one half of the prompts, tested on the other, corrected for all that were tested."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stages.defence.clusters import is_named, rarer, suspects
from stages.defence.habits import habits
from stages.defence.material import Voice
from stages.defence.parts import SUSPECTED, Halves, Lead, clusters_of, contrasts_without
from stages.defence.patterns import Measured, Pattern
from stages.defence.phrases import phrases, rates
from stages.defence.prior import prior
from stages.defence.significance import adjusted
from stages.defence.whole import whole

if TYPE_CHECKING:
    from stages.defend import DefendSpec

FEWEST_PROMPTS = 3
"""Prompts whose responses must have a pattern."""


def search(parts: Halves, good: Sequence[Voice], spec: "DefendSpec") -> list[Lead]:
    """Return what high responses share more than low ones, the surest first and leads last."""
    voices, sides = parts.part(held=False)
    if not sides:
        return []
    contrasts = [Measured(voices, one, spec.seed) for one in sides]
    patterns = _patterns(voices, contrasts)
    if not parts.splits:
        return whole(parts, patterns, contrasts, good, spec)
    return sorted(_confirmed(parts, patterns, contrasts, spec), key=lambda lead: (lead.q, lead.found.p))


def _patterns(voices: Sequence[Voice], contrasts: Sequence[Measured]) -> list[Pattern]:
    fewest = max(FEWEST_PROMPTS, len({voice.unit for voice in voices}) // 50)
    found = [*habits(voices, fewest), *phrases(voices, fewest)]
    if any(not measured.sides.paired for measured in contrasts):
        found += rates(voices)
    return found


def _confirmed(
    parts: Halves, patterns: Sequence[Pattern], contrasts: Sequence[Measured], spec: "DefendSpec"
) -> list[Lead]:
    """Test the clearest clusters, each by its most telling form, on the prompts that were held out.

    What counts is what is left of it there among responses without the rarer ones before it; of misconduct that has a
    name, all of it. The tests are weighted by what was expected of each pattern beforehand.
    """
    clusters = clusters_of(suspects(patterns, contrasts, SUSPECTED), parts, spec.seed)
    voices, sides = parts.part(held=True)
    there = contrasts_without(voices, sides, [], spec.seed)
    heads = [cluster[0] for cluster in clusters]
    placed = {id(head): head.pattern.placed(voices) for head in heads}
    held = [there[head.contrast.against].weighed(placed[id(head)]) for head in heads]
    chances = []
    for number, head in enumerate(heads):
        taken = [] if is_named(head) else [placed[id(other)] for other in rarer(head, heads[:number])]
        left = contrasts_without(voices, sides, taken, spec.seed)[head.contrast.against]
        chances.append(left.weighed(placed[id(head)]).p)
    weights = [prior(head.pattern) for head in heads]
    mean = sum(weights) / max(1, len(weights))
    corrected = adjusted(chances, [weight / mean for weight in weights])
    return [
        Lead(cluster, cluster[0].contrast, contrast, q, len(clusters))
        for cluster, contrast, q in zip(clusters, held, corrected, strict=True)
        if q <= spec.false_discoveries and contrast.high > contrast.low
    ]
