"""A judge prompt as a text file with slots: which slots each method needs, and what else the text has to say."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import Template
from typing import Literal

from schemas.base import digest
from schemas.errors import RlraError

Method = Literal["text", "json", "logprob"]
FILLED = 2
"""Changes when the slots are filled in another way: stored verdicts are then no longer those of the same prompt."""
SET_APART = ("conversation", "response")
"""Texts of others: each stands once, between two lines with its mark."""
_SHARED = ("criteria", "conversation_mark", "conversation", "response_mark", "response")
NEEDED: dict[Method, tuple[str, ...]] = {
    "text": (*_SHARED, "ids", "word"),
    "json": (*_SHARED, "ids", "word"),
    "logprob": (*_SHARED, "answers"),
}
MAY_HOLD: dict[Method, tuple[str, ...]] = {"text": (), "json": (), "logprob": ("ids",)}
ASKS_FOR: dict[Method, tuple[tuple[str, str], ...]] = {
    "text": (("so:", "the reader wants each reason to end with 'So: ANSWER'"),),
    "json": (
        ("so:", "the reader wants each reason to end with 'So: ANSWER'"),
        ('"verdicts"', 'the reader wants {"verdicts": {ID: {"reason": …, "$word": ANSWER}}}'),
        ('"reason"', 'the reader wants {"verdicts": {ID: {"reason": …, "$word": ANSWER}}}'),
    ),
    "logprob": (),
}
"""What the answer must have, so that a prompt which does not say it can never be answered well; and why."""


@dataclass(frozen=True)
class PromptText:
    """A prompt with its slots, checked."""

    text: str
    """The text of the file."""
    digest: str
    """Equal for equal texts whose slots are filled in the same way; a part of every verdict's key."""
    method: Method
    """How the verdicts are asked for."""
    parts: tuple[tuple[str, str | None], ...]
    """The text in pieces: what stands before each slot and the slot's name; the last piece has none behind it."""


def load_prompt(text: str, where: str, method: Method) -> PromptText:
    """Return the prompt `text` for `method`. Raises RlraError, naming `where` and the line, for one that cannot serve.

    It has every slot that the method needs and no other one; conversation and response stand once each,
    alone on their lines, between lines with their marks; and it asks for what the reader wants.
    """
    parts = tuple(_parts(text, where, method))
    held = [name for _, name in parts if name]
    if missing := [name for name in NEEDED[method] if name not in held]:
        raise RlraError(f"{where}: the prompt has no slot '${missing[0]}'", hint=_slots_of(method))
    for name in SET_APART:
        _is_set_apart(text, where, name)
    for wanted, why in ASKS_FOR[method]:
        if wanted not in text.casefold():
            raise RlraError(f"{where}: the prompt says nowhere '{wanted}'", hint=why)
    return PromptText(text, digest([FILLED, text]), method, parts)


def _parts(text: str, where: str, method: Method) -> Iterator[tuple[str, str | None]]:
    before, end = "", 0
    for found in Template.pattern.finditer(text):
        before += text[end : found.start()]
        end = found.end()
        if found["escaped"]:
            before += "$"
            continue
        place = f"{where}:{text.count(chr(10), 0, found.start()) + 1}"
        name = found["named"] or found["braced"]
        if name is None:
            raise RlraError(f"{place}: a '$' that begins no slot", hint="write '$$' for a dollar sign")
        _is_known(name, place, method)
        yield before, name
        before = ""
    yield before + text[end:], None


def _is_known(name: str, place: str, method: Method) -> None:
    known = (*NEEDED[method], *MAY_HOLD[method])
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '${near[0]}'? Or write '$$' for a dollar sign" if near else _slots_of(method)
    raise RlraError(f"{place}: there is no slot '${name}' for the method {method}", hint=hint)


def _slots_of(method: Method) -> str:
    needed = ", ".join(f"${name}" for name in NEEDED[method])
    more = "".join(f"; ${name} may be there" for name in MAY_HOLD[method])
    return f"the method {method} needs {needed}{more}; write '$$' for a dollar sign"


def _is_set_apart(text: str, where: str, name: str) -> None:
    slot = re.compile(rf"\$(?:{name}\b|\{{{name}\}})", re.IGNORECASE)
    mark = re.compile(rf"\$(?:{name}_mark\b|\{{{name}_mark\}})", re.IGNORECASE)
    lines = text.replace("$$", "..").split("\n")
    at = [number for number, line in enumerate(lines) for _ in slot.findall(line)]
    place = f"{where}:{at[-1] + 1}"
    if len(at) > 1:
        raise RlraError(f"{place}: '${name}' stands there again", hint="it is the text of others and is shown once")
    around = lines[max(0, at[0] - 1) : at[0]] + lines[at[0] + 1 : at[0] + 2]
    if not slot.fullmatch(lines[at[0]].strip()) or len(around) < 2 or not all(map(mark.search, around)):
        raise RlraError(
            f"{place}: '${name}' does not stand alone between two lines with '${name}_mark'",
            hint=f"write three lines: '${name}_mark begins', '${name}', '${name}_mark ends'",
        )
