"""How sure an excess is: against brute force, and against libraries that do the same in another way."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.defence.significance import adjusted, best_sign_test, between, fisher, rate, reachable, sign_test

sides = st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda sizes: st.tuples(st.integers(0, sum(sizes)), st.just(sizes[0]), st.just(sizes[1]))
)


def brute(splits: list[tuple[int, int, int]], excess: int) -> float:
    """Try every way in which lots may fall."""
    each = []
    for have, high, low in splits:
        signs = []
        for chosen in combinations(range(high + low), have):
            above = sum(place < high for place in chosen)
            signs.append(int(np.sign(above * low - (have - above) * high)))
        each.append([(value, signs.count(value) / len(signs)) for value in set(signs)])
    total = 0.0
    for outcome in product(*each):
        if sum(value for value, _ in outcome) >= excess:
            total += float(np.prod([chance for _, chance in outcome]))
    return total


@settings(max_examples=60, deadline=None)
@given(splits=st.lists(sides, min_size=1, max_size=4), excess=st.integers(-4, 4))
def test_the_sign_test_is_exact(splits: list[tuple[int, int, int]], excess: int) -> None:
    assert sign_test(splits, excess) == pytest.approx(brute(splits, excess), abs=1e-12)


def test_a_prompt_counts_once() -> None:
    """A group of eight in which all four above have it and nobody below is one more prompt, and no stronger proof."""
    assert sign_test([(4, 4, 4)], 1) == pytest.approx((comb(8, 4) - comb(4, 2) ** 2) / 2 / comb(8, 4))
    assert sign_test([(4, 4, 4)] * 10, 5) > sign_test([(4, 4, 4)] * 10, 10)
    assert sign_test([(1, 4, 4)] * 10, 10) == pytest.approx(0.5**10)
    assert best_sign_test([(1, 4, 4)] * 10) == pytest.approx(0.5**10)
    assert sign_test([(8, 4, 4), (0, 4, 4)], 0) == 1.0, "prompts where all or none have it say nothing"


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 30), m=st.integers(1, 30), data=st.data())
def test_fisher_is_scipys(n: int, m: int, data: st.DataObject) -> None:
    stats = pytest.importorskip("scipy.stats")
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    wanted = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert fisher(a, n, b, m) == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 400), data=st.data())
def test_bounds_are_those_of_clopper_and_pearson(n: int, data: st.DataObject) -> None:
    beta = pytest.importorskip("scipy.stats").beta
    hits = data.draw(st.integers(0, n))
    told = rate(hits, n)
    assert told.high == pytest.approx(1.0 if hits == n else beta.ppf(0.95, hits + 1, n - hits), abs=1e-6)
    assert told.low == pytest.approx(0.0 if hits == 0 else beta.ppf(0.05, hits, n - hits + 1), abs=1e-6)
    assert told.low <= told.share <= told.high


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_correction_is_benjaminis_and_hochbergs(chances: list[float]) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert adjusted(chances) == pytest.approx(list(stats.false_discovery_control(chances)), abs=1e-12)


def test_weights_favour_and_tests_that_are_not_handed_in_count() -> None:
    assert adjusted([0.01, 0.01], [1.5, 0.5]) == pytest.approx([0.01 / 1.5 * 2, 0.02])
    assert adjusted([0.01], tested=10) == pytest.approx([0.1])
    assert adjusted([]) == []


def test_what_can_never_be_significant_is_not_tested() -> None:
    """Of a thousand patterns that three prompts have, none costs the one that thirty prompts have anything."""
    assert reachable([0.5**30] + [0.125] * 1_000, 0.1) == 0.1
    assert reachable([1e-6] * 10, 0.1) == pytest.approx(0.01)


def test_between_two_sets_of_prompts() -> None:
    """Shares of 0 and 1 are Fisher's; others are drawn; equal ones show nothing."""
    is_high = np.arange(20) < 10
    assert between(is_high.astype(float), is_high, 0) == pytest.approx(fisher(10, 10, 0, 10))
    graded = np.where(is_high, 0.9, 0.1) + np.arange(20) / 1_000
    assert between(graded, is_high, 0) <= 2e-4
    assert between(-graded, is_high, 0) == 1.0
    assert between(np.full(20, 0.3), is_high, 0) == 1.0


def test_lots_of_graded_shares_are_uniform() -> None:
    """Without a difference, one p in ten is at most 0.1."""
    random = np.random.default_rng(5)
    is_high = np.arange(24) < 12
    chances = [between(random.random(24), is_high, 1) for _ in range(300)]
    assert 0.05 < np.mean([p <= 0.1 for p in chances]) < 0.16
