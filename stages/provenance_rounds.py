"""What a run of `rlra train --rounds` made inside its folder: by which command, and of which run."""

from pathlib import Path

from schemas.errors import RlraError
from schemas.files import is_remote
from schemas.manifest import Manifest, read_manifest
from stages.provenance_places import folders_of
from stages.provenance_uses import argv_of

LEARN = "learn.json"
"""The options of one round's training, which `rlra train --rounds` writes for itself and removes."""


def is_rounds_model(manifest: Manifest) -> bool:
    """Return whether a manifest is of a model that a round learned: nobody typed the command that it names."""
    return any(Path(word).name == LEARN for word in argv_of(manifest))


def tasks_of_round(path: str, manifest: Manifest) -> tuple[str, Manifest] | None:
    """Return the tasks of the round that a model was learned in, and their manifest, which says what was typed.

    They lie beside the model. None beside one that was copied out of its round, whatever tasks lie there.
    """
    for folder in [] if is_remote(path) else folders_of(path, manifest):
        tasks = Path(folder).parent / "tasks.jsonl"
        found = _read(f"{tasks}.manifest.json")
        if found and found.recipe.stage == "train" and "round" in found.recipe.spec:
            return str(tasks), found
    return None


def _read(path: str) -> Manifest | None:
    try:
        return read_manifest(path)
    except RlraError:
        return None
