"""How answers sound: over-used phrases, talk of being an AI, flattery, hedging, and how sentence lengths vary."""

from collections.abc import Sequence
from functools import cache
from statistics import fmean, pstdev
from typing import Any

from schemas.judged import Judged
from stages.checks.base import bind
from stages.checks.sentences import sentences
from stages.checks.slop import Lexicon, Slop
from stages.checks.text import folded_words, words
from stages.suites.base import Part, Suite, SuiteMeasure, mean_of, ratio_of, under
from stages.suites.disclaimers import AI_DISCLAIMER
from stages.suites.hedges import HEDGES

PER = 1_000
FEWEST_SENTENCES = 3
"""Of fewer sentences no variation is told."""
CHECKS: dict[str, dict[str, Any]] = {
    "ai_disclaimer": {"regex_match": {"pattern": AI_DISCLAIMER, "flags": ["ignorecase"]}},
    "flattery": {"opening_praise": {}},
}
RUBRIC: dict[str, Any] = {
    "rubric": "tone",
    "kind": "style",
    "criteria": [
        {"id": "little_slop", "check": {"slop": {"at_most": 5}}},
        *({"id": name, "weight": -0.5, "check": check} for name, check in CHECKS.items()),
    ],
}


@cache
def _hedges() -> Lexicon:
    return Lexicon(HEDGES)


@cache
def _slop() -> Slop:
    return Slop()


def slop_per_1000(group: Judged) -> Part | None:
    """Return over-used phrases, those that come with the check `slop`, for every 1,000 words."""
    return _per_1000(group, lambda tokens: _slop().found(tokens).total())


def hedges_per_1000(group: Judged) -> Part | None:
    """Return hedges (`stages.suites.hedges`) for every 1,000 words."""
    return _per_1000(group, lambda tokens: _hedges().found(tokens).total())


def _per_1000(group: Judged, count: Any) -> Part | None:
    def of(text: str) -> Part:
        tokens = folded_words(text)
        return float(PER * count(tokens)), float(len(tokens))

    return ratio_of(group, lambda response: of(response.text))


def rate(check: dict[str, dict[str, Any]], group: Judged) -> Part | None:
    """Return the share of responses that meet a check, those left out on which it cannot tell."""
    import stages.checks  # noqa: F401 (registers every check)

    run = bind(check)

    def of(text: str) -> float | None:
        met = run(text, group).met
        return None if met is None else float(met)

    return mean_of(group, lambda response: of(response.text))


def burstiness(lengths: Sequence[int]) -> float | None:
    """Return how unevenly long sentences are, from their lengths in words: −1 where all are alike, and below 1.

    It is (σ − μ)/(σ + μ), with the standard deviation and the mean of the lengths; None for fewer than three sentences.
    Source: the burstiness parameter of Goh and Barabási, EPL 81, 48002 (2008), of the gaps between sentence ends.
    """
    if len(lengths) < FEWEST_SENTENCES:
        return None
    middle, spread = fmean(lengths), pstdev(lengths)
    return (spread - middle) / (spread + middle)


def sentence_lengths(text: str) -> list[int]:
    """Return the number of words of each sentence, as the check `sentence_count` knows sentences."""
    return [count for pieces in sentences(text) if (count := len(words(" ".join(pieces))))]


TONE = Suite(
    name="tone",
    about="how answers sound: slop and hedges per 1,000 words, AI disclaimers, flattery, burstiness",
    source="any prompts: JSONL with `prompt` or `messages`, CSV, Parquet, hf:NAME[:split]",
    measures=(
        SuiteMeasure("slop_per_1000", "phrases that models over-use, per 1,000 words", "lower", slop_per_1000),
        SuiteMeasure(
            "ai_disclaimer_rate",
            "share of answers that speak of being an AI",
            "lower",
            lambda group: rate(CHECKS["ai_disclaimer"], group),
        ),
        SuiteMeasure(
            "flattery_rate",
            "share of answers that open with praise",
            "lower",
            lambda group: rate(CHECKS["flattery"], group),
        ),
        SuiteMeasure("hedges_per_1000", "words that hold back, per 1,000 words", "neither", hedges_per_1000),
        SuiteMeasure(
            "burstiness",
            "variation of sentence lengths, −1 all alike",
            "neither",
            lambda group: mean_of(group, lambda response: burstiness(sentence_lengths(response.text))),
        ),
    ),
    judged_by=lambda task: under(task, RUBRIC),
    sampling={"group_size": 4, "temperature": 1.0, "max_tokens": 512},
)
