"""Votes → verdict: how the answers of several judges, or of one judge asked several times, become one."""

from collections import Counter
from collections.abc import Sequence
from math import fsum
from typing import Any, Literal

from schemas.base import digest
from schemas.criterion import Criterion
from schemas.errors import RlraError
from schemas.judged import FailureClass, Verdict, Vote
from stages.reading import CANNOT_TELL
from stages.verdicts import BY_CHECK

Rule = Literal["majority", "mean", "minimum", "unanimous"]
CARRIED = ("judge", "key", "status", "reason", "failure", "shares", "mass", "repaired")
"""What a verdict of one vote has from its vote as it is."""


def verdict_of(
    criterion: Criterion, votes: Sequence[Vote], rule: Rule, quorum: int = 0, wanted: bool | None = None
) -> Verdict:
    """Return the verdict that `votes` (one or more) add up to; in which order they stand changes no score.

    One vote is the verdict, whatever the rule. A vote that failed makes the verdict failed, unless a `quorum` is set
    and at least so many did not fail: then the others decide. `majority`: the most frequent answer, `cannot tell`
    being one of them; a tie for it is a failure (`disagreement`). `unanimous`: any difference is one. Both give what
    the answer is worth. `mean` and `minimum` look at the votes that did not abstain, one with `shares` being worth its
    expectation; the minimum is the vote that is worst for the response: the lowest where meeting the criterion is
    `wanted`, else the highest (None: as the criterion is by itself, in no group). The score of a veto or a gate is 0 or
    1, one half being rounded against the response. Where the stronger judge was asked, its vote alone decides, and a
    failure of it is one of the verdict. Raises RlraError for a stored vote with an answer that the criterion lacks.
    """
    _refuse_strangers(criterion, votes)
    deciding = _deciding(votes)
    decided = (
        _single(criterion, deciding[0]) if len(deciding) == 1 else _together(criterion, deciding, rule, quorum, wanted)
    )
    if len(votes) == 1:
        return decided
    return decided.model_copy(
        update={
            "judge": _judge_of(votes, rule),
            "key": digest(sorted(vote.key for vote in votes)),
            "disagreement": _disagreement([vote for vote in votes if vote.status != "failed"]),
            "votes": tuple(votes),
        }
    )


def name_of(judges: Sequence[str], rule: Rule) -> str:
    """Return how verdicts name who judged: one judge by its own name, several votes by their rule and the members."""
    return judges[0] if len(judges) == 1 else f"{rule} of {', '.join(dict.fromkeys(judges))}"


def rescored(criterion: Criterion, stored: Verdict, rule: Rule, quorum: int = 0, wanted: bool | None = None) -> Verdict:
    """Return a stored verdict under today's scores of the tiers, and today's rule; what was answered stays."""
    if stored.votes:
        return verdict_of(criterion, stored.votes, rule, quorum, wanted)
    votes = [vote for vote in votes_of(stored).values() if vote.status == "scored"]
    return verdict_of(criterion, votes, rule, quorum, wanted) if votes else stored


def votes_of(verdict: Verdict) -> dict[str, Vote]:
    """Return the votes that a stored verdict was made of, by key; none of a check or of a criterion that was skipped.

    Of a single vote that failed the label is gone, and one that an older rlra stored without a class is left out.
    """
    if verdict.votes:
        return {vote.key: vote for vote in verdict.votes}
    unclassed = verdict.status == "failed" and verdict.failure is None
    if verdict.judge == BY_CHECK or verdict.status == "skipped" or unclassed:
        return {}
    return {verdict.key: Vote(label=_label(verdict), **_carried(verdict))}


def margin(judged: Vote | Verdict) -> float:
    """Return by how much the likeliest answer leads the next, from 0 to 1: in the votes' shares, averaged.

    A vote without `shares` has all its weight on its answer, so that for answers in words it is the lead of the most
    frequent one: of five votes, three against two are 0.2. Votes that failed do not count; where all did, it is 0.
    """
    votes = _deciding(judged.votes) if isinstance(judged, Verdict) and judged.votes else (judged,)
    answered = [vote for vote in votes if vote.status != "failed"]
    weights: dict[str, list[float]] = {}
    for vote in answered:
        for label, share in _distribution(vote).items():
            weights.setdefault(label, []).append(share)
    first, second = [*sorted(map(fsum, weights.values()), reverse=True), 0.0, 0.0][:2]
    return min((first - second) / len(answered), 1.0) if answered else 0.0


def unsure(verdict: Verdict, below: float) -> bool:
    """Return whether a stronger judge should look: no score, or a margin less than `below`."""
    return verdict.status != "skipped" and (verdict.status != "scored" or margin(verdict) < below)


def _single(criterion: Criterion, vote: Vote) -> Verdict:
    scored = vote.status == "scored"
    return Verdict(
        criterion=criterion.id,
        score=_fired_or_not(criterion, _worth(criterion, vote)) if scored else None,
        tier=_tier(criterion, vote) if scored else None,
        **_carried(vote),
    )


def _carried(judged: Vote | Verdict) -> dict[str, Any]:
    return {name: getattr(judged, name) for name in CARRIED}


def _label(verdict: Verdict) -> str:
    if verdict.status != "scored":
        return CANNOT_TELL if verdict.status == "abstained" else ""
    if verdict.tier is not None:
        return str(verdict.tier)
    # The score of a veto is rounded against the response and says the answer no more. Of equals the worse is it.
    met = verdict.shares[-1] > verdict.shares[0] if verdict.shares else verdict.score == 1.0
    return "met" if met else "not met"


def _refuse_strangers(criterion: Criterion, votes: Sequence[Vote]) -> None:
    known = [str(index) for index in range(len(criterion.tiers))] or ["not met", "met"]
    for vote in votes:
        if vote.status == "scored" and (vote.label not in known or len(vote.shares) not in (0, len(known))):
            raise RlraError(
                f"criterion '{criterion.id}': a stored vote says '{vote.label}', which is no answer to it",
                hint="was the file edited? judge it anew: without the stored verdicts, or with another cache",
            )


def _deciding(votes: Sequence[Vote]) -> Sequence[Vote]:
    return [vote for vote in votes if vote.strong] or votes


def _judge_of(votes: Sequence[Vote], rule: Rule) -> str:
    strong = [vote.judge for vote in votes if vote.strong]
    others = [vote.judge for vote in votes if not vote.strong]
    names = [name_of(judges, rule) for judges in (strong, others) if judges]
    return " after ".join(names)


def _together(criterion: Criterion, votes: Sequence[Vote], rule: Rule, quorum: int, wanted: bool | None) -> Verdict:
    broken = next((vote for vote in votes if vote.status == "failed"), None)
    answered = [vote for vote in votes if vote.status != "failed"]
    if broken is not None and not 0 < quorum <= len(answered):
        return _unscored(criterion, "failed", f"{broken.judge}: {broken.reason}", broken.failure)
    if rule in ("majority", "unanimous"):
        return _counted(criterion, answered, rule)
    scored = [vote for vote in answered if vote.status == "scored"]
    if not scored:
        return _unscored(criterion, "abstained", answered[0].reason)
    if rule == "mean":
        return _mean(criterion, scored)
    return _minimum(criterion, scored, criterion.is_wanted if wanted is None else wanted)


def _counted(criterion: Criterion, answered: Sequence[Vote], rule: Rule) -> Verdict:
    counts = Counter(map(_answer, answered))
    (first, most), *others = counts.most_common()
    if others and (rule == "unanimous" or others[0][1] == most):
        said = ", ".join(f"{answer} {count}" for answer, count in sorted(counts.items()))
        return _unscored(criterion, "failed", f"the votes differ: {said}", "disagreement")
    chosen = next(vote for vote in answered if _answer(vote) == first)
    if chosen.status == "abstained":
        return _unscored(criterion, "abstained", chosen.reason)
    return _scored(criterion, _scores(criterion)[_index(first)], _tier(criterion, chosen), chosen.reason)


def _mean(criterion: Criterion, scored: Sequence[Vote]) -> Verdict:
    worths = [_worth(criterion, vote) for vote in scored]
    score = min(max(fsum(worths) / len(worths), min(worths)), max(worths))
    agreed = len({vote.label for vote in scored}) == 1
    reason = scored[0].reason if agreed else f"the mean of {', '.join(f'{worth:.3g}' for worth in worths)}"
    return _scored(criterion, score, _tier(criterion, scored[0]) if agreed else None, reason)


def _minimum(criterion: Criterion, scored: Sequence[Vote], wanted: bool) -> Verdict:
    worst = (min if wanted else max)(scored, key=lambda vote: _worth(criterion, vote))
    return _scored(criterion, _worth(criterion, worst), _tier(criterion, worst), worst.reason)


def _scored(criterion: Criterion, score: float, tier: int | None, reason: str) -> Verdict:
    score = _fired_or_not(criterion, score)
    return Verdict(criterion=criterion.id, status="scored", score=score, tier=tier, reason=reason, judge="", key="")


def _unscored(
    criterion: Criterion, status: Literal["abstained", "failed"], reason: str, failure: FailureClass | None = None
) -> Verdict:
    return Verdict(criterion=criterion.id, status=status, score=None, reason=reason, failure=failure, judge="", key="")


def _fired_or_not(criterion: Criterion, score: float) -> float:
    """Return a score as it is, but of a veto or a gate, which fire or do not, as 0 or 1."""
    if criterion.is_weighed:
        return score
    return float(score > 0.5 if criterion.is_wanted else score >= 0.5)


def _worth(criterion: Criterion, vote: Vote) -> float:
    scores = _scores(criterion)
    if not vote.shares:
        return scores[_index(vote.label)]
    expectation = fsum(share * score for share, score in zip(vote.shares, scores, strict=True))
    return min(max(expectation, scores[0]), scores[-1])  # shares sum to 1 but for rounding


def _scores(criterion: Criterion) -> tuple[float, ...]:
    return tuple(tier.score for tier in criterion.tiers) or (0.0, 1.0)


def _index(label: str) -> int:
    """Return which of the scored answers a label is, worst first."""
    return ("not met", "met").index(label) if label in ("not met", "met") else int(label)


def _tier(criterion: Criterion, vote: Vote) -> int | None:
    return int(vote.label) if criterion.tiers else None


def _answer(vote: Vote) -> str:
    return CANNOT_TELL if vote.status == "abstained" else vote.label


def _disagreement(answered: Sequence[Vote]) -> float | None:
    """Return the share that is not with the most frequent answer; None of fewer than two, which cannot disagree."""
    if len(answered) < 2:
        return None
    return 1 - max(Counter(map(_answer, answered)).values()) / len(answered)


def _distribution(judged: Vote | Verdict) -> dict[str, float]:
    if judged.status == "scored" and judged.shares:
        return {str(index): share for index, share in enumerate(judged.shares)}
    label = _label(judged) if isinstance(judged, Verdict) else _answer(judged)
    return {str(_index(label)) if judged.status == "scored" else label: 1.0}
