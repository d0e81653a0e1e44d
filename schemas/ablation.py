"""`ablation/1`: what a criterion, or a set of them, does to rewards: stored verdicts scored with it and without it."""

from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import Own, Part, Record

Count = Own[int]


class Effect(Part):
    """One measure with the criteria and without them, and the interval of the change over groups."""

    name: str
    """What was measured: `reward`, `spread`, `no_spread`; against labels `pairs_right` and `kendall`."""
    better: Literal["higher", "lower", "neither"]
    """Which direction is an improvement."""
    before: float | None
    """With the criteria; null where it is undefined."""
    after: float | None
    """Without them."""
    change: float | None
    """Without them less with them: below 0, they do something for it."""
    low: float | None
    """Lower end of the bootstrap interval of `change`."""
    high: float | None
    """Upper end of the bootstrap interval of `change`."""
    groups: Count = Field(ge=0)
    """Groups that it was worked out from."""
    why: str = ""
    """Why there is no value, or no interval."""


class Ranking(Part):
    """What becomes of the order of the responses of a group."""

    tau: float | None
    """Kendall's tau-b between the rewards with the criteria and those without, the mean over groups."""
    low: float | None
    """Lower end of its bootstrap interval."""
    high: float | None
    """Upper end of its bootstrap interval."""
    groups: Count = Field(ge=0)
    """Groups in which it is defined: their rewards differ both with the criteria and without."""
    pairs: Count = Field(ge=0)
    """Pairs of responses of one group that have a reward both ways."""
    flipped: Count = Field(ge=0)
    """Pairs whose order turns around."""
    merged: Count = Field(ge=0)
    """Pairs that only the criteria told apart."""
    parted: Count = Field(ge=0)
    """Pairs that are told apart only without them."""
    why: str = ""
    """Why there is no tau, or no interval."""


class Ablation(Record):
    """One criterion, or a set of them, left out of the groups that have any of it; other groups say nothing here."""

    KIND: ClassVar[str] = "ablation"

    without: tuple[str, ...]
    """The criteria that were left out, by id."""
    groups: Count = Field(ge=1)
    """Groups whose rubric has any of them."""
    others: Count = Field(ge=0)
    """Groups whose rubric has none of them."""
    responses: Count = Field(ge=0)
    """Responses that have a reward both ways; all figures are of these."""
    lost: Count = Field(ge=0)
    """Responses that have no reward without the criteria: nothing is left to score, or what a veto or a gate among
    them kept from being asked."""
    gained: Count = Field(ge=0)
    """Responses that have a reward only without them: the verdict that failed was theirs."""
    ranking: Ranking
    """What becomes of the order within groups."""
    effects: tuple[Effect, ...]
    """`reward`: its mean over groups. `spread`: the standard deviation within a group, the mean over groups.
    `no_spread`: the share of groups whose rewards are all equal."""
    labels: tuple[Effect, ...] = ()
    """Agreement of rewards with people's labels of whole responses. `pairs_right`: of the pairs of a group that people
    rank apart, the share that rewards rank alike, a tie being half. `kendall`: tau-b over all labelled responses."""
    level: float = Field(gt=0, lt=1)
    """The coverage of the intervals, such as 0.95."""
    resamples: Count = Field(ge=1)
    """Bootstrap resamples of the groups."""
    seed: Own[int]
    """The seed of the bootstrap."""
