"""The method `text`: reasons and verdicts as lines."""

import re
from collections.abc import Sequence

from schemas.rubric import Criterion
from stages.asking import UnreadableError
from stages.models.base import Completion
from stages.reading.declining import declines
from stages.reading.said import DECORATION, RefusalError, Said, agree, concluded, is_allowed, labels, quoted
from stages.reading.thoughts import answer

_HEADER = re.compile(r"\[\[(\S+?)\]\](.*)")


def read_text(completion: Completion, criteria: Sequence[Criterion], word: str = "VERDICT") -> dict[str, Said]:
    """Return what the last complete set of verdicts in the answer says, by criterion id.

    A set is complete when it names every criterion exactly once with an allowed label, and each reason
    ends with `So:` and the same label. Raises ContradictionError when any two verdicts in the answer
    disagree about a criterion, wherever they stand, or one disagrees with its reason; RefusalError for
    an answer without verdicts that declines; UnreadableError for everything else that is no complete set.
    """
    text = answer(completion)
    allowed = {criterion.id: labels(criterion) for criterion in criteria}
    found = _verdicts(text, allowed, word)
    if not found and declines(text):
        raise RefusalError("the judge declines to judge")
    agree([said for said in found if said.label in allowed.get(said.criterion, ())])
    last = found[-len(criteria) :]
    for said in last:
        is_allowed(said, allowed)
    named = [said.criterion for said in last]
    if missing := [name for name in allowed if name not in named]:
        raise UnreadableError(f"it holds no line '{word} {missing[0]}: …' among its last {len(criteria)} verdicts")
    return {said.criterion: concluded(said, allowed[said.criterion]) for said in last}


def _verdicts(text: str, known: dict[str, tuple[str, ...]], word: str) -> list[Said]:
    """Return every verdict line of `text` with the reason before it, whole."""
    verdict = re.compile(rf"{re.escape(word)}\s+(\S+)\s*:(.*)")
    found: list[Said] = []
    about: str | None = None
    reason: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip(DECORATION)
        if match := verdict.fullmatch(line):
            if about not in (None, match[1]):
                raise UnreadableError(f"the reasons for '{about}' are followed by a verdict on '{quoted(match[1])}'")
            label = match[2].strip(DECORATION).removesuffix(".").casefold()
            found.append(Said(match[1], label, "\n".join(reason).strip()))
            about, reason = None, []
        elif (match := _HEADER.match(line)) and match[1] in known:
            about, reason = match[1], [match[2].strip(DECORATION)]
        else:
            reason.append(line)
    if about is not None:
        raise UnreadableError(f"the reasons for '{about}' are not followed by its verdict")
    return found
