"""The strict readers of a judge's answer: every criterion exactly once, with an allowed label, or nothing."""

from stages.reading.first_token import read_first_token, tokens
from stages.reading.json_answer import read_json, schema_of
from stages.reading.said import (
    CANNOT_TELL,
    DECORATION,
    LONGEST_REASON,
    RefusalError,
    Said,
    UncertainError,
    labels,
)
from stages.reading.thoughts import thinking
from stages.reading.verdict_lines import read_text

__all__ = [
    "CANNOT_TELL",
    "DECORATION",
    "LONGEST_REASON",
    "RefusalError",
    "Said",
    "UncertainError",
    "labels",
    "read_first_token",
    "read_json",
    "read_text",
    "schema_of",
    "thinking",
    "tokens",
]
