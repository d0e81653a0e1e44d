"""Text of users and models, made safe to look at: what would be invisible or act on a terminal is drawn instead."""

import re

# Controls, line separators, what Unicode says may be left undrawn (Default_Ignorable_Code_Point: direction marks,
# fillers, tags, …) and surrogates; tab and newline are layout and stay. The two joiners (U+200C, U+200D) stay as well:
# scripts and emoji are written with them.
_NEVER = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# What ordinary writing has one of in its place, and what can carry a text of its own in any other.
_EMOJI = "\u00a9\u00ae\u203c\u2049\u2100-\u27bf\u2934\u2935\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_MONGOLIAN, _VARIANT = "\u1820-\u18aa", "\u180b-\u180d\u180f"
_MISPLACED = (
    rf"(?<![{_EMOJI}])(?!\ufe0f\u20e3)[\ufe0e\ufe0f]",  # text or emoji: behind a symbol, or in a keycap
    r"[\ufe0e\ufe0f](?=[\ufe0e\ufe0f])",
    rf"(?<![{_MONGOLIAN}])[{_VARIANT}]",  # variants of a letter
    rf"[{_VARIANT}](?=[{_VARIANT}])",
    rf"(?<![{_MONGOLIAN}{_VARIANT}])\u180e",  # the space before a last vowel
    r"\u180e(?![\u1820\u1821])",
    r"(?<![\u2801-\u28ff])\u2800",  # the space between words in Braille
    r"\u2800(?![\u2801-\u28ff])",
)
_HIDDEN = re.compile("|".join((f"[{_NEVER}]", *_MISPLACED)))
_SUSPECT = re.compile(f"[{_NEVER}{_VARIANT}\u180e\u2800\ufe0e\ufe0f]")
"""Whatever `_HIDDEN` finds has one of these, which are looked for twenty times as fast."""
_DELETE = 0x7F
_PICTURES = 0x2400
_PICTURE_OF_DELETE = "\u2421"


def visible(text: str) -> str:
    """Return `text` with every control or hidden character drawn: escape as `␛`, others as `⟨U+202E⟩`.

    Tabs and newlines stay, and what emoji, Mongolian and Braille are written with, where it is in its place: one
    selector behind an emoji, but not a run of them. Nothing in the result can move a cursor, change the direction of
    writing or hide a word, and it can always be encoded as UTF-8.
    """
    return _HIDDEN.sub(_drawn, text) if _SUSPECT.search(text) else text


def one_line(text: str, longest: int) -> str:
    """Return `text` made visible, on one line and of at most `longest` characters, `…` included."""
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def _drawn(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < ord(" "):
        return chr(_PICTURES + code)
    return _PICTURE_OF_DELETE if code == _DELETE else f"⟨U+{code:04X}⟩"
