"""`stats/1`: what the lines of a judged file, or of one pool of it, are like."""

from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import Own, Part, Record

Count = Own[int]
State = Literal["saturated", "dead", "never scored"]


class Spread(Part):
    """How a number is distributed. It is null where there is no number at all."""

    n: Count = Field(ge=1)
    """Numbers that there are."""
    mean: float
    """Their mean."""
    sd: float
    """Their standard deviation, dividing by n."""
    min: float
    """The lowest."""
    p05: float
    """Quantiles, interpolated between neighbours: so many in a hundred lie below."""
    p25: float
    """The lower quartile."""
    p50: float
    """The median."""
    p75: float
    """The upper quartile."""
    p95: float
    """Nineteen in twenty lie below."""
    max: float
    """The highest."""


class Histogram(Part):
    """How many numbers lie in each of equally wide bins."""

    edges: tuple[float, ...]
    """Where bins begin, and where the last one ends; a number on an edge is in the bin that begins there."""
    counts: tuple[Count, ...]
    """Numbers in each bin; the last one holds its end."""


class AgainstLength(Part):
    """How reward and length go together. What is null is undefined, and `why` says why."""

    n: Count = Field(ge=0)
    """Responses that have both."""
    pearson: float | None
    """The product-moment correlation over all of them."""
    spearman: float | None
    """The correlation of ranks."""
    within: float | None
    """The mean of the groups' own product-moment correlations: what a policy is taught about length."""
    groups: Count = Field(ge=0)
    """The groups that `within` is the mean of: three responses or more with both, neither of them all equal."""
    curve: tuple[tuple[float, float], ...] = ()
    """The mean length and the mean reward of each tenth of the responses, the shortest first; equal lengths stay
    together, so that there may be fewer."""
    why: str = ""
    """Why there is no number."""


class CriterionPair(Part):
    """How the verdicts under two criteria go together."""

    criteria: tuple[str, str]
    """Their ids."""
    n: Count = Field(ge=1)
    """Responses that both have a score on."""
    pearson: float
    """The product-moment correlation of their levels."""


class CriterionStats(Part):
    """The verdicts under one criterion."""

    criterion: str
    """Its id; verdicts of several rubrics under one id are taken together."""
    scored: Count = Field(ge=0)
    """Verdicts with a score."""
    abstained: Count = Field(ge=0)
    """Verdicts of judges who could not tell."""
    failed: Count = Field(ge=0)
    """Verdicts that could not be had."""
    skipped: Count = Field(ge=0)
    """Responses on which nobody was asked, since a gate had stopped them."""
    mean: float | None = None
    """The mean level: 1 is met, with tiers the best one, and 0 the opposite. Not there without a score."""
    sd: float | None = None
    """The standard deviation of the level over all responses."""
    within: float | None = None
    """The mean standard deviation of the level within groups that have two scores or more; not there without any."""
    top: float | None = None
    """The share of scored verdicts that say met, or the best tier."""
    bottom: float | None = None
    """The share that say not met, or the worst tier."""
    state: State | None = None
    """`saturated` or `dead` where `top` or `bottom` is 0.95 or more, of ten verdicts at least: it tells responses apart
    no longer. Vetoes and gates are neither, for they are meant to fire seldom."""


class Rewards(Part):
    """The rewards of the responses that have one."""

    all: Spread | None
    """Over all responses."""
    histogram: Histogram | None
    """Ten bins over [0, 1], or over what the rewards reach beyond it."""
    unrewarded: Count = Field(ge=0)
    """Responses without a reward, for a verdict that it needs failed."""
    spread: Spread | None
    """The standard deviations within groups that have two rewards or more."""
    flat: float | None
    """The share of those groups whose rewards are all equal: they teach a policy nothing."""
    length: AgainstLength
    """Reward against length."""


class Judges(Part):
    """What the answers of judges took, as far as lines say it."""

    lines: Count = Field(ge=0)
    """Lines that say it."""
    calls: Count = Field(ge=0)
    """Answers that were asked for."""
    tokens_in: Count = Field(ge=0)
    """Tokens of the prompts."""
    tokens_out: Count = Field(ge=0)
    """Tokens of the answers."""


class Stats(Record):
    """A file of judged responses, or of rollouts, in numbers."""

    KIND: ClassVar[str] = "stats"

    file: str
    """The label of the file."""
    of: Literal["judged", "rollouts"]
    """What its lines are. Of rollouts there are neither verdicts nor rewards."""
    pool: str | None = None
    """The value that the lines have in common; null for all lines."""
    prompts: Count = Field(ge=0)
    """Lines."""
    responses: Count = Field(ge=0)
    """Responses in them."""
    group_size: Spread | None
    """Responses per prompt."""
    policies: dict[str, Count]
    """Prompts by the model that answered."""
    unit: Literal["tokens", "characters"]
    """What length is counted in: tokens where every answer says its own."""
    length: Spread | None
    """The length of the answers."""
    truncated: float | None
    """The share of the answers that were cut off at the token limit; null without an answer."""
    unanswered: Count = Field(ge=0)
    """Responses that could not be had."""
    rewards: Rewards | None = None
    """The rewards, of judged lines."""
    criteria: tuple[CriterionStats, ...] = ()
    """In the order in which they first came."""
    untold: Count = Field(default=0, ge=0)
    """Verdicts under criteria beyond the number that is kept apart; no other figure counts them."""
    correlations: tuple[CriterionPair, ...] = ()
    """Every two criteria that both scored ten responses or more, those that go together most first. Where one of the
    two has the same verdict on all of them, the pair is not here."""
    failures: dict[str, Count] = {}
    """Failed verdicts by class."""
    veto_rate: float | None = None
    """The share of responses that a veto set to 0, of those whose vetoes are all decided; null without any."""
    vetoes: dict[str, Count] = {}
    """How often each veto fired."""
    judges: dict[str, Count] = {}
    """Verdicts by who judged."""
    usage: Judges | None = None
    """What the judges' answers took; none where no line says it."""
