"""Groups of another size are not compared where a suite's measures depend on how many answers a prompt has."""

import pytest

from stages.suites import SUITES
from stages.suites.sizes import sizes_of, unequal
from tests.stages.suite_lines import group

FOUR, EIGHT, ONE = ({"a": size, "b": 4} for size in (4, 8, 1))


def test_sizes_are_all_answers_by_prompt_those_that_failed_too() -> None:
    lines = [group("diversity", "Moss.", "Fern.", None, name="a"), group("diversity", "Moss.", name="b")]
    assert sizes_of(lines) == {"a": 3, "b": 1}


def test_the_first_prompt_and_both_sizes_are_said() -> None:
    said = unequal(SUITES["diversity"], {"base": FOUR, "new": EIGHT})
    assert said == "a has 4 answers of base and 8 of new: what the suite 'diversity' measures depends on how many"
    assert unequal(SUITES["diversity"], {"base": FOUR, "one": ONE, "new": EIGHT}) == said


@pytest.mark.parametrize(
    ("suite", "sides"),
    [
        ("diversity", {"base": FOUR, "new": dict(FOUR)}),
        ("diversity", {"base": FOUR}),
        ("diversity", {}),
        ("diversity", {"base": FOUR, "new": ONE}),  # a single answer is no group: nothing is measured of it
        ("diversity", {"base": FOUR, "new": {"c": 8}}),
        ("tone", {"base": FOUR, "new": EIGHT}),
    ],
)
def test_what_may_be_compared(suite: str, sides: dict[str, dict[str, int]]) -> None:
    assert unequal(SUITES[suite], sides) == ""
    assert unequal(None, sides) == ""
