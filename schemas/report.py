"""`report/1`: what changed between two judged files of the same prompts."""

from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import Part, Record


class Change(Part):
    """One measure before and after, with the interval of its mean paired difference."""

    name: str
    """What was measured, such as `reward` or `distinct_2`; for criteria, the criterion's id."""
    better: Literal["higher", "lower", "neither"]
    """Which direction is an improvement."""
    before: float
    """Mean over prompts, before."""
    after: float
    """Mean over prompts, after."""
    change: float
    """Mean paired difference, after minus before."""
    low: float
    """Lower end of the bootstrap interval of `change`."""
    high: float
    """Upper end of the bootstrap interval of `change`."""
    prompts: int = Field(ge=1)
    """Prompts on which both sides have a value."""
    says: str = ""
    """What the number is, for people, where the name does not say it."""
    p: float | None = Field(default=None, ge=0, le=1)
    """Two-sided p-value of the paired permutation test; none for a single prompt."""
    q: float | None = Field(default=None, ge=0, le=1)
    """`p` corrected for all that was compared in the run."""
    detectable: float | None = Field(default=None, ge=0)
    """The smallest change that so many prompts would show, at the test's level and power."""
    needed: int | None = Field(default=None, ge=1)
    """How many prompts would show a change as large as the measured one; none where it is 0."""


class Gate(Part):
    """A bar that a change was held to."""

    measure: str
    """The name of the change."""
    bar: str
    """The bar as it was given, such as `>=-0.5`."""
    passed: bool
    """Whether the whole interval of the change is on its side."""


class Side(Part):
    """One of the two files that are compared."""

    label: str
    """The name given on the command line."""
    model: str
    """The policy that answered."""
    revision: str
    """The digest of its weights."""
    prompts: int
    """Lines in the file."""
    responses: int
    """Responses in the file."""
    unscored: int
    """Responses whose reward is null."""


class Report(Record):
    """A comparison of two judged files, paired by prompt id."""

    KIND: ClassVar[str] = "report"

    axis: str = ""
    """What the prompts are of several sets of them, such as a suite's name; empty where there is one."""
    before: Side
    """The baseline."""
    after: Side
    """What is compared with it."""
    unlike: tuple[str, ...] = ()
    """What differs between the sides besides the policy, such as judges or sampling, in words; best nothing."""
    level: float = Field(gt=0, lt=1)
    """The coverage of the intervals, such as 0.95."""
    resamples: int = Field(ge=1)
    """Bootstrap resamples of the prompts."""
    seed: int
    """The seed of the bootstrap."""
    measures: tuple[Change, ...]
    """Reward, length, veto rate, diversity and repetition."""
    gates: tuple[Gate, ...] = ()
    """The bars that were set, and whether they were met."""
    criteria: tuple[Change, ...]
    """Per criterion: the share of responses that meet it; with tiers, the mean share of the range."""
