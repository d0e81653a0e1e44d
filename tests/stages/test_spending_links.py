"""What the steps behind a report took, where a link leads into the folder of a run."""

from dataclasses import replace

from stages.reports import spending
from tests.stages.test_report_sections import ORIGINS


def test_a_link_to_the_model_of_a_round_is_a_part_of_its_run() -> None:
    best = replace(ORIGINS[1], path="/w/best", link="run/round-1/model", seconds=77.0, started="2026-01-02")
    for chained in ([*ORIGINS, best], [best, *ORIGINS]):
        assert [step.place for step in spending.steps(chained)] == ["kept.jsonl", "run", "after.jsonl"]
        assert spending.seconds(spending.steps(chained)) == 661.0
    assert [step.place for step in spending.steps([replace(best, link="../x/model")])] == ["best"]
