"""Text that is not quite JSON, read by json-repair: the last rung, for answers of bounded length and depth."""

from typing import Any

from stages.asking import UnreadableError

MOST_OPENED = 500
"""More brackets are not looked at: nested, they take json-repair time that grows with their square."""
FENCE = " \t\r\n`"


def repaired(text: str, longest: int, refusal: str) -> Any:
    """Return what json-repair makes of one object, which ends where `text` does, fences apart.

    Raises UnreadableError with `refusal` for text of more than `longest` characters, that ends otherwise, or that
    cannot be mended. What was invented is for the caller to find.
    """
    import json_repair

    text = text.strip(FENCE)
    if len(text) > longest or text.count("{") + text.count("[") > MOST_OPENED or not text.endswith("}"):
        raise UnreadableError(refusal)
    try:
        return json_repair.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError(refusal) from None
