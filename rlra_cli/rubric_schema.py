"""The JSON Schema of a rubric file, with every check and its arguments: for editors."""

from typing import Any

import stages.checks  # noqa: F401 (registers every check)
from rlra_cli.options import docstrings
from schemas.base import Part
from schemas.criterion import Criterion, Tier
from schemas.review import Review, Step
from schemas.reward import Interaction, RewardSpec, Saturation, Shaping
from schemas.rubric import Rubric
from stages.checks.base import REGISTRY

MODELS: tuple[type[Part], ...] = (Rubric, Criterion, Tier, RewardSpec, Saturation, Interaction, Shaping, Review, Step)
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def rubric_schema() -> dict[str, Any]:
    """Return the schema of a rubric as it is written in a YAML file, key by key in the order of the model.

    It is laxer than the code where it must be: what a template fills in may be missing, and null takes away.
    """
    schema: dict[str, Any] = Rubric.model_json_schema()
    schema = {"$schema": DIALECT, "title": "rlra rubric", **schema}
    schema["required"] = ["rubric"]
    schema["anyOf"] = [{"required": ["criteria"]}, {"required": ["inherits"]}]
    for model in MODELS:
        _describe(schema if model is Rubric else schema["$defs"][model.__name__], model)
    criterion = schema["$defs"]["Criterion"]
    for owner, kept in ((schema, "rubric"), (criterion, "id"), (schema["$defs"]["RewardSpec"], "preset")):
        for name, said in owner["properties"].items():
            owner["properties"][name] = said if name == kept else _or_null(said)
    found: dict[str, Any] = _in_any_engine(schema)
    # After it: a pattern among the arguments of a check is that check's own.
    found["$defs"]["Criterion"]["properties"]["check"] = _or_null(_checks(found["$defs"]))
    return found


def _in_any_engine(schema: Any) -> Any:
    """Return the schema with `\\w` of its patterns spelled out: to other engines than Python's it is ASCII alone."""
    if isinstance(schema, dict):
        return {
            key: value.replace(r"[\w]", r"[\p{L}\p{M}\p{N}_]").replace(r"[\w.", r"[\p{L}\p{M}\p{N}_.")
            if key == "pattern" and isinstance(value, str)
            else _in_any_engine(value)
            for key, value in schema.items()
        }
    return [_in_any_engine(value) for value in schema] if isinstance(schema, list) else schema


def _describe(schema: dict[str, Any], model: type[Part]) -> None:
    """Put the texts below the fields of `model` into its schema, and leave out titles that only repeat a key."""
    said = {model.model_fields[name].alias or name: text for name, text in docstrings(model).items()}
    for name, field in schema["properties"].items():
        field.pop("title", None)
        if name in said:
            field["description"] = said[name]


def _or_null(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("default", "") is None or {"type": "null"} in said.get("anyOf", ()):
        return said
    outside: dict[str, Any] = {key: said[key] for key in ("description", "default") if key in said}
    inside = {key: value for key, value in said.items() if key not in outside}
    return {"anyOf": [inside, {"type": "null"}], **outside}


def _checks(definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for name, check in sorted(REGISTRY.items()):
        arguments = check.arguments.model_json_schema()
        _describe(arguments, check.arguments)
        definitions.update(arguments.pop("$defs", {}))
        properties[name] = arguments
    return {
        "type": "object",
        "description": "A programmatic check and its arguments; no model is asked.",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
