"""A response that is longer than a judge is to read: refused, or shown as its head and its tail, and said to be so."""

from typing import Literal

import regex

Policy = Literal["fail", "head-tail"]
LONGEST_CLUSTER = 1_000
"""How far a cut moves to spare what is read as one character; no honest one is longer."""
_PLAIN = regex.compile(r"(?r)[ -~]")
_CLUSTER = regex.compile(r"\X")


class Excerpt(str):
    """Head and tail of a text with a note between them, which also knows the two and how much is left out."""

    head: str
    tail: str
    left_out: int

    def __new__(cls, head: str, tail: str, left_out: int) -> "Excerpt":
        """Return the excerpt; as plain text it has a note that anyone could have written."""
        made = super().__new__(cls, f"{head}\n[{_note(left_out)}]\n{tail}")
        made.head, made.tail, made.left_out = head, tail, left_out
        return made


def fitted(response: str, longest: int, policy: Policy) -> str | None:
    """Return the response, an Excerpt of at most `longest` of its characters, or None where it is too long."""
    if len(response) <= longest:
        return response
    if policy == "fail":
        return None
    head = response[: _cut(response, (longest + 1) // 2)]
    tail = response[_cut(response, len(response) - longest // 2, forward=True) :]
    return Excerpt(head, tail, len(response) - len(head) - len(tail))


def shown(response: str, mark: str) -> str:
    """Return the response as a judge reads it: the note in an Excerpt begins with `mark`, which no response holds."""
    if not isinstance(response, Excerpt):
        return response
    return f"{response.head}\n{mark} left out here, by me: {_note(response.left_out)}\n{response.tail}"


def _note(left_out: int) -> str:
    return f"{left_out:,} characters of the response, which is too long to be shown whole"


def _cut(text: str, at: int, forward: bool = False) -> int:
    """Return the place nearest to `at`, before it or not, where a cut parts no character from its marks."""
    first = _PLAIN.search(text, max(0, at - LONGEST_CLUSTER), at)
    begin = first.start() if first else max(0, at - LONGEST_CLUSTER)
    # A piece of the text: the expression looks back as far as there is anything.
    for found in _CLUSTER.finditer(text[begin : at + LONGEST_CLUSTER]):
        if begin + found.end() > at:
            return begin + (found.end() if forward and begin + found.start() < at else found.start())
    return at
