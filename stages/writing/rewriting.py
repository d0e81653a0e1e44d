"""Prompts rewritten so that they give room for what their rubric judges; where a guard objects, the original stays.

A writer that is shown prompt and rubric may answer the request, drop half of it, or simply ask for what the rubric
rewards, which would make the rubric worthless. None of that is taken on trust: every rewriting is compared with the
original and with the words of the rubric, and the first guard that objects names the reason.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from schemas.base import digest
from schemas.task import Message, Task
from stages import judge_prompt
from stages.asking import Asker, Failure, UnreadableError
from stages.checks.judge_talk import AddressesJudge, addresses_judge
from stages.checks.language import SURE, likelihoods
from stages.checks.text import fold, folded_words, has_word, lines, words
from stages.checks.topic import content_words, stem
from stages.lint.english import english
from stages.models.base import Completion, Request
from stages.pairwise_prompt import described
from stages.reading.thoughts import answer
from stages.seeds import derive
from stages.visible import visible
from stages.writing.answers import last_object
from stages.writing.prompts import filled
from stages.writing.shown import conversation

KEPT_SHARE = 0.7
"""The share of the original's content words that a rewriting keeps."""
KEPT_IN_LINE = 0.6
"""The share of the longer words in each of its lines that a rewriting keeps, words of asking among them."""
SHORTEST, LONGEST, MORE_WORDS = 0.6, 2.0, 60
"""A rewriting has at least so large a share of the original's words, and at most so many times them and some more."""
LEAKED_WORDS = 5
"""So many words of the rubric in a row, which the original has not, are a leak; less where a criterion is shorter."""
LEAKED_CHARACTERS = 12
"""The same in scripts in which every character counts as a word."""
LEAKED_SHARE = 0.75
"""So large a share of a criterion's own content words is a leak in any order."""
_FEWEST_LEAKED = 4
_FEWEST_IN_LINE, _SHORTEST_WORD = 3, 3
_SHORTEST_RUN = 3
_FIXED = re.compile(r"```.*?```|https?://\S+|\"[^\"\n]{1,300}\"", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_GRADING = re.compile(r"\b(?:rubrics?|criteri(?:a|on)|graders?|graded|grading|judge[ds]?|judging|evaluators?|verdicts?"
                      r"|scor(?:es?|ed|ing)|points)\b")  # fmt: skip


SCHEMA = (
    '{"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"],"additionalProperties":false}'
)
"""The JSON Schema of an answer."""


@dataclass(frozen=True)
class Rewriting:
    """What came of the wish to rewrite one prompt."""

    task: Task
    """The task with its new prompt, or as it was."""
    outcome: str
    """`rewritten`; or why not: the guard that objected, `no_words`, `rewritten_before`, or `failed: KIND`."""


async def rewrite(task: Task, asker: Asker, seed: int, temperature: float, max_tokens: int) -> Rewriting:
    """Ask for a rewriting of the task's prompt that fits its rubric, and take it unless a guard objects.

    Nothing is asked for a task whose rubric has no words, or whose prompt was rewritten before: what was written into
    it then, such as a constraint, has to stay. Raises what the model raises, and never for what an answer says.
    """
    criteria = described(task.rubric) if task.rubric else ()
    if task.rewritten_from is not None:
        return Rewriting(task, "rewritten_before")
    if not criteria:
        return Rewriting(task, "no_words")
    asked = question(task, criteria)
    request = Request(asked, derive(seed, "rewrite", digest(asked[-1].content)), temperature, max_tokens, SCHEMA)
    said = (await asker.put(request, read)).value
    if isinstance(said, Failure):
        return Rewriting(task, f"failed: {said.kind}")
    if name := objection(task, said):
        return Rewriting(task, name)
    return Rewriting(task.rewritten(said), "rewritten")


def question(task: Task, criteria: tuple[str, ...]) -> tuple[Message, ...]:
    """Return what the writer is asked: the conversation and the criteria, each set apart as data."""
    listed = "\n".join(f"- {text}" for text in criteria)
    mark, shown = conversation(task, beside=[listed])
    rubric_mark = judge_prompt.mark([mark, shown, listed], [listed, shown], 0)
    slots = {"mark": mark, "conversation": shown, "rubric_mark": rubric_mark, "criteria": listed}
    slots["most"] = str(most_words(task.prompt))
    return (Message(role="user", content=filled("rewrite", **slots)),)


def read(completion: Completion) -> str:
    """Return the prompt that an answer holds, white space around it cut. Raises UnreadableError where it holds none."""
    said = last_object(answer(completion), ("prompt",))["prompt"]
    if not isinstance(said, str):
        raise UnreadableError("its 'prompt' is no text")
    return said.strip()


def most_words(original: str) -> int:
    """Return how many words a rewriting of `original` may have."""
    return int(LONGEST * len(words(original))) + MORE_WORDS


def objection(task: Task, rewritten: str) -> str | None:
    """Return the name of the first guard that objects to `rewritten` in the place of the task's prompt, or None.

    The task holds the rubric that the prompt was rewritten for.
    """
    return next((name for name, objects in GUARDS.items() if objects(task, rewritten)), None)


def other_language(one: str, other: str) -> bool:
    """Return whether two texts are surely in two languages, or one alone is in Latin letters."""
    if has_word(one) and has_word(other) and english(one) != english(other):
        return True
    told = [max(likely.items(), key=lambda each: each[1]) for likely in map(likelihoods, (one, other)) if likely]
    return len(told) == 2 and told[0][0] != told[1][0] and all(chance >= SURE for _, chance in told)


def is_hidden(text: str, beside: str = "") -> bool:
    """Return whether `text` holds characters that nobody sees and `beside` has not, or that cannot be written."""
    new = "".join(set(text) - set(beside) - set("\r\n\t"))
    return visible(new) != new or any("\ud800" <= character <= "\udfff" for character in text)


def _is_unchanged(task: Task, rewritten: str) -> bool:
    return rewritten.split() == task.prompt.split()


def _is_too_short(task: Task, rewritten: str) -> bool:
    return len(words(rewritten)) < SHORTEST * len(words(task.prompt))


def _is_too_long(task: Task, rewritten: str) -> bool:
    return len(words(rewritten)) > most_words(task.prompt) or len(rewritten) > 20 * most_words(task.prompt)


def _loses_content(task: Task, rewritten: str) -> bool:
    asked = content_words(task.prompt) or set(folded_words(task.prompt))
    kept = asked & (content_words(rewritten) | set(folded_words(rewritten)))
    return len(kept) < KEPT_SHARE * len(asked)


def _loses_wish(task: Task, rewritten: str) -> bool:
    """Find a line most of whose words are gone: an answer may keep the subject, but does not say what was asked for."""
    there = _stems(rewritten)
    asked = [stems for line in lines(task.prompt) if len(stems := _stems(line)) >= _FEWEST_IN_LINE]
    return any(len(stems & there) < KEPT_IN_LINE * len(stems) for stems in asked)


def _stems(text: str) -> set[str]:
    return {stem(word) for word in folded_words(text) if len(word) > _SHORTEST_WORD or not word.isascii()}


def _loses_figures(task: Task, rewritten: str) -> bool:
    """Find a number, an address, a quotation or a piece of code that is gone or changed."""
    there, numbers = fold(rewritten), set(_NUMBER.findall(rewritten))
    parts = [part.rstrip(".,;:!?)") for part in _FIXED.findall(fold(task.prompt))]
    return any(part not in there for part in parts) or not set(_NUMBER.findall(task.prompt)) <= numbers


def _leaks(task: Task, rewritten: str) -> bool:
    """Find words of the rubric, in a row or most of a criterion's in any order, that the original does not have."""
    nodes = list(task.rubric.nodes()) if task.rubric else []
    if any("_" in node.id and node.id in rewritten and node.id not in task.prompt for node in nodes):
        return True
    before, after = folded_words(task.prompt), folded_words(rewritten)
    known, said = content_words(task.prompt), content_words(rewritten)
    for text in [text for node in nodes for text in (node.text, *(tier.text for tier in node.tiers))]:
        own = folded_words(text)
        length = _run_length(own)
        if _runs(own, length) & _runs(after, length) - _runs(before, length):
            return True
        new = content_words(text) - known
        if len(new) >= _FEWEST_LEAKED and len(new & said) >= LEAKED_SHARE * len(new):
            return True
    return False


def _run_length(own: list[str]) -> int:
    spaceless = sum(len(word) == 1 and not word.isascii() for word in own) > len(own) / 2
    return min(LEAKED_CHARACTERS if spaceless else LEAKED_WORDS, max(len(own), _SHORTEST_RUN))


def _runs(said: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(said[k : k + length]) for k in range(len(said) - length + 1)}


def _speaks_of_grading(task: Task, rewritten: str) -> bool:
    if set(_GRADING.findall(fold(rewritten))) - set(_GRADING.findall(fold(task.prompt))):
        return True
    return bool(addresses_judge(rewritten, AddressesJudge(), task).met)


GUARDS: dict[str, Callable[[Task, str], bool]] = {
    "empty": lambda task, rewritten: not has_word(rewritten),
    "unchanged": _is_unchanged,
    "hidden_characters": lambda task, rewritten: is_hidden(rewritten, task.prompt),
    "too_short": _is_too_short,
    "too_long": _is_too_long,
    "other_language": lambda task, rewritten: other_language(task.prompt, rewritten),
    "lost_content": _loses_content,
    "lost_wish": _loses_wish,
    "lost_figures": _loses_figures,
    "speaks_of_grading": _speaks_of_grading,
    "leaks_rubric": _leaks,
}
"""What a rewriting is held against, by name, in this order; each returns whether it objects."""
