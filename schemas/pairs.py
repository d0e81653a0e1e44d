"""`pairs/1`: two responses to one prompt, and which of them a judge prefers, asked in both orders."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Own, Part, Record
from schemas.judged import FailureClass, Usage
from schemas.task import Message

Winner = Literal["left", "right", "tie"]


class Side(Part):
    """One of the two responses."""

    label: str = Field(min_length=1, pattern=r"^[^/]+$")
    """The name that its file was given on the command line: what is rated. The line's id is made of it."""
    model: str
    """The policy that answered."""
    text: str
    """The response; empty where there is none."""
    error: str | None = None
    """Why there is none."""
    earlier: tuple[Message, ...] = ()
    """The turns between the pair's `messages` and `text`, of a task with follow-ups."""


class Order(Part):
    """What the judge said when one of the responses stood first."""

    first: Literal["left", "right"]
    """Which response the judge read first."""
    status: Literal["scored", "failed"]
    """Only `scored` verdicts count."""
    winner: Winner | None
    """Which response the judge prefers; null when it failed."""
    reason: str = ""
    """Why, in words; for a failure, what went wrong."""
    thinking: str = ""
    """What the judge thought before it answered, where it said so; never read for a verdict."""
    failure: FailureClass | None = None
    """The class of a failure."""
    key: str
    """A digest of everything that the verdict depends on."""

    @model_validator(mode="after")
    def _winner_goes_with_status(self) -> Self:
        if (self.winner is None) == (self.status == "scored"):
            raise ValueError("a `scored` order has a winner, and no other one does")
        if (self.failure is None) == (self.status == "failed"):
            raise ValueError("a `failed` order has a class of `failure`, and no other one does")
        return self


class Matchup(Record):
    """Two responses to one prompt that are to be compared."""

    KIND: ClassVar[str] = "matchup"

    prompt: str = Field(min_length=1)
    """The id of the prompt; the line's own id has the labels and the response's number behind it."""
    messages: tuple[Message, ...] = Field(min_length=1)
    """The conversation that both responses answer."""
    criteria: tuple[str, ...] = ()
    """What they are compared by, as the judge reads it; none: the question of the prompt file."""
    response: Own[int] = Field(default=0, ge=0)
    """The number of the responses in their groups, from 0."""
    left: Side
    """The response of the label that was given first."""
    right: Side
    """The response that it is compared with."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if self.left.label == self.right.label:
            raise ValueError(f"both responses are labelled '{self.left.label}'")
        return self


class Pair(Matchup):
    """A compared pair. Whoever is preferred in both orders wins; a verdict that turns with the order is a tie."""

    KIND: ClassVar[str] = "pairs"

    judge: str
    """The model that was asked."""
    orders: tuple[Order, Order]
    """The verdicts: with the left response first, then with the right one first."""
    winner: Winner | None
    """What both orders come to; null when one of them failed."""
    consistent: bool | None
    """Whether both orders said the same; null when one of them failed."""
    usage: Usage | None = None
    """What the judge's answers took; none where it was not asked."""

    @model_validator(mode="after")
    def _winner_follows_from_the_orders(self) -> Self:
        if [order.first for order in self.orders] != ["left", "right"]:
            raise ValueError("`orders` holds the one with the left response first, then the other")
        if (self.winner, self.consistent) != settled(self.orders):
            raise ValueError(f"`winner` and `consistent` do not follow from the orders, which say {self._said()}")
        return self

    def _said(self) -> str:
        return " and ".join(order.winner or "nothing" for order in self.orders)


def settled(orders: Sequence[Order]) -> tuple[Winner | None, bool | None]:
    """Return (winner, consistent) of the verdicts in both orders.

    Where both name one side, or both a tie, that is the outcome. Where they differ, be it in a tie and a side or
    in opposite sides, the outcome is a tie that is not consistent. Where one failed there is no outcome.
    """
    first, second = (order.winner for order in orders)
    if first is None or second is None:
        return None, None
    return (first, True) if first == second else ("tie", False)


class Share(Part):
    """A share of what was counted, with its bootstrap interval over prompts."""

    value: float | None
    """The share, from 0 to 1; null where there was nothing to count."""
    low: float | None
    """Lower end of the interval."""
    high: float | None
    """Upper end of the interval."""
    n: Own[int] = Field(ge=0)
    """How many it is a share of."""


class Rating(Part):
    """How strong one label is, by the Bradley–Terry model."""

    label: str
    """Which file's responses."""
    model: str
    """The policy, or policies, that answered."""
    rating: float | None
    """On the scale of Elo: 400 points are odds of ten to one. Null where no comparison has an outcome."""
    low: float | None
    """Lower end of the bootstrap interval of `rating`."""
    high: float | None
    """Upper end of the bootstrap interval of `rating`."""
    strength: float | None
    """The model's parameter: A beats B with probability A ÷ (A + B); the strengths of a pool sum to 1."""
    pool: Own[int] = Field(ge=0)
    """Labels are comparable only within one pool: there, comparisons lead from each to each."""
    separated: bool = False
    """Whether no likeliest ratings exist in the pool, since some won all: half a win more for each side bounds them."""
    wins: Own[int] = Field(ge=0)
    """Pairs won."""
    ties: Own[int] = Field(ge=0)
    """Pairs tied, the inconsistent ones included; each counts as half a win for both."""
    losses: Own[int] = Field(ge=0)
    """Pairs lost."""
    failed: Own[int] = Field(ge=0)
    """Pairs without an outcome, which count nowhere."""


class Meeting(Part):
    """How two labels fared against each other."""

    left: str
    """One label."""
    right: str
    """The other."""
    wins: Own[int] = Field(ge=0)
    """Pairs that the left one won."""
    ties: Own[int] = Field(ge=0)
    """Pairs tied."""
    losses: Own[int] = Field(ge=0)
    """Pairs that the right one won."""
    failed: Own[int] = Field(ge=0)
    """Pairs without an outcome."""
    win_rate: Share
    """The left one's wins, and half of the ties, among the pairs with an outcome."""
    expected: float | None
    """The same by the ratings; null where there are none."""


class Ratings(Record):
    """What pairs come to: ratings, win rates, and how far the judge can be trusted with them."""

    KIND: ClassVar[str] = "ratings"

    judge: str
    """The model that compared; several of them where the pairs have several."""
    anchor: str | None = None
    """The label whose rating is 1000; without one the mean of a pool is."""
    level: float = Field(gt=0, lt=1)
    """The coverage of the intervals, such as 0.95."""
    resamples: Own[int] = Field(ge=1)
    """Bootstrap resamples of the prompts."""
    separated_resamples: float = Field(ge=0, le=1)
    """The share of the resamples in which ratings had to be bounded as for `separated`."""
    seed: Own[int]
    """The seed of the bootstrap."""
    prompts: Own[int] = Field(ge=1)
    """Prompts with pairs."""
    pairs: Own[int] = Field(ge=1)
    """Pairs, failed ones included."""
    failures: dict[str, Own[int]] = {}
    """Orders without a verdict, by class of failure."""
    ratings: tuple[Rating, ...]
    """By rating, the strongest first, pool by pool."""
    meetings: tuple[Meeting, ...]
    """Every two labels that met, in the order of `ratings`."""
    consistency: Share
    """Pairs in which both orders said the same, of those with an outcome."""
    first_wins: Share
    """Verdicts for the response that was read first, of those for either: 0.5 for a judge without such a bias."""
    longer_wins: Share
    """Pairs that the response of more characters won, of those won and not equally long."""
