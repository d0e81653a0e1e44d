"""The options of another command, as `--judge-options FILE` gives them: in YAML, or in a manifest that it wrote."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rlra_cli.options import SpecT
from schemas.errors import RlraError
from schemas.jsonl import explain, loads


def options_in(
    given: str,
    command: str,
    spec: type[SpecT],
    otherwise: Mapping[str, Any],
    before: Mapping[str, Any] = {},
    hidden: Collection[str] = (),
) -> SpecT:
    """Return the options of `command` that a file says, or the JSON that a manifest has in its place, else `otherwise`.

    `before` goes before the file, and `hidden` are no options of it. Raises RlraError for options that `spec` does not
    have, values that it does not take, and the manifest of another command.
    """
    known = [name for name in spec.model_fields if name not in hidden]
    try:
        return spec.model_validate({**otherwise, **(_values(given, command, known) if given else {}), **before})
    except ValidationError as error:
        raise RlraError(f"{given or spec.__name__}: {explain(error)}") from None


def _values(given: str, command: str, known: list[str]) -> dict[str, Any]:
    from schemas.yaml_file import load_yaml, nearest

    values = loads(given.encode(), "options") if given.startswith("{") else load_yaml(Path(given)).value
    if isinstance(values, dict) and "manifest" in values and "recipe" in values:
        spec = values["recipe"].get("spec") if isinstance(values["recipe"], dict) else None
        if not isinstance(spec, dict):
            raise RlraError(f"{given}: not a readable manifest")
        if (by := values["recipe"].get("stage")) != command:
            raise RlraError(f"{given}: is of `rlra {by}`, and options of `rlra {command}` are needed")
        values = {key: value for key, value in spec.items() if key in known}
    if not isinstance(values, dict):
        raise RlraError(f"{given}: a mapping of option names to values is needed")
    for key in values:
        if key not in known:
            raise RlraError(f"{given}: {key}: no such option", hint=nearest(str(key), known))
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
