"""A writer's answer as data: the last JSON object of the kind asked for, mended only where nothing is invented."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from stages.asking import UnreadableError
from stages.reading.declining import declines
from stages.reading.objects import objects
from stages.reading.repairing import repaired
from stages.reading.said import RefusalError, quoted

MOST_OBJECTS = 20
"""More are not looked through: each may be as long as the answer."""
LONGEST_MENDED = 40_000


def last_object(text: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return the last object in `text` that begins with one of `keys`, and has all of them and no other one.

    Prose and fences may stand around it. What is not quite JSON is mended where every text in the result stands in the
    answer word for word. Raises RefusalError for an answer that declines, and UnreadableError for any other without
    such an object.
    """
    names = "|".join(map(re.escape, keys))
    begins = [found.start() for found in re.finditer(rf"\{{\s*[\"'“]?(?:{names})[\"'”]?\s*:", text)]
    if not begins:
        raise RefusalError("the writer declines") if declines(text) else UnreadableError(_unusable(keys))
    if len(begins) > MOST_OBJECTS:
        raise UnreadableError(f"it holds more than {MOST_OBJECTS} objects")
    found, _ = objects(text, begins, _without_repeats, strict=False)
    value = found[-1] if found else _mended(text[begins[0] :], keys)
    if not isinstance(value, dict) or sorted(value) != sorted(keys):
        raise UnreadableError(_unusable(keys))
    return value


def _unusable(keys: Sequence[str]) -> str:
    return f"it holds no JSON object with {', '.join(repr(key) for key in keys)}, and nothing else, as asked for"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise UnreadableError(f"it names '{quoted(name)}' twice in one object")
        made[name] = value
    return made


def _mended(text: str, keys: Sequence[str]) -> Any:
    """Return the object after json-repair, provided that each of its texts was written so."""
    value = repaired(text, LONGEST_MENDED, _unusable(keys))
    written = " ".join(text.split())
    if not all(" ".join(said.split()) in written for said in _texts(value)):
        raise UnreadableError("it is not JSON, and its texts cannot be told from what stands around them")
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    for each in inside:
        yield from _texts(each)
