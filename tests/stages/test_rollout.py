"""Rollouts: what decides a response, and what the line says about it."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError

from schemas.jsonl import parse, to_data, to_line
from schemas.rollouts import Rollouts, pack, unpack
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task
from stages.models.base import Completion, Request
from stages.rollout import RolloutSpec, rollout, unfit, window_of
from stages.seeds import derive
from tests.stages.scripted import Scripted, task

TASKS = [task(f"t{n:02d}") for n in range(16)]


# The line.


def test_a_line_is_the_task_with_a_group_of_responses() -> None:
    rubric = Rubric(rubric="r", criteria=(Criterion(id="short", check={"word_count": {"at_most": 3}}),))
    given = task("a", "Hello", reference="Hi", rubric=rubric, meta={"mine": [1, None]}, rewritten_from="Hey")
    group = next(rollout([given], RolloutSpec(group_size=2, max_tokens=9, seed=4), Scripted()))
    assert {name: getattr(group, name) for name in Task.model_fields if name != "tag"} == {
        name: getattr(given, name) for name in Task.model_fields if name != "tag"
    }
    assert to_data(group)["policy"] == {
        "model": "hf:scripted",
        "revision": "r1",
        "template": "t1",
        "engine": "none 1",
        "dtype": "float32",
        "sampling": {"temperature": 1.0, "max_tokens": 9},
        "seed": 4,
    }
    assert unpack(group.prompt_tokens or "", "i") == [5, 6]
    for response in group.responses:
        assert (response.text, response.finish, response.length, response.error) == ("re Hello", "stop", 2, None)
        assert response.tokens is not None
        assert unpack(response.tokens.ids, "i") == [7, 1]
        assert unpack(response.tokens.logprobs, "f") == [-0.5, -1.25]
    assert to_data(parse(to_line(group).rstrip(), Rollouts, "here")) == to_data(group)


def test_packed_numbers_are_little_endian_on_every_machine() -> None:
    ids, chances = [0, 1, 513, 49151], [-0.0, -1.5, -17.25]
    assert base64.b64decode(pack(ids, "i")) == np.array(ids, "<i4").tobytes()
    assert base64.b64decode(pack(chances, "f")) == np.array(chances, "<f4").tobytes()
    assert (unpack(pack(ids, "i"), "i"), unpack(pack(chances, "f"), "f")) == (ids, chances)


def test_without_tokens_neither_ids_nor_logprobs_are_kept() -> None:
    group = next(rollout([task("a")], RolloutSpec(group_size=2, tokens=False), Scripted()))
    assert group.prompt_tokens is None
    assert [response.tokens for response in group.responses] == [None, None]
    assert b"tokens" not in to_line(group).replace(b"max_tokens", b"")


def test_a_response_that_could_not_be_had_is_failed_and_the_rest_stands() -> None:
    class Half(Scripted):
        def answer(self, request: Request) -> Completion:
            bad = request.messages[-1].content == "bad"
            return Completion("", "failed", 0, error="too long") if bad else super().answer(request)

    good, bad = rollout([task("a"), task("b", "bad")], RolloutSpec(group_size=2), Half())
    assert [response.finish for response in good.responses] == ["stop", "stop"]
    assert [(r.finish, r.error, r.text, r.tokens) for r in bad.responses] == [("failed", "too long", "", None)] * 2
    assert bad.prompt_tokens is None


def test_how_an_answer_is_drawn_is_asked_for_and_recorded() -> None:
    drawn = {
        "temperature": 0.7,
        "max_tokens": 33,
        "top_p": 0.9,
        "top_k": 5,
        "repetition_penalty": 1.2,
        "presence_penalty": 0.3,
        "frequency_penalty": -0.4,
        "stop": ("END", "\n\n"),
    }
    model = Scripted()
    spec = RolloutSpec(group_size=1, template_arg=("b=[1, 2]", "a=x=y", "c=false"), system="Be brief.", **drawn)
    group = next(rollout([task("a")], spec, model))
    (request,) = model.calls[0]
    assert {name: getattr(request, name) for name in drawn} == drawn
    assert group.policy.sampling is not None
    assert group.policy.sampling.model_dump() == drawn
    assert group.policy.template_args == orjson.loads(request.template_args) == {"a": "x=y", "b": [1, 2], "c": False}
    assert request.template_args.startswith('{"a":"x=y","b":')
    assert (group.policy.system, group.messages) == ("Be brief.", task("a").messages)
    assert [(turn.role, turn.content) for turn in request.messages] == [("system", "Be brief."), ("user", "Prompt a")]
    assert to_data(parse(to_line(group).rstrip(), Rollouts, "here")) == to_data(group)


def test_plain_sampling_is_the_default_and_leaves_no_trace_in_the_line() -> None:
    model = Scripted()
    line = to_data(next(rollout([task("a")], RolloutSpec(group_size=1), model)))
    asked = model.calls[0][0]
    assert asked == Request(task("a").messages, derive(0, "a", 0), 1.0, 96, exact=True)
    assert line["policy"]["sampling"] == {"temperature": 1.0, "max_tokens": 96}
    assert not {"system", "template_args"} & line["policy"].keys()
    without = Scripted()
    list(rollout([task("a")], RolloutSpec(group_size=1, tokens=False), without))
    assert without.calls[0][0] == asked  # a server that is asked for tokens is told to draw plainly, too


def test_a_system_prompt_of_the_conversation_itself_stands() -> None:
    own = Task(id="own", messages=(Message(role="system", content="Mine."), Message(role="user", content="Hi")))
    model = Scripted()
    list(rollout([own], RolloutSpec(group_size=1, system="Be brief."), model))
    assert model.calls[0][0].messages == own.messages


@pytest.mark.parametrize(
    ("sampling", "tokens", "why"),
    [
        ({}, True, ()),
        ({"temperature": 0.5}, True, ()),
        ({}, False, ("no token ids",)),
        ({"top_p": 0.9, "stop": ("x",)}, True, ("top_p 0.9", "stop 'x'")),
        ({"temperature": 0.0, "top_k": 3}, False, ("no token ids", "temperature 0", "top_k 3")),
        ({"repetition_penalty": 1.1}, True, ("repetition_penalty 1.1",)),
        ({"presence_penalty": 1.0, "frequency_penalty": 1.0}, True, ("presence_penalty 1.0", "frequency_penalty 1.0")),
    ],
)
def test_what_staged_training_cannot_use_is_named(sampling: dict[str, Any], tokens: bool, why: tuple[str, ...]) -> None:
    assert unfit(next(rollout([task("a")], RolloutSpec(tokens=tokens, **sampling), Scripted()))) == why


def test_a_failed_response_needs_no_tokens_to_be_fit() -> None:
    class Broken(Scripted):
        def answer(self, request: Request) -> Completion:
            return Completion("", "failed", 0, error="engine: out of memory")

    assert unfit(next(rollout([task("a")], RolloutSpec(), Broken()))) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"stop": ("",)},
        {"template_arg": ("thinking",)},
        {"template_arg": ("=1",)},
        {"template_arg": ("chat_template=x",)},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"repetition_penalty": 0.0},
        {"presence_penalty": 2.5},
        {"until_spread": 8},
        {"until_spread": 9, "temperature": 0.0},
        {"group_size": 257},
    ],
)
def test_values_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RolloutSpec(**wrong)


def test_a_group_may_have_256_responses_each_with_its_own_seed() -> None:
    model = Scripted()
    first, second = rollout([task("a"), task("b")], RolloutSpec(group_size=256), model)
    assert (len(first.responses), len(second.responses)) == (256, 256)
    assert [len(call) for call in model.calls] == [256, 256]
    assert len({request.seed for call in model.calls for request in call}) == 512


# What decides a response.


def test_a_responses_seed_derives_from_the_spec_seed_the_task_and_its_index() -> None:
    model = Scripted()
    spec = RolloutSpec(group_size=2, temperature=0.7, max_tokens=33, seed=9)
    list(rollout([task("a"), task("b")], spec, model))
    asked = model.calls[0]
    assert [request.seed for request in asked] == [derive(9, name, index) for name in "ab" for index in range(2)]
    assert len({request.seed for request in asked}) == 4
    assert {(request.temperature, request.max_tokens) for request in asked} == {(0.7, 33)}


def test_leaving_out_or_reordering_tasks_changes_no_other_seed() -> None:
    def seeds(given: list[Task], window: int) -> dict[str, list[int]]:
        model = Scripted()
        list(rollout(given, RolloutSpec(group_size=2, window=window), model))
        found: dict[str, list[int]] = {}
        for request in (request for call in model.calls for request in call):
            found.setdefault(request.messages[-1].content, []).append(request.seed)
        return found

    whole = seeds(TASKS, 4)
    some = seeds(TASKS[::-3], 3)
    assert len(some) == 6
    assert some == {text: whole[text] for text in some}


def test_seeds_are_the_same_on_every_machine_and_fit_in_63_bits() -> None:
    assert derive(0, "a", 0) == 8514896379017575513
    assert derive(0, "a", 1) != derive(0, "a", 11) != derive(0, "a1", 1)
    assert derive(0, "a", 0) != derive(1, "a", 0)
    assert all(0 <= derive(seed, "x") < 2**63 for seed in range(-50, 50))


def test_tasks_are_pulled_one_window_at_a_time() -> None:
    pulled: list[str] = []

    def source() -> Iterator[Task]:
        for one in TASKS:
            pulled.append(one.id)
            yield one

    model = Scripted()
    groups = rollout(source(), RolloutSpec(group_size=3, window=4), model)
    assert pulled == []
    next(groups)
    assert len(pulled) == 4
    assert [group.id for group in groups] == [one.id for one in TASKS][1:]
    assert [len(call) for call in model.calls] == [12, 12, 12, 12]


@pytest.mark.parametrize(("group_size", "window", "prompts"), [(1, 0, 256), (8, 0, 32), (256, 0, 1), (8, 5, 5)])
def test_a_window_holds_256_responses_unless_told(group_size: int, window: int, prompts: int) -> None:
    assert window_of(RolloutSpec(group_size=group_size, window=window)) == prompts
