"""Criteria as writers give them: id, text, weight and levels in JSON, and nothing else."""

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.criterion import Criterion
from schemas.jsonl import explain
from stages.asking import UnreadableError
from stages.reading.said import quoted
from stages.writing.answers import last_object
from stages.writing.base import Draft, DraftError, Finding

INVALID, TIERS = "invalid", "tiers_alike"
"""The reasons of the two gates that speak of what cannot even be read as criteria."""
MOST_READ = 60
"""An answer with more criteria than this is none."""
_KEYS = ("id", "text", "weight", "tiers")
_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


SCHEMA = orjson.dumps(
    _object(
        {
            "criteria": _list(
                _object(
                    {
                        "id": _TEXT,
                        "text": _TEXT,
                        "weight": _NUMBER,
                        "tiers": _list(_object({"score": _NUMBER, "text": _TEXT})),
                    }
                )
            )
        }
    )
).decode()
"""The JSON Schema of an answer; a criterion that is met or not met has no tiers."""
REWORDED = orjson.dumps(
    _object({"criteria": _list(_object({"id": _TEXT, "text": _TEXT, "tiers": _list(_TEXT)}))})
).decode()
"""The JSON Schema of an answer that says the same criteria in other words."""


def items_of(text: str) -> list[Any]:
    """Return what stands under `criteria` in an answer. Raises UnreadableError for an answer without a list of them."""
    items = last_object(text, ("criteria",))["criteria"]
    if not isinstance(items, list) or not items:
        raise UnreadableError("'criteria' is no list of criteria")
    if len(items) > MOST_READ:
        raise UnreadableError(f"it holds {len(items)} criteria")
    return items


def read_criteria(text: str, fewest: int, most: int) -> Draft:
    """Return the criteria in an answer as a draft, their texts with single blanks.

    Raises UnreadableError for an answer without a list of criteria, and DraftError, with all that is wrong, for
    criteria that the schema of rubrics does not take and for too few or too many.
    """
    items = items_of(text)
    found = [_criterion(item, place) for place, item in enumerate(items, start=1)]
    findings = [each for each in found if isinstance(each, Finding)]
    if not fewest <= len(items) <= most:
        findings.append(Finding(INVALID, f"there are {len(items)} criteria, and {fewest} to {most} are needed"))
    if findings:
        raise DraftError(*findings)
    return Draft(tuple(each for each in found if isinstance(each, Criterion)))


def _criterion(item: Any, place: int) -> Criterion | Finding:
    if not isinstance(item, dict):
        return Finding(INVALID, f"criterion {place} is no object")
    where = f"criterion {place} ('{quoted(str(item.get('id', '')))}')"
    if odd := [key for key in item if key not in _KEYS]:
        return Finding(INVALID, f"{where} has a field '{quoted(odd[0])}'; the fields are {', '.join(_KEYS)}")
    try:
        return Criterion.model_validate(dict(_fields(item)))
    except ValidationError as error:
        what = explain(error).removeprefix("line: ")
        gate = TIERS if what.startswith(("tiers:", "tiers ", "`tiers`")) else INVALID
        return Finding(gate, f"{where}: {quoted(what)}")
    except OverflowError:
        return Finding(INVALID, f"{where} has a number beyond all bounds")


def _fields(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that say something, white space put right; levels as the schema has them."""
    for key, value in item.items():
        if value is None or (key == "tiers" and value == []):
            continue
        if key == "tiers" and isinstance(value, list):
            yield key, tuple({**tier, "text": _tidy(tier.get("text"))} if isinstance(tier, dict) else tier
                             for tier in value)  # fmt: skip
        else:
            yield key, _tidy(value)


def _tidy(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value
