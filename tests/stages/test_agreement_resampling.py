"""Cluster bootstrap intervals of agreement: whole prompts are drawn, the same ones for every table."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from stages import agreement as ag
from stages.agreement import Draws, Estimate, Table, estimates, resampling
from stages.agreement.resampling import Array


def one(rows: Array, clusters: list[int] | Array, of: resampling.Statistic, resamples: int = 400) -> Estimate:
    """Return a statistic of one table, with its interval."""
    numbers = np.asarray(clusters, dtype=np.int64)
    draws = Draws(int(numbers.max()) + 1, resamples, 0, 0.9)
    return estimates([Table(np.asarray(rows, dtype=float), numbers)], {"it": of}, draws)["it"]


def noisy(seed: int, rows: int, prompts: int) -> tuple[Array, Array]:
    """Return two columns that often agree, and prompts of unequal size."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 4, rows)
    y = np.where(random.random(rows) < 0.7, x, random.integers(0, 4, rows))
    sizes = random.random(prompts) ** 2 + 0.05
    clusters = np.concatenate([np.arange(prompts), random.choice(prompts, rows - prompts, p=sizes / sizes.sum())])
    return np.column_stack([x, y]) * 1.0, clusters


def test_interval_is_that_of_all_resamples() -> None:
    # Three draws from {0, 3, 6}: the mean is 0…6 in 1, 3, 6, 7, 6, 3, 1 of 27 cases, so that the
    # quantiles 0.1 and 0.9 fall on 1 and on 5.
    rows, clusters = np.array([[6.0], [0], [3]]), np.arange(3)
    found = estimates([Table(rows, clusters)], {"mean": ag.mean_error}, Draws(3, 20_000, 0, 0.8))["mean"]
    assert (found.value, found.low, found.high) == pytest.approx((3, 1, 5))


@pytest.mark.parametrize(
    ("of", "theirs"),
    [
        (ag.kappa, lambda x, y: cohen_kappa_score(x, y)),
        (ag.pearson, lambda x, y: stats.pearsonr(x, y)[0]),
        (ag.spearman, lambda x, y: stats.spearmanr(x, y)[0]),
        (ag.kendall, lambda x, y: stats.kendalltau(x, y)[0]),
    ],
)
def test_each_resample_is_whole_prompts_put_together(of: resampling.Statistic, theirs: object) -> None:
    """The interval is the one of a plain loop over the same draws, with another library's statistic."""
    rows, clusters = noisy(1, 70, 9)
    draws = Draws(9, 150, 3, 0.9)
    found = estimates([Table(rows, clusters)], {"it": of}, draws)["it"]
    looped = []
    for copies in np.concatenate(list(draws.blocks(70))):
        assert copies.sum() == 9
        drawn = np.concatenate([rows[clusters == c] for c in range(9) for _ in range(int(copies[c]))])
        looped.append(theirs(*drawn.T))  # type: ignore[operator]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(looped, [0.05, 0.95])))
    assert (found.value, found.rows, found.clusters) == (pytest.approx(theirs(*rows.T)), 70, 9)  # type: ignore[operator]


@pytest.mark.parametrize("of", [ag.accuracy, ag.kappa_linear, ag.pearson, ag.spearman, ag.icc_single, ag.mean_error])
def test_copies_within_a_prompt_prove_nothing(of: resampling.Statistic) -> None:
    """A judge that is asked five times about the same responses is not known any better: the interval stays."""
    rows, clusters = noisy(2, 40, 40)
    once, often = one(rows, clusters, of), one(np.tile(rows, (5, 1)), np.tile(clusters, 5), of)
    if of is not ag.icc_single:  # whose degrees of freedom count rows
        assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high))
    apart = one(np.tile(rows, (5, 1)), np.arange(200), of)
    assert apart.high - apart.low < 0.7 * (often.high - often.low)  # type: ignore[operator]


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_has_no_say(random: Random) -> None:
    rows, clusters = noisy(3, 50, 8)
    order = list(range(50))
    random.shuffle(order)
    for of in (ag.kappa, ag.kendall, ag.alpha_interval, ag.icc_average):
        assert one(rows[order], clusters[order], of, 60) == one(rows, clusters, of, 60)


def test_the_seed_decides() -> None:
    rows, clusters = noisy(4, 60, 12)
    table, of = Table(rows, clusters), {"it": ag.pearson}
    first, again, other = (estimates([table], of, Draws(12, 200, seed, 0.95))["it"] for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert first.value == other.value


def test_blocks_bound_memory_and_not_the_result() -> None:
    draws = Draws(7, 300, 5, 0.9)
    few, many = (np.concatenate(list(draws.blocks(rows))) for rows in (7, 10**9))
    assert (few == many).all()
    assert max(len(block) for block in draws.blocks(10**9)) == 4


def test_one_prompt_has_no_interval() -> None:
    """It says nothing about other prompts: the interval is missing, and not without width."""
    found = one(np.array([[0, 0], [1, 1], [1, 0.0]]), [0, 0, 0], ag.accuracy)
    assert (found.value, found.low, found.high, found.clusters) == (pytest.approx(2 / 3), None, None, 1)


def test_a_rare_answer_leaves_resamples_without_a_value() -> None:
    """Both sides see the one odd response alike; without it, in (19 / 20)^20 of the draws, kappa is undefined."""
    rows = np.zeros((20, 2))
    rows[0] = 1
    found = one(rows, np.arange(20), ag.kappa, 2_000)
    assert (found.value, found.low, found.high) == (1, None, None)
    assert found.undefined == pytest.approx(2_000 * 0.95**20, rel=0.1)
    assert one(rows, np.arange(20), ag.accuracy).undefined == 0


def test_a_few_undefined_resamples_are_left_out_and_counted() -> None:
    """Five of a hundred are odd: a draw misses them all in 0.6 % of cases."""
    rows = np.zeros((100, 2))
    rows[:5] = 1
    rows[5:9, 0] = 1
    found = one(rows, np.arange(100), ag.pearson, 5_000)
    assert 0 < found.undefined < 60
    assert found.low is not None and found.low < found.value < found.high  # type: ignore[operator]
    table = Table(rows, np.arange(100))
    drawn = [ag.pearson(table.distinct, table.counts(block)) for block in Draws(100, 5_000, 0, 0.9).blocks(100)]
    assert (found.low, found.high) == pytest.approx(tuple(np.nanquantile(np.concatenate(drawn), [0.05, 0.95])), abs=0)


def test_several_tables_are_a_weighted_mean_over_the_same_draws() -> None:
    (first, at), (second, there) = noisy(5, 60, 10), noisy(6, 20, 10)
    tables, draws = [Table(first, at), Table(second, there)], Draws(10, 100, 0, 0.9)
    found = estimates(tables, {"r": ag.pearson}, draws)["r"]
    single = [estimates([table], {"r": ag.pearson}, draws)["r"].value for table in tables]
    assert found.value == pytest.approx((single[0] * 60 + single[1] * 20) / 80)  # type: ignore[operator]
    assert (found.rows, found.clusters) == (80, 10)
    twice = estimates([tables[0], tables[0]], {"r": ag.pearson}, draws)["r"]
    once = estimates([tables[0]], {"r": ag.pearson}, draws)["r"]
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))


def test_a_table_without_a_value_is_left_out() -> None:
    """It takes no part as a 0 would, and its rows are not counted as evidence."""
    (first, at), alike = noisy(5, 60, 10), Table(np.ones((30, 2)), np.arange(30) % 10)
    draws = Draws(10, 100, 0, 0.9)
    alone = estimates([Table(first, at)], {"k": ag.kappa}, draws)["k"]
    assert estimates([Table(first, at), alike], {"k": ag.kappa}, draws)["k"] == pytest.approx(alone)
    assert estimates([alike, alike], {"k": ag.kappa}, draws)["k"] == Estimate(None, None, None, 60, 10, 0)
    assert estimates([], {"k": ag.kappa}, draws)["k"] == Estimate(None, None, None, 0, 0, 0)


def test_missing_labels_are_told_apart_from_each_other() -> None:
    """Distinct rows are found with their gaps: two raters who skip different responses are not alike."""
    x = np.nan
    table = Table(np.array([[1, x, 1], [x, 1, 1], [1, x, 1], [1, 1, x]]), np.arange(4))
    assert len(table.distinct) == 3
    assert sorted(table.counts(np.ones((1, 4)))[0]) == [1, 1, 2]


def test_the_interval_covers_what_it_should() -> None:
    """Of 200 samples of 40 prompts with strongly alike responses, the 90 % interval holds the truth in most.

    Resamples of single responses would hold it in about half of them.
    """
    random = np.random.default_rng(0)
    covered = {"prompts": 0, "responses": 0}
    for _ in range(200):
        right = np.repeat(random.random(40) < 0.7, 8) ^ (random.random(320) < 0.02)
        rows = np.column_stack([right, np.ones(320)]) * 1.0
        for name, clusters in (("prompts", np.repeat(np.arange(40), 8)), ("responses", np.arange(320))):
            found = one(rows, clusters, ag.accuracy, 150)
            covered[name] += found.low <= 0.7 * 0.98 + 0.3 * 0.02 <= found.high  # type: ignore[operator]
    assert 165 < covered["prompts"] < 195
    assert covered["responses"] < 130
