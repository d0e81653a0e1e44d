"""What a judge may say about a criterion, and the sign at the end of its reason that the verdict has to agree with."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.judged import FailureClass
from schemas.rubric import Criterion
from stages.asking import ContradictionError, UnreadableError
from stages.visible import one_line

DECORATION = " \t\r*`"
LONGEST_REASON = 2_000
CANNOT_TELL = "cannot tell"
"""The answer of a judge that abstains, where the criterion allows it."""

_LONGEST_CONCLUSION = 60
_AROUND_A_LABEL = " \t\r*_`'\"“”‘’.!()[]"


class RefusalError(UnreadableError):
    """An answer in which the model declines to judge."""

    kind: FailureClass = "refusal"


class UncertainError(UnreadableError):
    """An answer with too little probability on what is allowed."""

    kind: FailureClass = "uncertain"


@dataclass(frozen=True)
class Said:
    """What a judge said about one criterion."""

    criterion: str
    label: str
    reason: str
    shares: tuple[float, ...] = ()
    """Read off the first token: the probabilities of the scored answers, worst first; empty where it cannot tell."""
    mass: float | None = None
    """Read off the first token: how much probability lay on allowed answers."""
    repaired: bool = False
    """Whether the answer was JSON that had to be mended before it could be read."""


def labels(criterion: Criterion) -> tuple[str, ...]:
    """Return the answers that a judge may give, worst first for tiers."""
    answers = tuple(map(str, range(len(criterion.tiers)))) if criterion.tiers else ("not met", "met")
    return (*answers, CANNOT_TELL) if criterion.abstain else answers


def concluded(said: Said, allowed: Sequence[str]) -> Said:
    """Return `said` with its reason cut before the `So: LABEL` that it ends with.

    Raises ContradictionError where that label is another than the verdict's, and UnreadableError where
    the reason does not end with `So:` and one of the labels.
    """
    reason, label = _parted(said.reason.rstrip())
    if label not in allowed:
        raise UnreadableError(
            f"its reason for '{said.criterion}' does not end with 'So: ' and one of these: {', '.join(allowed)}"
        )
    if label != said.label:
        raise ContradictionError(
            f"its reason for '{said.criterion}' ends with 'So: {label}', and its verdict is '{said.label}'"
        )
    kept = reason.rstrip(f"{DECORATION}\n")[:LONGEST_REASON].strip()
    return Said(said.criterion, said.label, kept, repaired=said.repaired)


def _parted(reason: str) -> tuple[str, str]:
    """Return what stands before `So:` and the label behind it; no label where a reason ends in another way."""
    end = reason[-_LONGEST_CONCLUSION:]
    before, _, label = end.rpartition(":")
    before = before.rstrip(_AROUND_A_LABEL)
    if before[-2:].lower() != "so" or before[-3:-2].isalnum() or "\n" in label:
        return reason, ""
    return reason[: len(reason) - len(end) + len(before) - 2], " ".join(label.strip(_AROUND_A_LABEL).casefold().split())


def agree(found: Sequence[Said]) -> None:
    """Raise ContradictionError where two of `found` give the same criterion different labels."""
    first: dict[str, str] = {}
    for said in found:
        if first.setdefault(said.criterion, said.label) != said.label:
            raise ContradictionError(
                f"it gives '{said.criterion}' two verdicts, '{first[said.criterion]}' and '{said.label}'"
            )


def is_allowed(said: Said, allowed: dict[str, tuple[str, ...]]) -> None:
    """Raise UnreadableError where `said` is about none of the criteria, or has a label that is not on the list."""
    if said.criterion not in allowed:
        raise UnreadableError(f"it gives a verdict on '{quoted(said.criterion)}', which is none of the criteria")
    if said.label not in allowed[said.criterion]:
        choice = ", ".join(allowed[said.criterion])
        raise UnreadableError(
            f"its verdict on '{said.criterion}' is '{quoted(said.label)}', and only these are allowed: {choice}"
        )


def quoted(text: str) -> str:
    """Return what an answer says so that it can be quoted to a judge and a reader, in a line."""
    return one_line(text[:200], 80)
