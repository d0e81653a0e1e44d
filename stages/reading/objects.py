"""JSON objects that stand in a text, one behind the other."""

import json
from collections.abc import Callable, Sequence
from typing import Any


def objects(
    text: str, begins: Sequence[int], pairs: Callable[[list[tuple[str, Any]]], Any], strict: bool = True
) -> tuple[list[Any], int]:
    """Return the objects that begin at `begins` and can be read, and where in the text the last of them ends.

    What begins inside an object that was read is part of it. `pairs` makes an object of its names and values, and what
    it raises goes through; without `strict`, control characters may stand in strings. The end is 0 where none is read.
    """
    decoder = json.JSONDecoder(object_pairs_hook=pairs, strict=strict)
    found: list[Any] = []
    end = 0
    for begin in begins:
        if begin < end:
            continue
        try:
            value, end = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            continue
        found.append(value)
    return found, end
