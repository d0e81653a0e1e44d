"""The band of each pool: its quantiles, its own ends, and the same numbers again in another stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.bounds import Bounds, read_bounds
from schemas.errors import RlraError
from schemas.judged import Judged
from stages.select_data import Findings
from stages.selection.decisions import Given
from stages.selection.spec import SelectDataSpec
from tests.stages.selecting import around, chosen, decided, reasons


def pooled(*means: tuple[str, float]) -> list[Judged]:
    """Return groups named a, b, … of these pools and means."""
    return [
        around(name, mean).model_copy(update={"meta": {"pool": pool}})
        for name, (pool, mean) in zip("abcdefghijklmnop", means, strict=False)
    ]


def bounds_of(groups: list[Judged], **spec: Any) -> Bounds:
    """Return the bounds that a selection found."""
    found = Findings(SelectDataSpec(**spec))
    decided(groups, found, **spec)
    return found.bounds


TWO = pooled(("x", 0.1), ("y", 0.5), ("x", 0.2), ("y", 0.6), ("x", 0.3), ("y", 0.7))
BY = {"by": "meta.pool"}


def test_each_pool_has_its_own_quantiles() -> None:
    """The middle of the hard pool is not the middle of the easy one; over all of them it would be."""
    assert chosen(TWO, keep="0.5:0.5", quantile=True, **BY) == "cd"
    assert chosen(TWO, keep="0.4:0.6", quantile=True) == "be"
    assert reasons(TWO, keep="0.5:1", quantile=True, **BY) == {"a": "too_hard", "b": "too_hard"}


def test_one_pool_has_a_band_of_its_own() -> None:
    """A band of one pool stands beside that of all others; a name that no line has is refused."""
    assert chosen(TWO, keep="0.25:0.55", keep_pool=("x=0:0.15",), **BY) == "ab"
    with pytest.raises(RlraError, match="--keep-pool: no line is of the pool 'z'"):
        decided(TWO, keep_pool=("z=0:1",), **BY)


def test_pools_by_rubric_and_by_what_is_no_text() -> None:
    """A rubric is its id and version; numbers are their JSON; without the field the name is empty."""
    assert bounds_of(TWO, by="rubric", keep="0:1").bands == {"r@1": (0.0, 1.0)}
    many = [
        TWO[0].model_copy(update={"id": str(n), "meta": {"n": value}}) for n, value in enumerate([1, True, None, []])
    ]
    assert list(bounds_of([*many, TWO[1]], by="meta.n").bands) == ["1", "true", "", "[]"]
    assert list(bounds_of(TWO, by="policy.sampling.temperature").bands) == ["1.0"]
    assert list(bounds_of(TWO, by="no.such.field").bands) == [""]


means = st.lists(st.tuples(st.sampled_from("xyz"), st.floats(0, 1)), min_size=1, max_size=12)
ends = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@settings(deadline=None)
@given(means, ends)
def test_quantiles_are_numpys(found: list[tuple[str, float]], shares: list[float]) -> None:
    """The bounds are the linear quantiles of each pool's own values, and what stays is what lies between them."""
    low, high = (f"{share:.6f}" for share in shares)
    groups = pooled(*found)
    means = {group.id: float(np.mean([r.reward for r in group.responses])) for group in groups}
    spec: dict[str, Any] = {"keep": f"{low}:{high}", "quantile": True, **BY}
    expected = {}
    for pool in {group.meta["pool"] for group in groups}:
        values = [means[group.id] for group in groups if group.meta["pool"] == pool]
        expected[pool] = np.quantile(values, [float(low), float(high)], method="linear").tolist()
    bounds = bounds_of(groups, **spec)
    assert {pool: list(band) for pool, band in bounds.bands.items()} == expected
    inside = (g.id for g in groups if expected[g.meta["pool"]][0] <= means[g.id] <= expected[g.meta["pool"]][1])
    assert chosen(groups, **spec) == "".join(inside)
    reused = decided(groups, given=Given(bounds=Bounds.model_validate_json(bounds.model_dump_json())), **BY)
    assert [name for name, drop in reused if drop is None] == list(chosen(groups, **spec))


def test_quantiles_are_of_what_can_be_used() -> None:
    """A group without spread is not part of the distribution; a pool of such groups alone has no band."""
    flat = [group.model_copy(update={"responses": group.responses[:1] * 2}) for group in TWO[:1]]
    assert bounds_of([*flat, *TWO[2:]], keep="0:1", quantile=True, **BY).bands["x"] == (
        pytest.approx(0.2),
        pytest.approx(0.3),
    )
    assert bounds_of(flat, keep="0:1", quantile=True, **BY).bands == {}


def test_open_ends_survive_the_way_through_a_file(tmp_path: Path) -> None:
    """JSON has no infinity: an end without a limit is null, there and back."""
    bounds = bounds_of(TWO, keep="0.15:", **BY)
    assert bounds.bands == {"x": (0.15, None), "y": (0.15, None)}
    path = tmp_path / "b.json"
    path.write_text(bounds.model_dump_json())
    assert read_bounds(path) == bounds
    names = [name for name, drop in decided(TWO, given=Given(bounds=bounds), **BY) if drop is None]
    assert "".join(names) == "bcdef"
    path.write_text('{"statistic": "mean", "bands": {"": [1e-05, 0.5]}}')
    assert read_bounds(path).bands == {"": (1e-05, 0.5)}
    path.with_suffix(".yaml").write_text("statistic: mean\nby: meta.pool\nbands: {x: [0.15, null], y: [0.15, null]}\n")
    assert read_bounds(path.with_suffix(".yaml")) == bounds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"manifest": 1, "recipe": {}, "run": {}}', "holds no bounds"),
        ('{"bands": {}}', "statistic: Field required"),
        ('{"statistic": "mean", "bands": {"": [0, "1"]}}', r"bands\..*1"),
        ("[]", "line: Input should be an object"),
        ("a: [", "not YAML"),
        (None, "no such file or directory"),
    ],
)
def test_what_holds_no_bounds(tmp_path: Path, text: str | None, said: str) -> None:
    """One sentence that names the file."""
    path = tmp_path / "b.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RlraError, match=rf"b\.json:.*{said}"):
        read_bounds(path)


def test_bounds_of_something_else() -> None:
    """Another statistic, other pools, or a pool that nobody calibrated, unless it has no usable group."""
    bounds = bounds_of(TWO, **BY)
    for spec in ({"statistic": "max", **BY}, {"pass_at": 0.5, **BY}, {}):
        with pytest.raises(RlraError, match="calibrated for something else"):
            decided(TWO, given=Given(bounds=bounds), **spec)
    strange = pooled(("z", 0.5))
    with pytest.raises(RlraError, match="there is no band for the pool 'z'"):
        decided(strange, given=Given(bounds=bounds), **BY)
    flat = strange[0].model_copy(update={"responses": strange[0].responses[:1] * 2})
    assert decided([flat], given=Given(bounds=bounds), **BY)[0][1].reason == "no_spread"  # type: ignore[union-attr]
