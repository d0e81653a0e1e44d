"""Bradley–Terry: a published table, other people's logistic regression, known strengths, and what holds by symmetry."""

from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from stages.bradley_terry import beats, log_strengths, points, pools, strongly_connected

BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ],
    dtype=float,
)
"""Wins of the row over the column, American League East 1987, as in Agresti, Categorical Data Analysis (1990)."""
TABLES = st.integers(2, 5).flatmap(
    lambda size: st.lists(
        st.lists(st.sampled_from([0, 0.5, 1, 2, 3.5, 10]), min_size=size, max_size=size), min_size=size, max_size=size
    )
)


def table(rows: list[list[float]]) -> np.ndarray:
    """Return a table of wins in which nobody plays against himself."""
    wins = np.array(rows, dtype=float)
    np.fill_diagonal(wins, 0)
    return wins


def connected(wins: np.ndarray) -> bool:
    """Return whether pairs that met lead from each to each."""
    return bool(strongly_connected((wins + wins.T > 0)[None])[0])


def simulated(strengths: np.ndarray, games: int, seed: int = 0) -> np.ndarray:
    """Return the wins when every two play so many games."""
    random, size = np.random.default_rng(seed), len(strengths)
    wins = np.zeros((size, size))
    for one, two in combinations(range(size), 2):
        wins[one, two] = random.binomial(games, 1 / (1 + np.exp(strengths[two] - strengths[one])))
        wins[two, one] = games - wins[one, two]
    return wins


def design(wins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (X, wins and losses) of each pair that met; the first label is the reference."""
    size, rows, ends = len(wins), [], []
    for one, two in combinations(range(size), 2):
        if wins[one, two] + wins[two, one]:
            row = np.zeros(size)
            row[one], row[two] = 1, -1
            rows.append(row[1:])
            ends.append((wins[one, two], wins[two, one]))
    return np.array(rows), np.array(ends)


def test_the_published_strengths_of_seven_baseball_teams() -> None:
    """Milwaukee, Detroit, Toronto, New York, Boston and Cleveland against Baltimore, as Agresti prints them."""
    found, separated = log_strengths(BASEBALL)
    assert (found - found[-1]).round(3).tolist() == [1.581, 1.436, 1.294, 1.248, 1.108, 0.684, 0.0]
    assert not separated


@pytest.mark.parametrize("ties", [False, True])
def test_equals_a_binomial_regression_without_intercept(ties: bool) -> None:
    """statsmodels finds the same, also where ties are half a win for both."""
    wins = simulated(np.array([0.0, 0.7, -0.4, 1.9, 0.1]), 40)
    if ties:
        tied = np.triu(np.random.default_rng(5).integers(1, 19, (5, 5)), 1)
        wins += 0.5 * (tied + tied.T)
    rows, ends = design(wins)
    theirs = sm.GLM(ends, rows, family=sm.families.Binomial()).fit(tol=1e-12, maxiter=100).params
    ours = log_strengths(wins)[0]
    assert ours[1:] - ours[0] == pytest.approx(theirs, abs=1e-8)


def test_equals_a_logistic_regression_on_single_games() -> None:
    """scikit-learn, without a penalty, finds the same from one row a game."""
    wins = simulated(np.array([0.3, -1.2, 0.8, 0.0]), 30, seed=2)
    rows, ends = design(wins)
    games = np.repeat(np.concatenate([rows, rows]), np.concatenate([ends[:, 0], ends[:, 1]]).astype(int), axis=0)
    won = np.repeat([1, 0], [int(ends[:, 0].sum()), int(ends[:, 1].sum())])
    theirs = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000).fit(games, won).coef_[0]
    ours = log_strengths(wins)[0]
    assert ours[1:] - ours[0] == pytest.approx(theirs, abs=1e-4)


def test_recovers_known_strengths() -> None:
    """The error shrinks with the root of the number of games."""
    true = np.array([1.5, 0.5, 0.0, -0.5, -1.5])
    few, many = (np.abs(log_strengths(simulated(true, games, 7))[0] - true).max() for games in (100, 40_000))
    assert many < 0.03
    assert many < few / 5


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_what_is_expected_is_what_was_seen(rows: list[list[float]]) -> None:
    """At the maximum of the likelihood everybody's expected wins are his wins; where none exists, with half a win."""
    wins = table(rows)
    if not connected(wins):
        with pytest.raises(ValueError, match="comparable only where"):
            log_strengths(wins)
        return
    found, separated = log_strengths(wins)
    met = wins + wins.T > 0
    counted = wins + 0.5 * met if separated else wins
    expected = (counted + counted.T) * beats(found)
    assert expected.sum(axis=1) == pytest.approx(counted.sum(axis=1), abs=1e-6)
    assert found.sum() == pytest.approx(0, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_separated_is_where_somebody_never_beat_the_others(rows: list[list[float]]) -> None:
    """Ford's condition, looked for in every way to cut the labels in two."""
    wins = table(rows)
    if connected(wins):
        size = len(wins)
        cuts = [list(cut) for count in range(1, size) for cut in combinations(range(size), count)]
        crossed = [wins[np.ix_(cut, [k for k in range(size) if k not in cut])].any() for cut in cuts]
        assert bool(log_strengths(wins)[1]) is not all(crossed)


@settings(max_examples=100, deadline=None)
@given(TABLES, st.randoms(use_true_random=False))
def test_names_and_sides_have_no_say(rows: list[list[float]], random: object) -> None:
    """Labels in another order have their strengths in that order; wins that become losses turn the sign."""
    wins = table(rows)
    if connected(wins):
        found = log_strengths(wins)[0]
        order = np.random.default_rng(random.randrange(2**32)).permutation(len(wins))  # type: ignore[attr-defined]
        assert log_strengths(wins[np.ix_(order, order)])[0] == pytest.approx(found[order], abs=1e-7)
        assert log_strengths(wins.T)[0] == pytest.approx(-found, abs=1e-7)


def test_more_of_the_same_changes_nothing() -> None:
    assert log_strengths(BASEBALL * 1000)[0] == pytest.approx(log_strengths(BASEBALL)[0], abs=1e-9)


def test_ties_draw_together() -> None:
    """A tie is half a win for both: twenty of them leave less of a lead of three games."""
    three = log_strengths(np.array([[0, 5.0], [2.0, 0]]))[0]
    tied = log_strengths(np.array([[0, 15.0], [12.0, 0]]))[0]
    assert three == pytest.approx([np.log(5 / 2) / 2, -np.log(5 / 2) / 2])
    assert tied == pytest.approx([np.log(15 / 12) / 2, -np.log(15 / 12) / 2])


def test_who_won_all_is_bounded_by_half_a_win() -> None:
    """Ten to nothing has no likeliest ratings; with half a win for both the odds are 10.5 to 0.5."""
    found, separated = log_strengths(np.array([[0, 10.0], [0, 0]]))
    assert separated
    assert found[0] - found[1] == pytest.approx(np.log(21))


def test_a_batch_is_its_tables_one_by_one() -> None:
    """Also where some are separated and others are not; who met is what holds for all of them."""
    batch = np.stack([BASEBALL, BASEBALL.T, np.triu(BASEBALL), BASEBALL * 3 + 1 - np.eye(7)])
    found, separated = log_strengths(batch)
    assert separated.tolist() == [False, False, True, False]
    for strengths, wins in zip(found, batch, strict=True):
        assert strengths == pytest.approx(log_strengths(wins)[0], abs=1e-8)


def test_a_long_chain_of_landslides() -> None:
    """Thirty labels, each of which beat the next a million times and lost once, are 29 times ln(1,000,000) apart."""
    wins = np.diag([1e6] * 29, 1) + np.diag([1.0] * 29, -1)
    found, separated = log_strengths(wins)
    assert np.diff(found) == pytest.approx([-np.log(1e6)] * 29, abs=1e-6)
    assert not separated
    assert log_strengths(np.diag([1e6] * 29, 1))[1]


def test_landslides_that_carry_plain_newton_away() -> None:
    """Full steps of Newton's method overshoot here, and never come back."""
    wins = np.zeros((6, 6))
    lopsided = {(0, 3): 1, (0, 4): 8, (0, 5): 20, (1, 3): 13_091, (1, 4): 33, (1, 5): 1_283, (2, 0): 723, (3, 0): 35}
    lopsided |= {(3, 4): 62_928, (3, 5): 26_355, (4, 0): 14, (5, 0): 1, (5, 1): 73, (5, 2): 257_536, (5, 4): 33}
    for pair, count in lopsided.items():
        wins[pair] = count
    found, separated = log_strengths(wins)
    expected = (wins + wins.T) * beats(found)
    assert not separated
    assert expected.sum(axis=1) == pytest.approx(wins.sum(axis=1), rel=1e-9)


def test_points_are_those_of_elo() -> None:
    """400 points are odds of ten to one; the mean, or the anchor's rating, is 1000."""
    strengths = np.array([np.log(10), 0.0, -np.log(10)])
    assert points(strengths) == pytest.approx([1400, 1000, 600])
    assert points(strengths, anchor=2) == pytest.approx([1800, 1400, 1000])
    assert beats(strengths)[0, 1] == pytest.approx(10 / 11)


def test_pools_are_what_pairs_connect() -> None:
    met = np.zeros((6, 6), dtype=bool)
    for one, two in ((0, 4), (4, 2), (1, 5)):
        met[one, two] = met[two, one] = True
    assert pools(met) == [[0, 2, 4], [1, 5], [3]]
