"""Groups that are sampled further until two rewards differ."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlra_cli.rollout_tally import Tally
from schemas.errors import RlraError
from schemas.jsonl import to_line
from schemas.rollouts import Rollouts, unpack
from schemas.rubric import Criterion, Rubric
from stages.models.base import Completion, Request
from stages.rollout import RolloutSpec, rollout
from stages.seeds import derive
from stages.until_spread import Spread
from tests.stages.scripted import Scripted, task

SHORT = Rubric(rubric="r", criteria=(Criterion(id="short", check={"word_count": {"at_most": 2}}),))
SPREAD = Spread([SHORT])


class Telling(Scripted):
    """Answers shortly or at length, or not at all, as a script says for each index of each task."""

    def __init__(self, script: dict[str, str]) -> None:
        super().__init__()
        self.script = {
            derive(0, name, index): kind for name, kinds in script.items() for index, kind in enumerate(kinds)
        }

    def answer(self, request: Request) -> Completion:
        kind = self.script[request.seed]
        text = {"s": "Yes.", "l": "Yes, I do think so.", "f": ""}[kind]
        return Completion(text, "failed" if kind == "f" else "stop", 1, error="engine: no" if kind == "f" else None)


def sizes(groups: Sequence[Rollouts]) -> list[int]:
    return [len(group.responses) for group in groups]


def test_only_groups_without_spread_are_sampled_further_and_all_of_them_together() -> None:
    model = Telling({"at once": "sl" + "x" * 9, "second": "sssl" + "x" * 9, "never": "s" * 9, "torn": "fs" + "f" * 7})
    spec = RolloutSpec(group_size=2, until_spread=7)
    groups = list(rollout([task(name) for name in ("at once", "second", "never", "torn")], spec, model, [SHORT]))
    assert sizes(groups) == [2, 4, 7, 7]
    assert [len(call) for call in model.calls] == [8, 6, 4, 2]
    assert [request.seed for request in model.calls[3]] == [derive(0, name, 6) for name in ("never", "torn")]


def test_a_group_without_any_answer_is_not_sampled_further_and_is_no_group_without_spread() -> None:
    model = Telling({"failed": "ff" + "sl" * 4, "never": "s" * 4})
    spec = RolloutSpec(group_size=2, until_spread=4)
    groups = list(rollout([task("failed"), task("never")], spec, model, [SHORT]))
    assert sizes(groups) == [2, 4]
    assert [len(call) for call in model.calls] == [4, 2]
    counts = [Tally(spec, SPREAD)(group) for group in groups]
    assert [(count["failed"], count["sampled_further"], count["without_spread"]) for count in counts] == [
        (2, False, False),
        (0, True, True),
    ]


KINDS = st.text("slf", min_size=24, max_size=24)


@settings(deadline=None, max_examples=40)
@given(st.lists(KINDS, min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 8), st.integers(1, 3))
def test_a_group_that_ended_is_the_beginning_of_the_longer_one(
    scripts: list[str], size: int, further: int, window: int
) -> None:
    script = {f"t{number}": kinds for number, kinds in enumerate(scripts)}
    tasks = [task(name) for name in script]
    most = size + further + 1
    spec = RolloutSpec(group_size=size, until_spread=most, window=window)
    found = list(rollout(tasks, spec, Telling(script), [SHORT]))
    whole = list(rollout(tasks, RolloutSpec(group_size=most), Telling(script)))
    for short, long in zip(found, whole, strict=True):
        count = len(short.responses)
        assert short.model_copy(update={"responses": ()}) == long.model_copy(update={"responses": ()})
        assert short.responses == long.responses[:count]
        kinds = script[short.id]
        spread = [{"s", "l"} <= set(kinds[:end]) for end in range(most + 1)]
        ends = [*range(size, most, size), most] if set(kinds[:size]) != {"f"} else [size]
        assert count == next((end for end in ends if spread[end]), ends[-1])
        assert list(SPREAD.differing([short])) == [spread[count]]
    last = tasks[-1:]
    assert to_line(found[-1]) == to_line(next(rollout(last, spec, Telling(script), [SHORT])))


def test_prompt_tokens_come_from_whichever_round_has_them() -> None:
    class Late(Telling):
        def answer(self, request: Request) -> Completion:
            found = super().answer(request)
            known = request.seed == derive(0, "a", 3)
            return Completion(found.text, found.finish, 1, found.error, (5, 6) if known else None)

    (group,) = rollout([task("a")], RolloutSpec(group_size=2, until_spread=4), Late({"a": "sssl"}), [SHORT])
    assert unpack(group.prompt_tokens or "", "i") == [5, 6]


def test_rewards_are_those_of_the_tasks_own_rubric_unless_another_replaces_or_joins_it() -> None:
    lax = Rubric(rubric="lax", criteria=(Criterion(id="any", check={"word_count": {"at_most": 99}}),))
    spec, model = RolloutSpec(group_size=2, until_spread=4), Telling({"a": "slsl"})
    ways: list[tuple[list[Rubric], bool]] = [([], False), ([lax], False), ([lax], True)]
    own = task("a", rubric=SHORT)
    assert [sizes(list(rollout([own], spec, model, *way))) for way in ways] == [[2], [4], [2]]


@pytest.mark.parametrize(
    ("rubric", "said"),
    [
        (Rubric(rubric="r", criteria=(Criterion(id="kind", text="Is kind."),)), "b: criterion 'kind' needs a model"),
        (Rubric(rubric="r", criteria=(Criterion(id="odd", check={"no_such_check": {}}),)), "no_such_check"),
        (None, "b: the line has no rubric"),
    ],
)
def test_what_cannot_be_rewarded_by_checks_is_refused_before_anything_is_sampled(
    rubric: Rubric | None, said: str
) -> None:
    model = Telling({})
    given = [task("a", rubric=SHORT), task("b", rubric=rubric)]
    with pytest.raises(RlraError, match=said):
        next(rollout(given, RolloutSpec(group_size=2, until_spread=4), model))
    assert not model.calls
