"""Where the things lie that an artifact was made from, as seen from its manifest: a folder can be moved as a whole."""

import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.files import is_remote, shown
from stages.provenance_uses import FOLDERS, folder_of, models_in


def places(folder: str, inputs: Mapping[str, str], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return `cwd` and, by role, `inputs`: paths relative to `folder`, where the manifest lies; models' folders too.

    Nothing is said of a place that would tell more of this machine than the command line does: a path from a typed
    folder to one that was not typed, unless both are inside the folder that one is in. Pipes and data sets have none.
    """
    models = {role: folder_of(name) for role, name, _ in models_in(spec) if _is_folder(name)}
    seen = {role: _seen(path, folder) for role, path in {**inputs, **models}.items()}
    found: dict[str, Any] = {"inputs": {role: path for role, path in seen.items() if path is not None}} if seen else {}
    if not is_remote(folder) and _may_be_said(os.curdir, folder):
        found["cwd"] = os.path.relpath(os.curdir, folder)
    return found


def _is_folder(reference: str) -> bool:
    return reference.startswith(FOLDERS) and Path(folder_of(reference)).is_dir()


def _seen(path: str, folder: str) -> str | None:
    """Return a path as seen from `folder`; None where it is not to be said, or is no place that lasts."""
    if is_remote(path):
        return shown(path)
    place = Path(path)
    lasts = place.is_file() or place.is_dir() or glob.has_magic(path)
    if is_remote(folder) or not lasts or path.startswith("/dev/") or not _may_be_said(path, folder):
        return None
    return os.path.relpath(path, folder)


def _may_be_said(path: str, folder: str) -> bool:
    here = Path.cwd()
    is_alike = Path(path).is_absolute() == Path(folder).is_absolute()
    return is_alike or all(Path(os.path.abspath(each)).is_relative_to(here) for each in (path, folder))  # noqa: PTH100
