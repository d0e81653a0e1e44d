"""Statistics of agreement: published values, equality with other libraries, and what is undefined."""

from collections.abc import Callable

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from stages import agreement as ag
from stages.agreement.resampling import Array, Statistic, value_of

X = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, X, X, X],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, X, 3],
        [X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, X],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, X],
    ]
).T
"""Four observers, twelve units: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C."""
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]])
"""Six targets, four judges: Shrout and Fleiss (1979), table 2."""
PAIRED: dict[str, Statistic] = {
    "accuracy": ag.accuracy,
    "kappa": ag.kappa,
    "kappa_linear": ag.kappa_linear,
    "kappa_quadratic": ag.kappa_quadratic,
    "pearson": ag.pearson,
    "spearman": ag.spearman,
    "kendall": ag.kendall,
}
MANY: dict[str, Statistic] = {
    "alpha_nominal": ag.alpha_nominal,
    "alpha_ordinal": ag.alpha_ordinal,
    "alpha_interval": ag.alpha_interval,
    "icc_single": ag.icc_single,
    "icc_average": ag.icc_average,
}
TWO_COLUMNS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30).map(
    lambda rows: np.array(rows, dtype=float)
)


def two(seed: int, rows: int, levels: int) -> Array:
    """Return two columns that agree on some six in ten rows."""
    random = np.random.default_rng(seed)
    one = random.integers(0, levels, rows)
    return np.column_stack([one, np.where(random.random(rows) < 0.6, one, random.integers(0, levels, rows))]) * 1.0


def of_units(rows: Array) -> Array:
    """Return the rows with two labels or more."""
    return rows[(~np.isnan(rows)).sum(axis=1) > 1]


def close(value: float | None, expected: float) -> bool:
    """Return whether a statistic is the other library's value, where that one is NaN for undefined."""
    return value is None if np.isnan(expected) else value == pytest.approx(expected, abs=1e-9)


def test_krippendorffs_example() -> None:
    rows = of_units(KRIPPENDORFF)
    found = [value_of(of, rows) for of in (ag.alpha_nominal, ag.alpha_ordinal, ag.alpha_interval)]
    assert found == pytest.approx([0.743, 0.815, 0.849], abs=0.0005)


def test_shrout_and_fleiss_example() -> None:
    assert value_of(ag.icc_single, SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)
    assert value_of(ag.icc_average, SHROUT_FLEISS) == pytest.approx(0.62, abs=0.005)


def test_cohens_example() -> None:
    """Two psychologists, 200 patients: Cohen (1960), table 1, kappa 0.492 (rounded as printed there: 0.49)."""
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    rows = np.repeat([(i, j) for i in range(3) for j in range(3)], table.ravel(), axis=0) * 1.0
    assert value_of(ag.kappa, rows) == pytest.approx(0.492, abs=0.0005)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("rows", "levels"), [(4, 2), (40, 2), (300, 5), (200, 60)])
@pytest.mark.parametrize("seed", range(3))
def test_two_raters_as_other_libraries_have_it(seed: int, rows: int, levels: int) -> None:
    table = two(seed, rows, levels)
    one, other = table.T
    cells = confusion_matrix(one, other, labels=range(levels))
    assert close(value_of(ag.accuracy, table), accuracy_score(one, other))
    for name, weights in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        found = value_of(PAIRED[name], table)
        assert close(found, cohen_kappa_score(one, other, labels=range(levels), weights=weights))
        theirs = cohens_kappa(cells, weights=None, wt=weights, return_results=False)
        assert close(found, float(np.atleast_1d(theirs)[0]))
    assert close(value_of(ag.pearson, table), stats.pearsonr(one, other)[0])
    assert close(value_of(ag.spearman, table), stats.spearmanr(one, other)[0])
    assert close(value_of(ag.kendall, table), stats.kendalltau(one, other)[0])
    assert (ag.confusion(table, levels) == cells.T).all()


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=200, deadline=None)
@given(TWO_COLUMNS)
def test_ties_and_constants_as_scipy_has_them(rows: Array) -> None:
    one, other = rows.T
    if len(rows) > 1:
        assert close(value_of(ag.pearson, rows), stats.pearsonr(one, other)[0])
        assert close(value_of(ag.spearman, rows), stats.spearmanr(one, other)[0])
        assert close(value_of(ag.kendall, rows), stats.kendalltau(one, other)[0])
    if len(np.unique(rows)) > 1:
        for name, weights in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
            theirs = cohen_kappa_score(one, other, labels=range(5), weights=weights)
            assert value_of(PAIRED[name], rows) == pytest.approx(theirs, abs=1e-9)


def test_a_tier_that_nobody_chose_keeps_its_place() -> None:
    """Tiers 0, 1 and 4: scikit-learn's own default would count them as 0, 1 and 2."""
    rows = np.array([[0, 0], [0, 1], [1, 1], [4, 4], [4, 1], [0, 4.0]])
    known = cohen_kappa_score(*rows.T, labels=range(5), weights="linear")
    assert value_of(ag.kappa_linear, rows) == pytest.approx(known)
    assert known != pytest.approx(cohen_kappa_score(*rows.T, weights="linear"), abs=0.01)


def by_definition(rows: Array, distance: Callable[[dict[float, float], float, float], float]) -> float:
    """Return Krippendorff's alpha by his definition, coincidence by coincidence."""
    units = [[v for v in row if not np.isnan(v)] for row in rows]
    coincidences: dict[tuple[float, float], float] = {}
    for unit in units:
        for i, one in enumerate(unit):
            for j, other in enumerate(unit):
                if i != j:
                    coincidences[one, other] = coincidences.get((one, other), 0) + 1 / (len(unit) - 1)
    values = sorted({v for pair in coincidences for v in pair})
    totals = {v: sum(n for pair, n in coincidences.items() if pair[0] == v) for v in values}
    number = sum(totals.values())
    observed = sum(n * distance(totals, *pair) for pair, n in coincidences.items())
    expected = sum(totals[c] * totals[k] * distance(totals, c, k) for c in values for k in values) / (number - 1)
    return 1 - observed / expected


def ordinal(totals: dict[float, float], one: float, other: float) -> float:
    """Return Krippendorff's ordinal metric difference."""
    low, high = sorted((one, other))
    between = sum(n for v, n in totals.items() if low <= v <= high)
    return (between - (totals[low] + totals[high]) / 2) ** 2


@pytest.mark.parametrize("seed", range(12))
def test_alpha_is_what_its_definition_says(seed: int) -> None:
    """Any number of raters, labels missing at random."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, 5, (15, 2 + seed % 4)).astype(float)
    rows[random.random(rows.shape) < 0.25] = np.nan
    rows = of_units(rows)
    assert value_of(ag.alpha_nominal, rows) == pytest.approx(by_definition(rows, lambda _, c, k: float(c != k)))
    assert value_of(ag.alpha_interval, rows) == pytest.approx(by_definition(rows, lambda _, c, k: (c - k) ** 2))
    assert value_of(ag.alpha_ordinal, rows) == pytest.approx(by_definition(rows, ordinal))


def test_alpha_and_fleiss_kappa() -> None:
    """Without missing labels, alpha is 1 − (1 − Fleiss' kappa) (N − 1) / N for N labels in all."""
    rows = np.random.default_rng(2).integers(0, 3, (20, 4))
    theirs = fleiss_kappa(aggregate_raters(rows)[0])
    assert value_of(ag.alpha_nominal, rows * 1.0) == pytest.approx(1 - (1 - theirs) * 79 / 80)


@pytest.mark.parametrize("seed", range(4))
def test_icc_from_an_analysis_of_variance(seed: int) -> None:
    """Equal to what statsmodels' mean squares give in the formulas of Shrout and Fleiss, wherever the origin lies."""
    random = np.random.default_rng(seed)
    n, k = 7 + seed, 2 + seed
    rows = 1e4 * seed + random.normal(size=(n, 1)) + random.normal(size=(1, k)) + random.normal(size=(n, k))
    frame = pandas.DataFrame([(i, j, rows[i, j]) for i in range(n) for j in range(k)], columns=["row", "rater", "y"])
    found = anova_lm(ols("y ~ C(row) + C(rater)", frame).fit())
    bms, jms, ems = (found.loc[name, "mean_sq"] for name in ("C(row)", "C(rater)", "Residual"))
    single = (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n)
    assert value_of(ag.icc_single, rows) == pytest.approx(single, abs=1e-6)
    assert value_of(ag.icc_average, rows) == pytest.approx((bms - ems) / (bms + (jms - ems) / n), abs=1e-6)


def test_calibration_error() -> None:
    """Bins (0.5, 0.6], (0.8, 0.9] and (0.9, 1]: 4/8 · |0.5 − 0.6| + 3/8 · |1 − 0.9| + 1/8 · |0 − 1|."""
    rows = np.array([[0.6, 1], [0.6, 0], [0.6, 1], [0.6, 0], [0.9, 1], [0.9, 1], [0.9, 1], [1.0, 0]])
    assert value_of(ag.calibration_error, rows) == pytest.approx(0.05 + 0.0375 + 0.125)
    assert value_of(ag.calibration_error, np.array([[1.0, 1.0], [1.0, 1.0]])) == 0
    # Inside a bin, gaps of either sign cancel before the absolute value is taken.
    assert value_of(ag.calibration_error, np.array([[0.55, 1], [0.55, 0]])) == pytest.approx(0.05)


@pytest.mark.parametrize("name", PAIRED | MANY)
def test_nothing_has_no_statistic(name: str) -> None:
    assert value_of((PAIRED | MANY)[name], np.empty((0, 2))) is None


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9, -3.7])
@pytest.mark.parametrize("name", [name for name in PAIRED | MANY if name != "accuracy"])
def test_all_labels_equal_is_undefined(name: str, constant: float) -> None:
    """Neither 0 nor 1: nothing could have been disagreed on, and rounding makes nothing up."""
    for rows in (1, 2, 13):
        assert value_of((PAIRED | MANY)[name], np.full((rows, 3 if name in MANY else 2), constant)) is None


@pytest.mark.parametrize("name", ["pearson", "spearman", "kendall"])
def test_one_side_constant(name: str) -> None:
    rows = np.array([[0.1, 1], [0.1, 2], [0.1, 3]])
    assert value_of(PAIRED[name], rows) is None
    assert value_of(PAIRED[name], rows[:, ::-1]) is None


def test_a_constant_judge_has_no_more_than_chance() -> None:
    assert value_of(ag.kappa, np.array([[1, 0], [1, 1], [1, 1.0]])) == 0


def test_two_rows() -> None:
    """Two responses are enough for every statistic, if barely."""
    rows = np.array([[0, 0], [1, 1.0]])
    assert [value_of(of, rows) for of in (PAIRED | MANY).values()] == pytest.approx([1.0] * 12)
    crossed = rows[:, 0:1] * [1, -1]
    assert value_of(ag.kendall, crossed) == -1


def test_one_row_and_one_rater() -> None:
    """One response tells of agreement on it, and not of agreement beyond chance; one rater agrees with nobody."""
    one = np.array([[0, 1.0]])
    assert (value_of(ag.accuracy, one), value_of(ag.kappa, one), value_of(ag.alpha_nominal, one)) == (0, 0, 0)
    assert [value_of(MANY[name], one) for name in ("icc_single", "icc_average")] == [None, None]
    assert value_of(ag.icc_single, np.array([[1], [2], [3.0]])) is None


def test_raters_who_differ_more_than_rows_have_no_average() -> None:
    """The formula of ICC(2,k) would give n = 3, a correlation far beyond 1."""
    rows = np.array([[0, 1], [1, 0], [0.5, 0.5]])
    assert value_of(ag.icc_average, rows) is None
    assert value_of(ag.icc_single, rows) == pytest.approx(-3.0)


@settings(max_examples=100, deadline=None)
@given(TWO_COLUMNS, st.data())
def test_a_row_that_counts_twice_is_two_rows(rows: Array, data: st.DataObject) -> None:
    """What the bootstrap rests on: counts are copies of distinct rows."""
    rows = np.unique(rows, axis=0)
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))), dtype=float)
    copied = np.repeat(rows, counts.astype(int), axis=0)
    for of in (PAIRED | MANY).values():
        found = of(rows, counts[None, :])[0]
        expected = value_of(of, copied)
        assert np.isnan(found) if expected is None else found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(TWO_COLUMNS)
def test_sides_can_be_exchanged_and_labels_reversed(rows: Array) -> None:
    for of in (PAIRED | MANY).values():
        values = {value_of(of, table) for table in (rows, rows[:, ::-1], 4 - rows)}
        assert values == {None} or max(values) == pytest.approx(min(values), abs=1e-9)  # type: ignore[type-var]
