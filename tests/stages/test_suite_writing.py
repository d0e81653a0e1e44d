"""The score of WritingBench: the judge's own bands, of the criteria of the request alone."""

import pytest

from schemas.criterion import Criterion, Tier
from schemas.exchange.entries import Entry
from schemas.exchange.records import records
from schemas.exchange.writingbench import WRITINGBENCH
from schemas.rubric import Rubric
from tests.judged_lines import RUDE, TONE, answer
from tests.judged_lines import group as by_judge
from tests.stages.suite_lines import figure


def requested(*bands: str) -> Rubric:
    """Return the rubric of a request as it is imported: two criteria with these score bands."""
    texts = {band: f"As {band}." for band in bands}
    items = [{"name": name, "criteria_description": f"Has {name}.", **texts} for name in ("depth", "style")]
    row = {"index": 1, "query": "Write.", "checklist": items}
    ((_, made),) = records([Entry(row, str, "w", 1)], WRITINGBENCH)
    assert made.rubric
    return made.rubric


def alone(criterion: Criterion) -> Rubric:
    return Rubric(rubric="own", criteria=(criterion,))


def test_writing_scores_are_the_mean_of_what_the_judge_gave() -> None:
    rubric = requested("1-2", "3-4", "5-6", "7-8", "9-10")
    line = by_judge("a", answer("x", 4, 1, rubric=rubric), answer("y", 0, 0, rubric=rubric), rubric=rubric)
    assert figure("writing", "score", line) == (((9.5 + 3.5) / 2 + 1.5) / 2, 1)
    failed = by_judge("a", answer("x", 2, "failed", rubric=rubric), answer("y", 1, 2, rubric=rubric), rubric=rubric)
    assert figure("writing", "score", failed) == ((3.5 + 5.5) / 2, 1)


@pytest.mark.parametrize("bands", [("1-2", "9-10"), ("1-4", "5-7", "8-10")])
def test_what_joined_has_no_say_in_the_score_of_writing(bands: tuple[str, ...]) -> None:
    own, best = requested(*bands), len(bands) - 1
    style = TONE.model_copy(update={"tiers": (Tier(score=0, text="Stiff."), Tier(score=1, text="Easy."))})
    more = own.model_copy(update={"criteria": (*own.criteria, style, RUDE)})
    top = by_judge("a", answer("x", best, best, rubric=own), rubric=own)
    for said in (1, 0, "failed"):
        line = by_judge("a", answer("x", best, best, said, 0, rubric=more), rubric=more)
        assert figure("writing", "score", line) == figure("writing", "score", top)
    assert figure("writing", "score", by_judge("a", answer("x", 1, rubric=alone(style)), rubric=alone(style))) is None
