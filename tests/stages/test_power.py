"""How many prompts show how much: against statsmodels, and against runs of the test itself."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from stages.agreement.power import detectable, needed

LEVELS, POWERS = (0.9, 0.95, 0.99), (0.8, 0.9, 0.95)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("prompts", [10, 20, 100, 541, 5_000])
def test_agrees_with_the_noncentral_t(level: float, power: float, prompts: int) -> None:
    theirs = float(np.squeeze(TTestPower().solve_power(None, nobs=prompts, alpha=1 - level, power=power)))
    assert detectable(2.0, prompts, level, power) == pytest.approx(2 * theirs, rel=0.02)
    assert needed(2.0, 2 * theirs, level, power) == pytest.approx(prompts, abs=1)


def test_the_one_is_the_inverse_of_the_other() -> None:
    for prompts in (5, 30, 400):
        change = detectable(0.7, prompts, 0.95, 0.8)
        assert change is not None
        assert needed(0.7, change * 1.000001, 0.95, 0.8) == prompts
        assert needed(0.7, -change * 0.999, 0.95, 0.8) == prompts + 1


def test_so_many_of_the_tests_find_it() -> None:
    change = detectable(1.0, 60, 0.95, 0.8)
    assert change is not None
    found = np.random.default_rng(0).normal(change, 1, (20_000, 60))
    assert np.mean(stats.ttest_1samp(found, 0, axis=1).pvalue <= 0.05) == pytest.approx(0.8, abs=0.01)


def test_without_spread_change_or_prompts_nothing_is_said() -> None:
    nothing = float("nan")
    assert detectable(0.0, 50, 0.95, 0.8) is None and detectable(nothing, 50, 0.95, 0.8) is None
    assert detectable(1.0, 1, 0.95, 0.8) is None
    assert needed(0.0, 0.5, 0.95, 0.8) is None and needed(nothing, 0.5, 0.95, 0.8) is None
    assert needed(1.0, 0.0, 0.95, 0.8) is None and needed(1.0, 1e-300, 0.95, 0.8) is None
    assert needed(1.0, 1e-17, 0.95, 0.8) is None  # the dust of rounding
