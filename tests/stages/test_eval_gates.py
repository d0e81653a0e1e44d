"""Gates: what they may say, which change they mean, and that the whole interval has to be on their side."""

import pytest

from schemas.errors import RlraError
from schemas.report import Change, Report, Side
from stages.eval_gates import Bar, bars_of, hold, missed

KNOWN = ["strict", "reward", "length.words", "tone"]


def change(name: str, low: float, high: float, prompts: int = 50) -> Change:
    middle = (low + high) / 2
    return Change(
        name=name, better="higher", before=0, after=middle, change=middle, low=low, high=high, prompts=prompts
    )


def report(*measures: Change, axis: str = "", criteria: tuple[Change, ...] = ()) -> Report:
    side = Side(label="a", model="m", revision="r", prompts=9, responses=9, unscored=0)
    return Report(
        id="a..b",
        axis=axis,
        before=side,
        after=side.model_copy(update={"label": "b"}),
        level=0.95,
        resamples=9,
        seed=0,
        measures=measures,
        criteria=criteria,
    )


def bar(word: str, *axes: str) -> Bar:
    return bars_of([word], axes or ("",))[0]


@pytest.mark.parametrize(
    ("word", "axes", "axis", "measure", "at_least", "gain"),
    [
        ("reward>=0", ("",), "", "reward", True, 0),
        (">=0.5", ("",), "", "reward", True, 0.5),
        ("strict <= -1e-2", ("ifeval",), "ifeval", "strict", False, -0.01),
        ("ifeval.strict>=-0.5", ("ifeval", "tone"), "ifeval", "strict", True, -0.5),
        ("tone>=0", ("ifeval", "tone"), "tone", "reward", True, 0),
        ("tone.tone>=0", ("ifeval", "tone"), "tone", "tone", True, 0),
        ("a.b.c<=1", ("a", "a.b"), "a.b", "c", False, 1),
        ("a.length.words<=+2", ("a", "b"), "a", "length.words", False, 2),
        ("tone>=0", ("tone",), "tone", "reward", True, 0),
        ("length.words>=0", ("tone",), "tone", "length.words", True, 0),
    ],
)
def test_what_a_gate_may_say(
    word: str, axes: tuple[str, ...], axis: str, measure: str, at_least: bool, gain: float
) -> None:
    found = bar(word, *axes)
    assert (found.axis, found.measure, found.at_least, found.gain) == (axis, measure, at_least, gain)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hard=0.1", "is not AXIS.MEASURE>=GAIN"),
        ("hard>0.1", "is not AXIS.MEASURE>=GAIN"),
        ("hard>=much", "is not AXIS.MEASURE>=GAIN"),
        ("hard>=nan", "is not AXIS.MEASURE>=GAIN"),
        ("hard>=inf", "is not AXIS.MEASURE>=GAIN"),
        ("hard>=", "is not AXIS.MEASURE>=GAIN"),
        ("hard>=0<=1", "is not AXIS.MEASURE>=GAIN"),
        ("", "is not AXIS.MEASURE>=GAIN"),
        ("speed>=0", "names no axis"),
        ("hards.reward>=0", "names no axis"),
        (">=0", "names no axis"),
    ],
)
def test_what_is_no_gate(word: str, said: str) -> None:
    with pytest.raises(RlraError, match=said) as caught:
        bar(word, "hard", "soft")
    assert "hint" not in said and (said != "names no axis" or caught.value.hint == "the axes are hard, soft")


@pytest.mark.parametrize(
    ("word", "low", "high", "passes"),
    [
        ("reward>=0.1", 0.1, 0.3, True),
        ("reward>=0.1", 0.0999, 0.3, False),
        ("reward>=-0.5", -0.4, 0.3, True),
        ("reward<=0.3", 0.1, 0.3, True),
        ("reward<=0.3", 0.1, 0.301, False),
        ("reward<=0", -0.2, -0.1, True),
        ("reward>=0", 0.0, 0.0, True),
    ],
)
def test_the_whole_interval_has_to_be_on_the_right_side(word: str, low: float, high: float, passes: bool) -> None:
    of = report(change("reward", low, high))
    assert (missed(of, bar(word)) == "") == passes
    (held,) = hold(of, [bar(word)], KNOWN).gates
    assert (held.measure, held.bar, held.passed) == ("reward", word.removeprefix("reward"), passes)


def test_a_miss_says_why() -> None:
    of = report(change("reward", -0.25, 0.5), change("strict", 0.5, 0.5, prompts=1))
    assert missed(of, bar("reward>=0")) == "its interval begins at -0.25"
    assert missed(of, bar("reward<=0")) == "its interval ends at +0.5"
    assert missed(of, bar("strict>=0")).startswith("a single prompt, and below 10")
    assert missed(of, bar("tone>=0")) == "no prompt has a value on both sides"
    assert [gate.passed for gate in hold(of, [bar("strict>=0"), bar("tone>=0")], KNOWN).gates] == [False, False]


@pytest.mark.parametrize(("prompts", "passes"), [(2, False), (9, False), (10, True)])
def test_few_prompts_pass_no_gate(prompts: int, passes: bool) -> None:
    of = report(change("reward", 1, 1, prompts=prompts))
    assert (missed(of, bar("reward>=0.9")) == "") == passes
    assert passes or f"{prompts} prompts" in missed(of, bar("reward>=0.9"))


def test_a_gate_may_mean_a_criterion_and_says_so_where_a_measure_has_its_name() -> None:
    of = report(change("reward", 0, 1), criteria=(change("reward", -1, 0), change("tone", 2, 3)))
    assert missed(of, bar("tone>=2")) == ""
    with pytest.raises(RlraError, match="a measure and a criterion are called 'reward'") as caught:
        hold(of, [bar("reward>=0")], KNOWN)
    assert caught.value.hint == "say measures.reward or criteria.reward"
    (first, second) = hold(of, [bar("measures.reward>=0"), bar("criteria.reward>=0")], KNOWN).gates
    assert (first.passed, second.passed) == (True, False)


@pytest.mark.parametrize(("word", "kind"), [("measures.tone>=0", "measure"), ("criteria.reward>=0", "criterion")])
def test_a_name_of_the_other_kind_is_no_gate_that_is_missed(word: str, kind: str) -> None:
    of = report(change("reward", 0, 1), criteria=(change("tone", 2, 3),))
    with pytest.raises(RlraError, match=f"no {kind} is called"):
        hold(of, [bar(word)], KNOWN)


def test_what_is_not_measured_is_told_with_what_is() -> None:
    with pytest.raises(RlraError, match="soft: no measure and no criterion is called 'speed'") as caught:
        hold(report(axis="soft"), bars_of(["soft.speed>=0"], ("soft", "hard")), KNOWN)
    assert caught.value.hint == "there are strict, reward, length.words, tone"


def test_gates_of_another_axis_are_not_held() -> None:
    bars = bars_of(["hard.strict>=0", "soft>=0"], ("hard", "soft"))
    held = hold(report(change("reward", 1, 2), axis="soft"), bars, KNOWN)
    assert [(gate.measure, gate.passed) for gate in held.gates] == [("reward", True)]
