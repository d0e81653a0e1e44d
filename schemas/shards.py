"""Which lines are whose when several machines share a file, and how their order comes back."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from pydantic import Field

from schemas.base import Part
from schemas.errors import RlraError

ItemT = TypeVar("ItemT")


class Shard(Part):
    """One of `of` shares of a file: its lines are dealt out like cards, `block` of them at a time.

    Lines that a model answers together are one block, so that a line is made as it would be without shards.
    """

    number: int = Field(ge=1)
    of: int = Field(ge=1)
    block: int = Field(ge=1)

    @property
    def recorded(self) -> dict[str, Any]:
        """Return what a recipe says of it; `shard_in` reads it back."""
        return {"shard": f"{self.number}/{self.of}", "block": self.block}

    def own(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """Yield the items that are this shard's."""
        for position, item in enumerate(items):
            if position // self.block % self.of == self.number - 1:
                yield item

    def count(self, total: int) -> int:
        """Return how many of `total` items are this shard's."""
        rounds, rest = divmod(total, self.block * self.of)
        return rounds * self.block + min(max(rest - (self.number - 1) * self.block, 0), self.block)


def shard_in(spec: dict[str, Any]) -> Shard | None:
    """Return the shard that the spec of a recipe names, or None. Raises RlraError for what names none."""
    return parse_shard(spec["shard"], spec.get("block")) if spec.get("shard") else None


def parse_shard(text: Any, block: Any) -> Shard:
    """Return the shard that a text such as `2/5` names. Raises RlraError for anything else."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", str(text), re.ASCII)
    if not (found and 1 <= int(found[1]) <= int(found[2]) and isinstance(block, int) and block > 0):
        raise RlraError(f"--shard: '{text}' is not I/N", hint="1/4 to 4/4 are the four shards of four")
    return Shard(number=int(found[1]), of=int(found[2]), block=block)


def gathered(shards: Sequence[Iterator[ItemT]], block: int) -> Iterator[ItemT]:
    """Yield the items of all shards, given in the order of their numbers, in the order before they were dealt out."""
    while True:
        for shard in shards:
            dealt = list(islice(shard, block))
            yield from dealt
            if len(dealt) < block:  # only the last block may be short, or missing
                return
