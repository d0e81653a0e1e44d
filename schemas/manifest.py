"""Who made an artifact, from what, and how to make it again."""

from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import Field, ValidationError

from schemas.base import Part, digest
from schemas.errors import RlraError
from schemas.files import opened, shown
from schemas.jsonl import explain

VERSION: Literal[1] = 1


class Input(Part):
    """One file that an artifact was made from."""

    name: str
    """The file's name without its folder; `-` for a pipe."""
    sha256: str
    """Of its bytes, decompressed."""
    records: int | None = None
    """Lines read from it; null for files that are not JSONL."""
    recipe: str | None = None
    """The digest of the recipe in its own manifest, where it has one."""


class Recipe(Part):
    """All that decides an artifact's bytes. Two identical runs have equal recipes."""

    stage: str
    """The command that ran."""
    rlra: str
    """The version of rlra."""
    spec: dict[str, Any]
    """Every option that affects the output, resolved."""
    inputs: dict[str, Input]
    """What it read, by role (`input`, `rubrics`, …)."""
    sha256: str | None = None
    """Of the output, once it is complete."""
    records: int | None = None
    """Lines in the output."""


class Manifest(Part):
    """`X.manifest.json`: written last, beside the artifact `X`."""

    manifest: Literal[1] = Field(default=VERSION)
    """The version of this shape."""
    recipe: Recipe
    """What decides the bytes."""
    run: dict[str, Any]
    """Arguments, places, commit, times, host, counts, model usage: what may differ between identical runs."""


def path_for(artifact: Path) -> Path:
    """Return where the manifest of `artifact` lies: beside a file, in a folder of parts."""
    return artifact / "manifest.json" if artifact.is_dir() else artifact.with_name(artifact.name + ".manifest.json")


def read_manifest(path: Path | str) -> Manifest:
    """Return the manifest at `path`, or at a URL.

    Raises RlraError if it is none: it names the field that is wrong, or the version where a newer rlra wrote it.
    """
    where = shown(str(path))
    try:
        with opened(str(path)) as stream:
            return Manifest.model_validate_json(stream.read())
    except (RlraError, OSError) as error:
        raise RlraError(f"{where}: not a readable manifest: {_first_line(error).removeprefix(f'{where}: ')}") from None
    except ValidationError as error:
        if (newer := _newer(error)) is not None:
            said = f"manifest: {newer} is newer than {VERSION}, which this rlra reads"
            raise RlraError(f"{where}: {said}", hint="upgrade rlra") from None
        said = f"not a readable manifest: {explain(error).removeprefix('line: ')}"
        raise RlraError(f"{where}: {said}", hint="make again what it lies beside, or copy that with it") from None


def _newer(error: ValidationError) -> int | None:
    """Return the version that a manifest says, if it is one that is not known yet."""
    said = [problem["input"] for problem in error.errors(include_url=False) if problem["loc"] == ("manifest",)]
    return next((version for version in said if isinstance(version, int) and version > VERSION), None)


def recipe_digest(artifact: Path) -> str | None:
    """Return the digest of the recipe beside `artifact`, or None where there is none."""
    path = path_for(artifact)
    return digest(read_manifest(path).recipe) if path.exists() else None


def spec_digest(path: Path | str) -> str:
    """Return the digest of the options that a manifest says. Raises RlraError for what is none."""
    return digest(read_manifest(path).recipe.spec)


def differing_keys(old: Recipe, new: Recipe) -> list[str]:
    """Return the dotted keys in which two recipes differ, outputs aside."""
    return sorted(_differences(_comparable(old), _comparable(new), ""))


def _comparable(recipe: Recipe) -> dict[str, Any]:
    return orjson.loads(recipe.model_dump_json(exclude={"sha256": True, "records": True}))


def _differences(old: Any, new: Any, at: str) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = old.keys() | new.keys()
        return [found for key in keys for found in _differences(old.get(key), new.get(key), f"{at}.{key}".lstrip("."))]
    return [] if old == new else [at]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
