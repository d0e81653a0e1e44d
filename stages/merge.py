"""`merge`: the shards of one run → what it would have made without shards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import RlraError
from schemas.manifest import Recipe, differing_keys
from schemas.shards import Shard, shard_in

MAY_DIFFER = re.compile(r"inputs\.[^.]+\.(name|recipe)")
"""What copying an input to another machine may change; its digest it may not."""


@dataclass(frozen=True)
class Whole:
    """How shards make a whole."""

    order: tuple[str, ...]
    """The files, by the numbers of their shards."""
    block: int
    """How many lines of each follow each other."""
    recipe: Recipe
    """That of the run without shards."""


def whole_of(recipes: Sequence[tuple[str, Recipe]]) -> Whole:
    """Return the whole that these files, each with its recipe, are the shards of.

    Raises RlraError naming the file that does not belong, stands there twice, is too short, or is missing.
    """
    first, like = recipes[0]
    found: dict[int, str] = {}
    for file, recipe in recipes:
        shard = _shard_of(file, recipe)
        differ = [key for key in differing_keys(like, _at(like, recipe)) if not MAY_DIFFER.fullmatch(key)]
        if shard.of != _shard_of(first, like).of or differ:
            raise RlraError(
                f"{file}: no shard of the run that made {first}; these differ: {', '.join(differ) or 'spec.shard'}",
                hint="every shard needs the same input, options and rlra",
            )
        if shard.number in found:
            raise RlraError(f"{file}: shard {shard.number}/{shard.of}, and so is {found[shard.number]}")
        found[shard.number] = file
    if missing := [number for number in range(1, shard.of + 1) if number not in found]:
        raise RlraError(f"{first}: shard {missing[0]}/{shard.of} is missing beside it")
    _refuse_lengths(recipes)
    spec = {key: value for key, value in like.spec.items() if key not in shard.recorded}
    return Whole(tuple(found[number] for number in sorted(found)), shard.block, like.model_copy(update={"spec": spec}))


def _shard_of(file: str, recipe: Recipe) -> Shard:
    shard = shard_in(recipe.spec)
    if shard is None:
        raise RlraError(
            f"{file}: no shard of anything", hint="`rlra rollout` and `rlra judge` make shards with --shard"
        )
    return shard


def _at(like: Recipe, recipe: Recipe) -> Recipe:
    """Return `recipe` as if it were the same shard as `like`."""
    return recipe.model_copy(update={"spec": {**recipe.spec, "shard": like.spec["shard"]}})


def _refuse_lengths(recipes: Sequence[tuple[str, Recipe]]) -> None:
    total = sum(recipe.records or 0 for _, recipe in recipes)
    for file, recipe in recipes:
        shard = _shard_of(file, recipe)
        if recipe.records != shard.count(total):
            raise RlraError(f"{file}: {recipe.records} lines; of {total}, this shard has {shard.count(total)}")
