"""Our decoding loop says what `generate` says, reads a prompt once, and lets ended rows go."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GPT2Config,
    GPTNeoXConfig,
    MambaConfig,
    MistralConfig,
    Phi3Config,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from stages.models import decoding
from stages.models.base import Completion
from stages.models.decoding import ROOM, RoomyLayer, decode, generate, suits
from stages.models.hf import HFModel
from tests.stages import decoded
from tests.stages.decoded import generated, groups, request
from tests.tiny_model import END_NORM, SENTENCES, TEMPLATE, tiny_model

folder, model, steps = decoded.folder, decoded.model, decoded.steps
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
}
OURS: dict[str, PreTrainedConfig] = {
    "qwen2": Qwen2Config(**SHAPE),
    "qwen3": Qwen3Config(**SHAPE, head_dim=8),
    "mistral, all layers sliding": MistralConfig(**SHAPE, sliding_window=12),
    "gemma2, every other layer sliding": Gemma2Config(**SHAPE, head_dim=8, sliding_window=12),
    "gpt2": GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256, initializer_range=0.2),
    "gpt-neox": GPTNeoXConfig(**{**SHAPE, "num_key_value_heads": 4}),
}
THEIRS: dict[str, PreTrainedConfig] = {
    "mamba, no keys and values": MambaConfig(hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.2),
    "bloom, no positions": BloomConfig(hidden_size=32, n_layer=2, n_head=4, initializer_range=0.2),
    "phi3, inputs of its own": Phi3Config(**SHAPE),
}


def of_family(folder: Path, config: PreTrainedConfig) -> HFModel:
    """Return a random model of this architecture behind the tiny model's tokenizer."""
    tiny = tiny_model(folder)
    config.update({"vocab_size": 500, "pad_token_id": 1, "bos_token_id": None, "eos_token_id": 0})
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        model.get_input_embeddings().weight[0] *= END_NORM
    (tiny / "generation_config.json").unlink()
    model.save_pretrained(tiny)
    return HFModel("hf:x", str(tiny), "r", "float32")


def assert_same(ours: list[Completion], theirs: list[Completion]) -> None:
    """Fail unless the answers are the same, and their log-probabilities by all but rounding."""
    for one, other in zip(ours, theirs, strict=True):
        assert (one.ids, one.text, one.finish) == (other.ids, other.text, other.finish)
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


# The same as `generate`.


@pytest.mark.parametrize("family", OURS)
def test_the_loop_says_what_generate_says(family: str, tmp_path: Path) -> None:
    model = of_family(tmp_path, OURS[family])
    assert model._decode is decode
    requests = [replace(one, max_tokens=6 + n % 19) for n, one in enumerate(groups())]
    answers = model.complete(requests)
    assert len({answer.ids for answer in answers}) > len(SENTENCES)
    assert len({answer.length for answer in answers}) > 9
    assert_same(answers, generated(model, requests))


@pytest.mark.parametrize("family", THEIRS)
def test_what_the_loop_cannot_run_is_left_to_generate(family: str, tmp_path: Path) -> None:
    model = of_family(tmp_path, THEIRS[family])
    assert not suits(model._model)
    assert model._decode is generate
    requests = groups(each=2)
    answers = model.complete(requests)
    assert {answer.error for answer in answers} == {None}
    assert len({answer.ids for answer in answers}) > len(SENTENCES) / 2


def test_the_tiny_llama_says_it_with_every_rule_at_once(model: HFModel) -> None:
    requests = [
        replace(one, top=3, top_k=50, top_p=0.9, repetition_penalty=1.2, presence_penalty=0.3, stop=("e", "xyz"))
        if n % 3
        else one
        for n, one in enumerate(groups())
    ]
    answers, theirs = model.complete(requests), generated(model, requests)
    assert_same(answers, theirs)
    assert [answer.top is not None for answer in answers] == [bool(one.top) for one in requests]


def test_answers_that_outgrow_the_room_go_on(model: HFModel) -> None:
    """Nothing is lost where a layer makes itself larger."""
    one = request(SENTENCES[0], max_tokens=3 * ROOM // 2 + 40)
    requests = [replace(one, seed=seed) for seed in range(6)]
    answers = model.complete(requests)
    assert max(answer.length for answer in answers) > ROOM + 1
    assert_same(answers, generated(model, requests))


@settings(deadline=None)
@given(st.lists(st.integers(1, 2 * ROOM), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_roomy_layer_holds_what_it_was_given(widths: list[int], random: Any) -> None:
    layer, whole = RoomyLayer(), torch.empty(3, 2, 0, 4)
    for width in widths:
        more = torch.rand(len(whole), 2, width, 4)
        keys, values = layer.update(more, -more)
        whole = torch.cat([whole, more], dim=2)
        assert torch.equal(keys, whole)
        assert torch.equal(values, -whole)
        assert layer.get_seq_length() == layer.get_mask_sizes(0)[0] == whole.shape[2]
        kept = torch.tensor(random.choices(range(len(whole)), k=random.randint(1, 4)))
        layer.batch_select_indices(kept)
        whole = whole[kept]


# What it saves.


def test_a_prompt_is_read_once_for_its_whole_group(model: HFModel, steps: list[tuple[int, int]]) -> None:
    model.complete(groups(each=6))
    assert steps[0][0] == len(SENTENCES)
    assert steps[1] == (6 * len(SENTENCES), 1)
    assert {width for _, width in steps[1:]} == {1}


def test_rows_that_have_ended_leave_the_batch(model: HFModel, steps: list[tuple[int, int]]) -> None:
    requests = [replace(one, max_tokens=2 + 3 * (n % 8)) for n, one in enumerate(groups())]
    answers = model.complete(requests)
    heights = [rows for rows, _ in steps[1:]]
    assert heights == sorted(heights, reverse=True)
    for step, rows in enumerate(heights, start=1):
        going = sum(answer.length > step for answer in answers)
        assert going <= rows
        assert step == 1 or rows <= max(1, going) / decoding.LEAVING + 1 or rows == heights[0]
    assert heights[-1] < len(requests) / 4
    assert len(heights) == max(answer.length for answer in answers) - 1


def test_the_end_of_one_answer_does_not_change_another(model: HFModel) -> None:
    requests = groups()
    short = [replace(one, max_tokens=1 + n % 5) if n % 3 else one for n, one in enumerate(requests)]
    for one, other in list(zip(model.complete(short), model.complete(requests), strict=True))[::3]:
        assert one.ids == other.ids


def test_scores_that_overflow_fail_their_own_request_alone(model: HFModel) -> None:
    """A log-probability that is no number is no data."""
    requests = groups()
    spoilt = [replace(one, repetition_penalty=1e-42) if n % 4 == 1 else one for n, one in enumerate(requests)]
    for n, (one, other) in enumerate(zip(model.complete(spoilt), model.complete(requests), strict=True)):
        if n % 4 == 1:
            assert (one.finish, one.error) == ("failed", "engine: the model's scores overflow")
        else:
            assert one.ids == other.ids


# What the chat template is told.

TELLING = "{% if not silent is defined %}" + TEMPLATE + "{% endif %}"
TELLING += "{% if shout is defined %}{{ shout * 2 }}{% endif %}{% if bad is defined %}{{ 1 // 0 }}{% endif %}"


def test_a_template_is_told_what_the_request_says(tmp_path: Path) -> None:
    model = HFModel("hf:x", str(tiny_model(tmp_path, template=TELLING)), "r", "float32")
    asked = ("{}", '{"shout":"Hey"}', '{"bad":1}', '{"tokenize":true}', '{"silent":1}')
    plain, told, *others = model.complete([request("Hello.", template_args=args) for args in asked])
    assert plain.prompt_ids and told.prompt_ids
    assert model._tokenizer.decode(told.prompt_ids) == model._tokenizer.decode(plain.prompt_ids) + "HeyHey"
    for failed in others:
        assert failed.finish == "failed"
        assert failed.error and failed.error.startswith("template: ") and "\n" not in failed.error
    assert plain.ids == model.complete([request("Hello.")])[0].ids
