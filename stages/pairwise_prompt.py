"""How two responses are put before a judge, and how its answer is read: one side, a tie, or nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.asking import ContradictionError, UnreadableError
from stages.excerpts import shown
from stages.judge_prompt import mark, verdict_word
from stages.measures import improvement
from stages.models.base import Completion
from stages.reading import DECORATION, RefusalError, Said
from stages.reading.declining import declines
from stages.reading.said import concluded, quoted
from stages.reading.thoughts import answer, thinking

ANSWERS = ("first", "second", "tie")
WHOLE = (
    "Which response serves the person who wrote the last turn better: does what was asked, is right in what it says, "
    "leaves out nothing that is needed, and is worded as it should be?"
)
"""What responses are compared by where nobody says anything else."""
_INTRODUCTION = (
    "All of these together. What is wanted speaks for a response that shows more of it; what is not wanted speaks "
    "against one that shows more of it."
)


@dataclass(frozen=True)
class Preferred:
    """Which response a judge prefers, by where it stood."""

    answer: str
    """One of `ANSWERS`."""
    reason: str
    thinking: str = ""
    """What it thought before it answered; never read for the verdict."""


@cache
def template() -> str:
    """Return the text of the prompt with its slots."""
    return files("stages").joinpath("prompts", "pairwise.md").read_text(encoding="utf-8")


def put(
    criteria: Sequence[str],
    messages: Sequence[Message],
    first: str,
    second: str,
    seed: int,
    earlier: tuple[Sequence[Message], Sequence[Message]] = ((), ()),
) -> tuple[str, str]:
    """Return the prompt that asks which of two responses is better, and the word that the verdict line begins with.

    What requests share comes first: instructions and criteria, then the conversation, then the responses. The marks
    around a text are derived from it and `seed`, so that no text can hold its own. Responses may be excerpts.
    `earlier` has the turns that led from the conversation to each response, where it went on.
    """
    said = [f"{message.role}\n{message.content}" for message in messages]
    texts = [*said, first, second, *(f"{turn.role}\n{turn.content}" for turns in earlier for turn in turns)]
    outer = mark(texts, said, seed)
    inner = [mark(texts, [place, *texts], seed) for place in ("first", "second")]
    slots = {
        "criteria": asked_by(criteria),
        "conversation_mark": outer,
        "conversation": "\n".join(f"{outer} turn of the {turn}" for turn in said),
        "first_mark": inner[0],
        "first": _in_place(earlier[0], first, inner[0]),
        "second_mark": inner[1],
        "second": _in_place(earlier[1], second, inner[1]),
        "word": verdict_word([*texts, *criteria], inner[0]),
    }
    return Template(template()).substitute(slots), slots["word"]


def _in_place(earlier: Sequence[Message], response: str, inner: str) -> str:
    parts = [f"{inner} before this response the conversation went on"] if earlier else []
    parts += [f"{inner} turn of the {turn.role}\n{turn.content}" for turn in earlier]
    return "\n".join([*parts, *([f"{inner} the response"] if earlier else []), shown(response, inner)])


def asked_by(criteria: Sequence[str]) -> str:
    """Return what a judge is told to compare by: one question as it is, several criteria as a list, else `WHOLE`."""
    if not criteria:
        return WHOLE
    if len(criteria) == 1:
        return criteria[0]
    return "\n".join([_INTRODUCTION, "", *(f"- {text}" for text in criteria)])


def described(rubric: Rubric) -> tuple[str, ...]:
    """Return the criteria of a rubric as the judge of a pair reads them; those without words are left out.

    Whether something is wanted is said, for a fault is described by its presence; how much it weighs is not.
    """
    return tuple(_described(rubric, leaf) for leaf in rubric.leaves if leaf.text.strip())


def _described(rubric: Rubric, criterion: Criterion) -> str:
    sign = "Wanted" if improvement(rubric, criterion) == "higher" else "Not wanted"
    around = rubric.around[criterion.id]
    within = f" (part of: {' › '.join(around)})" if around else ""
    levels = [f"  from worst to best: {' / '.join(tier.text.strip() for tier in criterion.tiers)}"]
    return "\n".join([f"{sign}: {criterion.text.strip()}{within}", *(levels if criterion.tiers else [])])


def read_preferred(completion: Completion, word: str = "VERDICT") -> Preferred:
    """Return what an answer's verdict line says, and the reasons that stand before it.

    The reasons end with `So:` and the same answer. Raises ContradictionError where any two verdict lines with an
    allowed answer differ, or the verdict differs from its reasons; RefusalError for an answer without a verdict
    that declines; and UnreadableError for any other one without a verdict line, whose last one says anything
    else, or whose reasons do not come first and end as they should.
    """
    text = answer(completion)
    reasons, found = _parted(text, word)
    if not found:
        if declines(text):
            raise RefusalError("the judge declines to judge")
        raise UnreadableError(f"it holds no line '{word}: …'")
    if found[-1] not in ANSWERS:
        raise UnreadableError(f"its verdict is '{quoted(found[-1])}', and only these are allowed: {', '.join(ANSWERS)}")
    if len(allowed := {one for one in found if one in ANSWERS}) > 1:
        raise ContradictionError(f"it gives two verdicts, {' and '.join(map(repr, sorted(allowed)))}")
    said = concluded(Said("this pair", found[-1], reasons), ANSWERS)
    if not said.reason:
        raise UnreadableError("it gives no reasons before its verdict")
    return Preferred(said.label, said.reason, thinking(completion))


def _parted(text: str, word: str) -> tuple[str, list[str]]:
    """Return what stands before the last verdict line, other verdict lines left out, and what all of them say."""
    verdict = re.compile(rf"{re.escape(word)}\s*:(.*)", re.IGNORECASE)
    reasons: list[str] = []
    found: list[str] = []
    before = 0
    for raw in text.split("\n"):
        line = raw.strip(DECORATION)
        if match := verdict.fullmatch(line):
            found.append(match[1].strip(DECORATION).removesuffix(".").strip(DECORATION).casefold())
            before = len(reasons)
        else:
            reasons.append(line)
    return "\n".join(reasons[:before]).strip(), found
