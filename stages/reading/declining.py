"""An answer in which a model declines to judge. Few turns of phrase, so that a poor answer is not taken for one."""

import re

_OPENING = 300
_NOT = r"(?:can't|cannot|can not|won't|will not|am unable to|am not able to|must decline|have to decline)"
_SORRY = r"(?:(?:i am|i'm) (?:\w{1,9} )?(?:sorry|afraid)|sorry|i apologi[sz]e|my apologies|apologies|unfortunately)"
_DECLINES = re.compile(
    rf"{_SORRY},?[.!:;]? (?:but |however,? )?(?:as an ai\b[^.,]{{0,40}},? )?i {_NOT}\b"
    rf"|(?:as an ai\b[^.,]{{0,40}},? )?i (?:would rather not say|(?:must |have to )?(?:decline|refuse) to|{_NOT} "
    r"(?:help|assist|comply|engage|participate|continue|evaluate|judge|rate|score|grade|provide|fulfil|fulfill))\b"
)


def declines(text: str) -> bool:
    """Return whether `text` opens as a refusal does: an apology and `I can't`, or `I can't` and a word for judging."""
    opening = " ".join(text.lstrip()[:_OPENING].replace("’", "'").casefold().replace("i'm ", "i am ").split())
    return _DECLINES.match(opening.lstrip("*_>#\"' ")) is not None
