"""What a suite's measures are on one file of judged lines, and how sure that is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from schemas.judged import Judged
from stages.measures import MEASURES, REWARD, Measure, clips_means, group_mean
from stages.suites.base import Part, Suite, SuiteMeasure

OF_ALL = ("reward", "veto_rate", "truncated")
"""Measures of single responses that stand before those of every suite."""
# Bounds the memory of one block of resamples to about 100 MB, whatever the number of prompts.
_DRAWS_PER_BLOCK = 4_000_000


@dataclass(frozen=True)
class Level:
    """One measure of one file."""

    name: str
    says: str
    value: float
    low: float
    """Lower end of the percentile bootstrap interval over prompts."""
    high: float
    prompts: int
    """Prompts that have something to measure."""


def measures_of(suite: Suite | None) -> list[SuiteMeasure]:
    """Return what is told of a suite: reward, vetoes and truncation as everywhere, then its own measures.

    None is a file of tasks that is no suite by name.
    """
    shared = [SuiteMeasure(m.name, m.says, m.better, partial(_mean, m)) for m in MEASURES if m.name in OF_ALL]
    return [*shared, *(suite.measures if suite else ())]


def _mean(measure: Measure, group: Judged) -> Part | None:
    value = group_mean(group, measure)
    return None if value is None else (value, 1.0)


def levels(
    lines: Sequence[Judged],
    measures: Iterable[SuiteMeasure],
    seed: int = 0,
    resamples: int = 10_000,
    level: float = 0.95,
) -> Iterator[Level]:
    """Yield the measures that some prompt has, each with its interval; the order of the lines has no say.

    A measure is the ratio of two sums over prompts, and an interval the percentile bootstrap over prompts: as many are
    drawn with replacement, `resamples` times, and resamples without a denominator are left out. The mean reward is
    clipped to [0, 1], in each resample too, where every rubric says `clip: mean`.
    """
    for measure in measures:
        parts = [part for line in lines if (part := measure.of(line)) is not None]
        if not parts:
            continue
        rows = np.array(sorted(parts), dtype=float)
        top, bottom = rows.sum(axis=0)
        if not bottom:
            continue
        value, drawn = top / bottom, _ratios(rows, resamples, seed)
        if measure.name == REWARD.name and clips_means(lines):
            value, drawn = np.clip(value, 0, 1), drawn.clip(0, 1)
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        yield Level(measure.name, measure.says, float(value), float(low), float(high), len(rows))


def _ratios(rows: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    random, found = np.random.default_rng(seed), []
    block = max(1, _DRAWS_PER_BLOCK // len(rows))
    for start in range(0, resamples, block):
        picks = random.integers(0, len(rows), size=(min(block, resamples - start), len(rows)), dtype=np.int32)
        tops, bottoms = (column[picks].sum(axis=1) for column in rows.T)
        found.append(tops[bottoms != 0] / bottoms[bottoms != 0])
    return np.concatenate(found)
