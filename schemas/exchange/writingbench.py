"""WritingBench (arXiv 2503.05244): requests with five criteria each, in five score bands from 1 to 10."""

import re
from typing import Self

from pydantic import Field, model_validator

from schemas.criterion import Criterion
from schemas.exchange.base import Data, Draft, Entry, Foreign, Format, Outgoing, Prompt, Row, has
from schemas.exchange.flat import flat
from schemas.exchange.names import Names
from schemas.exchange.records import called, criterion, draft_of, extras, last_turn, named_row

BAND = re.compile(r"(\d+)\s*-\s*(\d+)")
BANDS = ("1-2", "3-4", "5-6", "7-8", "9-10")


class Item(Foreign):
    """One criterion: beside its name and description a text for each band."""

    name: str = Field(min_length=1)
    criteria_description: str

    @property
    def bands(self) -> dict[str, str]:
        """The text of each band, worst first."""
        found = {key: text for key, text in self.left.items() if BAND.fullmatch(key)}
        return dict(sorted(found.items(), key=lambda band: middle(band[0])))

    @model_validator(mode="after")
    def _has_bands(self) -> Self:
        if len(self.bands) < 2:
            raise ValueError(f"needs a text for each score band: {', '.join(BANDS)}")
        for band, text in self.bands.items():
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"the band {band} needs a text")
        return self


class Lines(Row):
    """A request with its criteria."""

    query: Prompt | None = None
    checklist: list[Item] = Field(min_length=1)


def middle(band: str) -> float:
    """Return the middle of a band, which is what a level of ours is worth: 1.5 for `1-2`."""
    found = BAND.fullmatch(band)
    return (int(found[1]) + int(found[2])) / 2 if found else 0.0


def read(entry: Entry) -> Draft:
    """Read a line: a band is a tier. Equal weights: the benchmark takes the mean of all scores."""
    row, names = entry.shaped(Lines), Names()
    return draft_of(row, row.query, [_criterion(names, item) for item in row.checklist])


def _criterion(names: Names, item: Item) -> Data:
    tiers = [{"score": middle(band), "text": text} for band, text in item.bands.items()]
    left: Data = {key: value for key, value in item.left.items() if key not in item.bands}
    if not set(item.bands) <= set(BANDS):
        left["bands"] = list(item.bands)
    return criterion(names, item.name, item.criteria_description, tiers=tiers, meta=left)


def is_own(leaf: Criterion) -> bool:
    """Return whether a criterion is one of a request, as `read` makes them: its levels are the middles of its bands."""
    named = leaf.meta.get("bands", BANDS)
    worth = {middle(str(band)) for band in named} if isinstance(named, list | tuple) else set()
    return bool(leaf.tiers) and all(tier.score in worth for tier in leaf.tiers)


def write(outgoing: Outgoing) -> Data:
    """Write a line: tiers go to the bands where they belong between worst and best."""
    items = [
        {**extras(leaf, "bands"), "name": called(leaf), "criteria_description": leaf.text, **_bands(leaf)}
        for leaf in flat(outgoing, tiers=True)
    ]
    return {**named_row(outgoing, "index"), **last_turn(outgoing, "query"), "checklist": items}


def _bands(leaf: Criterion) -> Data:
    named = leaf.meta.get("bands")
    if isinstance(named, list) and len(named) == len(leaf.tiers):
        return {band: tier.text for band, tier in zip(named, leaf.tiers, strict=True)}
    if not leaf.tiers:
        return {BANDS[0]: "The description above does not hold.", BANDS[-1]: "The description above holds."}
    low, high = leaf.tiers[0].score, leaf.tiers[-1].score
    return {BANDS[round(4 * (tier.score - low) / (high - low))]: tier.text for tier in leaf.tiers}


WRITINGBENCH = Format(
    name="writingbench",
    about="`index`, `query`, `checklist` of {name, criteria_description, 1-2, 3-4, 5-6, 7-8, 9-10}",
    key="checklist",
    id_name="index",
    read=read,
    write=write,
    is_criterion=has("criteria_description"),
)
