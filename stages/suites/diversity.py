"""How much the answers to one prompt differ from each other, without embeddings."""

from collections import Counter
from collections.abc import Sequence
from math import exp, log
from typing import Any

from schemas.judged import Judged
from stages.checks.text import folded_words
from stages.suites.base import Part, Suite, SuiteMeasure, under

LONGEST = 4
"""Runs of up to so many words are compared, as BLEU does."""
RUBRIC: dict[str, Any] = {
    "rubric": "diversity",
    "criteria": [
        {"id": "says_something", "check": {"word_count": {"at_least": 1}}},
        {"id": "repeats_itself", "weight": -1, "check": {"repetition": {}}},
    ],
}
"""What is asked of an answer alone; what the suite measures is between answers."""


def group_distinct(texts: Sequence[Sequence[str]], size: int) -> float | None:
    """Return the share of different runs of `size` words among all runs of all texts; None without a run.

    Source: distinct-n of Li et al., arXiv 1510.03055, over the answers to one prompt. No run goes across two texts.
    """
    runs = [run for text in texts for run in _runs(text, size)]
    return len(set(runs)) / len(runs) if runs else None


def self_bleu(texts: Sequence[Sequence[str]]) -> float | None:
    """Return the mean BLEU-4 of each text with all others as its references, 0 to 1; None for fewer than two texts.

    Source: Self-BLEU of Zhu et al., arXiv 1802.01886, within the answers to one prompt. BLEU after Papineni et al.
    (2002): clipped precisions of runs of 1 to 4 words with equal weights, and the brevity penalty against the
    reference closest in length. From runs of two on both counts are one higher (Lin and Och, COLING 2004), and a text
    shorter than four words has its own number of orders. Texts without a word are left out.
    """
    spoken = [list(text) for text in texts if text]
    if len(spoken) < 2:
        return None
    scores = [bleu(text, [*spoken[:place], *spoken[place + 1 :]]) for place, text in enumerate(spoken)]
    return sum(sorted(scores)) / len(scores)


def bleu(text: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return the smoothed BLEU of one text, as `self_bleu` says."""
    total, orders = 0.0, range(1, min(LONGEST, len(text)) + 1)
    for size in orders:
        own = Counter(_runs(text, size))
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= Counter(_runs(reference, size))
        shared, more = (own & most).total(), int(size > 1)
        if not shared + more:
            return 0.0
        total += log((shared + more) / (own.total() + more))
    closest = min((abs(len(each) - len(text)), len(each)) for each in references)[1]
    return exp(total / len(orders) + min(0.0, 1 - closest / len(text)))


def _runs(text: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(text[start:] for start in range(size)), strict=False))


def _texts(group: Judged, fewest: int = 1) -> list[list[str]]:
    """Return the words of all answers; nothing where one failed or has fewer than `fewest` words.

    The rest of such a group would be a smaller one, and smaller groups look more diverse. What an answer without a run
    has in common with the others is not defined, so that it can make the group neither more diverse nor less.
    """
    texts = [[] if each.finish == "failed" else folded_words(each.text) for each in group.responses]
    return texts if len(texts) > 1 and all(len(text) >= fewest for text in texts) else []


def _distinct(group: Judged, size: int) -> Part | None:
    value = group_distinct(_texts(group, size), size)
    return None if value is None else (value, 1.0)


def _self_bleu(group: Judged) -> Part | None:
    value = self_bleu(_texts(group))
    return None if value is None else (value, 1.0)


DIVERSITY = Suite(
    name="diversity",
    about="how much the answers to one prompt differ: distinct words and pairs of the group, self-BLEU",
    source="any prompts: JSONL with `prompt` or `messages`, CSV, Parquet, hf:NAME[:split]",
    measures=(
        SuiteMeasure(
            "group_distinct_1",
            "share of distinct words among all answers to a prompt",
            "higher",
            lambda group: _distinct(group, 1),
        ),
        SuiteMeasure(
            "group_distinct_2",
            "share of distinct word pairs among all answers to a prompt",
            "higher",
            lambda group: _distinct(group, 2),
        ),
        SuiteMeasure("self_bleu", "BLEU-4 of an answer against the others to its prompt", "lower", _self_bleu),
    ),
    judged_by=lambda task: under(task, RUBRIC),
    sampling={"group_size": 4, "temperature": 1.0, "max_tokens": 512},
    equal_groups=True,
)
