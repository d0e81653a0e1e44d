"""`agreement/1`: how far a judge agrees with people, and people with each other."""

from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import Own, Part, Record


class Figure(Part):
    """One statistic with its bootstrap interval over prompts."""

    value: float | None
    """The statistic; null where it is undefined, and `why` says why."""
    low: float | None
    """Lower end of the interval; null where there is none."""
    high: float | None
    """Upper end of the interval."""
    n: Own[int] = Field(ge=0)
    """Labelled responses that it was worked out from; of `each` and `people`, labels."""
    prompts: Own[int] = Field(ge=0)
    """Prompts that these belong to."""
    undefined: Own[int] = Field(default=0, ge=0)
    """Bootstrap resamples in which the statistic was undefined; the interval is that of the others."""
    why: str = ""
    """Why there is no value, or no interval."""


class Confusion(Part):
    """How often each label of people met each verdict of the judge."""

    labels: tuple[str, ...]
    """The answers, worst first: rows and columns of `counts`."""
    counts: tuple[tuple[int, ...], ...]
    """One row per label of people, one column per verdict of the judge."""


class Agreement(Record):
    """A judge against people's labels, for one criterion, the reward, or overall."""

    KIND: ClassVar[str] = "agreement"

    about: Literal["criterion", "reward", "overall"]
    """What was judged. `overall` is the mean over criteria, weighted by labels; without any it is the reward."""
    criterion: str | None = None
    """The criterion's id."""
    answers: Literal["binary", "tiers", "number", "mixed"]
    """What was labelled: met or not, tiers, or numbers; `mixed` where criteria differ."""
    judges: tuple[str, ...]
    """Who judged."""
    raters: tuple[str, ...]
    """Who labelled."""
    prompts: Own[int] = Field(ge=0)
    """Prompts with labels that were compared."""
    compared: Own[int] = Field(ge=0)
    """Labelled responses that the judge has a verdict on; of `overall` counted once per criterion."""
    unjudged: Own[int] = Field(ge=0)
    """Labelled responses without a verdict, which no statistic counts."""
    unjudged_because: dict[str, Own[int]] = {}
    """The same by status: `failed`, `abstained`, `skipped`, `undecided` for a grade right between two answers."""
    tied: Own[int] = Field(ge=0)
    """Responses on which people are divided evenly: they have no consensus on the answer."""
    unmatched: Own[int] = Field(ge=0)
    """Labelled responses that the judged file does not have."""
    unlabelled: Own[int] = Field(ge=0)
    """Judged responses that nobody labelled, under the criteria that somebody labelled others by."""
    judge: dict[str, Figure]
    """The judge against people's consensus, by statistic; alpha and ICC are those of people and judge together."""
    each: dict[str, Figure]
    """The judge against one person at a time, and the mean of that: on a par with `people`; nothing is left out."""
    people: dict[str, Figure]
    """People against people, by statistic: the ceiling. One person against another at a time, and the mean of that."""
    bias: dict[str, Figure]
    """The judge's errors, judge minus people: their mean, and their correlation with length and position."""
    confusion: Confusion | None = None
    """Of a criterion: people's consensus against the judge's verdict."""
    level: float = Field(gt=0, lt=1)
    """The coverage of the intervals, such as 0.95."""
    resamples: Own[int] = Field(ge=1)
    """Bootstrap resamples of the prompts."""
    seed: Own[int]
    """The seed of the bootstrap."""
