"""What differs besides the policy is said wherever a comparison is shown, and so is what dropped out of it."""

from typing import Any

import pytest

from rlra_cli.report_text import report_table
from rlra_cli.seesaw_text import seesaw_table
from schemas.judged import Judged
from schemas.report import Report
from schemas.rollouts import Sampling
from schemas.task import Message
from stages.eval import EvalSpec, evaluate
from stages.pairing import paired
from stages.reports.compared import Compared
from stages.reports.html import render
from stages.reports.latex import latex
from stages.reports.markdown import markdown
from stages.unlike import unlike
from tests.cli.test_seesaw_text import seen
from tests.judged_lines import answer, group
from tests.stages.test_report_html import Page

GOOD, POOR = answer("a b c d", 2, 1, 0, 0), answer("a a a", 0, 0, 1, 0)
LOST = answer("a b", "failed", 1, 0, 0)
SPEC = EvalSpec(resamples=50, permutations=50)
NAMES = [f"p{n:02}" for n in range(12)]


def side(*answers: Any, **more: Any) -> list[Judged]:
    return [group(name, *answers, **more) for name in NAMES]


def said(before: list[Judged], after: list[Judged]) -> list[str]:
    return list(unlike(paired(before, after, ("a", "b"))))


def sampled(lines: list[Judged], sampling: Sampling | None) -> list[Judged]:
    return [line.model_copy(update={"policy": line.policy.model_copy(update={"sampling": sampling})}) for line in lines]


def judged_by(lines: list[Judged], judge: str) -> list[Judged]:
    def of(line: Judged) -> Judged:
        responses = [
            one.model_copy(update={"verdicts": tuple(v.model_copy(update={"judge": judge}) for v in one.verdicts)})
            for one in line.responses
        ]
        return line.model_copy(update={"responses": tuple(responses)})

    return [of(line) for line in lines]


def test_two_policies_under_the_same_conditions_differ_in_nothing_else() -> None:
    assert said(side(GOOD, model="a"), side(POOR, model="b")) == []


def test_other_judges_are_said_and_a_stronger_one_behind_the_same_is_not_another_panel() -> None:
    assert said(side(GOOD), judged_by(side(GOOD), "openai:kind")) == ["judges differ: j and openai:kind"]
    first, second = judged_by(side(GOOD), "z after j"), judged_by(side(GOOD), "z after j")
    second[0] = judged_by(second[:1], "j")[0]
    assert said(first, second) == []


def test_other_sampling_is_said_by_setting_and_what_was_made_elsewhere_has_none() -> None:
    other = Sampling(temperature=0.5, max_tokens=9, stop=("END",))
    assert said(side(GOOD), sampled(side(GOOD), other)) == [
        "sampling differs: temperature 1 and 0.5, stop none and 'END'"
    ]
    assert said(side(GOOD), sampled(side(GOOD), None)) == []


def test_other_numbers_of_answers_are_said() -> None:
    after = side(GOOD)
    after[3] = group("p03", GOOD, GOOD, GOOD)
    assert said(side(GOOD), after) == ["answers per prompt differ on 1 of 12 prompts, such as 1 and 3"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reference": "Other."}, "reference answers differ on 12 of 12 prompts"),
        ({"messages": "system"}, "system message or earlier turns differ on 12 of 12 prompts"),
    ],
)
def test_what_stands_around_the_prompts_is_said(changed: dict[str, Any], words: str) -> None:
    def of(line: Judged) -> Judged:
        update = dict(changed)
        if "messages" in update:
            update["messages"] = (Message(role="system", content="Be kind."), *line.messages)
        return line.model_copy(update=update)

    assert said(side(GOOD), [of(line) for line in side(GOOD)]) == [words]


def reports() -> tuple[list[Report], list[Compared]]:
    """Return one policy with half of its verdicts failed, and one that was judged by somebody else."""
    before = [group(name, POOR if number % 2 else GOOD) for number, name in enumerate(NAMES)]
    half = [group(name, LOST if number % 2 else GOOD) for number, name in enumerate(NAMES)]
    sides = {"half": half, "kind": judged_by(side(GOOD), "openai:kind")}
    found = [evaluate(before, lines, ("base", label), SPEC) for label, lines in sides.items()]
    compared = [Compared(report, before, lines) for report, lines in zip(found, sides.values(), strict=True)]
    return found, compared


def test_it_is_said_in_every_form_of_the_report() -> None:
    found, compared = reports()
    lost, judges = "half: 6 of 12 responses have no reward", "judges differ: j and openai:kind"
    texts = [seen(seesaw_table(found), 200), seen(report_table(found[0])) + seen(report_table(found[1])), latex(found)]
    page = " ".join(Page(render(compared)).text.split())
    shown = markdown(found).replace("&#58;", ":").replace("&#44;", ",")
    for text in (*texts, shown):
        assert lost in text and judges in text
    assert judges in page and "6 of 12 after" in page


def test_a_first_value_that_is_not_the_same_for_all_stands_in_the_cells() -> None:
    """Over the six prompts that `half` kept, base was good; over all twelve it was not."""
    found, compared = reports()
    first, second = (next(c for c in report.measures if c.name == "reward") for report in found)
    assert (first.before, first.prompts) == (1.0, 6) and second.prompts == 12
    terminal = seen(seesaw_table(found), 200)
    assert "from 1.000 on 6 prompts" in terminal and f"from {second.before:.3f} on 12 prompts" in terminal
    row = next(line for line in markdown(found).splitlines() if line.startswith("| `reward`"))
    assert row.split("|")[2].strip() == "–" and "from 1.000, 6 prompts" in row
    page = " ".join(Page(render(compared)).text.split())
    assert "from 1.000" in page and f"from {second.before:.3f}" in page
    agreeing = seen(seesaw_table([found[1], found[1]]), 200)
    assert "from" not in agreeing and f"{second.before:.3f}" in agreeing
