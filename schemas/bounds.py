"""The bands that one selection calibrated, so that another one can hold its prompts to the same numbers."""

from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.base import Part
from schemas.errors import RlraError
from schemas.jsonl import explain
from schemas.yaml_file import load_yaml

Band = tuple[float | None, float | None]
"""The two ends, both included; None is no limit."""


class Bounds(Part):
    """What a statistic had to lie in, pool by pool."""

    statistic: str
    """What was measured of a prompt, such as `mean`."""
    pass_at: float = 1.0
    """The reward from which on a response passes, which `pass_rate` depends on."""
    by: str = ""
    """The field that names a prompt's pool; without one all prompts are one pool, named by the empty text."""
    bands: dict[str, Band]
    """The band of each pool."""


def read_bounds(path: Path) -> Bounds:
    """Return the bounds in a manifest of `select-data`, or in a file that holds nothing else, JSON or YAML.

    Raises RlraError where there are none.
    """
    data = _data(path)
    if isinstance(data, dict) and "manifest" in data:
        run = data.get("run")
        data = run.get("bounds") if isinstance(run, dict) else None
        if data is None:
            raise RlraError(f"{path}: this manifest holds no bounds", hint="`rlra select-data` writes them")
    try:
        return Bounds.model_validate_json(orjson.dumps(data))
    except (ValidationError, TypeError) as error:
        said = explain(error) if isinstance(error, ValidationError) else str(error)
        raise RlraError(f"{path}: {said}", hint="bounds have a `statistic` and `bands: {POOL: [LOW, HIGH]}`") from None


def _data(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:  # YAML would read the 1e-05 of a JSON file as text
        return load_yaml(path).value
    except OSError as error:
        raise RlraError(f"{path}: {(error.strerror or str(error)).lower()}") from None
