"""Tasks of several kinds in one run: the declared shares in every step, nothing twice, nothing unnoticed."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task
from schemas.train_log import TrainLog
from stages.train import TrainSpec
from stages.training.advantages import Scored
from stages.training.hybrid import counts, kind_of, mixed, mixed_steps, rewards_by_kind, sampled_steps
from stages.training.staged import measured, steps
from tests.judged_lines import SHORT, TONE, policy
from tests.running import Runner
from tests.stages.test_advantages import response
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

VERIFIABLE = Rubric(rubric="exact", criteria=(SHORT,))
JUDGED = Rubric(rubric="warm", criteria=(TONE, SHORT))
HELLO = (Message(role="user", content="Hello."),)
MIXES = st.dictionaries(st.sampled_from("abcde"), st.sampled_from([0.1, 0.25, 0.3, 1.0, 2.0, 7.0]), min_size=1)


def task(name: str, kind: Any = None) -> Task:
    return Task(id=name, messages=HELLO, meta={} if kind is None else {"kind": kind})


def scored(name: str, kind: str, reward: float = 0.5) -> Scored:
    rubric = Rubric(rubric="r", criteria=(Criterion(id="good", text="Is good."),))
    rows = (response(reward), response(None))
    group = Judged(id=name, messages=HELLO, meta={"kind": kind}, rubric=rubric, policy=policy(), responses=rows)
    return Scored(group, group.responses, (0.1, -0.1), reward)


def many(**numbers: int) -> list[Scored]:
    return [scored(f"{kind}{n}", kind) for kind, number in numbers.items() for n in range(number)]


def spec(mix: dict[str, float], **more: Any) -> TrainSpec:
    return TrainSpec(**{"mix": mix, "mix_by": "meta.kind", "prompts_per_step": 4, **more})


def kinds(step: Sequence[Scored]) -> Counter[str]:
    return Counter(scored.group.meta["kind"] for scored in step)


# What a task's kind is.


@pytest.mark.parametrize(("rubric", "kind"), [(VERIFIABLE, "verifiable"), (JUDGED, "judged")])
def test_without_a_field_the_kind_is_how_the_reward_is_made(rubric: Rubric, kind: str) -> None:
    assert kind_of(task("a", "x"), rubric, "reward") == kind


def test_a_field_names_the_kind() -> None:
    assert kind_of(task("a", "maths"), JUDGED, "meta.kind") == "maths"
    assert kind_of(task("a", 3), JUDGED, "meta.kind") == "3"
    assert kind_of(task("a"), JUDGED, "meta.kind") == ""


# The shares.


@given(MIXES, st.integers(1, 9))
def test_every_step_is_full_and_no_kind_is_two_away_from_its_share(mix: dict[str, float], size: int) -> None:
    shares = {kind: Fraction(str(share)) for kind, share in mix.items()}
    total = Counter[str]()
    for number, step in enumerate(islice(counts(mix, size), 20), start=1):
        assert sum(step.values()) == size
        assert min(step.values()) > 0
        total += step
        for kind, share in shares.items():
            assert abs(total[kind] - share * size * number / sum(shares.values())) < 2


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 6), min_size=1), st.integers(1, 3))
def test_shares_that_are_whole_numbers_are_those_of_every_step(whole: dict[str, int], times: int) -> None:
    size = times * sum(whole.values())
    for step in islice(counts({kind: number / 10 for kind, number in whole.items()}, size), 10):
        assert step == {kind: number * times for kind, number in whole.items()}


# Staged.


def test_whole_steps_are_made_each_group_is_used_once_and_the_others_are_counted_by_reason() -> None:
    groups, dropped = many(a=7, b=20, c=2), Counter[str]({"no_spread": 1})
    half = spec({"a": 0.5, "b": 0.5})
    kept = mixed(groups, half, dropped)
    assert dropped == {"no_spread": 1, "left_over_a": 1, "left_over_b": 14, "other_kind": 2}
    assert [scored.group.id for scored in kept] == [s.group.id for s in groups if s in kept]
    learned = list(steps(kept, half))
    assert [kinds(step) for step in learned] == [{"a": 2, "b": 2}] * 3
    assert sorted(s.group.id for step in learned for s in step) == sorted(s.group.id for s in kept)


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([(1, 1), (1, 3), (0.3, 0.7), (2, 1)]), st.integers(2, 5))
def test_every_epoch_has_the_same_groups_in_the_declared_shares(
    a: int, b: int, shares: tuple[float, float], size: int
) -> None:
    two = spec({"a": shares[0], "b": shares[1]}, epochs=2, prompts_per_step=size)
    dropped = Counter[str]()
    try:
        kept = mixed(many(a=a, b=b), two, dropped)
    except RlraError as error:
        assert "no whole step" in error.message
        return
    assert len(kept) + sum(dropped.values()) == a + b
    learned = list(steps(kept, two))
    first, second = learned[: len(learned) // 2], learned[len(learned) // 2 :]
    for epoch in (first, second):
        assert Counter(s.group.id for step in epoch for s in step) == Counter(s.group.id for s in kept)
        assert [kinds(step) for step in epoch] == list(islice(counts(two.mix, size), len(epoch)))


def test_the_seed_decides_which_are_left_over_and_in_which_order_the_others_come() -> None:
    def order(seed: int) -> list[str]:
        half = spec({"a": 1, "b": 1}, seed=seed)
        return [s.group.id for step in mixed_steps(mixed(many(a=4, b=9), half, Counter()), half) for s in step]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_without_a_mix_nothing_is_left_out() -> None:
    groups, dropped = many(a=3, b=2), Counter[str]()
    assert mixed(groups, TrainSpec(), dropped) == groups
    assert not dropped


def test_a_kind_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(RlraError, match="nothing of kind 'maths'") as refused:
        mixed(many(a=3, b=2), spec({"a": 1, "maths": 1}), Counter())
    assert refused.value.hint == "kinds that there are: a, b"


def test_too_few_for_one_step_is_refused() -> None:
    with pytest.raises(RlraError, match="no whole step of 4 can be made of 9 a, 1 b groups"):
        mixed(many(a=9, b=1), spec({"a": 1, "b": 1}), Counter())


def test_the_log_has_a_reward_for_each_kind() -> None:
    groups = [scored("x", "a", 0.2), scored("y", "a", 0.4), scored("z", "b", 0.9)]
    both = spec({"a": 2, "b": 1}, prompts_per_step=3)
    found = rewards_by_kind([s.group for s in groups], both)
    assert found == {"reward/a": pytest.approx(0.3), "reward/b": 0.9}
    assert found.items() <= measured(groups, both)[0].items()
    assert rewards_by_kind([s.group for s in groups], TrainSpec()) == {}


# Online.


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 12), min_size=1),
    st.integers(1, 6),
    st.integers(1, 20),
    st.booleans(),
)
def test_online_steps_have_the_shares_no_task_twice_and_passes_over_all(
    numbers: dict[str, int], size: int, wanted: int, has_mix: bool
) -> None:
    names = [(f"{kind}{n}", kind) for kind, number in numbers.items() for n in range(number)]
    tasks, mix = [task(*name) for name in names], dict.fromkeys(numbers, 1.0)
    how = spec(mix, prompts_per_step=size, steps=wanted) if has_mix else TrainSpec(prompts_per_step=size, steps=wanted)
    try:
        planned = sampled_steps(tasks, [kind for _, kind in names], how)
    except RlraError as error:
        assert "cannot fill steps" in error.message
        return
    assert len(planned) == wanted
    for step, given_ in zip(planned, counts(mix, size), strict=False):
        ids = [each.id for each in step]
        assert len(set(ids)) == len(ids) == size
        if has_mix:
            assert Counter(each.meta["kind"] for each in step) == given_
    for pool in [[n for n, k in names if k == kind] for kind in numbers] if has_mix else [[n for n, _ in names]]:
        used = Counter(each.id for step in planned for each in step if each.id in pool)
        assert max(used.values(), default=0) - min(used[name] for name in pool) <= 1


def test_a_step_that_needs_more_of_a_kind_than_there_are_is_refused() -> None:
    with pytest.raises(RlraError, match="3 tasks cannot fill steps that hold 4 of them"):
        sampled_steps([task(name) for name in "abc"], ["", "", ""], TrainSpec(prompts_per_step=4))
    with pytest.raises(RlraError, match="1 tasks of kind b cannot fill steps that hold 2 of them"):
        sampled_steps([task(name) for name in "pqrs"], ["a", "a", "a", "b"], spec({"a": 1, "b": 1}))


def test_a_staged_run_says_what_was_left_over_and_logs_both_kinds(tmp_path: Path) -> None:
    run, folder = Runner(tmp_path), tiny_model(tmp_path / "tiny")
    groups = [
        group.model_copy(update={"meta": {"kind": "a" if number < 2 else "b"}})
        for number, group in enumerate(sampled(folder, 5))
    ]
    run.write("judged.jsonl", b"".join(map(to_line, groups)))
    words = ["train", "judged.jsonl", "-o", "run", "--model", "hf:tiny", "--processes", "1", "--no-bf16"]
    words += ["--prompts-per-step", "2", "--mix-by", "meta.kind", "--mix", "a=0.5"]
    done = run.inside(*words, "--mix", "b=0.5")
    assert done.code == 0, done.err
    assert "train: 4 of 5 groups can be learned from; 1 dropped: left_over_b" in done.err
    log = list(Source(str(tmp_path / "run" / "train_log.jsonl")).read(TrainLog))
    assert [line.step for line in log] == [1, 2, 2]
    for line in log[:2]:
        assert line.metrics["reward"] == pytest.approx((line.metrics["reward/a"] + line.metrics["reward/b"]) / 2)
    other = run.inside(*words, "--mix", "c=0.5", "--no-resume")
    assert other.code == 1 and "nothing of kind 'c'" in other.err and "a, b" in other.err


# What is refused before.


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"mix": {"a": 1}, "scale_rewards": "batch"}, "the spread of all kinds"),
        ({"mix_by": "meta.kind"}, "--mix-by goes with --mix"),
        ({"mix": {"a": 0}}, "greater than 0"),
        ({"mix": ["a"]}, "'a' is not KEY=VALUE"),
        ({"mix": ["a=1", "a=2"]}, "a is given twice"),
        ({"mix": ["a=many"]}, "valid number"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TrainSpec.model_validate(given_)


def test_a_mix_is_given_as_options() -> None:
    assert TrainSpec.model_validate({"mix": ("verifiable=0.5", "judged=1")}).mix == {"verifiable": 0.5, "judged": 1.0}
