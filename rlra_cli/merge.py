"""`rlra merge`."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream
from schemas.base import Record
from schemas.errors import RlraError
from schemas.files import shown
from schemas.jsonl import KINDS, Source
from schemas.manifest import Recipe, read_manifest
from schemas.parts import MANIFEST, PartFolder, is_folder, parts_in_order
from schemas.shards import gathered
from stages.merge import whole_of

KIND_OF = {"rollout": KINDS["rollouts"], "judge": KINDS["judged"]}
Shards = Annotated[
    list[str], typer.Argument(metavar="SHARD...", help="Every shard of one run, in any order; or one folder of parts.")
]


def merge(options: RunOptions, shards: Shards, output: Output = "-") -> None:
    """Put the shards of a run together, in the order of its input.

    \b
    rlra rollout tasks.jsonl --shard 1/2 -o one.jsonl     # on one machine
    rlra rollout tasks.jsonl --shard 2/2 -o two.jsonl     # on another
    rlra merge one.jsonl two.jsonl -o rollouts.jsonl

    Shards lie beside their manifests, which say whether they belong together, whether one is missing, and whether
    one was changed since. Lines and manifest are those of a run without shards. The parts that `--engine ray` writes
    into a folder are merged as `rlra merge FOLDER/`. Pipe it into `rlra judge`.
    """
    is_parts = len(shards) == 1 and is_folder(shards[0]) and not shards[0].endswith((".jsonl", ".gz", ".zst"))
    recipe, lines = _parts(PartFolder(shards[0])) if is_parts else _shards(shards)
    run_stream(Job("merge", {}, output, options, reads=shards, known=recipe), lines)


def _parts(folder: PartFolder) -> tuple[Recipe, Iterator[Record]]:
    """Return the recipe and the lines of the whole in a folder. Raises RlraError where it is not whole."""
    recipe = read_manifest(folder.at(MANIFEST)).recipe
    if not parts_in_order(folder) and recipe.records == 0:
        return recipe, iter(())
    return recipe, _as_made(folder.path, recipe).read(_kind(folder.path, recipe))


def _shards(files: Sequence[str]) -> tuple[Recipe, Iterator[Record]]:
    """Return the recipe and the lines of the whole that files make. Raises RlraError where they make none."""
    recipes = [(file, read_manifest(f"{file}.manifest.json").recipe) for file in files]
    whole = whole_of(recipes)
    sources = {file: _as_made(file, recipe) for file, recipe in recipes}
    kind = _kind(whole.order[0], whole.recipe)
    return whole.recipe, gathered([sources[file].read(kind) for file in whole.order], whole.block)


def _as_made(path: str, recipe: Recipe) -> Source:
    """Return what lies at `path`. Raises RlraError where its recipe speaks of other bytes."""
    source = Source(path)
    if source.fingerprint() != (recipe.sha256, recipe.records):
        raise RlraError(f"{shown(path)}: changed since its manifest was written", hint="make it again")
    return source


def _kind(path: str, recipe: Recipe) -> type[Record]:
    if recipe.stage not in KIND_OF:
        raise RlraError(f"{shown(path)}: made by `rlra {recipe.stage}`", hint="rollouts and judged lines are merged")
    return KIND_OF[recipe.stage]
