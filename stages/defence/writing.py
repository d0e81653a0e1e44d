"""A criterion in words for a finding, written by a model, and believed only as far as it can be checked."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from string import Template

from schemas.findings import Findings
from schemas.task import Message, Task
from stages.asking import Asker, Failure, UnreadableError
from stages.checks.conduct import OpeningPraise, SelfEvaluation, opening_praise, self_evaluation
from stages.checks.echoes import copied_share
from stages.checks.judge_talk import AddressesJudge, addresses_judge
from stages.checks.text import words
from stages.models.base import Completion, Model, Request
from stages.models.live import live
from stages.seeds import derive
from stages.visible import one_line, visible

FEWEST_WORDS, MOST_WORDS, LONGEST = 4, 60, 400
_SHOWN = 600
_RUN, _COPIED = 6, 0.5


def written(findings: Sequence[Findings], model: Model, seed: int, attempts: int = 3) -> dict[str, str | Failure]:
    """Return, by the finding's id, the sentence that the writer gave, or why there is none.

    A sentence that cannot be used is asked for again with what was wrong with it.
    """
    return asyncio.run(_written(findings, model, seed, attempts)) if findings else {}


async def _written(findings: Sequence[Findings], model: Model, seed: int, attempts: int) -> dict[str, str | Failure]:
    alive = live(model)
    asker = Asker(alive, attempts)
    try:
        asked = [asker.put(question(finding, seed), partial(_read, finding)) for finding in findings]
        replies = await asyncio.gather(*asked)
    finally:
        await alive.aclose()
    return {finding.id: reply.value for finding, reply in zip(findings, replies, strict=True)}


def question(finding: Findings, seed: int) -> Request:
    """Return what the writer is asked about a finding; texts of others stand between marks that they do not hold."""
    number = derive(seed, "write defence", finding.id)
    shown = "\n\n".join(
        f"An answer {label}:\n{text[:_SHOWN]}"
        for example in finding.examples
        for label, text in (("with the habit", example.has), ("without it", example.lacks))
        if text
    )
    mark = f"=== {number:x}"
    while mark in shown:
        number = derive(number, "again")
        mark = f"=== {number:x}"
    template = Template((files("stages") / "prompts" / "write_defence.md").read_text(encoding="utf-8"))
    text = template.substitute(what=one_line(finding.what, LONGEST), mark=mark, examples=visible(shown))
    return Request((Message(role="user", content=text),), number, temperature=0.0, max_tokens=400)


def _read(finding: Findings, completion: Completion) -> str:
    """Return the sentence of an answer. Raises UnreadableError for one that cannot serve as a criterion."""
    text = completion.text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError('it is not JSON of the form {"criterion": "…"}') from None
    sentence = said.get("criterion") if isinstance(said, dict) and len(said) == 1 else None
    if not isinstance(sentence, str):
        raise UnreadableError('it is not an object with the one key "criterion" and a text')
    return _usable(" ".join(sentence.encode("utf-8", "replace").decode().split()), finding)


def _usable(sentence: str, finding: Findings) -> str:
    size = len(words(sentence))
    if not FEWEST_WORDS <= size <= MOST_WORDS or len(sentence) > LONGEST:
        raise UnreadableError(f"the sentence has {size} words; {FEWEST_WORDS} to {MOST_WORDS} are wanted")
    if visible(sentence) != sentence:
        raise UnreadableError("the sentence holds hidden characters")
    if copied_share(sentence, [text for e in finding.examples for text in (e.has, e.lacks)], _RUN) > _COPIED:
        raise UnreadableError("the sentence copies the answers instead of describing the habit")
    task = Task(id="written", messages=(Message(role="user", content="Write a criterion."),))
    if addresses_judge(sentence, AddressesJudge(), task).met:
        raise UnreadableError("the sentence gives orders to a judge")
    if opening_praise(sentence, OpeningPraise(), task).met or self_evaluation(sentence, SelfEvaluation(), task).met:
        raise UnreadableError("the sentence is no criterion")
    return sentence
