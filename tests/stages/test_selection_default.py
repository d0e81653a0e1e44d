"""Without `--keep` no value lies outside of anything: neither a foreign score nor a reward below 0."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.select_data import Findings, select_data
from stages.selection.entry import Entry
from stages.selection.scored_lines import ScoredLines
from stages.selection.spec import SelectDataSpec
from tests.stages.selecting import chosen, group, reasons

numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(numbers, min_size=1, max_size=9), st.booleans())
def test_every_score_stays(scores: list[float], quantile: bool) -> None:
    spec = SelectDataSpec(score_field="s", quantile=quantile)
    entries = [Entry("f", n, orjson.dumps({"id": n, "s": score})) for n, score in enumerate(scores)]
    found = Findings(spec)
    made = select_data(lambda: entries, ScoredLines(spec), spec, found=found)
    assert [drop for _, drop in made] == [None] * len(scores)
    assert found.bounds.bands[""] == ((min(scores), max(scores)) if quantile else (None, None))


def test_rewards_below_zero_stay() -> None:
    """A penalty may outweigh what was met; only a band that was asked for calls that too hard."""
    groups = [group("a", -3.0, -1.0), group("b", 0.0, 1.0), group("c", 2.0, 5.0)]
    assert chosen(groups) == "abc"
    assert reasons(groups, keep="0:1") == {"a": "too_hard", "c": "too_easy"}


@pytest.mark.parametrize("budget", [1, 2])
def test_a_budget_takes_the_middle_of_what_there_is(budget: int) -> None:
    groups = [group("a", -9.0, -8.0), group("b", 10.0, 11.0), group("c", 30.0, 31.0)]
    assert chosen(groups, budget=budget) == "abc"[2 - budget : 2] if budget == 1 else "ab"
