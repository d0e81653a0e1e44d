"""One verdict: what it depends on, and how it is made from what a check said, or where there is nothing to say."""

from collections.abc import Sequence

from schemas.base import digest
from schemas.judged import FailureClass, Verdict, Vote
from schemas.rubric import Criterion
from schemas.task import Task
from stages.asking import Failure
from stages.checks.base import Outcome
from stages.reading import CANNOT_TELL, Said

BY_CHECK = "check"


def check_key(criterion: Criterion, task: Task, response: str) -> str:
    """Return the digest of all that a check's verdict depends on, save the check's own code."""
    read = (digest(task.meta),) if criterion.python is not None else ()
    given = [BY_CHECK, task.rewritten_from, task.reference, *read]
    return digest([criterion.question(), [[turn.role, turn.content] for turn in task.messages], response, given])


def context(task: Task, response: str) -> str:
    """Return the digest of what a judge is shown of a response and the conversation before it."""
    return digest([[[message.role, message.content] for message in task.messages], response])


def vote_key(question: str, shown: str, identity: Sequence[str | int | float]) -> str:
    """Return the digest of all that one vote depends on; weights and the reward are no part of it.

    `question` is the criterion's (`Criterion.question`), `shown` the `context`, and `identity` names the judge:
    model, revision, prompt, method, sampling, and which of its repeats and orders it is.
    """
    return digest([question, shown, list(identity)])


def vote(said: Said | Failure, judge: str, key: str) -> Vote:
    """Return the vote that a judge's answer on one criterion is; a failure is one without a label."""
    if isinstance(said, Failure):
        return Vote(judge=judge, key=key, status="failed", reason=str(said), failure=said.kind)
    return Vote(
        judge=judge,
        key=key,
        status="abstained" if said.label == CANNOT_TELL else "scored",
        label=said.label,
        shares=said.shares,
        mass=said.mass,
        reason=said.reason,
        repaired=said.repaired,
    )


def from_check(criterion: Criterion, outcome: Outcome, key: str) -> Verdict:
    """Return the verdict of a check; one that cannot decide abstains."""
    if outcome.met is None:
        return Verdict(
            criterion=criterion.id, status="abstained", score=None, reason=outcome.reason, judge=BY_CHECK, key=key
        )
    return Verdict(
        criterion=criterion.id,
        status="scored",
        score=outcome.score if outcome.score is not None else float(outcome.met),
        closeness=None if outcome.met else outcome.closeness,
        reason=outcome.reason,
        judge=BY_CHECK,
        key=key,
    )


def failed(criterion: Criterion, kind: FailureClass, why: str, judge: str, key: str) -> Verdict:
    """Return the verdict that is none: nobody knows, and no number says otherwise."""
    return Verdict(criterion=criterion.id, status="failed", score=None, reason=why, judge=judge, key=key, failure=kind)


def skipped(criterion: Criterion, why: str, judge: str, key: str) -> Verdict:
    """Return the verdict on a criterion that nobody was asked about, because a gate or a veto had spoken."""
    return Verdict(criterion=criterion.id, status="skipped", score=None, reason=why, judge=judge, key=key)
