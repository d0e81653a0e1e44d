"""A judge's answer without what it thought before it: drafts of verdicts stand there, and none of them counts."""

import re

from stages.asking import UnreadableError
from stages.models.base import Completion

OPENS, CLOSES = "<think>", "</think>"
# A chat template may open the block, so that the answer begins inside it. Where the backend does not say whether it
# did, the tag that closes it stands at an edge of a line; one in the middle of a line is a quotation.
_CLOSES_AT_AN_EDGE = re.compile(r"(?:^[ \t]*</think>|</think>[ \t\r]*$)", re.MULTILINE)
_SPACE = re.compile(r"\s*")


def answer(completion: Completion) -> str:
    """Return the text behind the model's thinking. Raises UnreadableError where the thinking does not end.

    A block of thinking ends at its first closing tag: in what follows, the tag is a quotation.
    """
    start, is_open = _split(completion)
    if is_open:
        raise UnreadableError("its thinking does not end")
    return completion.text[start:]


def thinking(completion: Completion) -> str:
    """Return what the model thought before its answer: what its server set apart, then what the text has."""
    start, is_open = _split(completion)
    inside = completion.text if is_open else completion.text[:start]
    parts = [completion.thinking, *re.split(f"{OPENS}|{CLOSES}", inside)]
    return "\n".join(part.strip() for part in parts if part.strip())


def _split(completion: Completion) -> tuple[int, bool]:
    """Return where the answer begins, and whether the thinking before it has no end."""
    text, at = completion.text, 0
    if completion.prompt_end.rstrip().endswith(OPENS):
        if CLOSES not in text:
            return 0, True
        at = text.index(CLOSES) + len(CLOSES)
    while text.startswith(OPENS, begin := _begin(text, at)):
        end = text.find(CLOSES, begin)
        if end < 0:
            return at, True
        at = end + len(CLOSES)
    if at or completion.thinking.strip() or CLOSES not in text:
        return at, False
    found = _CLOSES_AT_AN_EDGE.search(text)
    if found is None or OPENS in text[: found.start()]:
        return 0, False
    return text.index(CLOSES, found.start()) + len(CLOSES), False


def _begin(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
