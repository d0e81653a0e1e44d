"""`judged/1`: a group of responses with verdicts and rewards, and how the verdicts came about."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Own, Part
from schemas.rollouts import Response, Rollouts

FailureClass = Literal[
    "refusal",
    "truncated",
    "unreadable",
    "contradiction",
    "transport",
    "empty",
    "content filter",
    "uncertain",
    "disagreement",
    "too long",
    "no response",
    "check",
]
"""Why there is no verdict. `uncertain`: too little probability on the allowed answers. `check`: a program broke."""


class Vote(Part):
    """What one judge answered once about one response under one criterion, before votes become a verdict."""

    judge: str
    """The model that was asked."""
    key: str
    """A digest of everything that the vote depends on."""
    status: Literal["scored", "abstained", "failed"]
    """Only `scored` votes count for or against."""
    label: str = ""
    """The answer: `met`, `not met`, a tier's index or `cannot tell`; the likeliest one where `shares` has them all."""
    shares: tuple[float, ...] = ()
    """Of the method `logprob`: the probabilities of the scored answers, worst first, summing to 1."""
    mass: float | None = Field(default=None, ge=0, le=1.000001)
    """Of the method `logprob`: how much probability lay on allowed answers before it was made to sum to 1."""
    reason: str = ""
    """Why, in words; for a failure, what went wrong."""
    failure: FailureClass | None = None
    """The class of a failure."""
    repaired: bool = False
    """Whether the answer was JSON that had to be mended before it could be read."""
    strong: bool = False
    """Whether it is the vote of the stronger judge, which decides where the others were unsure."""

    @model_validator(mode="after")
    def _failure_goes_with_status(self) -> Self:
        if (self.failure is None) == (self.status == "failed"):
            raise ValueError("a `failed` vote has a class of `failure`, and no other one does")
        return self


class Thought(Part):
    """What a judge thought before it answered; never read for verdicts."""

    judge: str
    """The model that thought."""
    keys: tuple[str, ...]
    """The keys of the votes that followed."""
    text: str
    """The thinking, as the model gave it."""


class Usage(Part):
    """What the answers behind a line's verdicts took, whoever paid for them."""

    calls: Own[int] = Field(ge=0)
    """Answers that were asked for, repeated questions included."""
    tokens_in: Own[int] = Field(ge=0)
    """Tokens of the prompts, as the server counted them."""
    tokens_out: Own[int] = Field(ge=0)
    """Tokens of the answers, thinking included."""


class Verdict(Part):
    """What the judge, or a panel of judges, said about one response under one criterion."""

    criterion: str
    """The criterion's id."""
    status: Literal["scored", "abstained", "failed", "skipped"]
    """Only `scored` verdicts have a score; a failure is never a number. `skipped`: a gate had stopped the group."""
    score: float | None
    """The tier's score; without tiers 1 is met and 0 is not met. A check that grades says how much, 0 to 1."""
    tier: Own[int] | None = Field(default=None, ge=0)
    """The index of the tier, worst first."""
    closeness: float | None = Field(default=None, ge=0, le=1)
    """For a check that is not met: how close it was, where that has a meaning."""
    reason: str = ""
    """Why, in words; for a failure, what went wrong."""
    judge: str
    """`check`, or the model that judged; for a panel its rule and members."""
    key: str
    """A digest of everything that the verdict depends on."""
    failure: FailureClass | None = None
    """The class of a failure."""
    shares: tuple[float, ...] = ()
    """Of the method `logprob`: the probabilities of the answers, worst first; `score` is their expectation."""
    mass: float | None = Field(default=None, ge=0, le=1.000001)
    """Of the method `logprob`: how much probability lay on allowed answers."""
    repaired: bool = False
    """Whether the answer was JSON that had to be mended before it could be read."""
    disagreement: float | None = Field(default=None, ge=0, le=1)
    """Of several votes: the share that is not with the most frequent answer."""
    votes: tuple[Vote, ...] = ()
    """Of several votes: every one of them."""

    @model_validator(mode="after")
    def _score_goes_with_status(self) -> Self:
        if (self.score is None) == (self.status == "scored"):
            raise ValueError("a `scored` verdict has a score, and no other one does")
        return self


class JudgedResponse(Response):
    """A response with its verdicts and its reward."""

    verdicts: tuple[Verdict, ...]
    """One verdict for each criterion of the rubric that is judged, in the rubric's order."""
    reward: float | None
    """The reward; null when a verdict that it needs failed."""
    vetoed_by: tuple[str, ...] = ()
    """The vetoes that fired."""
    thoughts: tuple[Thought, ...] = ()
    """What judges thought before they answered, where they said it."""


class Judged(Rollouts):
    """A group of judged responses. Its `rubric` is the one that it was judged against."""

    KIND: ClassVar[str] = "judged"

    responses: tuple[JudgedResponse, ...] = Field(min_length=1)
    """The group, judged."""
    usage: Usage | None = None
    """What the judges' answers took; none where only checks judged."""

    @model_validator(mode="after")
    def _verdicts_match_the_rubric(self) -> Self:
        if self.rubric is None:
            raise ValueError("a judged line carries the rubric that it was judged against")
        expected = [criterion.id for criterion in self.rubric.leaves]
        for index, response in enumerate(self.responses):
            if [verdict.criterion for verdict in response.verdicts] != expected:
                raise ValueError(f"responses[{index}].verdicts must name each criterion once, in the rubric's order")
        return self
