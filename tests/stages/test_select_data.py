"""Which groups stay: the band with its ends, quantiles, the budget, and every drop with its reason."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.rubric import Criterion, Rubric, Tier
from schemas.task import Message
from stages.select_data import select_data
from stages.selection.entry import Entry
from stages.selection.judged_lines import JudgedLines
from stages.selection.spec import SelectDataSpec, band
from stages.selection.statistics import statistic
from tests.stages.selecting import around, changed, chosen, decided, entries, failed, group, numbers, reasons, verdict

LADDER = [around(name, mean) for name, mean in zip("abcde", (0.0, 0.25, 0.5, 0.75, 1.0), strict=True)]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("0.2:0.8", (0.2, 0.8)),
        ("0.5:0.5", (0.5, 0.5)),
        (":0.8", (float("-inf"), 0.8)),
        ("-1e-3:", (-0.001, float("inf"))),
        (":", (float("-inf"), float("inf"))),
    ],
)
def test_a_band_is_read(text: str, ends: tuple[float, float]) -> None:
    """Two numbers; one that is left out is no limit."""
    assert band(text) == ends


@pytest.mark.parametrize("text", ["", "0.5", "a:b", "0.2:0.8:1", "nan:1", "0.2-0.8", "0,2:0,8", "٠:١"])
def test_what_is_no_band(text: str) -> None:
    """Anything else is refused, by name."""
    with pytest.raises(ValueError, match="is not LOW:HIGH"):
        band(text)
    with pytest.raises(ValueError, match="is not LOW:HIGH"):
        SelectDataSpec(keep=text)


def test_a_band_upside_down() -> None:
    """Nothing could lie in it."""
    with pytest.raises(ValueError, match="LOW is above HIGH"):
        band("0.8:0.2")


def test_the_ends_of_the_band_belong_to_it() -> None:
    """Means of 0.25 and 0.75 lie in 0.25:0.75; what does not is below or above."""
    assert chosen(LADDER, keep="0.25:0.75") == "bcd"
    assert reasons(LADDER, keep="0.25:0.75") == {"a": "too_hard", "e": "too_easy"}
    assert chosen(LADDER, keep="0.26:0.74") == "c"
    assert chosen(LADDER, keep=":0.25") == "ab"


@pytest.mark.parametrize("keep", ["0.25:0.75", "0.26:0.74"])
def test_spread_has_no_easy_side(keep: str) -> None:
    """A band of the spread is left below or above, and not by being hard or easy."""
    groups = [group("a", 0.4, 0.6), group("b", 0.0, 1.0), group("c", -1.0, 1.0)]
    assert reasons(groups, keep=keep, statistic="spread") == {"a": "below_band", "c": "above_band"}


@pytest.mark.parametrize(
    ("which", "expected"),
    [("mean", 0.4), ("median", 0.2), ("max", 1.0), ("min", 0.0), ("spread", 0.432049), ("pass_rate", 1 / 3)],
)
def test_statistics(which: str, expected: float) -> None:
    """Over the scored rewards alone: what failed is no 0. The standard deviation is that of the rewards themselves."""
    assert statistic([0.0, 0.2, 1.0], which) == pytest.approx(expected, abs=1e-6)
    middle = f"{expected - 1e-6}:{expected + 1e-6}"
    assert chosen([group("a", 0.0, None, 0.2, 1.0)], statistic=which, keep=middle) == "a"


def test_what_passes_is_for_the_user_to_say() -> None:
    assert statistic([0.0, 0.2, 1.0], "pass_rate", pass_at=0.2) == pytest.approx(2 / 3)
    assert chosen([group("a", 0.0, 0.5)], statistic="pass_rate", pass_at=0.5, keep="0.5:0.5") == "a"


def test_the_mean_of_a_criterion() -> None:
    """Of its tiers' units, over the scored responses; where nothing was scored the group is not measured."""
    tiers = (Tier(score=0, text="No."), Tier(score=1, text="Some."), Tier(score=4, text="Yes."))
    rubric = Rubric(rubric="r", criteria=(Criterion(id="a", text="t"), Criterion(id="tone", text="t", tiers=tiers)))

    def one(name: str, *scores: float | None) -> Judged:
        plain = group(name, *(0.25 * n for n in range(len(scores))))
        rows = [
            (response.verdicts[0], verdict(score, "tone"))
            for response, score in zip(plain.responses, scores, strict=True)
        ]
        responses = tuple(r.model_copy(update={"verdicts": row}) for r, row in zip(plain.responses, rows, strict=True))
        return plain.model_copy(update={"rubric": rubric, "responses": responses})

    groups = [one("a", 0.0, 1.0, None), one("b", 4.0, 1.0), one("c", None, None), group("d", 0.0, 1.0)]
    assert chosen(groups, statistic="criterion:tone", keep="0.125:0.125") == "a"
    assert chosen(groups, statistic="criterion:tone", keep="0.625:0.625") == "b"
    found = reasons(groups, statistic="criterion:tone", keep="0.2:0.6")
    assert found == {"a": "below_band", "b": "above_band", "c": "not_measured", "d": "not_measured"}


@pytest.mark.parametrize("name", ["", "average", "criterion:", "spread ", "Mean"])
def test_an_unknown_statistic(name: str) -> None:
    with pytest.raises(ValidationError, match="is none of mean, median"):
        SelectDataSpec(statistic=name)


def test_a_group_that_teaches_nothing() -> None:
    """Equal rewards, too few responses, or too few that the judge could score, each by its own name."""
    groups = [group("a", 0.5, 0.5), group("b", 0.5, None), group("c", None, None), group("d", 0.4, 0.6)]
    assert reasons(groups) == {"a": "no_spread", "b": "judge_failed", "c": "judge_failed"}
    assert chosen(groups, flat=True) == "ad"
    assert chosen(groups, flat=True, min_scored=1) == "abd"
    assert reasons([group("a", 0.5, 0.5 + 1e-7)]) == {"a": "no_spread"}
    assert reasons([group("a", 0.5), failed("b", 0.5, None)]) == {"a": "too_few_scored", "b": "too_few_scored"}
    assert numbers([group("a", 0.5), group("b", 0.5, None)]) == {
        "a": {"scored": 1, "answered": 1},
        "b": {"scored": 1, "answered": 2},
    }


def test_a_group_without_any_reward_never_stays() -> None:
    """There is no statistic of nothing."""
    for more in ({}, {"quantile": True}, {"budget": 1}):
        assert reasons([group("a", None)], flat=True, min_scored=1, **more) == {"a": "judge_failed"}
        assert reasons([failed("a", None)], flat=True, min_scored=1, **more) == {"a": "too_few_scored"}


def test_a_floor_of_the_spread() -> None:
    """Below it is no spread, also where equal rewards would do; the number is said."""
    groups = [group("a", 0.4, 0.6), group("b", 0.0, 1.0), group("c", 0.5, 0.5)]
    assert reasons(groups, spread_at_least=0.2) == {"a": "no_spread", "c": "no_spread"}
    assert chosen(groups, spread_at_least=0.2, flat=True) == "b"
    assert numbers(groups[:1], spread_at_least=0.2) == {"a": {"spread": pytest.approx(0.1)}}


def test_vetoed_groups() -> None:
    """Wholly vetoed ones always go; with a limit those above it; of the scored responses alone."""
    half = changed(group("a", 0.0, 1.0, None), [0, 2], vetoed_by=("v",))
    whole = changed(group("b", 0.0, 0.0), [0, 1], vetoed_by=("v",))
    assert reasons([half, whole], flat=True) == {"b": "vetoed"}
    assert reasons([half, whole], most_vetoed=0.5) == {"b": "vetoed"}
    assert numbers([half], most_vetoed=0.4) == {"a": {"vetoed": 0.5}}


def test_long_prompts_and_answers() -> None:
    """Prompts by their characters, groups by the share of answers that were cut off; both are off by default."""
    cut = changed(group("a", 0.0, 0.5, 1.0, 0.5), [0, 1, 2], finish="length")
    long = group("b", 0.0, 1.0).model_copy(update={"messages": (Message(role="user", content="x" * 30),)})
    assert chosen([cut, long]) == "ab"
    assert reasons([cut, long], most_cut_off=0.5, longest_prompt=29) == {"a": "too_long", "b": "too_long"}
    assert chosen([cut, long], most_cut_off=0.75, longest_prompt=30) == "ab"
    assert numbers([long], longest_prompt=3) == {"b": {"characters": 30, "cut_off": 0.0}}


def test_quantiles_are_of_the_file() -> None:
    """The middle half of the groups that can be used, whatever their rewards; ends included."""
    assert chosen(LADDER, keep="0.25:0.75", quantile=True) == "bcd"
    higher = [around(g.id, 0.5 + 0.1 * n) for n, g in enumerate(LADDER)]
    assert chosen([*higher, group("z", 0.9, 0.9)], keep="0.25:0.75", quantile=True) == "bcd"
    assert chosen(LADDER, keep="0:1", quantile=True) == "abcde"
    assert chosen(LADDER[:1], keep="0.4:0.6", quantile=True) == "a"
    assert chosen([], keep="0.4:0.6", quantile=True) == ""


def test_a_budget_keeps_the_middle_of_the_band() -> None:
    """Those nearest to it, ties by id, in the order of the file; the others are over budget."""
    assert chosen(LADDER, budget=3) == "bcd"
    assert chosen(LADDER[::-1], budget=2) == "cb"
    assert reasons(LADDER, budget=3) == {"a": "over_budget", "e": "over_budget"}
    assert chosen(LADDER, budget=9) == "abcde"
    assert chosen(LADDER, keep="0.5:", budget=1) == "d"


def test_groups_are_passed_on_as_they_are_read() -> None:
    """Where every group decides alone none waits for the next one."""
    read: list[int] = []

    def source() -> Iterator[Entry]:
        for entry in entries(LADDER):
            read.append(entry.number)
            yield entry

    spec = SelectDataSpec()
    next(select_data(source, JudgedLines(spec), spec))
    assert read == [1]


@pytest.mark.parametrize("spec", [{}, {"quantile": True}])
def test_an_id_that_stands_twice(spec: dict[str, Any]) -> None:
    """It is refused with the line of the second one, whether groups are decided alone or together."""
    with pytest.raises(RlraError, match=r"in\.jsonl:3: id: 'a' stands on an earlier line too"):
        decided([*LADDER[:2], LADDER[0], LADDER[1]], **spec)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"keep_pool": ("a=0:1",)}, "--keep-pool goes with --by"),
        ({"by": "id", "keep_pool": ("0:1",)}, "'0:1' is not NAME=VALUE"),
        ({"by": "id", "keep_pool": ("a=1",)}, "is not LOW:HIGH"),
        ({"choose": "random"}, "--choose goes with --budget"),
        ({"balance": "id"}, "--balance goes with --budget"),
        ({"budget": 1, "mix": ("a=0.5",)}, "--mix goes with --balance"),
        ({"budget": 1, "balance": "id", "mix": ("a=0.7", "b=0.4")}, "sum to 1.1, more than 1"),
        ({"budget": 1, "balance": "id", "mix": ("a=-1",)}, "SHARE must be a number"),
        ({"score_field": "s", "statistic": "criterion:a"}, "needs judged lines"),
    ],
)
def test_options_that_do_not_go_together(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SelectDataSpec(**spec)
