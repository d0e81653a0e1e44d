"""The bootstrap: known intervals, agreement with scipy, and the symmetries that it promises."""

from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.agreement import clipped_bootstrap, means, paired_bootstrap

FINITE = st.floats(-100, 100, allow_subnormal=False)
DIFFERENCES = st.lists(FINITE, min_size=1, max_size=12).map(np.array)


def test_interval_is_that_of_all_resamples() -> None:
    # Three draws from {0, 3, 6}: the mean is 0…6 in 1, 3, 6, 7, 6, 3, 1 of 27 cases, so that the
    # quantiles 0.1 and 0.9 fall on 1 and on 5.
    assert paired_bootstrap(np.array([6.0, 0.0, 3.0]), 20_000, 0, 0.8) == pytest.approx((3, 1, 5))


def test_agrees_with_scipy() -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, 60)
    theirs = stats.bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", rng=5
    ).confidence_interval
    mean, low, high = paired_bootstrap(differences, 20_000, 5, 0.95)
    assert mean == pytest.approx(differences.mean())
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


@settings(max_examples=60, deadline=None)
@example(np.array([-1.0, 0.0, 0.0, 1.0]), Random(0))
@given(DIFFERENCES, st.randoms(use_true_random=False))
def test_order_has_no_say_and_negation_mirrors(differences: np.ndarray, random: Random) -> None:
    mean, low, high = paired_bootstrap(differences, 200, 3, 0.9)
    shuffled = differences.tolist()
    random.shuffle(shuffled)
    assert paired_bootstrap(np.array(shuffled), 200, 3, 0.9) == (mean, low, high)
    assert paired_bootstrap(-differences, 200, 3, 0.9) == (-mean, -high, -low)


@settings(max_examples=60, deadline=None)
@given(DIFFERENCES)
def test_interval_contains_the_mean_and_lies_in_the_data(differences: np.ndarray) -> None:
    mean, low, high = paired_bootstrap(differences, 500, 0, 0.95)
    assert low - 1e-9 <= mean <= high + 1e-9
    assert differences.min() - 1e-9 <= low and high <= differences.max() + 1e-9


def test_equal_differences_have_an_interval_without_width() -> None:
    assert len(set(paired_bootstrap(np.full(10, 0.1), 100, 0, 0.95))) == 1


def test_a_higher_level_is_wider_and_more_prompts_are_narrower() -> None:
    differences = np.random.default_rng(0).normal(size=40)
    widths = [np.ptp(paired_bootstrap(differences, 2000, 0, level)[1:]) for level in (0.5, 0.8, 0.95, 0.99)]
    assert widths == sorted(widths)
    assert np.ptp(paired_bootstrap(np.tile(differences, 16), 2000, 0, 0.95)[1:]) < widths[2] / 3


def test_blocks_bound_memory_and_not_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(0).normal(size=30)
    whole = paired_bootstrap(differences, 4000, 0, 0.95)
    monkeypatch.setattr(means, "_DRAWS_PER_BLOCK", 70)
    assert paired_bootstrap(differences, 4000, 0, 0.95) == pytest.approx(whole, abs=0.05)


def test_seed_decides_the_result() -> None:
    differences = np.random.default_rng(0).normal(size=30)
    assert paired_bootstrap(differences, 300, 1, 0.95) == paired_bootstrap(differences, 300, 1, 0.95)
    assert paired_bootstrap(differences, 300, 1, 0.95)[1:] != paired_bootstrap(differences, 300, 2, 0.95)[1:]


@pytest.mark.parametrize(("differences", "level"), [([], 0.9), ([1, float("nan")], 0.9), ([1, 2], 1.0), ([1, 2], 0.0)])
def test_refuses_what_has_no_interval(differences: list[float], level: float) -> None:
    with pytest.raises(ValueError, match=r"bootstrap|level"):
        paired_bootstrap(np.array(differences), 10, 0, level)


def test_an_end_at_zero_is_exactly_zero() -> None:
    """Rounding dust on the side of a gain would turn "touches 0" into "above 0"."""
    seen = 0
    for prompts in range(7, 40):
        for gains in range(3, 8):
            differences = np.array(
                [1.0] * gains + [-1.0] * 2 + [0.0] * (prompts - gains - 2 if prompts > gains + 2 else 0)
            )
            _, low, high = paired_bootstrap(differences, 2_000, 0, 0.95)
            assert low == 0 or abs(low) > 1e-9
            assert high == 0 or abs(high) > 1e-9
            seen += low == 0
    assert seen > 5


def test_clipped_means() -> None:
    """Inside [0, 1] they are the plain ones; a mean below 0 counts as 0, as in HealthBench."""
    draw = np.random.default_rng(0)
    before, after = draw.uniform(0.2, 0.6, 40), draw.uniform(0.4, 0.8, 40)
    mean, low, high = clipped_bootstrap(before, after, 500, 0, 0.95)
    plain = paired_bootstrap(after - before, 500, 0, 0.95)
    assert mean == pytest.approx(plain[0])
    assert (low, high) == pytest.approx(plain[1:], abs=0.02)
    assert clipped_bootstrap(np.full(8, -0.5), np.full(8, -0.1), 50, 0, 0.9) == (0.0, 0.0, 0.0)
    mean, low, high = clipped_bootstrap(np.full(8, -0.5), np.full(8, 0.25), 50, 0, 0.9)
    assert (mean, low, high) == (0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="finite"):
        clipped_bootstrap(np.array([]), np.array([]), 10, 0, 0.9)
