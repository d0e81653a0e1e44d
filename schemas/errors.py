"""The one exception that the door shows without a traceback, and what validators raise."""

from collections.abc import Iterable

LONGEST_MESSAGE, LONGEST_HINT = 1_000, 4_000


class RlraError(Exception):
    """A mistake that the user can mend: one sentence, and a hint about what would be right.

    Both are kept to one line of bounded length, whatever a file has in the places that they quote.
    `exit_code` is what the process ends with; see the table of exit codes in the README.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = _line(message, LONGEST_MESSAGE)
        self.hint = hint and _line(hint, LONGEST_HINT)
        super().__init__(self.message)


def _line(text: str, longest: int) -> str:
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    drawn = text if text.isprintable() else "".join(map(_drawn, text))
    return drawn if len(drawn) <= longest else f"{drawn[: longest - 1]}…"


def _drawn(character: str) -> str:
    if character.isprintable() or character in "\u200c\u200d":  # the two that scripts and emoji are joined with
        return character
    if character.isspace():
        return " "
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


class PlacedError(ValueError):
    """What a validator of a whole finds wrong with a part of it: `at` says which, as keys and indices from the whole.

    Where a word is wrong, `word` is it, and `known` holds those that would be right.
    """

    def __init__(self, message: str, *at: str | int, word: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.at = at
        self.word = word
        self.known = tuple(known)


class TooManyFailuresError(RlraError):
    """The work ended, but more records failed than `--max-failures` allows."""

    exit_code = 3


class BarMissedError(RlraError):
    """A bar that the user set (`--gate`, `--fail-under`, `--floor`) was missed."""

    exit_code = 4


class BudgetReachedError(RlraError):
    """A budget that the user set (`--budget-usd`, `--budget-tokens`) has no room for the next call."""

    exit_code = 4
