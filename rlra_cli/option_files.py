"""Which files the options of this process were read from: an edit of one makes another file of the same command."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.manifest import Input, spec_digest
from stages.provenance_rounds import LEARN

OPTIONS = ("spec", "rollout_options", "select_options", "judge_options", "system")
"""Options that name a file with options: `--system` as `@FILE`."""
_read: dict[str, tuple[str, Input]] = {}
"""By option the path and what lay there; of the command line of this process, as `sys.argv` is."""


def note(values: Mapping[str, Any]) -> None:
    """Remember the files that a command's options name, as they are now: a run may take hours."""
    _read.clear()
    for option in OPTIONS:
        path = _path(option, values.get(option))
        if path and Path(path).is_file() and Path(path).name != LEARN:
            _read[f"option.{option}"] = (path, Input(name=Path(path).name, sha256=_digest(path)))


def paths() -> dict[str, str]:
    """Return the path of each file, by its role."""
    return {role: path for role, (path, _) in _read.items()}


def recorded() -> dict[str, Any]:
    """Return what a manifest says of them besides where they lie: nothing where there are none."""
    found = {role: each.model_dump(exclude_none=True) for role, (_, each) in _read.items()}
    return {"options": found} if found else {}


def _path(option: str, value: Any) -> str:
    given = str(value or "")
    if option == "system":
        return given[1:] if given.startswith("@") else ""
    return "" if given.startswith("{") else given


def _digest(path: str) -> str:
    """Return the digest of a file; of a manifest that of its options, which are all that is read of it."""
    if path.endswith("manifest.json"):
        try:
            return spec_digest(path)
        except RlraError:  # a file of options of this name
            pass
    return Source(path).fingerprint()[0]
