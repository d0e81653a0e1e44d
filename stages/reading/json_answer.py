"""The method `json`: reasons and verdicts as one JSON object."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from schemas.rubric import Criterion
from stages.asking import ContradictionError, UnreadableError
from stages.models.base import Completion
from stages.reading.declining import declines
from stages.reading.objects import objects
from stages.reading.repairing import FENCE, repaired
from stages.reading.said import RefusalError, Said, agree, concluded, is_allowed, labels, quoted
from stages.reading.thoughts import answer

MOST_OBJECTS = 20
"""More are not looked through: each may be as long as the answer."""
LONGEST_MENDED = 20_000
_BEGINS = re.compile(r"\{\s*[\"'“]?verdicts[\"'”]?\s*:")
_UNUSABLE = "it holds no JSON object with 'verdicts' as asked for"


def schema_of(criteria: Sequence[Criterion], word: str = "verdict") -> str:
    """Return the JSON Schema of an answer on `criteria`, in their order: on each a reason, and then, under `word`,
    the verdict.
    """
    each = {
        criterion.id: _object({"reason": {"type": "string"}, word: {"type": "string", "enum": list(labels(criterion))}})
        for criterion in criteria
    }
    return orjson.dumps(_object({"verdicts": _object(each)})).decode()


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_json(completion: Completion, criteria: Sequence[Criterion], word: str = "verdict") -> dict[str, Said]:
    """Return what the last JSON object of the answer says, by criterion id; prose and a fence may stand before it.

    It names every criterion exactly once, each with a reason that ends with `So:` and the label, and then, under
    `word`, the verdict. What is not quite JSON is mended where that leaves every verdict as it was written, and is
    marked `repaired`. Raises ContradictionError when two verdicts on a criterion, or a verdict and its
    reason, disagree; RefusalError for an answer without an object that declines; UnreadableError otherwise.
    """
    text = answer(completion)
    begins = [found.start() for found in _BEGINS.finditer(text)]
    if not begins:
        raise RefusalError("the judge declines to judge") if declines(text) else UnreadableError(_UNUSABLE)
    if len(begins) > MOST_OBJECTS:
        raise UnreadableError(f"it holds more than {MOST_OBJECTS} objects with 'verdicts'")
    allowed = {criterion.id: labels(criterion) for criterion in criteria}
    found, end = objects(text, begins, _without_repeats)
    is_whole = bool(found) and not text[end:].strip(FENCE)
    drafts = [said for value in found for said in _said(value, word, strict=False)]
    agree([said for said in drafts if said.label in allowed.get(said.criterion, ())])
    last = found[-1] if is_whole else _mended(text[begins[0] :], allowed, word)
    verdicts = {said.criterion: said for said in _said(last, word, repaired=not is_whole)}
    for said in verdicts.values():
        is_allowed(said, allowed)
    if missing := [name for name in allowed if name not in verdicts]:
        raise UnreadableError(f"it holds no verdict on '{missing[0]}'")
    return {name: concluded(said, allowed[name]) for name, said in verdicts.items()}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            if name != "reason" and _judged(made[name]) != _judged(value):
                raise ContradictionError(f"it names '{quoted(name)}' twice, and not with the same verdict")
            raise UnreadableError(f"it names '{quoted(name)}' twice")
        made[name] = value
    return made


def _judged(value: Any) -> Any:
    return {name: said for name, said in value.items() if name != "reason"} if isinstance(value, dict) else value


def _said(value: Any, word: str, strict: bool = True, repaired: bool = False) -> list[Said]:
    """Return the verdicts of an object. Raises UnreadableError, with `strict`, for any other shape."""
    each = value.get("verdicts") if isinstance(value, dict) and (len(value) == 1 or not strict) else None
    if not isinstance(each, dict):
        if strict:
            raise UnreadableError(_UNUSABLE)
        return []
    found = []
    for name, said in each.items():
        if isinstance(said, dict) and list(said) == ["reason", word] and isinstance(said["reason"], str):
            reason = said["reason"].encode("utf-8", "replace").decode()  # an escape may stand for half a character
            found.append(Said(name, _label(said[word]), reason, repaired=repaired))
        elif strict:
            raise UnreadableError(f"what it says on '{quoted(name)}' is not a 'reason' and then a '{word}'")
    return found


def _label(value: Any) -> str:
    """Return the answer; a level may stand as a number."""
    if isinstance(value, str):
        return value.strip().casefold()
    return str(value) if type(value) is int and 0 <= value < 1_000 else f"no answer but {type(value).__name__}"


def _mended(text: str, allowed: dict[str, tuple[str, ...]], word: str) -> Any:
    """Return the one object of `text` after json-repair, provided that it invents, drops and moves no verdict."""
    value = repaired(text, LONGEST_MENDED, _UNUSABLE)
    mended = [part for said in _said(value, word) for part in (said.criterion, said.label)]
    if mended != _skeleton(text.strip(FENCE), allowed, word):
        raise UnreadableError("it is not JSON, and its verdicts cannot be told from what stands around them")
    return value


def _skeleton(text: str, allowed: dict[str, tuple[str, ...]], word: str) -> list[str]:
    """Return, in order, every id and every label that stand in `text` as those of verdicts do, quoted ones too."""
    names = "|".join(re.escape(name) for name in sorted(allowed, key=len, reverse=True))
    mark = r"\s{0,9}\\?[\"'“”]?\s{0,9}"
    named = rf"(?<![\w.:/-])(?P<id>{names}){mark}:\s{{0,9}}\{{"
    part = re.compile(rf"{named}|{re.escape(word)}{mark}:{mark}(?P<label>[\w ]{{0,40}})", re.IGNORECASE)
    return [found["id"] or found["label"].strip().casefold() for found in part.finditer(text)]
