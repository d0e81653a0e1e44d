"""What `stats` says of judged lines is what counting by hand says of them, and what cannot be known is no number."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RlraError
from schemas.judged import Judged, Usage
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Criterion, Rubric, Tier
from schemas.stats import Stats
from schemas.task import Message
from stages import stats_criteria
from stages.stats import MOST_POOLS, stats
from stages.stats_criteria import MOST_CRITERIA
from tests.judged_lines import RUBRIC, TONE, answer, group, policy
from tests.stages.stats_figures import drawn, figures

SAID = st.tuples(*[st.sampled_from([0, 1, 2, "failed", "abstained"])] * 1, *[st.sampled_from([0, 1, "failed"])] * 3)
ANSWERS = st.builds(lambda words, said: answer("word " * words, *said), st.integers(0, 9), SAID)
GROUPS = st.lists(st.lists(ANSWERS, min_size=1, max_size=5), max_size=6).map(
    lambda rows: [group(f"p{number}", *row) for number, row in enumerate(rows)]
)


@given(GROUPS, st.integers(1, 7))
def test_it_makes_no_difference_how_many_are_taken_together(lines: list[Judged], together: int) -> None:
    whole = figures(lines)[0].model_dump()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stats_criteria, "_TOGETHER", together)
        parts = figures(lines)[0].model_dump()
    assert list(parts.pop("criteria")) == [pytest.approx(each) for each in whole.pop("criteria")]
    assert len(parts.pop("correlations")) == len(whole.pop("correlations"))
    assert parts == whole


@given(GROUPS)
def test_what_cannot_be_known_is_no_number(lines: list[Judged]) -> None:
    """Nothing is counted twice or lost, no figure is NaN, and shares and correlations are in their range."""
    (found,) = figures(lines)
    Stats.model_validate_json(found.model_dump_json(by_alias=True))
    responses = [response for line in lines for response in line.responses]
    assert found.rewards is not None
    assert found.rewards.unrewarded == sum(response.reward is None for response in responses)
    assert (found.rewards.all is None) == (found.rewards.unrewarded == len(responses))
    assert (
        sum(found.rewards.histogram.counts if found.rewards.histogram else ())
        == len(responses) - found.rewards.unrewarded
    )
    for each in found.criteria:
        assert each.scored + each.abstained + each.failed + each.skipped == len(responses)
        assert each.top is None or 0 <= each.top <= each.top + (each.bottom or 0) <= 1
    assert sum(found.failures.values()) == sum(each.failed for each in found.criteria)
    assert all(-1 <= pair.pearson <= 1 for pair in found.correlations)
    assert (found.rewards.length.pearson is None) == bool(found.rewards.length.why)


def test_an_empty_file() -> None:
    (found,) = figures([])
    assert (found.prompts, found.responses, found.group_size, found.length, found.truncated) == (0, 0, None, None, None)
    assert found.rewards is not None and found.rewards.all is found.rewards.flat is found.rewards.histogram is None
    assert found.rewards.length.why == "no response has both" and found.criteria == () and found.veto_rate is None


def test_nothing_but_failures() -> None:
    lines = [group(f"p{n}", *[answer("", *["failed"] * 4, finish="failed")] * 3) for n in range(4)]
    (found,) = figures(lines)
    assert found.rewards is not None and found.rewards.unrewarded == found.unanswered == 12
    assert found.rewards.all is found.rewards.spread is found.rewards.flat is found.length is found.truncated is None
    assert {each.state for each in found.criteria} == {"never scored"} and found.failures == {"not said": 48}
    assert found.veto_rate is None


def test_groups_of_one_have_no_spread() -> None:
    (found,) = figures([group(f"p{n}", answer("a word", n % 3, 1, 0, 0)) for n in range(6)])
    assert (
        found.rewards is not None and found.rewards.spread is found.rewards.flat is found.rewards.length.within is None
    )
    assert all(each.within is None and each.mean is not None for each in found.criteria)
    assert found.rewards.length.pearson is None and found.rewards.length.why == "one of the two is always equal"


def test_states() -> None:
    """19 of 20 at one end is saturated or dead, 18 is not; a veto that never fires is as it should be."""
    for at_end, states in ((19, ["saturated", "saturated", "dead", None]), (18, [None, None, None, None])):
        rows = [answer("a word", 2, 1, 0, 0)] * at_end + [answer("a word", 1, 0, 1, 1)] * (20 - at_end)
        (found,) = figures([group("p", *rows)])
        assert [each.state for each in found.criteria] == states
        assert found.criteria[0].bottom == 0.0, "the tier in the middle is neither"


def test_an_expectation_counts_at_the_end_that_it_is_near() -> None:
    levels = Rubric(rubric="r", criteria=(TONE,))
    lines = group("p", *[answer("a", tier, rubric=levels) for tier in (0, 0, 2, 2)], rubric=levels)
    scores = (0.4, 0.5, 2.5, 2.6)  # tiers are worth 0, 1 and 4
    responses = tuple(
        response.model_copy(update={"verdicts": (response.verdicts[0].model_copy(update={"score": score}),)})
        for response, score in zip(lines.responses, scores, strict=True)
    )
    (found,) = figures([lines.model_copy(update={"responses": responses})])
    assert (found.criteria[0].top, found.criteria[0].bottom) == (0.25, 0.5)


def test_a_reward_on_an_edge_is_in_the_bin_that_begins_there() -> None:
    tenths = [sum([0.1] * n) for n in range(11)]
    lines = group("p", *[answer("a", 2, 1, 0, 0)] * 11)
    responses = tuple(r.model_copy(update={"reward": x}) for r, x in zip(lines.responses, tenths, strict=True))
    (found,) = figures([lines.model_copy(update={"responses": responses})])
    assert found.rewards is not None and found.rewards.histogram is not None
    assert found.rewards.histogram.counts == (1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
    wide = tuple(r.model_copy(update={"reward": 4 * x - 2}) for r, x in zip(lines.responses, tenths, strict=True))
    (found,) = figures([lines.model_copy(update={"responses": wide})])
    assert found.rewards is not None and found.rewards.histogram is not None
    edges = found.rewards.histogram.edges
    assert (edges[0], edges[-1]) == (-2, 2) and {round(b - a, 9) for a, b in pairwise(edges)} == {0.4}


def test_a_curve_keeps_equal_lengths_together() -> None:
    rows = [answer("word " * words, tier, 1, 0, 0) for words, tier in ((2, 0), (2, 2), (8, 2), (8, 2), (8, 2))]
    (found,) = figures([group("p", *rows)])
    assert found.rewards is not None
    assert found.rewards.length.curve == ((2.0, pytest.approx(2 / 3)), (8.0, 1.0))


def test_length_is_in_characters_where_an_answer_does_not_say_its_tokens() -> None:
    line = drawn(1, 1, 3)[0]
    assert figures([line])[0].unit == "tokens"
    silent = line.responses[0].model_copy(update={"length": 0})
    (found,) = figures([line.model_copy(update={"responses": (silent, *line.responses[1:])})])
    assert found.unit == "characters" and found.length is not None
    assert found.length.max == max(len(response.text) for response in line.responses)


def test_vetoes_judges_and_what_they_took() -> None:
    rows = [answer("a", 1, 1, 0, 1), answer("a", 1, 1, 0, 0), answer("a", 1, 1, 0, "failed"), answer("a", 1, 1, 0, 0)]
    line = group("p", *rows).model_copy(update={"usage": Usage(calls=3, tokens_in=40, tokens_out=5)})
    (found,) = figures([line, group("q", *rows[:2])])
    assert found.veto_rate == 2 / 5 and found.vetoes == {"rude": 2}
    assert found.judges == {"j": 24} and found.usage is not None
    assert (found.usage.lines, found.usage.calls, found.usage.tokens_in, found.usage.tokens_out) == (1, 3, 40, 5)
    assert figures([group("q", *rows)])[0].usage is None


def test_of_rollouts_there_are_lengths_and_ends() -> None:
    responses = (
        Response(text="one", finish="length", length=9),
        Response(text="", finish="failed", length=0, error="timed out"),
    )
    message = (Message(role="user", content="Say."),)
    line = Rollouts(id="p", messages=message, policy=policy(), responses=responses)
    (found,) = stats([line], "", "file", "rollouts")
    assert (found.truncated, found.unanswered, found.length and found.length.n) == (1.0, 1, 1)
    assert found.rewards is None and found.veto_rate is None and found.criteria == ()


def test_criteria_beyond_the_most_are_counted_and_no_more() -> None:
    def own(number: int) -> Judged:
        rubric = Rubric(rubric=f"r{number}", criteria=(Criterion(id=f"c{number}", text="Is good."),))
        return group(f"p{number}", answer("a", 1, rubric=rubric), rubric=rubric)

    (found,) = figures([*map(own, range(MOST_CRITERIA + 3)), own(0)])
    assert len(found.criteria) == MOST_CRITERIA and found.untold == 3
    assert found.criteria[0].scored == 2 and found.criteria[-1].criterion == f"c{MOST_CRITERIA - 1}"


def test_pools() -> None:
    lines = [group(f"p{n}", answer("a", 1, 1, 0, 0), meta={"topic": topic}) for n, topic in enumerate(["x", 3, None])]
    assert [(each.pool, each.prompts) for each in figures(lines, "meta.topic")[1:]] == [("x", 1), ("3", 1), ("", 1)]
    assert [each.pool for each in figures(lines, "rubric.rubric")[1:]] == [RUBRIC.rubric]
    assert [each.id for each in figures(lines, "policy.model")] == ["file", "file:base"]
    many = [group(f"p{n}", answer("a", 1, 1, 0, 0), meta={"own": n}) for n in range(MOST_POOLS + 1)]
    assert len(figures(many[:-1], "meta.own")) == MOST_POOLS + 1
    with pytest.raises(RlraError, match="more than 100 pools"):
        figures(many, "meta.own")
    with pytest.raises(RlraError, match="--by topic: lines are parted by"):
        figures(lines, "topic")


def test_one_exception_among_a_million_is_not_taken_for_rounding() -> None:
    number = 1_000_000.0
    assert stats_criteria._variance(number, number - 1, number - 1) == pytest.approx(1e-6)
    assert stats_criteria._variance(number, 0.1 * number, 0.1**2 * number) == 0.0


def test_tiers_are_levels() -> None:
    """A tier is worth its share of the range of scores, whatever that is: here −2 to 8."""
    scale = Criterion(id="c", text="Is warm.", tiers=tuple(Tier(score=s, text=f"t{s}") for s in (-2, 3, 8)))
    rubric = Rubric(rubric="r", criteria=(scale,))
    (found,) = figures([group("p", *[answer("a", tier, rubric=rubric) for tier in (0, 1, 1, 2)], rubric=rubric)])
    assert (found.criteria[0].mean, found.criteria[0].top, found.criteria[0].bottom) == (0.5, 0.25, 0.25)
