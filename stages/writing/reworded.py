"""Criteria in other words, by the model that wrote them: what the verdicts of a stable criterion do not depend on."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from schemas.criterion import Criterion
from schemas.rubric import Rubric
from schemas.task import Message
from stages.asking import UnreadableError
from stages.checks.text import folded_words, has_word
from stages.judge_prompt import mark
from stages.reading.said import quoted
from stages.visible import visible
from stages.writing.criteria import items_of
from stages.writing.prompts import filled


def question(rubric: Rubric) -> tuple[Message, ...]:
    """Return what a writer is asked that is to reword the criteria of a rubric which a judge reads."""
    each = [
        {"id": leaf.id, "text": leaf.text, "tiers": [tier.text for tier in leaf.tiers]}
        for leaf in rubric.leaves
        if leaf.needs_judge
    ]
    listed = "\n".join(orjson.dumps(one).decode() for one in each)
    return (Message(role="user", content=filled("write_reworded", mark=mark([listed], [listed], 0), criteria=listed)),)


def read(text: str, rubric: Rubric) -> Rubric:
    """Return the rubric with the words of the answer, ids and scores as they were.

    Raises UnreadableError for an answer that leaves out a criterion or a level, or brings in another; whose texts
    cannot be read; and one that rewords nothing.
    """
    wanted = {leaf.id: leaf for leaf in rubric.leaves if leaf.needs_judge}
    found = dict(map(_said, items_of(text)))
    if list(found) != list(wanted):
        raise UnreadableError(f"it does not have exactly these criteria, in this order: {', '.join(wanted)}")
    made = {name: _reworded(wanted[name], said) for name, said in found.items()}
    if all(folded_words(made[name].text) == folded_words(wanted[name].text) for name in wanted):
        raise UnreadableError("it says every criterion in the same words")
    return rubric.model_copy(update={"criteria": tuple(_placed(each, made) for each in rubric.criteria)})


def _said(item: Any) -> tuple[str, list[str]]:
    """Return the id of a reworded criterion, and its text with those of its levels behind it."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise UnreadableError("a criterion has no id")
    levels = item.get("tiers") or []
    texts = [item.get("text"), *(levels if isinstance(levels, list) else [None])]
    plain = [" ".join(text.split()) for text in texts if isinstance(text, str) and has_word(text)]
    if len(plain) != len(texts) or any(visible(text) != text for text in plain):
        raise UnreadableError(f"what it says for '{quoted(item['id'])}' is no text with texts for its levels")
    return item["id"], plain


def _reworded(criterion: Criterion, texts: Sequence[str]) -> Criterion:
    if len(texts) - 1 != len(criterion.tiers):
        raise UnreadableError(
            f"'{quoted(criterion.id)}' has {len(criterion.tiers)} levels, and it gives {len(texts) - 1}"
        )
    tiers = [tier.model_copy(update={"text": text}) for tier, text in zip(criterion.tiers, texts[1:], strict=True)]
    return criterion.model_copy(update={"text": texts[0], "tiers": tuple(tiers)})


def _placed(criterion: Criterion, made: Mapping[str, Criterion]) -> Criterion:
    """Return a criterion or a group with what was reworded in it."""
    if not criterion.criteria:
        return made.get(criterion.id, criterion)
    return criterion.model_copy(update={"criteria": tuple(_placed(each, made) for each in criterion.criteria)})
