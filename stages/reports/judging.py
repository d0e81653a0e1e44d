"""How far the verdicts of a report can be trusted, as far as the judged files themselves tell."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean, median

from schemas.criterion import Criterion
from schemas.judged import Judged, Verdict
from stages.measures import rubric_of
from stages.reports.compared import Asked
from stages.verdicts import BY_CHECK

MOST_CRITERIA = 40
"""Rows of the table: the criteria whose verdicts are least sure. Rubrics of single prompts can have thousands."""


@dataclass
class Tally:
    """What became of some verdicts."""

    judges: Counter[str] = field(default_factory=Counter)
    """Verdicts by who gave them."""
    status: Counter[str] = field(default_factory=Counter)
    """Verdicts that are scored, abstained, failed and skipped."""
    failures: Counter[str] = field(default_factory=Counter)
    """Failed verdicts by class."""
    repaired: int = 0
    """Verdicts read from an answer that had to be mended."""
    split: list[float] = field(default_factory=list)
    """Of several votes: the share that is not with the most frequent answer, for each verdict."""
    repeats: list[bool] = field(default_factory=list)
    """For each two votes of one judge on the same question, whether they are equal."""
    across: list[bool] = field(default_factory=list)
    """For each two votes of different judges on the same question, whether they are equal."""
    spreads: list[float] = field(default_factory=list)
    """Of the method `logprob`: the standard deviation of the judge's own distribution over the answers, 0 to 0.5."""

    @property
    def verdicts(self) -> int:
        """All of them."""
        return self.status.total()

    @property
    def by_model(self) -> bool:
        """Whether a model gave any of them."""
        return any(judge != BY_CHECK for judge in self.judges)

    @property
    def is_trivial(self) -> bool:
        """Whether checks decided them all, none failed and none abstained: there is nothing to tell."""
        return not self.by_model and self.status["scored"] + self.status["skipped"] == self.verdicts

    @property
    def agreement(self) -> float | None:
        """The mean share of votes that are with the most frequent answer; None without several votes."""
        return 1 - fmean(self.split) if self.split else None

    @property
    def same(self) -> float | None:
        """The share of equal answers among pairs of one judge's votes; None without repeats."""
        return fmean(self.repeats) if self.repeats else None

    @property
    def between(self) -> float | None:
        """The share of equal answers among pairs of different judges' votes; None without a panel."""
        return fmean(self.across) if self.across else None

    @property
    def spread(self) -> float | None:
        """The median of `spreads`; None without graded scores."""
        return median(self.spreads) if self.spreads else None

    def see(self, criterion: Criterion, verdict: Verdict) -> None:
        """Count one verdict."""
        self.judges[verdict.judge] += 1
        self.status[verdict.status] += 1
        self.repaired += verdict.repaired
        if verdict.failure:
            self.failures[verdict.failure] += 1
        if verdict.disagreement is not None:
            self.split.append(verdict.disagreement)
        if verdict.shares:
            self.spreads.append(deviation(criterion, verdict))
        cast = [vote for vote in verdict.votes if vote.status == "scored"]
        for one, other in combinations(cast, 2):
            (self.repeats if one.judge == other.judge else self.across).append(one.label == other.label)


def deviation(criterion: Criterion, verdict: Verdict) -> float:
    """Return how unsure a graded score is: the standard deviation over the answers, their scores mapped onto 0 to 1."""
    scores = [tier.score for tier in criterion.tiers] or [0.0, 1.0]
    low, high = min(scores), max(scores)
    units = [(score - low) / ((high - low) or 1) for score in scores]
    total = sum(verdict.shares) or 1
    mean = sum(unit * share for unit, share in zip(units, verdict.shares, strict=False)) / total
    variance = sum((unit - mean) ** 2 * share for unit, share in zip(units, verdict.shares, strict=False)) / total
    return max(0.0, variance) ** 0.5


@dataclass(frozen=True)
class Judging:
    """The verdicts of one file, and what they took."""

    asked: Asked
    whole: Tally
    criteria: dict[str, Tally]
    unscored: int
    """Responses without a reward."""
    responses: int
    calls: int
    """Answers of judges behind the lines, whoever paid for them."""
    tokens_in: int
    tokens_out: int


def judging(files: Sequence[Asked]) -> list[Judging]:
    """Return what the verdicts of each file tell about their judges."""
    return [_of(asked) for asked in files]


def least_sure(of: Iterable[Judging]) -> list[tuple[str, Tally]]:
    """Return the criteria of some files with what became of their verdicts, the least sure first.

    Those that fail most come first, then those with most abstentions, then those on which votes differ most. What
    checks decided without a failure is left out, and there are at most `MOST_CRITERIA`.
    """
    merged: dict[str, Tally] = {}
    for each in of:
        for name, tally in each.criteria.items():
            _add(merged.setdefault(name, Tally()), tally)
    told = [(name, tally) for name, tally in merged.items() if not tally.is_trivial]
    return sorted(told, key=lambda row: _doubt(row[1]), reverse=True)[:MOST_CRITERIA]


def _doubt(tally: Tally) -> tuple[float, float, float, float]:
    whole = tally.verdicts or 1
    votes = 1 - tally.agreement if tally.agreement is not None else 0.0
    return tally.status["failed"] / whole, tally.status["abstained"] / whole, votes, tally.spread or 0.0


def _of(asked: Asked) -> Judging:
    whole, criteria = Tally(), dict[str, Tally]()
    for criterion, verdict in _verdicts(asked.lines):
        whole.see(criterion, verdict)
        criteria.setdefault(criterion.id, Tally()).see(criterion, verdict)
    rewards = [response.reward for line in asked.lines for response in line.responses]
    usage = [line.usage for line in asked.lines if line.usage]
    return Judging(
        asked=asked,
        whole=whole,
        criteria=criteria,
        unscored=rewards.count(None),
        responses=len(rewards),
        calls=sum(each.calls for each in usage),
        tokens_in=sum(each.tokens_in for each in usage),
        tokens_out=sum(each.tokens_out for each in usage),
    )


def _verdicts(lines: Sequence[Judged]) -> Iterator[tuple[Criterion, Verdict]]:
    for line in lines:
        leaves = rubric_of(line).leaves
        for response in line.responses:
            yield from zip(leaves, response.verdicts, strict=True)


def _add(into: Tally, more: Tally) -> None:
    for counted in ("judges", "status", "failures"):
        getattr(into, counted).update(getattr(more, counted))
    for listed in ("split", "repeats", "across", "spreads"):
        getattr(into, listed).extend(getattr(more, listed))
    into.repaired += more.repaired
