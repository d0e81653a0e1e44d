"""What people say about responses: labels, whatever file they come from, and the numbers that they mean."""

import math
import re
from typing import Literal, NamedTuple

from pydantic import Field

from schemas.base import Own, Part
from schemas.criterion import Criterion

Kind = Literal["binary", "tiers", "number"]
"""What is labelled: a criterion without tiers, one with tiers, or the whole response, whose label is a reward."""
Given = bool | float | str | None
"""A label as a file has it."""

MET = ("met", "yes", "true", "1")
NOT_MET = ("not met", "no", "false", "0")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)
MISSING = float("nan")


class Opinion(Part):
    """What one person says about one response."""

    rater: str = Field(default="human", min_length=1)
    """Who says it."""
    criterion: str | None = None
    """The criterion's id; none for the response as a whole, which is compared with the reward."""
    label: Given
    """`met` or `not met` (yes/no, true/false, 1/0), a tier's index, or a number for the whole; empty: no label."""


class LabelLine(Opinion):
    """One line of a file of labels."""

    id: str = Field(min_length=1)
    """The prompt's id."""
    response: Own[int] = Field(default=0, ge=0)
    """The response's index in its group, from 0."""


class Label(NamedTuple):
    """One label, and where it stands."""

    where: str
    """File and line, for messages."""
    id: str
    response: int
    criterion: str | None
    rater: str
    said: str
    """The label as text; empty where it is missing."""


def as_text(given: Given) -> str:
    """Return a label as text: `true` for a boolean, and a number as short as can be."""
    if given is None:
        return ""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, float | int):
        return str(int(given)) if float(given).is_integer() and abs(given) < 1e15 else repr(given)
    return given.strip()


def kind_of(criterion: Criterion | None) -> Kind:
    """Return what a criterion, or for None the whole response, is labelled with."""
    if criterion is None:
        return "number"
    return "tiers" if criterion.tiers else "binary"


def meaning(said: str, criterion: Criterion | None) -> float:
    """Return the number that a label means: 1 or 0 for met or not, a tier's index, a reward; NaN where it is missing.

    Raises ValueError where it is none of these.
    """
    kind = kind_of(criterion)
    if not said.strip():
        return MISSING
    if kind == "number":
        return _finite(said)
    word = " ".join(said.replace("_", " ").casefold().split())
    word = re.sub(r"^([0-9]+)\.0+$", r"\1", word)  # as tables write whole numbers once a cell is empty
    if kind == "binary":
        if word in MET or word in NOT_MET:
            return float(word in MET)
        raise ValueError(f"'{said}' is neither `met` nor `not met` (yes/no, true/false, 1/0)")
    tiers = len(criterion.tiers) if criterion else 0
    if re.fullmatch("[0-9]{1,6}", word, re.ASCII) and int(word) < tiers:
        return float(word)
    raise ValueError(f"'{said}' is no tier's index (0 to {tiers - 1}, worst first)")


def unit_of(label: float, criterion: Criterion | None) -> float:
    """Return what a label is worth: the share of the tiers' range, 1 or 0 for met or not, and a reward as it is."""
    if criterion is None or not criterion.tiers or math.isnan(label):
        return label
    low, high = criterion.tiers[0].score, criterion.tiers[-1].score
    return (criterion.tiers[int(label)].score - low) / (high - low)


def _finite(said: str) -> float:
    value = float(said) if NUMBER.fullmatch(said.strip()) else MISSING
    if not math.isfinite(value):
        raise ValueError(f"'{said}' is no number, and the label of a whole response is one")
    return value
