"""What a manifest says its artifact was made from: files, models, shards; and the command line that made it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.files import is_remote, shown
from schemas.manifest import Input, Manifest

FOLDERS = ("hf:", "vllm:")
"""How references begin that may mean a folder with weights."""
MODELS = (*FOLDERS, "openai:")
EMBEDDED = "smollm2"
OUTPUTS = ("-o", "--output")
BESIDE = ("--html", "--markdown", "--latex", "--rejects", "--plot", "--plots", "--findings", "--ratings", "--summary")
"""Options that name what a command writes besides its output."""


OPTION = "option."
"""How the role of a file of options begins: what decides the bytes is what was read from it, which the recipe has."""


@dataclass(frozen=True)
class Use:
    """One thing that an artifact was made from, as the manifest of the artifact has it."""

    role: str
    name: str
    """Of a file its name, `-` for a pipe; of a model its reference."""
    sha256: str = ""
    """What it was then; empty where nobody looked."""
    recipe: str | None = None
    """The digest of the recipe that it had then."""
    records: int | None = None
    is_model: bool = False


def uses_of(manifest: Manifest) -> list[Use]:
    """Return what an artifact was made from: files, shards it was put together from, files of options, models."""
    recipe = manifest.recipe
    files = [Use(role, each.name, each.sha256, each.recipe, each.records) for role, each in recipe.inputs.items()]
    shards = [Use(f"shard.{number}", word) for number, word in enumerate(_shards(argv_of(manifest)))]
    models = [Use(role, name, revision, is_model=True) for role, name, revision in models_in(recipe.spec)]
    return [*files, *shards, *_option_files(manifest), *models]


def _option_files(manifest: Manifest) -> Iterator[Use]:
    options = manifest.run.get("options")
    for role, said in options.items() if isinstance(options, dict) else ():
        try:
            file = Input.model_validate(said)
        except ValidationError:
            continue
        if role.startswith(OPTION):
            yield Use(role, file.name, file.sha256)


def _shards(argv: Sequence[str]) -> list[str]:
    if argv[:1] != ["merge"]:
        return []
    words = [word for word in argv[1:] if not word.startswith("-")]
    return [word for word in words if word not in outputs_of(argv)]


def models_in(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (role, reference, revision) of each model that a spec names; the revision is empty where it says none.

    What the first of several trainings began with (`base`) is not among them: the model that it led to is.
    """
    revision = spec.get("revision")
    if isinstance(own := spec.get("model"), str):
        yield "model", own, revision if isinstance(revision, str) else ""
    reference = spec.get("reference")
    if isinstance(reference, dict) and isinstance(name := reference.get("model"), str):
        yield "reference", name, str(reference.get("revision") or "")
    for key, value in spec.items():
        named = value if isinstance(value, list) else [value]
        if key == "kl_reference" or (key == "model" and isinstance(value, str)):
            continue
        for number, each in enumerate(named):
            if isinstance(each, str) and (each.startswith(MODELS) or (key == "model" and each == EMBEDDED)):
                yield f"{key}.{number}" if isinstance(value, list) else key, each, ""


def folder_of(reference: str) -> str:
    """Return what a reference to a model names: of `hf:DIR` the folder."""
    for scheme in FOLDERS:
        reference = reference.removeprefix(scheme)
    return reference


def artifact_of(path: str) -> str:
    """Return the artifact of a manifest; what is none is the artifact itself."""
    return path.removesuffix(".manifest.json").removesuffix("/manifest.json")


def argv_of(manifest: Manifest) -> list[str]:
    """Return the words of the command line that made an artifact; none where the manifest has none that are words."""
    argv = manifest.run.get("argv")
    return argv if isinstance(argv, list) and all(isinstance(word, str) for word in argv) else []


def outputs_of(argv: Sequence[str], options: Sequence[str] = OUTPUTS) -> list[str]:
    """Return the files that a command line names by these options."""
    after = [word for option, word in pairwise(argv) if option in options]
    joined = [word.partition("=") for word in argv if word.startswith("--")]
    return [*after, *(file for option, _, file in joined if option in options and file)]


def paths_in(argv: Sequence[str]) -> Iterator[str]:
    """Yield all that may be a path in a command line: of `LABEL=FILE`, `@FILE` and `--option=FILE` the file."""
    for word in argv:
        for each in (word, word.partition("=")[2]):
            if each and not each.startswith("-"):
                yield folder_of(each.removeprefix("@"))


def name_of(path: str) -> str:
    """Return the last name in a path or URL, as manifests say it."""
    return Path(shown(path)).name


def typed_in(artifact: str, argv: Sequence[str]) -> tuple[str, bool] | None:
    """Return the folder in which a command line was typed, and whether it names the artifact itself.

    That follows from where the artifact, or a folder that it lies in, is now: `-o out/x.jsonl` made `/a/out/x.jsonl`
    in `/a`. None where nothing follows.
    """
    if is_remote(artifact):
        return None
    tries = [(artifact, OUTPUTS, True), *((str(above), OUTPUTS, False) for above in Path(artifact).parents)]
    for place, options, is_own in (*tries, (artifact, BESIDE, True)):
        for word in outputs_of(argv, options):
            if (found := _before(place, word)) is not None:
                return found, is_own
    return None


def _before(path: str, word: str) -> str | None:
    relative = os.path.normpath(word)
    if is_remote(word) or Path(word).is_absolute() or re.match(r"\.\.?(/|$)", relative):
        return None
    return path[: -len(relative) - 1] or "/" if path.endswith(f"/{relative}") else None
