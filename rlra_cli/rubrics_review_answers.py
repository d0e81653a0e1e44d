"""What a reviewer says to a draft: single keys on a terminal, lines from anything else."""

from collections.abc import Mapping
from typing import IO, NamedTuple, Protocol

from rlra_cli import ui
from schemas.errors import RlraError

KEYS: Mapping[str, str] = {
    "a": "accept",
    "e": "edit",
    "r": "reject",
    "c": "comment",
    "u": "undo",
    "s": "skip",
    "q": "quit",
}
AGAIN: Mapping[str, str] = {"e": "edit", "g": "give up"}
"""After an edit that cannot be taken."""
_COMMENTED = ("accept", "reject", "comment")
"""What may be said with a comment on its line."""


class Answer(NamedTuple):
    """What is to be done, and what is said about it."""

    does: str
    comment: str = ""


class Answers(Protocol):
    """Where answers come from."""

    def next(self, known: Mapping[str, str]) -> Answer:
        """Return the next answer, one of `known`; `quit`, or `give up`, where there are no more."""
        ...

    def comment(self, does: str) -> str:
        """Ask for the comment of an answer that had none."""
        ...

    def refused(self, error: RlraError) -> None:
        """Say that an answer could not be followed; raise `error` where those after it would miss their drafts."""
        ...


def answers_of(stream: IO[str]) -> Answers:
    """Return where a reviewer's answers come from: keys where `stream` is a terminal, else its lines."""
    return Keys(stream) if stream.isatty() else Lines(stream)


class Keys:
    """Single keys of a terminal, and lines for comments."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def next(self, known: Mapping[str, str]) -> Answer:
        """Wait for a key that means something; ^D ends. What was typed before the draft was shown is not read."""
        import typer

        while True:
            try:
                key = typer.getchar()
            except EOFError:
                return Answer(list(known.values())[-1])
            if key in known:
                return Answer(known[key])

    def comment(self, does: str) -> str:
        """Ask for a line of text, which may be empty where it is not what the key was for."""
        ui.say("comment (Enter for none): " if does != "comment" else "comment: ")
        return " ".join(self._stream.readline().split())

    def refused(self, error: RlraError) -> None:
        """Say it: the same draft waits for another key."""
        ui.complain(error)


class Lines:
    """One answer a line: its key or its word, then a comment where there is one."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._number = 0

    def next(self, known: Mapping[str, str]) -> Answer:
        """Read a line. Raises RlraError for one that is no answer here: those after it are about other drafts."""
        for line in self._stream:
            self._number += 1
            word, _, comment = " ".join(line.split()).partition(" ")
            if not word:
                continue
            does = known.get(word, word)
            if does not in known.values() or (comment and does not in _COMMENTED):
                said = ", ".join(f"{key} ({name})" for key, name in known.items())
                raise RlraError(f"stdin:{self._number}: '{line.strip()}' is no answer here", hint=f"known: {said}")
            if does == "comment" and not comment:
                raise RlraError(f"stdin:{self._number}: a comment without words", hint="such as `c is it atomic?`")
            return Answer(does, comment)
        return Answer(list(known.values())[-1])

    def comment(self, does: str) -> str:
        """Return none: a line says all at once."""
        return ""

    def refused(self, error: RlraError) -> None:
        """Raise it, with the line."""
        raise RlraError(f"stdin:{self._number}: {error.message}", hint=error.hint)
