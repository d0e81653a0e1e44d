"""Corrected p-values: against statsmodels, and what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from stages.agreement.correction import CORRECTIONS, benjamini_hochberg, holm

VALUES = st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.05]), min_size=1, max_size=30)


@settings(max_examples=20, deadline=None)
@given(VALUES)
def test_agree_with_statsmodels(values: list[float]) -> None:
    for name, theirs in (("holm", "holm"), ("bh", "fdr_bh")):
        expected = multipletests(values, method=theirs)[1].tolist()
        assert CORRECTIONS[name](values) == pytest.approx(expected, abs=1e-12)


def test_by_hand() -> None:
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert benjamini_hochberg([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.03])
    assert holm([]) == benjamini_hochberg([]) == []


def test_holm_is_wrong_about_any_at_most_as_often_as_it_says() -> None:
    """Also of tests that depend on each other: here each family has ten p-values that share half of their noise."""
    random = np.random.default_rng(0)
    noise = (random.normal(size=(4_000, 1)) + random.normal(size=(4_000, 10))) / np.sqrt(2)
    families = 2 * norm.sf(np.abs(noise))
    assert np.mean([min(holm(family.tolist())) <= 0.1 for family in families]) <= 0.1
    assert np.mean([min(family) <= 0.1 for family in families]) > 0.3  # what no correction at all would do
