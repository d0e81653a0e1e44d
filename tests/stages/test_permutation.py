"""The paired permutation test: against all swaps, against scipy, by chance, and what has no say in it."""

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.agreement.permutation import swap_tests
from stages.agreement.ratios import Sides

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3)), min_size=2, max_size=7
)


def ratio(rows: list[tuple[int, int, int, int]], clip: bool = False) -> Sides:
    table = np.array(rows, dtype=float)
    return Sides(table[:, :2], table[:, 2:], clip)


def means(differences: np.ndarray) -> Sides:
    """Return two sides of means over prompts that differ so."""
    ones = np.ones(len(differences))
    return Sides(np.stack([0 * ones, ones], axis=1), np.stack([differences, ones], axis=1))


def p(sides: Sides, permutations: int = 100_000, seed: int = 0) -> float:
    (found,) = swap_tests([sides], permutations, seed)
    assert found is not None
    return found


def of_all_swaps(rows: list[tuple[int, int, int, int]], clip: bool = False) -> float:
    """Return the p-value, every swap written out."""

    def change(swaps: tuple[bool, ...]) -> float:
        swapped = [row[2:] + row[:2] if swap else row for row, swap in zip(rows, swaps, strict=True)]
        old, old_of, new, new_of = map(sum, zip(*swapped, strict=True))
        ratios = new / new_of, old / old_of
        return abs(np.subtract(*(np.clip(ratios, 0, 1) if clip else ratios)))

    every = [change(swaps) for swaps in product([False, True], repeat=len(rows))]
    return float(np.mean([one >= every[0] - 1e-9 for one in every]))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.booleans())
def test_few_prompts_are_tested_with_all_swaps(rows: list[tuple[int, int, int, int]], clip: bool) -> None:
    assert p(ratio(rows, clip)) == pytest.approx(of_all_swaps(rows, clip))


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(20, 60), st.randoms(use_true_random=False))
def test_neither_order_nor_sides_nor_company_have_a_say(
    rows: list[tuple[int, int, int, int]], permutations: int, random: Random
) -> None:
    """Also of drawn swaps: so few are drawn here that the test cannot try all."""
    found = p(ratio(rows), permutations)
    shuffled = [row[2:] + row[:2] for row in rows]
    random.shuffle(shuffled)
    others = [means(np.arange(1.0, 30)), ratio(shuffled), means(np.array([1.0, 0, -1]))]
    assert swap_tests(others, permutations, 0)[1] == found


def test_agrees_with_scipy() -> None:
    differences = np.random.default_rng(4).normal(0.25, 1, 60)
    theirs = stats.permutation_test(
        (differences,),
        lambda given, axis: given.mean(axis=axis),
        permutation_type="samples",
        n_resamples=50_000,
        rng=1,
    ).pvalue
    assert p(means(differences)) == pytest.approx(theirs, abs=0.006)
    assert p(means(differences)) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)


def test_agrees_with_the_sign_test_where_all_differ_as_much() -> None:
    """Then the swaps are throws of a coin: 41 of 60 prompts better, 19 worse."""
    differences = np.array([1.0] * 41 + [-1.0] * 19 + [0.0] * 100)
    assert p(means(differences)) == pytest.approx(stats.binomtest(41, 60).pvalue, abs=0.001)


def test_drawn_swaps_come_near_to_all_of_them() -> None:
    differences = np.random.default_rng(2).normal(0.4, 1, 16)
    whole, some = p(means(differences), 100_000), p(means(differences), 60_000)
    assert whole != some and some == pytest.approx(whole, abs=0.005)


def test_a_test_that_nothing_is_behind_rejects_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    rows = [np.stack([random.binomial(4, 0.5, 30), np.full(30, 4)] * 2, axis=1) for _ in range(600)]
    for each in rows:
        each[:, 2] = random.binomial(4, 0.5, 30)
    found = swap_tests([ratio(each) for each in rows], 400, 0)
    assert np.mean([value <= 0.1 for value in found if value is not None]) == pytest.approx(0.1, abs=0.035)


def test_drawn_swaps_give_no_p_of_zero() -> None:
    assert p(means(np.ones(50)), 999) == 0.001
    assert p(means(np.ones(3)), 999) == 0.25  # of eight swaps, two are as large


def test_what_does_not_differ_has_p_1_and_what_cannot_be_tested_has_none() -> None:
    assert p(means(np.zeros(40))) == 1
    assert p(means(np.array([1.0, -1.0]))) == 1
    assert swap_tests([means(np.ones(1))], 100, 0) == [None]
    assert swap_tests([ratio([(0, 0, 1, 1), (0, 0, 1, 1)])], 100, 0) == [None]
    assert swap_tests([], 100, 0) == []


def test_a_swap_without_a_denominator_counts_as_large() -> None:
    """Of four swaps two leave a side without any: both are counted, and so are the measured change and its mirror."""
    assert p(ratio([(1, 1, 0, 0), (0, 0, 1, 2)])) == 1


def test_seed_decides_the_draws() -> None:
    differences = np.random.default_rng(0).normal(0.2, 1, 40)
    assert p(means(differences), 500, 1) == p(means(differences), 500, 1) != p(means(differences), 500, 2)


def test_many_changes_are_tested_as_one_by_one() -> None:
    changes = [means(np.random.default_rng(n).normal(0.1, 1, 20 + n)) for n in range(70)]
    assert swap_tests(changes, 300, 5) == [p(each, 300, 5) for each in changes]
