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


def run_of(path: str, manifest: Manifest) -> str | None:
    """Return the folder of the run that made an artifact in one of its rounds, if that run is complete.

    Its manifest says what the command reads besides that which the round was made from, such as held-out prompts.
    """
    learned = is_rounds_model(manifest)
    if is_remote(path) or not (learned or (argv_of(manifest)[:1] == ["train"] and Path(path).is_file())):
        return None
    for folder in folders_of(path, manifest):
        run = (Path(folder).parent if learned else Path(folder)).parent
        found = _read(str(run / "manifest.json"))
        if found and found.recipe.stage == "train" and found.recipe.spec.get("rounds"):
            return str(run)
    return None


def typed_by(path: str, manifest: Manifest) -> tuple[str, Manifest] | None:
    """Return the artifact, and its manifest, that says what was typed to make this one; mostly it is that itself.

    Of what a round learned that is the run's command; None where that is not known.
    """
    return tasks_of_round(path, manifest) if is_rounds_model(manifest) else (path, manifest)


def _read(path: str) -> Manifest | None:
    try:
        return read_manifest(path)
    except RlraError:
        return None
