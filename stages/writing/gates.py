"""What a draft has to be, as far as it shows without a judge. A gate asserts something, and names its own counter."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol

import stages.checks
import stages.lint  # noqa: F401 (registers every rule)
from schemas.criterion import Criterion
from schemas.errors import RlraError
from schemas.rubric import Rubric
from schemas.task import Task
from stages.checks.base import bind
from stages.checks.judge_talk import AddressesJudge, addresses_judge
from stages.checks.sandbox import problems
from stages.checks.text import has_word
from stages.lint.base import REGISTRY, Hit, Subject
from stages.visible import one_line, visible
from stages.writing.bank import Bank
from stages.writing.base import Finding
from stages.writing.criteria import INVALID, TIERS

LONGEST_TEXT, LONGEST_ID = 1_000, 60
"""Characters of the text of a criterion or a level, and of an id."""
LARGEST_WEIGHT, LARGEST_SCORE, MOST_TIERS = 100, 1_000, 10
"""How far a weight and the score of a level may be from 0, and how many levels a criterion may have."""
_LONGEST_MESSAGE = 400


class Gate(Protocol):
    """Something that a draft has to be."""

    @property
    def reason(self) -> str:
        """What the draft is where it is not: the gate's counter."""

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it, in words that a writer can mend it by. Never raises for a draft."""


class Valid:
    """The schema takes it, and so does a judge's prompt: its checks can be run, its texts read."""

    reason: ClassVar[str] = INVALID

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it."""
        yield from _linted(subject, ("L114",))
        for node in subject.nodes:
            yield from map(f"'{node.criterion.id[:LONGEST_ID]}' {{}}".format, _unfit(node.criterion))


class Atomic:
    """Each criterion is one judgement."""

    reason: ClassVar[str] = "not_atomic"

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it."""
        yield from _linted(subject, ("L101",))


class NoDuplicate:
    """No criterion says what another one says, of the same rubric or of the bank."""

    reason: ClassVar[str] = "duplicate"

    def __init__(self, bank: Bank | None = None) -> None:
        """Hold against the criteria of `bank` as well."""
        self._bank = bank

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it."""
        yield from _linted(subject, ("L501", "L502", "L503"))
        for node in subject.leaves if self._bank else ():
            if self._bank and (known := self._bank.like(node.criterion)):
                yield f"'{node.criterion.id}' says nearly the same as {known}, which is there already"


class TiersDistinguishable:
    """The levels of a criterion go from worst to best, and each says something of its own."""

    reason: ClassVar[str] = TIERS

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it."""
        yield from _linted(subject, ("L201", "L202", "L203", "L204"))


class HasNegative:
    """Something costs, where several criteria are judged: a rubric that only pays invites to overdo."""

    reason: ClassVar[str] = "no_negative"

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it."""
        yield from _linted(subject, ("L301",))


class Sound:
    """The linter finds no error and no warning in it, and no text in it speaks to whoever judges."""

    reason: ClassVar[str] = "unsound"

    def findings(self, subject: Subject, task: Task) -> Iterator[str]:
        """Yield what is against it."""
        yield from _linted(subject, tuple(sorted(_SOUND)))
        for node in subject.judged:
            texts = (node.criterion.text, *(tier.text for tier in node.criterion.tiers))
            if any(addresses_judge(text, AddressesJudge(), task).met for text in texts):
                yield f"'{node.criterion.id}' speaks to whoever judges; let it say what a response is like"


_CLAIMED = frozenset(("L101", "L114", "L201", "L202", "L203", "L204", "L301", "L501", "L502", "L503"))
_SOUND = frozenset(c for c, rule in REGISTRY.items() if rule.find and rule.severity != "note") - _CLAIMED


def gates(bank: Bank | None = None) -> tuple[Gate, ...]:
    """Return the gates that need no judge, in their order."""
    return (Valid(), Atomic(), NoDuplicate(bank), TiersDistinguishable(), HasNegative(), Sound())


def held_back(rubric: Rubric, task: Task, held: Sequence[Gate]) -> list[Finding]:
    """Return what the gates have against a rubric; where its checks cannot be run, what `Valid` has against it alone.

    What it silences itself is looked for all the same. Never raises for a rubric.
    """
    subject = Subject(rubric)
    found: list[Finding] = []
    for gate in held:
        if any(each.gate == INVALID for each in found):
            break  # the other gates would stumble over checks that are none
        found += [Finding(gate.reason, one_line(message, _LONGEST_MESSAGE)) for message in gate.findings(subject, task)]
    return found


def _linted(subject: Subject, codes: Sequence[str]) -> Iterator[str]:
    for code in codes:
        rule = REGISTRY[code]
        for hit in rule.find(subject) if rule.find else ():
            yield f"{_place(hit)}{hit.message} ({code}): {rule.advice}"


def _place(hit: Hit) -> str:
    return f"'{hit.criterion}': " if hit.criterion else ""


def _unfit(criterion: Criterion) -> Iterator[str]:
    texts = (criterion.text, *(tier.text for tier in criterion.tiers))
    if len(criterion.id) > LONGEST_ID:
        yield f"has an id of more than {LONGEST_ID} characters"
    if any(visible(text) != text for text in (criterion.id, *texts)):
        yield "holds characters that cannot be seen"
    if any(len(text) > LONGEST_TEXT for text in texts):
        yield f"has a text of more than {LONGEST_TEXT} characters"
    if not all(has_word(text) for text in texts):
        yield "has a text without a word"
    if abs(criterion.weight) > LARGEST_WEIGHT:
        yield f"has a weight beyond {LARGEST_WEIGHT}"
    if len(criterion.tiers) > MOST_TIERS:
        yield f"has more than {MOST_TIERS} levels"
    if any(abs(tier.score) > LARGEST_SCORE for tier in criterion.tiers):
        yield f"has a level with a score beyond {LARGEST_SCORE}"
    yield from _broken(criterion)


def _broken(criterion: Criterion) -> Iterator[str]:
    if criterion.check is not None:
        try:
            bind(criterion.check)
        except RlraError as error:
            yield f"has a check that cannot be run: {error.message}"
    if criterion.python is not None:
        yield from (f"has a function that cannot be run: {what}" for what in problems(criterion.python)[:1])
