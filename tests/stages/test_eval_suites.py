"""Measures of suites in a comparison, p-values and their correction over a whole run."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from schemas.judged import Judged
from schemas.report import Report
from stages.agreement.permutation import swap_tests
from stages.agreement.ratios import Sides
from stages.eval import EvalSpec, corrected, evaluate, measurable
from stages.suites.base import Suite, SuiteMeasure
from tests.judged_lines import Answer, answer, group

SPEC = EvalSpec(resamples=300)
GOOD, FAIR, POOR = answer("a b c d", 2, 1, 0, 0), answer("a b", 1, 1, 0, 0), answer("a a a", 0, 0, 1, 0)


def met(line: Judged) -> tuple[float, float]:
    """Return the met checks of a prompt in per cent, and how many there are."""
    verdicts = [verdict for response in line.responses for verdict in response.verdicts[:2]]
    return 100 * sum(bool(verdict.score) for verdict in verdicts), len(verdicts)


def of_some(line: Judged) -> tuple[float, float] | None:
    return (len(line.responses), 1) if line.id != "p0" else None


SUITE = Suite(
    name="own",
    about="met checks",
    source="nowhere",
    measures=(
        SuiteMeasure("followed", "followed instructions, %", "higher", met),
        SuiteMeasure("answers", "answers to a prompt", "neither", of_some),
        SuiteMeasure("distinct_1", "something else of that name", "higher", lambda line: (1, 4)),
        SuiteMeasure("nothing", "no prompt has it", "higher", lambda line: None),
    ),
)


def lines(kinds: str, model: str = "base") -> list[Judged]:
    """Return a line for each letter: G and F have one answer, P two."""
    answers: dict[str, tuple[Answer, ...]] = {"G": (GOOD,), "F": (FAIR,), "P": (POOR, POOR)}
    return [group(f"p{n}", *answers[kind], model=model) for n, kind in enumerate(kinds)]


def compared(before: str = "PFPF", after: str = "GGPF") -> Report:
    return evaluate(lines(before), lines(after, "new"), ("base", "new"), SPEC, suite=SUITE, axis="own")


def test_the_measures_of_a_suite_come_first_as_ratios_of_sums() -> None:
    found = compared()
    assert (found.id, found.axis) == ("own:base..new", "own")
    assert [change.name for change in found.measures][:4] == ["followed", "answers", "distinct_1", "reward"]
    followed = found.measures[0]
    assert followed.says == "followed instructions, %"
    # of sums over all answers: the means over prompts would be 50 and 75
    assert (followed.before, followed.after) == pytest.approx((100 * 4 / 12, 100 * 6 / 10))
    assert followed.low <= followed.change <= followed.high
    assert [change.prompts for change in found.measures[:3]] == [4, 3, 4]


def test_a_measure_of_a_suite_takes_the_place_of_another_of_its_name() -> None:
    own = [change for change in compared().measures if change.name == "distinct_1"]
    assert [(change.before, change.says) for change in own] == [(0.25, "something else of that name")]


def test_what_no_prompt_has_is_not_compared_and_yet_known() -> None:
    assert "nothing" not in {change.name for change in compared().measures}
    known = measurable(lines("GP"), SUITE, guarded=True)
    assert known[:4] == ["followed", "answers", "distinct_1", "nothing"]
    assert {"reward", "reference_loglik", "tone", "rude"} <= set(known) and len(known) == len(set(known))
    assert "reference_loglik" not in measurable(lines("GP"))


def test_each_change_has_the_p_value_of_its_swaps() -> None:
    found = {change.name: change for change in compared("PFPF", "GGGG").measures}
    ratio = np.array([[met(line) for line in lines(kinds)] for kinds in ("PFPF", "GGGG")], dtype=float)
    assert [found["followed"].p] == swap_tests([Sides(ratio[0], ratio[1])], 100, 0)
    assert found["followed"].p == 0.5 and found["distinct_1"].p == 1
    single = evaluate(lines("P"), lines("G"), ("a", "b"), SPEC)
    assert {(change.p, change.detectable, change.needed) for change in single.measures} == {(None, None, None)}


def test_the_p_values_of_a_run_are_corrected_together() -> None:
    reports = [compared(), compared("PPPPPPPP", "GGGGGGGG"), evaluate(lines("P"), lines("G"), ("a", "b"), SPEC)]
    before = [change for report in reports for change in (*report.measures, *report.criteria)]
    assert all(change.q is None for change in before)
    for ours, theirs in (("holm", "holm"), ("bh", "fdr_bh")):
        after = [
            change
            for report in corrected(reports, "holm" if ours == "holm" else "bh")
            for change in (*report.measures, *report.criteria)
        ]
        tested = [change for change in after if change.p is not None and (change.low, change.high) != (0, 0)]
        expected = multipletests([change.p for change in tested], method=theirs)[1]
        assert [change.q for change in tested] == pytest.approx(expected.tolist())
        still = [change for change in after if change.p is not None and (change.low, change.high) == (0, 0)]
        assert still and {change.q for change in still} == {1}  # what cannot differ costs the others nothing
        assert all(change.q is None for change in after if change.p is None)
        assert [change.model_copy(update={"q": None}) for change in after] == before


def test_files_that_are_the_same_have_p_and_q_of_1() -> None:
    same = evaluate(lines("PFGPPF" * 5), lines("PFGPPF" * 5), ("a", "b"), SPEC, suite=SUITE)
    (found,) = corrected([same], "holm")
    every = (*found.measures, *found.criteria)
    assert {(c.p, c.q, c.change, c.low, c.high, c.detectable, c.needed) for c in every} == {(1, 1, 0, 0, 0, None, None)}


def test_more_prompts_show_smaller_changes() -> None:
    few, many = (compared("PFPF" * times, "GGPF" * times).measures[0] for times in (10, 40))
    assert few.detectable is not None and many.detectable is not None
    assert few.detectable == pytest.approx(2 * many.detectable, rel=0.05)
    assert few.needed == pytest.approx(many.needed, rel=0.05)
    wanted = evaluate(
        lines("PFPF" * 10), lines("GGPF" * 10), ("a", "b"), EvalSpec(resamples=9, power=0.95), suite=SUITE
    )
    assert (wanted.measures[0].detectable or 0) > few.detectable
