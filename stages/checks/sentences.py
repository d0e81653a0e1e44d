"""How many sentences a text has, by a few fixed rules; linear in its length.

The sentence splitter that the project measured (nupunkt) knows legal abbreviations, and so runs sentences together that
end in words such as "bed.", "win." or "code."; in answers of three sentences that decides. It also takes half a minute
for some texts of 200,000 characters.
"""

import re
from collections.abc import Iterator

from stages.checks.text import lines

_MARK = re.compile(r"\s*(?:[-*+•]|(?:\d{1,3}|[A-Z]|[IVX]{2,5})[.)])\s+|\s*(?:[Pp]\.\s?){1,2}[Ss]\.")
_LETTER = re.compile(r"[^\W\d_]")
_AFTER_WIDE_STOP = re.compile(r"(?<=[。！？｡])")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_OPENERS = "\"'“‘«„([{*_<"
_CLOSERS = "\"'”’»“)]}*_>"

_TITLES = "mr mrs ms dr prof st gen sen rep capt sgt lt col rev hon mt ft vs e.g i.e cf approx dept"
_NUMBERED = "no nos fig figs vol p pp ch sec eq jan feb mar apr jun jul aug sep sept oct nov dec"
_FINAL = "etc inc ltd co corp jr sr al"
_OPENING = """
a after all an and are as at but by can did do each every for from he her here his how however i i'm if in is it it's
its let many most my no not now of on once one or our please she since so some that that's the their then there these
they this those though to we what when where while who why with yes yet you your
"""
_NEVER_LAST = frozenset(_TITLES.split())
_BEFORE_A_NUMBER = frozenset(_NUMBERED.split())
_SOMETIMES_LAST = frozenset(_FINAL.split())
_OPENING_WORDS = frozenset(_OPENING.split())


def sentence_count(text: str) -> int:
    """Return the number of sentences: stretches with a letter, up to a stop and white space.

    A blank line, and a list mark at the start of a line, end a sentence too; a single line break does not.
    Abbreviations, initials and a stop inside quotes or brackets before a small letter do not end one. "P.S." opens a
    sentence and is none of its own.
    """
    return sum(1 for _ in sentences(text))


def sentences(text: str) -> Iterator[list[str]]:
    """Yield the sentences that `sentence_count` counts, each as its pieces between white space."""
    for block in _blocks(text):
        yield from _parted(block.split())


def _blocks(text: str) -> list[str]:
    blocks: list[list[str]] = [[]]
    for line in lines(text):
        mark = _MARK.match(line)
        if mark or not line.strip():
            blocks.append([])
        blocks[-1].append(line[mark.end() :] if mark else line)
    return [part for rows in blocks for part in _AFTER_WIDE_STOP.split("\n".join(rows))]


def _parted(tokens: list[str]) -> Iterator[list[str]]:
    sentence: list[str] = []
    has_letter = False
    for token, following in zip(tokens, [*tokens, ""][1:], strict=True):
        sentence.append(token)
        has_letter = has_letter or _LETTER.search(token) is not None
        if has_letter and _ends(token, following):
            yield sentence
            sentence, has_letter = [], False
    if has_letter:
        yield sentence


def _ends(token: str, following: str) -> bool:
    """Return whether a sentence ends with `token`, which stands before `following`."""
    bare = token.rstrip(_CLOSERS)
    word = bare.rstrip(".!?…")
    stop = bare[len(word) :]
    if not stop or not following:
        return bool(stop)
    goes_on = following.lstrip(_OPENERS)[:1].islower()
    if goes_on and (bare != token or stop == "…" or stop.startswith("..")):
        return False
    return stop != "." or not _abbreviates(word.lstrip(_OPENERS), following.lstrip(_OPENERS))


def _abbreviates(word: str, following: str) -> bool:
    name = word.casefold()
    if name in _NEVER_LAST:
        return True
    if name in _BEFORE_A_NUMBER:
        return following[:1].isdigit()
    initial = len(word) == 1 and word.isupper() and word != "I"
    if initial or name in _SOMETIMES_LAST or _DOTTED.fullmatch(word):
        opens = following[:1].isupper() and following.rstrip(",").replace("’", "'").casefold() in _OPENING_WORDS
        return not opens
    return False
