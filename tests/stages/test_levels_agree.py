"""The levels of a suite and the sides of a comparison are the same figures of the same file."""

import pytest

from schemas.judged import Judged
from schemas.reward import RewardSpec
from schemas.rubric import Rubric
from stages.eval import EvalSpec, evaluate
from stages.measures import MEASURES, group_mean
from stages.suites.levels import OF_ALL, levels, measures_of
from tests.judged_lines import LIES, RUBRIC, SHORT, answer, group

SPEC = EvalSpec(resamples=200, permutations=100)
LIE = LIES.model_copy(update={"weight": -3.0})


def told(lines: list[Judged]) -> dict[str, float]:
    return {level.name: level.value for level in levels(lines, measures_of(None), resamples=200)}


def compared(lines: list[Judged], others: list[Judged]) -> dict[str, tuple[float, float]]:
    return {c.name: (c.before, c.after) for c in evaluate(lines, others, ("a", "b"), SPEC).measures}


def clipped(clip: str, *lies: int) -> list[Judged]:
    """Return a line of one answer for each of `lies`, which costs three times what brevity earns."""
    spec = RewardSpec.model_validate({"clip": clip})
    rubric = Rubric(rubric="r", criteria=(SHORT, LIE), reward=spec)
    return [group(f"p{n}", answer("x", 0, lie, rubric=rubric), rubric=rubric) for n, lie in enumerate(lies)]


def elsewhere(line: Judged) -> Judged:
    """Return a line as if nobody knew how it was sampled."""
    return line.model_copy(update={"policy": line.policy.model_copy(update={"sampling": None})})


def test_means_that_are_clipped_in_a_comparison_are_clipped_here() -> None:
    lines = clipped("mean", 1, 1, 0)
    assert [line.responses[0].reward for line in lines] == [-3.0, -3.0, 0.0]
    (reward,) = [level for level in levels(lines, measures_of(None), resamples=200) if level.name == "reward"]
    assert (reward.value, reward.low, reward.high) == (0.0, 0.0, 0.0)
    assert compared(lines, lines)["reward"] == (0.0, 0.0)


def test_other_rewards_below_0_stand() -> None:
    """Where one rubric clips by itself the file is no HealthBench."""
    raw = RewardSpec.model_validate({"normalise": "none"})
    rubric = Rubric(rubric="r", criteria=(SHORT, LIE), reward=raw)
    plain = [group("q", answer("x", 0, 1, rubric=rubric), rubric=rubric)]
    for lines in (plain, [*clipped("mean", 1), *plain]):
        assert told(lines)["reward"] == compared(lines, lines)["reward"][0] == -3.0


def test_a_share_below_0_of_the_rewards_alone_is_clipped() -> None:
    lines = clipped("mean", 1, 1)
    assert told(lines)["truncated"] == 0.0 and told(clipped("reward", 1, 0))["reward"] == 0.0


def test_an_unknown_truncation_is_no_perfect_one() -> None:
    cut = group("p", answer("Moss", 2, 1, 0, 0, finish="length"), answer("Moss.", 2, 1, 0, 0))
    (truncated,) = [measure for measure in MEASURES if measure.name == "truncated"]
    assert group_mean(cut, truncated) == told([cut])["truncated"] == 0.5
    assert group_mean(elsewhere(cut), truncated) is None
    assert compared([cut], [cut])["truncated"] == (0.5, 0.5)
    for sides in ([cut], [elsewhere(cut)]), ([elsewhere(cut)], [cut]), ([elsewhere(cut)], [elsewhere(cut)]):
        assert "truncated" not in compared(*sides) and "reward" in compared(*sides)


@pytest.mark.parametrize("made", [lambda line: line, elsewhere])
def test_what_both_tell_is_the_same(made) -> None:  # type: ignore[no-untyped-def]
    kinds = ((2, 1, 0, 0), (0, 0, 1, 0), (1, 1, 0, 1))
    lines = [made(group(f"p{n}", answer("Moss.", *said, rubric=RUBRIC))) for n, said in enumerate(kinds)]
    sides = compared(lines, lines)
    assert told(lines) == pytest.approx({name: sides[name][0] for name in OF_ALL if name in sides})
