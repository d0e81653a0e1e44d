"""What holds of every selection, whatever the lines and the options."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RlraError
from stages.select_data import Findings, select_data
from stages.selection.decisions import Given
from stages.selection.judged_lines import JudgedLines
from stages.selection.rows import Rows
from stages.selection.spec import SelectDataSpec
from tests.stages.selecting import decided, entries, group

rewards = st.lists(st.none() | st.integers(0, 4).map(lambda n: n / 4), min_size=1, max_size=4)
bands = st.sampled_from(["0:1", "0.2:0.8", "0.5:0.5", ":0.4"])
specs = st.fixed_dictionaries(
    {
        "keep": bands,
        "statistic": st.sampled_from(["mean", "median", "max", "min", "spread", "pass_rate", "criterion:a"]),
        "quantile": st.booleans(),
        "by": st.sampled_from(["", "id", "rubric", "meta.none"]),
        "min_scored": st.integers(1, 3),
        "flat": st.booleans(),
        "most_vetoed": st.sampled_from([0.0, 0.5, 1.0]),
        "near_duplicates": st.sampled_from([0.0, 0.9]),
        "budget": st.integers(0, 4),
        "choose": st.sampled_from(["middle", "random", "diverse"]),
    }
).map(lambda spec: spec if spec["budget"] else {**spec, "choose": "middle"})


@settings(deadline=None)
@given(st.lists(rewards, max_size=8), specs)
def test_every_group_is_decided_once_and_in_order(
    given_rewards: list[list[float | None]], spec: dict[str, Any]
) -> None:
    """Each one stays or is dropped for one reason; what stays is within budget, and can be used; the funnel adds up."""
    groups = [group(f"g{n}", *each) for n, each in enumerate(given_rewards)]
    found = Findings(SelectDataSpec(**spec))
    decisions = decided(groups, found=found, **spec)
    assert [name for name, _ in decisions] == [one.id for one in groups]
    kept = [one for one, (_, drop) in zip(groups, decisions, strict=True) if drop is None]
    assert not spec["budget"] or len(kept) <= spec["budget"]
    assert all(sum(r.reward is not None for r in one.responses) >= spec["min_scored"] for one in kept)
    named = Counter(drop.reason for _, drop in decisions if drop)
    funnel = found.figures()["funnel"]
    assert funnel["dropped"] == named and (funnel["in"], funnel["out"]) == (len(groups), len(kept))
    assert funnel["in"] == funnel["out"] + sum(funnel["dropped"].values())
    for figure in ("in", "out"):
        assert sum(pool[figure] for pool in funnel["pools"].values()) == funnel[figure]
    again = decided(groups, **spec)
    assert [(name, drop and drop.reason) for name, drop in again] == [(n, d and d.reason) for n, d in decisions]


@settings(deadline=None)
@given(st.lists(rewards, max_size=8), specs)
def test_what_was_selected_by_values_is_selected_again(given_rewards: Any, spec: dict[str, Any]) -> None:
    """A band of values drops nothing that it once kept; nor do the other predicates."""
    spec |= {"quantile": False, "budget": 0, "choose": "middle"}
    groups = [group(f"g{n}", *each) for n, each in enumerate(given_rewards)]
    names = {name for name, drop in decided(groups, **spec) if drop is None}
    kept = [one for one in groups if one.id in names]
    assert [name for name, drop in decided(kept, **spec) if drop is None] == [one.id for one in kept]


@settings(deadline=None)
@given(st.lists(rewards, max_size=8), specs)
def test_alone_or_together_makes_no_difference(given_rewards: Any, spec: dict[str, Any]) -> None:
    """What each line decides alone comes out the same where the whole file is read before: reasons, numbers, funnel."""
    spec |= {"quantile": False, "budget": 0, "choose": "middle", "near_duplicates": 0.0}
    groups = [group(f"g{n}", *each) for n, each in enumerate(given_rewards)]
    alone, together = Findings(SelectDataSpec(**spec)), Findings(SelectDataSpec(**spec))
    one = decided(groups, alone, **spec)
    other = decided(groups, together, Given(previous=Rows(())), **spec)
    assert [(name, drop and (drop.reason, drop.numbers)) for name, drop in one] == [
        (name, drop and (drop.reason, drop.numbers)) for name, drop in other
    ]
    assert {**alone.figures(), "since": together.since} == together.figures()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rewards", [[], [0.5, 0.5], [None]])
def test_nothing_usable_is_no_trouble(rewards: list[float | None]) -> None:
    """Without any value there are no quantiles, middles or clusters, and no warnings of arrays without numbers."""
    for keep in (":", "0:1"):
        for choose in ("middle", "random", "diverse"):
            for more in ({}, {"quantile": True}, {"balance": "id"}):
                groups = [group("a", *rewards)] if rewards else []
                done = decided(groups, keep=keep, budget=1, choose=choose, near_duplicates=0.5, **more)
                assert all(drop for _, drop in done)


def test_a_file_that_changes_while_it_is_read() -> None:
    """Its decisions are not those of its lines any more: it is refused."""
    spec = SelectDataSpec(budget=9)
    reads = iter([[group("a", 0.0, 1.0), group("b", 0.0, 1.0)], [group("a", 0.0, 1.0)]])
    with pytest.raises(RlraError, match="the input changed while it was read"):
        list(select_data(lambda: entries(next(reads)), JudgedLines(spec), spec))
