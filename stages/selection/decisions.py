"""What becomes of every row: whether it stays, or which predicate drops it, and by which numbers."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schemas.bounds import Bounds
from stages.selection.bands import Bands, calibrated, reused
from stages.selection.choosing import Pick, drawn, in_turn, nearest
from stages.selection.mix import quotas, targets
from stages.selection.predicates import Predicate, TooEasy, TooHard, band_reasons, usable
from stages.selection.prompts import REASONS, Contaminated, NearDuplicate, OfPrompt, OtherLanguage
from stages.selection.rows import Mask, Rows, at_places, grouped
from stages.selection.spec import SelectDataSpec

if TYPE_CHECKING:  # what looks at words takes long to load
    from stages.selection.contamination import Contamination

Texts = Callable[[Mask], Iterator[tuple[int, str]]]
"""Reads the prompts of some rows, each with its row's number, in the order of the file."""
_LOOKED_AT, _LEAST_LOOKED_AT = 16, 16_384
"""Of more prompts than so many times the budget, so many are drawn to choose diverse ones from."""
_COUNTS = ("scored", "answered", "characters")


@dataclass(frozen=True)
class Given:
    """What a selection is held against besides its own lines."""

    evaluation: "Contamination | None" = None
    """The prompts that no prompt that stays may share a run of words with."""
    bounds: Bounds | None = None
    """The bands of an earlier selection, in place of the options' own."""
    previous: Rows | None = None
    """The rows of the same prompts, measured earlier."""


def decide(rows: Rows, spec: SelectDataSpec, texts: Texts, given: Given) -> "Decisions":
    """Return what becomes of every row. Raises RlraError where bounds or pools do not fit the rows."""
    made = Decisions(rows, spec)
    for predicate in usable(spec):
        made.drop(predicate)
    if given.bounds is None:
        made.bounds = calibrated(rows, made.stays, spec)
    else:
        made.bounds = reused(given.bounds, rows, made.stays, spec)
    made.bands = Bands(rows, made.bounds)
    made.drop(TooHard(made.bands.low, spec.statistic))
    made.drop(TooEasy(made.bands.high, spec.statistic))
    _by_prompts(made, texts, given.evaluation)
    left = made.stays.sum()
    if spec.budget and left and (spec.balance or left > spec.budget):
        _to_budget(made, texts)
    return made


class Decisions:
    """Every row's reason to go, or none."""

    bounds: Bounds
    bands: Bands

    def __init__(self, rows: Rows, spec: SelectDataSpec) -> None:
        self.rows, self.spec = rows, spec
        before = (predicate.reason for predicate in usable(spec))
        self.reasons = (*before, *band_reasons(spec.statistic), *REASONS, "over_mix", "over_budget")
        """All counters, in the order in which they are asked for."""
        self.codes = np.zeros(len(rows), np.uint8)
        """For each row the place of its reason, counted from 1; 0 where it stays."""
        self.short: dict[str, int] = {}
        """Kinds with fewer rows than their part of the budget, and how many of them stay."""
        self._says: dict[str, tuple[str, ...]] = {}
        self._details: dict[int, dict[str, Any]] = {}

    @property
    def stays(self) -> Mask:
        """Which rows nothing has dropped yet."""
        return self.codes == 0

    def drop(self, predicate: Predicate) -> None:
        """Drop those of the rows that stay for which the predicate holds."""
        self._says[predicate.reason] = predicate.says
        self.drop_these(predicate.reason, predicate.holds(self.rows))

    def drop_these(self, reason: str, which: Mask) -> None:
        """Drop those of the rows that stay."""
        self.codes[self.stays & which] = self._code(reason)

    def drop_one(self, place: int, reason: str, numbers: dict[str, Any]) -> None:
        """Drop one row by numbers of its own."""
        self.codes[place] = self._code(reason)
        self._details[place] = numbers

    def _code(self, reason: str) -> int:
        return self.reasons.index(reason) + 1

    def reason(self, place: int) -> str:
        """Return why a row was dropped."""
        return self.reasons[self.codes[place] - 1]

    def numbers(self, place: int) -> dict[str, Any]:
        """Return the numbers behind a drop."""
        if place in self._details:
            return self._details[place]
        if says := self._says.get(self.reason(place)):
            return {name: _number(self.rows[name][place], name in _COUNTS) for name in says}
        pool = self.rows["pool"][place]
        ends = {"low": _number(self.bands.lows[pool]), "high": _number(self.bands.highs[pool])}
        return {self.spec.statistic: _number(self.rows["value"][place]), **ends}


def _number(value: Any, whole: bool = False) -> float | None:
    if not np.isfinite(value):
        return None
    return int(value) if whole else float(value)


def _by_prompts(made: Decisions, texts: Texts, evaluation: "Contamination | None") -> None:
    """Drop by what prompts say. None is compared to an earlier one that goes for another reason."""
    alone: list[OfPrompt] = [Contaminated(evaluation)] if evaluation else []
    alone += [OtherLanguage(made.spec.language)] if made.spec.language else []

    def others() -> Iterator[tuple[int, str]]:
        for place, text in texts(made.stays):
            for predicate in alone:
                if (why := predicate.holds(text)) is not None:
                    made.drop_one(place, predicate.reason, why)
                    break
            else:
                yield place, text

    if made.spec.near_duplicates:
        for place, (first, similarity) in NearDuplicate(made.spec.near_duplicates).among(others()).items():
            made.drop_one(place, NearDuplicate.reason, {"like": made.rows.id(first), "similarity": similarity})
    elif alone:
        deque(others(), maxlen=0)


def _to_budget(made: Decisions, texts: Texts) -> None:
    spec, places, pick = made.spec, np.flatnonzero(made.stays), _pick(made, texts)
    if not spec.balance:
        made.drop_these("over_budget", ~at_places(len(made.codes), pick(places, spec.budget)))
        return
    kinds = list(made.rows.kinds)
    groups = {kinds[code]: own for code, own in grouped(made.rows["kind"], places)}
    available = {kind: len(groups[kind]) for kind in sorted(groups)}
    shares = targets(available, spec.shares())
    taken = quotas(available, shares, spec.budget)
    chosen = [pick(groups[kind], number) for kind, number in taken.items() if number]
    made.drop_these("over_mix", ~at_places(len(made.codes), np.concatenate([*chosen, np.zeros(0, np.intp)])))
    made.short = {kind: taken.get(kind, 0) for kind in shares if taken.get(kind, 0) < int(shares[kind] * spec.budget)}


def _pick(made: Decisions, texts: Texts) -> Pick:
    rows = made.rows
    if made.spec.choose == "random":
        return drawn(rows)
    if made.spec.choose == "middle":
        return nearest(rows, _from_the_middle(made))
    from stages.selection.diversity import clusters

    places = np.flatnonzero(made.stays)
    sample = drawn(rows)(places, max(_LEAST_LOOKED_AT, _LOOKED_AT * made.spec.budget))
    said = dict(texts(at_places(len(rows), sample)))
    own = np.full(len(rows), -1, np.int32)
    own[sample] = clusters((said[place] for place in sample.tolist()), made.spec.budget)
    return in_turn(rows, own)


def _from_the_middle(made: Decisions) -> NDArray[np.float64]:
    """Return how far each row's value is from the middle of what its pool has within the band."""
    values, middles = made.rows["value"], np.zeros(len(made.rows.pools))
    for code, places in grouped(made.rows["pool"], np.flatnonzero(made.stays)):
        own = values[places]
        middles[code] = (max(made.bands.lows[code], own.min()) + min(made.bands.highs[code], own.max())) / 2
    return np.abs(values - middles[made.rows["pool"]])
