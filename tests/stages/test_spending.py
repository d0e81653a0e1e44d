"""What the steps behind a report took, where a link leads into a run, a count is none, and a run was killed."""

from dataclasses import replace

import pytest

from stages.reports import spending
from stages.reports.html import render
from tests.stages.test_report_sections import ORIGINS, compared, text_of


def test_a_link_to_the_model_of_a_round_is_a_part_of_its_run() -> None:
    best = replace(ORIGINS[1], path="/w/best", link="run/round-1/model", seconds=77.0, started="2026-01-02")
    for chained in ([*ORIGINS, best], [best, *ORIGINS]):
        assert [step.place for step in spending.steps(chained)] == ["kept.jsonl", "run", "after.jsonl"]
        assert spending.seconds(spending.steps(chained)) == 661.0
    assert [step.place for step in spending.steps([replace(best, link="../x/model")])] == ["best"]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400], ids=["infinity", "NaN", "beyond all floats"])
def test_counts_without_bounds_are_no_counts(value: float) -> None:
    odd = [replace(origin, counts={"dropped_x": value, "records": value, "calls": value}) for origin in ORIGINS]
    assert all(not step.figures for step in spending.steps(odd))
    assert [(sieve.kept, sieve.dropped) for sieve in spending.sieves(odd)] == [(0, {})]
    assert "Make it again" in text_of(render([compared()], origins=odd))


def test_what_a_killed_go_took_is_not_told_as_if_it_were_all() -> None:
    resumed = replace(ORIGINS[0], counts={**ORIGINS[0].counts, "resumed_after": 7})
    text = text_of(render([compared()], origins=[resumed, *ORIGINS[1:]]))
    assert "took at least 11.0 min" in text and "at least 3 calls to endpoints took 90 tokens" in text
    assert "for at least $0.50" in text and "2026-01-03≥ 1.0 min 8–≥ 3≥ 90≥ 30≥ $0.50" in text
    assert "≥" not in text_of(render([compared()], origins=ORIGINS)).partition("How to read")[0].partition("Costs")[2]


def test_responses_that_were_judged_are_not_added_to_those_that_were_sampled() -> None:
    sampled = replace(ORIGINS[2], path="/w/rollouts.jsonl", counts={"responses": 8})
    assert spending.total(spending.steps([ORIGINS[0], sampled]), "responses") == 8
    assert spending.total(spending.steps([ORIGINS[0]]), "responses") == 8  # where they were sampled is not known
