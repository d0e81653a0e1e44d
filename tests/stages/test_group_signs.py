"""A group of negative weight turns around what is inside it, wherever it is told whether a criterion is wanted."""

from io import StringIO

import pytest
from rich.console import Console

from rlra_cli.show_text import life
from schemas.judged import Judged
from schemas.rubric import Criterion, Rubric
from stages.eval import EvalSpec, evaluate
from stages.judge import JudgeSpec, judge, judged
from stages.models.openai import OpenAIModel
from stages.pairwise_prompt import described
from stages.reports.marks import mark
from stages.voting import Panel
from tests.judged_lines import verdict
from tests.stages.judge_server import serving
from tests.stages.judging import group, saying

FAULTS = Criterion(
    id="faults",
    text="Faults.",
    weight=-1,
    criteria=(
        Criterion(id="lies", text="It lies."),
        Criterion(id="rude", text="It is rude."),
        Criterion(id="excused", text="It says sorry.", weight=-0.5),
    ),
)
RUBRIC = Rubric(rubric="turned", criteria=(Criterion(id="good", text="It is good."), FAULTS))


def line(name: str, good: int, lies: int, rude: int, excused: int) -> Judged:
    said = dict(zip([leaf.id for leaf in RUBRIC.leaves], (good, lies, rude, excused), strict=True))
    row = {leaf.id: verdict(leaf, said[leaf.id], "because") for leaf in RUBRIC.leaves}
    return judged(group(name, "A text.", rubric=RUBRIC), RUBRIC, [row])


BEST, WORST = (1, 0, 0, 1), (0, 1, 1, 0)


def test_eval_knows_which_way_is_better() -> None:
    before, after = ([line(name, *said) for name in "pq"] for said in (BEST, WORST))
    found = evaluate(before, after, ("a", "b"), EvalSpec(resamples=50))
    changes = {change.name: change for change in (*found.measures, *found.criteria)}
    assert changes["reward"].before == 1 and changes["reward"].change < 0
    assert {name: changes[name].better for name in ("good", "lies", "rude", "excused")} == {
        "good": "higher",
        "lies": "lower",
        "rude": "lower",
        "excused": "higher",
    }


def test_the_best_answer_meets_all_and_a_fault_spoils_none_of_it() -> None:
    def all_met(said: tuple[int, int, int, int]) -> float:
        found = evaluate([line("p", *said)], [line("p", *said)], ("a", "b"), EvalSpec(resamples=50))
        return next(change.before for change in found.measures if change.name == "all_met")

    assert [all_met(said) for said in (BEST, WORST, (1, 1, 1, 0))] == [1, 0, 0]


def test_a_pairwise_judge_is_not_told_that_faults_are_wanted() -> None:
    signs = [text.partition(":")[0] for text in described(RUBRIC)]
    assert signs == ["Wanted", "Not wanted", "Not wanted", "Wanted"]


def test_shown_verdicts_speak_for_or_against_the_response() -> None:
    (response,) = line("p", 1, 1, 0, 1).responses
    marks = [mark(RUBRIC, leaf, said) for leaf, said in zip(RUBRIC.leaves, response.verdicts, strict=True)]
    assert [(found.sign, found.words) for found in marks] == [
        ("✓", "met"),
        ("✗", "present"),
        ("✓", "absent"),
        ("✓", "met"),
    ]
    console = Console(width=100, record=True, file=StringIO())
    console.print(life(line("p", 1, 1, 0, 1)))
    assert "✗  lies" in console.export_text()


@pytest.mark.parametrize(("name", "worst"), [("good", 0.0), ("lies", 1.0), ("rude", 1.0), ("excused", 0.0)])
def test_the_minimum_of_a_panel_is_worst_for_the_response(name: str, worst: float) -> None:
    with serving(saying(lambda criterion, text: "met")) as server:
        yes = OpenAIModel("openai:yes", "yes", server.url, None, retries=0, timeout_s=10)
        (first,) = judge([group("p", "t", rubric=RUBRIC)], JudgeSpec(panel="minimum"), Panel((yes,)))
        server.reply = saying(lambda criterion, text: "not met")
        no = OpenAIModel("openai:no", "no", server.url, None, retries=0, timeout_s=10)
        (both,) = judge([first], JudgeSpec(panel="minimum"), Panel((yes, no)))
        (again,) = judge([both], JudgeSpec(panel="minimum", only_failed=True), Panel((yes, no)))
    for done in (both, again):
        scores = {said.criterion: said.score for said in done.responses[0].verdicts}
        assert scores[name] == worst
