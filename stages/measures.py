"""What is measured of one judged response: numbers, or None where there is nothing to measure.

A response that could not be had, and a verdict that failed, are never a number here: they drop out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from schemas.judged import Judged, JudgedResponse, Verdict
from schemas.rubric import Criterion, Rubric
from stages.checks import text as texts
from stages.checks.repetition import repeated_share
from stages.checks.text import words
from stages.scoring import unit
from stages.verdicts import BY_CHECK

folded_words = lru_cache(maxsize=256)(texts.folded_words)  # four measures of a response fold it, one after the other
Better = Literal["higher", "lower", "neither"]

MOSTLY = 0.5
"""The share of repeated three-word runs above which a response is mostly repetition."""


@dataclass(frozen=True)
class Measure:
    """One measure of a response under its rubric, and which direction is an improvement."""

    name: str
    says: str
    """What the number is, for people."""
    better: Better
    of: Callable[[Rubric, JudgedResponse], float | None]


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None; None where there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def group_mean(group: Judged, measure: Measure) -> float | None:
    """Return the mean of a measure over the responses of a group that have it.

    None for what is not known of answers that were made elsewhere: whether they were cut off.
    """
    if measure.name == "truncated" and group.policy.sampling is None:
        return None
    rubric = rubric_of(group)
    return mean(measure.of(rubric, response) for response in group.responses)


def criterion_means(group: Judged) -> dict[str, float | None]:
    """Return, for each criterion of the group's rubric, its mean `level` over the responses."""
    rows = [response.verdicts for response in group.responses]
    return {
        criterion.id: mean(level(criterion, row[index]) for row in rows)
        for index, criterion in enumerate(rubric_of(group).leaves)
    }


def clips_means(lines: Iterable[Judged]) -> bool:
    """Return whether means of rewards over these lines are clipped to [0, 1]: every rubric says `clip: mean`."""
    return all(rubric_of(line).reward.clip == "mean" for line in lines)


def rubric_of(group: Judged) -> Rubric:
    """Return the rubric of a judged group, which every judged line has."""
    assert group.rubric is not None  # a judged line is refused without one
    return group.rubric


def level(criterion: Criterion, verdict: Verdict) -> float | None:
    """Return 1 for met and 0 for not met; with tiers the share of their range; None without a score.

    Partial credit of a check counts for the reward only: here a check that is not met is 0. A check that
    grades by itself keeps its grade.
    """
    if verdict.score is None:
        return None
    return unit(criterion, verdict) if criterion.tiers else verdict.score


def improvement(rubric: Rubric, criterion: Criterion) -> Better:
    """Return whether a higher share of met responses is an improvement under this leaf of the rubric."""
    return "higher" if rubric.signs[criterion.id] > 0 else "lower"


def all_met(rubric: Rubric, response: JudgedResponse) -> float | None:
    """Return 1 if every criterion whose presence earns reward is met, with tiers at its best one, else 0.

    A criterion on which the judge abstained has no say; one that a gate kept from being judged is not met.
    None if a verdict that is needed failed, or none is left.
    """
    judged = zip(rubric.leaves, response.verdicts, strict=True)
    needed = [(c, v) for c, v in judged if c.is_weighed and rubric.signs[c.id] > 0 and v.status != "abstained"]
    best = [False if verdict.status == "skipped" else is_best(criterion, verdict) for criterion, verdict in needed]
    known = [value for value in best if value is not None]
    return float(all(known)) if best and len(known) == len(best) else None


def is_best(criterion: Criterion, verdict: Verdict) -> bool | None:
    """Return whether a verdict says met, or the best tier; None without a score.

    Where the score lies between two answers, as an expectation over them or the mean of a panel, the nearer one
    counts, and half-way the worse. A check is met or not, whatever credit it gives for coming close.
    """
    if verdict.score is None:
        return None
    scores = [tier.score for tier in criterion.tiers] or [0.0, 1.0]
    if verdict.judge == BY_CHECK:
        return verdict.score == scores[-1]
    return verdict.score > (scores[-1] + scores[-2]) / 2


def vetoed(rubric: Rubric, response: JudgedResponse) -> float | None:
    """Return 1 if a veto fired, else 0; None without vetoes, and where a veto's verdict failed."""
    if response.vetoed_by:
        return 1.0
    vetoes = [v for c, v in zip(rubric.leaves, response.verdicts, strict=True) if c.veto]
    return None if not vetoes or any(verdict.status == "failed" for verdict in vetoes) else 0.0


def distinct(text: str, size: int) -> float | None:
    """Return the share of distinct runs of `size` words among all such runs; None without a run.

    Source: distinct-n of Li et al., arXiv 1510.03055, over one response and divided by its number of
    runs. Texts of another length are not comparable: the longer one repeats more words.
    """
    tokens = folded_words(text)
    runs = list(zip(*(tokens[start:] for start in range(size)), strict=False))
    return len(set(runs)) / len(runs) if runs else None


def degenerate(text: str) -> float:
    """Return 1 for a text without words, or whose three-word runs are mostly repeats, else 0."""
    tokens = folded_words(text)
    return float(not tokens or repeated_share(tokens) > MOSTLY)


def _answered(of: Callable[[JudgedResponse], float | None]) -> Callable[[Rubric, JudgedResponse], float | None]:
    return lambda rubric, response: None if response.finish == "failed" else of(response)


def _tokens(response: JudgedResponse) -> float | None:
    return float(response.length) if response.length or not response.text else None


MEASURES: Sequence[Measure] = (
    Measure("reward", "mean reward of the scored responses", "higher", lambda rubric, response: response.reward),
    Measure("all_met", "share that meets every criterion of positive weight", "higher", all_met),
    Measure("veto_rate", "share that a veto set to reward 0", "lower", vetoed),
    Measure("length_words", "words", "neither", _answered(lambda response: float(len(words(response.text))))),
    Measure("length_tokens", "tokens", "neither", _answered(_tokens)),
    Measure("truncated", "share cut off at the token limit", "lower", _answered(lambda r: float(r.finish == "length"))),
    Measure("distinct_1", "share of distinct words", "higher", _answered(lambda r: distinct(r.text, 1))),
    Measure("distinct_2", "share of distinct word pairs", "higher", _answered(lambda r: distinct(r.text, 2))),
    Measure(
        "repetition",
        "share of three-word runs that stood there before",
        "lower",
        _answered(lambda response: repeated_share(folded_words(response.text))),
    ),
    Measure("degenerate", "share without words, or mostly repeats", "lower", _answered(lambda r: degenerate(r.text))),
)
"""In the order of the report."""

REWARD = MEASURES[0]

REFERENCE_LOGLIK = "reference_loglik"
SAYS = {measure.name: measure.says for measure in MEASURES} | {
    REFERENCE_LOGLIK: "log-likelihood per token of the reference answers, in nats"
}
"""What each measure of a report is, by name."""
