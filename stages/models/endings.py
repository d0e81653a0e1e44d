"""When an answer is over, and how much of it counts."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Literal

from stages.models.base import Request

MARGIN = 8
"""Tokens looked at beyond the bytes of a stop text: the first ones may read otherwise out of their context."""


class Endings:
    """The end tokens of a model, its decoder, and with them the rules of when an answer ends."""

    def __init__(self, tokenizer: Any, ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self.ids = list(ids)

    def is_over(self, request: Request, said: Sequence[int]) -> bool:
        """Return whether the token that came last ends the answer; decodes no more than the end of it."""
        if len(said) >= request.max_tokens or said[-1] in self.ids:
            return True
        if not request.stop:
            return False
        reach = MARGIN + max(len(text.encode()) for text in request.stop)
        return self._has_stop(request, said[-reach:]) and self._has_stop(request, said)

    def cut(self, request: Request, said: Sequence[int]) -> tuple[list[int], str, Literal["stop", "length"]]:
        """Return (tokens, text, finish) of the answer that `said` begins with.

        A stop text is no part of the text; the tokens go up to the one that completed it.
        """
        ids = list(said[: request.max_tokens])
        end = next((place for place, token in enumerate(ids) if token in self.ids), None)
        ids = ids if end is None else ids[: end + 1]
        if self._has_stop(request, ids):
            ids = ids[: bisect_left(range(len(ids)), True, key=lambda most: self._has_stop(request, ids[:most]))]
            text = self.text(ids)
            return ids, text[: min(text.find(stop) for stop in request.stop if stop in text)], "stop"
        return ids, self.text(ids), "length" if end is None else "stop"

    def text(self, ids: Sequence[int]) -> str:
        """Return the tokens as text, without those that are marks."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text

    def _has_stop(self, request: Request, ids: Sequence[int]) -> bool:
        text = self.text(ids) if request.stop else ""
        return any(stop in text for stop in request.stop)
