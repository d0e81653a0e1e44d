"""Compared pairs and their games, as a judge's words make them."""

from collections.abc import Sequence

from schemas.pairs import Order, Pair, Rating, Ratings, Side, Winner, settled
from schemas.task import Message
from stages.eval_pairwise import RatingSpec
from stages.pairwise_ratings import Game, game

SPEC = RatingSpec(resamples=400)
WINNERS: Sequence[Winner | None] = ("left", "right", "tie", None)


def order(first: str, winner: str | None) -> Order:
    """Return what a judge said in one order; None is a failure."""
    if winner is None:
        return Order(first=first, status="failed", winner=None, failure="transport", key="k")
    return Order(first=first, status="scored", winner=winner, key="k")


def pair(
    prompt: str = "p",
    said: tuple[str | None, str | None] = ("left", "left"),
    labels: tuple[str, str] = ("a", "b"),
    texts: tuple[str, str] = ("x", "y"),
    response: int = 0,
) -> Pair:
    """Return a pair on which the judge said `said`."""
    orders = (order("left", said[0]), order("right", said[1]))
    left, right = (Side(label=name, model=f"m-{name}", text=text) for name, text in zip(labels, texts, strict=True))
    winner, consistent = settled(orders)
    return Pair(
        id=f"{prompt}/{'/'.join(labels)}/{response}",
        prompt=prompt,
        messages=(Message(role="user", content="Hi"),),
        response=response,
        left=left,
        right=right,
        judge="j",
        orders=orders,
        winner=winner,
        consistent=consistent,
    )


def games(labels: tuple[str, str], *winners: str | None, start: int = 0) -> list[Game]:
    """Return one game for each winner, each on a prompt of its own."""
    return [game(pair(f"p{start + k}", (w, w), labels)) for k, w in enumerate(winners)]


def by_label(found: Ratings) -> dict[str, Rating]:
    """Return the ratings by label."""
    return {row.label: row for row in found.ratings}
