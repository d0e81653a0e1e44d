"""Anchors: a frozen set of responses that people labelled, judged like any others to see what the judge is worth."""

from collections.abc import Iterable

from schemas.agreement import Agreement
from schemas.anchors import Anchors, labels_of
from schemas.judged import Judged
from schemas.rollouts import Policy, Response, Rollouts
from schemas.task import Task
from stages.eval_agreement import AgreementSpec, measure_agreement
from stages.opinions import judgement_of

POLICY = Policy(model="anchors", revision="", template="", engine="", dtype="", seed=0)
"""Nobody samples anchors."""


def as_rollouts(anchor: Anchors) -> Rollouts:
    """Return an anchor as a group of responses that a judge can be asked about; it does not see the labels."""
    task = {name: getattr(anchor, name) for name in Task.model_fields if name != "tag"}
    responses = tuple(Response(text=response.text, finish="stop", length=0) for response in anchor.responses)
    return Rollouts(**task, policy=POLICY, responses=responses)


def agreement_on(anchors: Iterable[Anchors], judged: Iterable[Judged], spec: AgreementSpec) -> Agreement:
    """Return how far the judge agrees overall with the people who labelled the anchors.

    Raises RlraError where no label belongs to what was judged.
    """
    return next(measure_agreement(labels_of(anchors), judgement_of(judged), spec))
