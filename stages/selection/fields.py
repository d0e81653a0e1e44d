"""Fields of a line by their dotted path."""

from typing import Any

import orjson

from schemas.base import Part
from schemas.rubric import Rubric


def at(line: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at `path` in plain data or in a record; None where there is nothing."""
    for name in path:
        line = line.get(name) if isinstance(line, dict) else getattr(line, name, None) if _has(line, name) else None
    return line


def is_there(line: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Return whether plain data has the field, be it null."""
    above = at(line, path[:-1])
    return isinstance(above, dict) and path[-1] in above


def _has(line: Any, name: str) -> bool:
    return isinstance(line, Part) and name in type(line).model_fields


def label(value: Any) -> str:
    """Return a field's value as the name of a pool: a text as it is, a rubric by id and version, else its JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Rubric):
        return f"{value.rubric}@{value.version}"
    return orjson.dumps(value, default=lambda part: part.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()
