"""Votes as the verdict cache stores them."""

from typing import Any

from schemas.judged import Vote
from stages.verdict_cache import Answered, Stored


def row(key: str, request: str = "r", **more: Any) -> Stored:
    """Return a row to store."""
    vote = Vote(judge="openai:a", key=key, **{"status": "scored", "label": "met", **more})
    return Stored(vote, Answered(request, 7, 3, 1))
