"""Intervals of ratings are those of whole prompts drawn anew, and hold what they promise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from stages.agreement import paired_bootstrap
from stages.bradley_terry import log_strengths, points
from stages.eval_pairwise import RatingSpec
from stages.pairwise_ratings import game, ratings, resampled
from tests.stages.rated_pairs import SPEC, by_label, games, pair


def test_who_won_all_has_a_bounded_rating_and_no_interval() -> None:
    """Every resample says the same: it would be an interval without width, and a wrong one."""
    found = ratings(games(("a", "b"), *["left"] * 10), SPEC)
    a = by_label(found)["a"]
    assert a.separated and (a.low, a.high) == (None, None)
    assert a.rating == pytest.approx(1000 + 200 * np.log10(21))
    assert found.separated_resamples == 1


def test_resamples_that_are_separated_are_counted() -> None:
    """One loss in ten is missing from (9/10)^10 of the resamples."""
    found = ratings(games(("a", "b"), *["left"] * 9, "right"), RatingSpec(resamples=20_000))
    assert found.separated_resamples == pytest.approx(0.9**10, abs=0.01)
    assert not by_label(found)["a"].separated


@pytest.mark.parametrize("prompts", [2, 7, 40])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_share_of_all_ends_where_clopper_and_pearson_do(prompts: int, level: float) -> None:
    """scipy's exact interval, with prompts for trials."""
    for winner in ("left", "right"):
        found = ratings(games(("a", "b"), *[winner] * prompts), RatingSpec(resamples=50, level=level))
        rate = {met.left: met.win_rate for met in found.meetings}
        won = {"left": prompts, "right": 0}[winner] if "a" in rate else {"left": 0, "right": prompts}[winner]
        theirs = stats.binomtest(won, prompts).proportion_ci(level, "exact")
        (share,) = rate.values()
        assert (share.low, share.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_intervals_are_those_of_a_bootstrap_over_prompts() -> None:
    """Of one pair a prompt, the win rate's interval is that of a mean; wins of several responses move together."""
    random = np.random.default_rng(3)
    won = [str(each) for each in random.choice(["left", "right", "tie"], 60, p=[0.5, 0.3, 0.2])]
    spec = RatingSpec(resamples=20_000)
    played = games(("a", "b"), *won)
    (met,) = ratings(played, spec).meetings
    values = np.array([{"left": 1.0, "tie": 0.5, "right": 0.0}[each] for each in won])
    if met.left == "b":
        values = 1 - values
    _, low, high = paired_bootstrap(values, 20_000, 1, 0.95)
    assert (met.win_rate.low, met.win_rate.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    (thrice,) = ratings(played * 3, spec).meetings
    assert (thrice.win_rate.low, thrice.win_rate.high) == (met.win_rate.low, met.win_rate.high)
    (alone,) = ratings([replace(each, prompt=f"{each.prompt}/{k}") for k in range(3) for each in played], spec).meetings
    assert (alone.win_rate.high or 0) - (alone.win_rate.low or 0) < 0.7 * (high - low)


def test_intervals_of_ratings_are_those_of_whole_prompts_drawn_one_by_one() -> None:
    """Three labels meet on 40 prompts, with outcomes that hang together within a prompt: the long way round."""
    random = np.random.default_rng(8)
    played = []
    for k in range(40):
        mood = random.normal(0, 1)
        for one, two, lead in (("a", "b", 0.8), ("a", "c", 0.3), ("b", "c", -0.5)):
            said = "left" if lead + mood + random.normal() > 0 else "right"
            played.append(game(pair(f"p{k}", (said, said), (one, two))))
    found = by_label(ratings(played, RatingSpec(resamples=20_000)))
    tables = np.zeros((40, 3, 3))
    for each in played:
        left, right = ("abc".index(name) for name in (each.left, each.right))
        tables[int(each.prompt[1:]), left, right] += each.won or 0
        tables[int(each.prompt[1:]), right, left] += 1 - (each.won or 0)
    drawn = [tables[random.integers(0, 40, 40)].sum(axis=0) for _ in range(4_000)]
    theirs = points(log_strengths(np.array(drawn))[0])
    for at, label in enumerate("abc"):
        ends = np.quantile(theirs[:, at], [0.025, 0.975])
        assert (found[label].low, found[label].high) == (pytest.approx(ends[0], abs=5), pytest.approx(ends[1], abs=5))
        assert ends[1] - ends[0] > 40


def test_intervals_hold_what_they_promise() -> None:
    """Of 200 simulated evaluations, 95 % intervals hold the true difference in about as many."""
    random, held = np.random.default_rng(0), 0
    true = 400 * np.log10(0.6 / 0.4)
    for seed in range(200):
        won = ["left" if each else "right" for each in random.random(80) < 0.6]
        found = by_label(ratings(games(("a", "b"), *won), RatingSpec(resamples=500, seed=seed)))["a"]
        held += (found.low or 0) <= 1000 + true / 2 <= (found.high or 0)
    assert 180 <= held <= 199


def test_a_single_prompt_has_no_interval() -> None:
    played = [game(pair("p", (w, w), response=k)) for k, w in enumerate(["left", "right", "left"])]
    found = ratings(played, SPEC)
    assert by_label(found)["a"].rating is not None
    assert by_label(found)["a"].low is None
    assert (found.consistency.value, found.consistency.low) == (1.0, None)


def test_equal_rows_are_drawn_as_often_as_they_stand() -> None:
    """Mean and variance are those of drawing rows one by one, whatever number of them are equal."""
    rows = np.array([[1.0, 0]] * 30 + [[0, 1.0]] * 10)
    drawn = resampled(rows, 40_000, 1)
    assert drawn.sum(axis=1) == pytest.approx(np.full(40_000, 40))
    assert drawn.mean(axis=0) == pytest.approx([30, 10], abs=0.1)
    assert drawn.var(axis=0) == pytest.approx([7.5, 7.5], rel=0.05)
    assert (resampled(rows[:, ::-1], 50, 1) == resampled(rows, 50, 1)[:, ::-1]).all()
