"""`findings/1`: what over-rewarded responses share, with all the evidence for it and against it."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from schemas.base import Own, Part, Record

Count = Own[int]
Against = Literal["group", "earlier", "late", "gold", "quality"]
"""What responses are compared with: the low rewards of their own group, an earlier policy, the run's own beginning;
or, among those that a gold judge or cheap signals of quality think little of, those that were rewarded little too."""
Kind = Literal["opening", "closing", "phrase", "word", "mark", "structure", "length", "check", "rubric_words", "gap"]


class Interval(Part):
    """A number and how sure it is."""

    value: float
    """The estimate."""
    low: float
    """The lower end."""
    high: float
    """The upper end."""


class Rate(Part):
    """How often something is there."""

    hits: Count = Field(ge=0)
    """Texts that have it."""
    n: Count = Field(ge=0)
    """Texts that were looked at."""
    low: float = Field(ge=0, le=1)
    """The lower bound of the share, with 95 % confidence (Clopper and Pearson)."""
    high: float = Field(ge=0, le=1)
    """The upper bound of the share, with 95 % confidence by itself; 1 where nothing was looked at."""

    @property
    def share(self) -> float:
        """The share itself; 0 where nothing was looked at."""
        return self.hits / self.n if self.n else 0.0


class Contrast(Part):
    """A pattern among the responses that were rewarded too well, and among those that they are compared with."""

    against: Against
    """What the others are."""
    prompts: Count = Field(ge=0)
    """Prompts that take part."""
    high: float = Field(ge=0, le=1)
    """The mean over prompts of the share of over-rewarded responses that have the pattern."""
    low: float = Field(ge=0, le=1)
    """The same of the others."""
    more: Count = Field(ge=0)
    """Prompts on which the over-rewarded have it more often; of prompts on one side only, those that have it there."""
    less: Count = Field(ge=0)
    """Prompts on which the others have it more often, or the prompts of the other side that have it."""
    rates: tuple[float, float] | None = None
    """Where a word or mark is not found in more responses but more often: how often in 1,000 words, high and low."""
    lift: float | None = Field(ge=0)
    """`high` over `low`; null where `low` is 0."""
    log_odds: Interval
    """The log odds ratio of the two shares, half a prompt added to each cell, with its 95 % interval."""
    p: float = Field(ge=0, le=1)
    """The chance of so clear an excess, with prompts as units, if the pattern had nothing to do with the reward."""


class Exploited(Part):
    """How a criterion's verdicts go with the pattern, within groups."""

    criterion: str
    """Its id."""
    rise: Interval
    """How much higher its level (0 to 1, 1 the best for the reward) is with the pattern, with a bootstrap interval."""
    prompts: Count = Field(ge=1)
    """Prompts that have responses with the pattern and without."""


class Member(Part):
    """Another form of the same finding: found in the same responses."""

    what: str
    """In words."""
    check: Own[dict[str, dict[str, Any]]] | None = None
    """As a program, where there is one."""
    high: float
    """As in `Contrast`, on the prompts that it was found on."""
    low: float
    """As in `Contrast`."""


class Example(Part):
    """Two responses side by side."""

    prompt: str
    """The last turn of the request, cut to what can be shown."""
    has: str
    """A response with the pattern, cut to what can be shown."""
    has_from: str
    """Its line and its number there."""
    has_reward: float | None
    """Its reward."""
    lacks: str
    """One without it, of the same prompt where there is one."""
    lacks_from: str
    """Its line and its number there; empty where there is none."""
    lacks_reward: float | None
    """Its reward."""


class Onset(Part):
    """When something began in the course of a run."""

    step: Count | None
    """The first step of what is new; null where nothing began."""
    p: float | None
    """The chance of so clear a change if the order of the steps meant nothing; null where there are too few of them."""
    before: float | None = None
    """The mean before that step."""
    after: float | None = None
    """The mean from that step on."""
    curve: tuple[tuple[Count, float], ...] = ()
    """Step and smoothed value."""
    why: str = ""
    """Why there is no step."""


class Proof(Part):
    """What the pattern does on texts that it was not found on."""

    held_out: Contrast | None
    """The same contrast on the prompts that were held out; null where there were too few to hold any out."""
    good: Rate
    """Good responses and references that have it, which a veto would hit."""
    stand_ins: Rate | None = None
    """Where good texts are too few for the bound: these and low-scoring and earlier responses together."""

    @property
    def bounded(self) -> Rate:
        """The rate whose upper bound decides."""
        return self.stand_ins or self.good


class Findings(Record):
    """One pattern, with the forms it was found in; or, of kind `gap`, the course of the reward against quality."""

    KIND: ClassVar[str] = "findings"

    kind: Kind
    """Where it is, or what it is."""
    what: str
    """In words, for a person."""
    check: Own[dict[str, dict[str, Any]]] | None = None
    """The check that finds it; null where no check can say it."""
    veto: Literal["if_met", "unless_met"] = "if_met"
    """Whether the check is met by what was found, or by its absence."""
    found: Contrast | None = None
    """The evidence on the prompts that it was found on."""
    q: float | None = Field(default=None, ge=0, le=1)
    """The p-value that counts (held out, where there is that), corrected for all that were tested: the rate of false
    discoveries among findings as sure as this (Benjamini and Hochberg)."""
    tested: Count = 0
    """How many patterns that correction is for."""
    proof: Proof | None = None
    """What it does elsewhere."""
    exploited: tuple[Exploited, ...] = ()
    """The criteria whose verdicts rise with the pattern, most first."""
    members: tuple[Member, ...] = ()
    """Other forms, found in the same responses."""
    examples: tuple[Example, ...] = ()
    """Responses with it beside responses without."""
    onset: Onset | None = None
    """When it began, where the input says what happened when."""
    lead: bool = False
    """Whether it is only what stands out most where there were too few prompts: it did not pass its test."""
    proposed: bool = False
    """Whether the defence rubric has it."""
    criterion: str | None = None
    """Its id in that rubric."""
    reason: str = ""
    """Why it is not proposed."""
    meta: Own[dict[str, Any]] = {}
    """What else is known, such as what a writer's draft was refused for."""
