"""From compared pairs to ratings: what counts, and what does not."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RlraError
from schemas.pairs import Pair, Winner
from stages.eval_pairwise import RatingSpec
from stages.pairwise_ratings import game, ratings
from tests.stages.rated_pairs import SPEC, WINNERS, by_label, games, order, pair


def fields(line: Pair) -> dict[str, Any]:
    """Return what a pair is made of."""
    return {name: getattr(line, name) for name in Pair.model_fields if name != "tag"}


@pytest.mark.parametrize("first", WINNERS)
@pytest.mark.parametrize("second", WINNERS)
def test_what_two_orders_come_to(first: Winner | None, second: Winner | None) -> None:
    """Both the same: that. Different: a tie that is not consistent. One failed: nothing, and never a tie."""
    found = pair(said=(first, second))
    if first is None or second is None:
        assert (found.winner, found.consistent) == (None, None)
    elif first == second:
        assert (found.winner, found.consistent) == (first, True)
    else:
        assert (found.winner, found.consistent) == ("tie", False)


def test_a_pair_that_says_otherwise_is_refused() -> None:
    with pytest.raises(ValueError, match="do not follow from the orders, which say left and right"):
        Pair(**{**fields(pair(said=("left", "right"))), "winner": "left", "consistent": True})
    with pytest.raises(ValueError, match="the one with the left response first"):
        Pair(**{**fields(pair()), "orders": (order("right", "left"), order("left", "left"))})
    with pytest.raises(ValueError, match="both responses are labelled 'a'"):
        pair(labels=("a", "a"))


def test_two_labels_are_rated_by_their_win_rate() -> None:
    """13 of 20, two of them halves of four ties: the odds are 13 to 7, and the failed pair counts nowhere."""
    won = ["left"] * 11 + ["tie"] * 4 + ["right"] * 5 + [None]
    found = ratings(games(("a", "b"), *won), SPEC)
    a, b = by_label(found)["a"], by_label(found)["b"]
    assert a.rating is not None and b.rating is not None
    assert a.rating - b.rating == pytest.approx(400 * np.log10(13 / 7))
    assert a.rating + b.rating == pytest.approx(2000)
    assert (a.strength, b.strength) == (pytest.approx(0.65), pytest.approx(0.35))
    assert (a.wins, a.ties, a.losses, a.failed) == (11, 4, 5, 1) == (b.losses, b.ties, b.wins, b.failed)
    (met,) = found.meetings
    assert (met.wins, met.ties, met.losses, met.failed) == (11, 4, 5, 1)
    assert met.win_rate.value == pytest.approx(0.65) == met.expected
    assert (met.win_rate.n, found.pairs, found.prompts) == (20, 21, 21)
    assert found.failures == {"transport": 2}


def test_failures_move_nothing() -> None:
    """Ratings and intervals are those without the failed pairs, where these are further responses to the prompts."""
    whole = games(("a", "b"), *["left", "right", "left", "tie"] * 5)
    broken = [game(pair(f"p{k}", (None, "left"), response=1)) for k in range(20)]
    without, found = ratings(whole, SPEC), ratings([*whole, *broken], SPEC)
    assert found.meetings[0].failed == 20
    assert [(row.rating, row.low, row.high) for row in found.ratings] == [
        (row.rating, row.low, row.high) for row in without.ratings
    ]
    assert (found.consistency, found.meetings[0].win_rate) == (without.consistency, without.meetings[0].win_rate)


OUTCOMES = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")]),
        st.sampled_from(WINNERS),
        st.sampled_from(WINNERS),
        st.sampled_from(["", "yy", "zzz"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_pairs_has_no_say(outcomes: list, random: Random) -> None:
    """The record is the same, to the last digit; and ends enclose what they are the ends of."""
    played = [game(pair(f"p{n}", (one, two), labels, ("xx", text))) for n, labels, one, two, text in outcomes]
    found = ratings(played, SPEC)
    shuffled = played.copy()
    random.shuffle(shuffled)
    assert ratings(shuffled, SPEC) == found
    for share in (found.consistency, found.first_wins, found.longer_wins, *(met.win_rate for met in found.meetings)):
        if share.value is not None and share.low is not None and share.high is not None:
            assert 0 <= share.low <= share.high <= 1
            assert share.low - 1e-9 <= share.value <= share.high + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["left", "right", "tie"]), min_size=2, max_size=20))
def test_exchanged_labels_exchange_ratings(won: list[str]) -> None:
    """Whose file came first has no say."""
    turned = [{"left": "right", "right": "left"}.get(each, each) for each in won]
    found, other = (by_label(ratings(games(("a", "b"), *each), SPEC)) for each in (won, turned))
    for one, two in (("a", "b"), ("b", "a")):
        assert found[one].rating == pytest.approx(other[two].rating, abs=1e-6)
        assert (found[one].low, found[one].high) == (pytest.approx(other[two].low), pytest.approx(other[two].high))
    sides = by_label(ratings([game(pair(f"p{k}", (w, w), ("b", "a"))) for k, w in enumerate(turned)], SPEC))
    assert {name: row.rating for name, row in sides.items()} == {name: row.rating for name, row in found.items()}


def test_three_labels_are_rated_together() -> None:
    """A beats B and B beats C two to one each; A and C never met, and their odds are four to one."""
    played = games(("a", "b"), *["left", "left", "right"] * 10) + games(("b", "c"), *["left", "left", "right"] * 10)
    found = ratings(played, SPEC)
    assert [row.label for row in found.ratings] == ["a", "b", "c"]
    top, middle, bottom = (row.rating or 0 for row in found.ratings)
    assert top - bottom == pytest.approx(400 * np.log10(4))
    assert middle == pytest.approx(1000)
    assert [(met.left, met.right) for met in found.meetings] == [("a", "b"), ("b", "c")]


def test_an_anchor_stands_at_1000() -> None:
    played = games(("a", "b"), *["left", "left", "right"] * 10)
    found = by_label(ratings(played, RatingSpec(resamples=400, anchor="b")))
    assert (found["b"].rating, found["b"].low, found["b"].high) == (1000, 1000, 1000)
    assert found["a"].rating == pytest.approx(1000 + 400 * np.log10(2))
    with pytest.raises(RlraError, match="--anchor: 'z' is none of the labels") as refused:
        ratings(played, RatingSpec(anchor="z"))
    assert refused.value.hint == "they are a, b"


def test_labels_that_nothing_connects_are_rated_apart() -> None:
    """Two pools, each with a mean of 1000; across them nothing is expected, and whoever met nobody has no rating."""
    played = [
        *games(("a", "b"), "left", "left", "right"),
        *games(("c", "d"), "right", "left", "right", start=3),
        *games(("a", "c"), None, start=6),
        *games(("d", "e"), None, start=7),
    ]
    found = ratings(played, SPEC)
    assert [(row.label, row.pool) for row in found.ratings] == [("a", 0), ("b", 0), ("d", 1), ("c", 1), ("e", 2)]
    for pool in (0, 1):
        assert np.mean([row.rating for row in found.ratings if row.pool == pool]) == pytest.approx(1000)
    met = {(each.left, each.right): each for each in found.meetings}
    assert met["a", "c"].expected is None and met["a", "c"].win_rate.value is None
    alone = by_label(found)["e"]
    assert (alone.rating, alone.strength, alone.low, alone.failed) == (None, None, None, 1)


def test_how_far_the_judge_goes_by_order() -> None:
    """A judge that always prefers the first is never consistent; one that answers `tie` says nothing about order."""
    biased = ratings([game(pair(f"p{k}", ("left", "right"))) for k in range(8)], SPEC)
    assert (biased.consistency.value, biased.first_wins.value, biased.first_wins.n) == (0, 1, 16)
    assert by_label(biased)["a"].rating == pytest.approx(1000)
    undecided = ratings([game(pair(f"p{k}", ("tie", "tie"))) for k in range(8)], SPEC)
    assert (undecided.consistency.value, undecided.first_wins.value, undecided.first_wins.n) == (1, None, 0)
    fair = ratings([game(pair(f"p{k}", ("left", "left"))) for k in range(8)], SPEC)
    assert (fair.consistency.value, fair.first_wins.value) == (1, 0.5)


def test_how_far_the_judge_goes_by_length() -> None:
    """Pairs won by the longer of two; ties and equally long responses are not counted."""
    played = [
        game(pair("p1", ("left", "left"), texts=("long one", "short"))),
        game(pair("p2", ("right", "right"), texts=("short", "long one"))),
        game(pair("p3", ("left", "left"), texts=("short", "long one"))),
        game(pair("p4", ("left", "left"), texts=("same", "same"))),
        game(pair("p5", ("left", "right"), texts=("long one", "short"))),
        game(pair("p6", ("left", None), texts=("long one", "short"))),
    ]
    found = ratings(played, SPEC).longer_wins
    assert (found.value, found.n) == (pytest.approx(2 / 3), 3)


def test_no_pairs_no_ratings() -> None:
    with pytest.raises(RlraError, match="no pairs to rate"):
        ratings([], SPEC)
