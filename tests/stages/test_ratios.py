"""Changes of ratios: the interval against scipy and brute force, the spread against simulation, and symmetries."""

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.agreement import paired_bootstrap
from stages.agreement.ratios import Sides, interval

ROWS = st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(0, 5), st.integers(1, 4))


def sides(rows: list[tuple[int, int, int, int]] | np.ndarray, clip: bool = False) -> Sides:
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return Sides(table[:, :2], table[:, 2:], clip)


def drawn(prompts: int, seed: int) -> np.ndarray:
    """Return prompts of 1 to 9 instructions, of which more are followed after than before."""
    random = np.random.default_rng(seed)
    old, new = random.integers(1, 10, (2, prompts))
    return np.stack([random.binomial(old, 0.4), old, random.binomial(new, 0.55), new], axis=1)


def test_ratios_are_of_sums_and_not_means_of_ratios() -> None:
    assert sides([(1, 1, 0, 1), (0, 3, 3, 3)]).ratios == (0.25, 0.75)
    assert np.isnan(sides([(1, 0, 1, 1)]).ratios[0])


def test_the_interval_is_that_of_all_resamples() -> None:
    rows = np.array([(1, 2, 2, 2), (0, 1, 3, 4), (2, 3, 0, 1)])
    every = [rows[list(picks)].sum(axis=0) for picks in product(range(3), repeat=3)]
    changes = [new / new_of - old / old_of for old, old_of, new, new_of in every]
    found = interval(sides(rows), 20_000, 0, 0.8)
    assert found is not None
    measured = rows.sum(axis=0)
    assert found[0] == pytest.approx(measured[2] / measured[3] - measured[0] / measured[1])
    assert found[1:] == pytest.approx(tuple(np.quantile(changes, [0.1, 0.9])), abs=1e-9)


def test_agrees_with_scipy() -> None:
    rows = drawn(80, 3)
    theirs = stats.bootstrap(
        tuple(rows.T),
        lambda old, old_of, new, new_of, axis: new.sum(axis) / new_of.sum(axis) - old.sum(axis) / old_of.sum(axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=1,
    ).confidence_interval
    found = interval(sides(rows), 20_000, 1, 0.95)
    assert found is not None and found[1:] == pytest.approx((theirs.low, theirs.high), abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_order_has_no_say_and_swapping_mirrors(rows: list[tuple[int, int, int, int]], random: Random) -> None:
    found = interval(sides(rows), 200, 3, 0.9)
    assert found is not None
    change, low, high = found
    assert low - 1e-9 <= change <= high + 1e-9
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert interval(sides(shuffled), 200, 3, 0.9) == pytest.approx(found, abs=1e-12)
    mirrored = [(c, d, a, b) for a, b, c, d in rows]
    assert interval(sides(mirrored), 200, 3, 0.9) == pytest.approx((-change, -high, -low), abs=1e-12)


def test_a_mean_is_what_paired_bootstrap_says() -> None:
    random = np.random.default_rng(0)
    old, new, ones = random.normal(size=30), random.normal(size=30), np.ones(30)
    both = Sides(np.stack([old, ones], axis=1), np.stack([new, ones], axis=1))
    assert interval(both, 300, 1, 0.95) == paired_bootstrap(new - old, 300, 1, 0.95)
    assert both.spread() == pytest.approx((new - old).std(ddof=1))


def test_the_spread_is_the_standard_error_of_many_draws() -> None:
    """Over √n the spread is how much the change of a ratio varies from one set of prompts to another."""
    changes = [float(np.subtract(*sides(drawn(200, seed)).ratios[::-1])) for seed in range(2_000)]
    spreads = [sides(drawn(200, seed)).spread() for seed in range(50)]
    assert np.mean(spreads) / np.sqrt(200) == pytest.approx(np.std(changes), rel=0.06)


@pytest.mark.parametrize(
    "of", [sides([(1, 2, 1, 2)]), sides([(-1, 1, 1, 1), (-1, 1, 2, 1)], clip=True)], ids=["single", "clipped away"]
)
def test_where_there_is_no_spread(of: Sides) -> None:
    assert np.isnan(of.spread())


def test_what_has_no_denominator_has_no_interval() -> None:
    assert interval(sides([(0, 0, 1, 1), (0, 0, 2, 2)]), 50, 0, 0.9) is None
    few = [(0, 0, 1, 1)] * 20 + [(1, 1, 1, 1)]  # a third of the resamples lack the one prompt that has a denominator
    assert interval(sides(few), 500, 0, 0.9) is None
    many = [(0, 0, 1, 1), *[(1, 2, 1, 1)] * 20]
    assert interval(sides(many), 500, 0, 0.9) == pytest.approx((0.5, 0.5, 0.5))


def test_clipped_ratios_lie_between_0_and_1() -> None:
    rows = [(-2, 2, 3, 2), (-1, 2, 4, 2)]
    assert sides(rows, clip=True).ratios == (0, 1)
    assert interval(sides(rows, clip=True), 100, 0, 0.9) == (1, 1, 1)
