"""Transformers models in this process, on a tiny real model."""

import math
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from schemas.errors import RlraError
from stages.models.hf import HFModel
from stages.models.weights import weights_of
from tests.stages import tiny_requests
from tests.stages.tiny_requests import STRICT_TEMPLATE, loaded, many, request, said
from tests.tiny_model import CONTEXT, SENTENCES, tiny_model

folder, model = tiny_requests.folder, tiny_requests.model


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_one_completion_per_request_in_order(model: HFModel) -> None:
    requests = many()
    together = model.complete(requests)
    assert len(together) == len(requests)
    alone = [model.complete([one])[0] for one in requests]
    assert said(together) == said(alone)
    assert said(model.complete(requests[::-1])) == said(together)[::-1]
    assert len({c.ids for c in together}) > len(requests) // 2
    assert {c.finish for c in together} == {"stop", "length"}


def test_ids_end_with_the_end_token_exactly_when_the_answer_ended_by_itself(model: HFModel) -> None:
    end = model._tokenizer.eos_token_id
    for completion in model.complete(many(each=6)):
        assert completion.ids and completion.logprobs and completion.prompt_ids
        assert completion.length == len(completion.ids) == len(completion.logprobs)
        assert (completion.ids[-1] == end) == (completion.finish == "stop")
        assert end not in completion.ids[:-1]
        assert completion.finish == "stop" or completion.length == 16
        assert "<|end|>" not in completion.text
        assert completion.error is None
        assert all(chance <= 0 for chance in completion.logprobs)


def test_each_request_keeps_its_own_bound_on_length(model: HFModel) -> None:
    requests = [request(text, seed, max_tokens=n) for n in (1, 3, 16) for seed, text in enumerate(SENTENCES)]
    for one, completion in zip(requests, model.complete(requests), strict=True):
        assert 1 <= completion.length <= one.max_tokens
        assert (completion.finish == "length") == (completion.ids is not None and completion.ids[-1] != 0)


def test_the_prompt_is_the_chat_template_with_the_turn_of_the_answer_opened(model: HFModel) -> None:
    completion = model.complete([request("Hello there.")])[0]
    assert completion.prompt_ids is not None
    text = model._tokenizer.decode(completion.prompt_ids)
    assert text == "<|start|>user\nHello there.<|end|>\n<|start|>assistant\n"


def test_logprobs_equal_a_plain_forward_pass_at_the_temperature(model: HFModel) -> None:
    for completion, temperature in [
        (model.complete([one])[0], one.temperature) for t in (0.7, 1.0) for one in many(t, each=1)
    ]:
        assert completion.prompt_ids and completion.ids and completion.logprobs
        ids = torch.tensor([[*completion.prompt_ids, *completion.ids]])
        with torch.no_grad():
            logits = model._model(ids).logits[0, len(completion.prompt_ids) - 1 : -1]
        plain = torch.log_softmax(logits / temperature, -1).gather(-1, torch.tensor(completion.ids)[:, None])[:, 0]
        assert torch.allclose(plain, torch.tensor(completion.logprobs), atol=1e-4, rtol=0)


def test_generation_defaults_of_the_model_do_not_slip_in(folder: Path, tmp_path: Path) -> None:
    other = tiny_model(tmp_path / "m", template=STRICT_TEMPLATE)
    config = orjson.loads((other / "generation_config.json").read_bytes())
    slips = {"do_sample": True, "top_k": 1, "repetition_penalty": 5.0, "max_new_tokens": 2, "temperature": 0.01}
    (other / "generation_config.json").write_bytes(orjson.dumps({**config, **slips}))
    assert said(loaded(other).complete(many(each=1))) == said(loaded(folder).complete(many(each=1)))


def test_a_prompt_that_is_too_long_fails_alone(model: HFModel) -> None:
    long = request("word " * CONTEXT)
    good = many(each=1)
    mixed = model.complete([good[0], long, *good[1:]])
    assert mixed[1].finish == "failed"
    assert mixed[1].error and mixed[1].error.startswith("too long: ") and str(CONTEXT) in mixed[1].error
    assert (mixed[1].text, mixed[1].length, mixed[1].ids) == ("", 0, None)
    assert said([mixed[0], *mixed[2:]]) == said(model.complete(good))
    assert [c.finish for c in model.complete([long, long])] == ["failed", "failed"]


def test_an_answer_may_fill_the_context_exactly_and_not_by_one_more(model: HFModel) -> None:
    prompt = len(model.complete([request("Hello.")])[0].prompt_ids or ())
    fits, over = (request("Hello.", max_tokens=CONTEXT - prompt + more) for more in (0, 1))
    assert model.complete([fits])[0].finish != "failed"
    assert model.complete([over])[0].finish == "failed"


def test_a_template_that_refuses_fails_that_request_alone(model: HFModel) -> None:
    good = request(SENTENCES[0])
    refused, answered = model.complete([request("Be kind.", role="system"), good])
    assert refused.finish == "failed"
    assert refused.error == "template: no system turn, please"
    assert said([answered]) == said(model.complete([good]))


def test_nothing_asked_is_nothing_answered(model: HFModel) -> None:
    assert model.complete([]) == []


def test_temperature_0_does_not_depend_on_the_batch(model: HFModel) -> None:
    requests = many(temperature=0, each=1)
    alone = [model.complete([one])[0] for one in requests]
    for size in (2, 3, len(requests)):
        batched = [c for start in range(0, len(requests), size) for c in model.complete(requests[start : start + size])]
        assert said(batched) == said(alone)


def test_a_model_says_what_it_is(model: HFModel, folder: Path) -> None:
    assert model.engine.startswith("transformers 5.")
    assert (model.dtype, model.revision, model.reference) == ("float32", "r", f"hf:{folder}")
    assert len(model.template) == 16
    assert next(model._model.parameters()).dtype == torch.float32
    assert next(loaded(folder, "bfloat16")._model.parameters()).dtype == torch.bfloat16


def test_another_template_has_another_digest(model: HFModel, tmp_path: Path) -> None:
    assert loaded(tiny_model(tmp_path / "plain")).template != model.template


def test_the_first_tokens_are_told_without_the_temperature(model: HFModel) -> None:
    requests = [
        replace(one, top=top, temperature=temperature, max_tokens=n)
        for one in many(each=1)
        for top, temperature, n in ((5, 0.0, 1), (3, 0.7, 4), (0, 1.0, 3), (1, 1.0, 1))
    ]
    for one, completion in zip(requests, model.complete(requests), strict=True):
        assert completion.prompt_length == len(completion.prompt_ids or ())
        if not one.top:
            assert completion.top is None
            continue
        with torch.no_grad():
            logits = model._model(torch.tensor([completion.prompt_ids])).logits[0, -1]
        chances, tokens = torch.log_softmax(logits, -1).topk(one.top)
        assert completion.top is not None
        assert [token for token, _ in completion.top] == [model._tokenizer.decode([t]) for t in tokens.tolist()]
        assert [chance for _, chance in completion.top] == pytest.approx(chances.tolist(), abs=1e-4)


def test_first_tokens_change_no_answer(model: HFModel) -> None:
    requests = many()
    assert said(model.complete([replace(one, top=4) for one in requests])) == said(model.complete(requests))


def test_more_first_tokens_than_there_are_tokens_are_all_of_them(model: HFModel) -> None:
    told = model.complete([replace(request("Hello."), top=10**6)])[0].top
    assert told is not None
    assert sum(math.exp(chance) for _, chance in told) == pytest.approx(1, abs=1e-4)


def test_a_schema_cannot_be_followed_and_is_refused(model: HFModel) -> None:
    with pytest.raises(RlraError, match="follows no JSON schemas") as caught:
        model.complete([request("Hello."), replace(request("Hello."), schema="{}")])
    assert "--method text" in str(caught.value.hint)


# What cannot be loaded.


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["no/such-model", "./no/such/folder", "/no/such/folder"])
def test_a_model_that_is_not_there_is_a_user_error(name: str) -> None:
    with pytest.raises(RlraError, match="no such folder, and no such model"):
        weights_of(f"hf:{name}")


def test_a_folder_without_safetensors_is_refused(folder: Path, tmp_path: Path) -> None:
    bare = tiny_model(tmp_path / "bare")
    torch.save(load_file(bare / "model.safetensors"), bare / "pytorch_model.bin")
    (bare / "model.safetensors").unlink()
    with pytest.raises(RlraError, match=r"holds no \.safetensors weights"):
        weights_of(f"hf:{bare}")
    with pytest.raises(RlraError, match="cannot load the model"):
        loaded(bare)


def test_a_folder_without_a_config_is_a_user_error(tmp_path: Path) -> None:
    bare = tiny_model(tmp_path / "bare")
    (bare / "config.json").unlink()
    with pytest.raises(RlraError, match="cannot load the model"):
        loaded(bare)


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RlraError, match="no chat template"):
        loaded(tiny_model(tmp_path / "m", template=None))


def test_a_model_without_an_end_token_is_refused(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "m")
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        data = orjson.loads((folder / name).read_bytes())
        data.pop("eos_token", None)
        data["eos_token_id"] = None
        (folder / name).write_bytes(orjson.dumps(data))
    with pytest.raises(RlraError, match="no end-of-turn token"):
        loaded(folder)


REMOTE = """
from pathlib import Path
Path(__file__).resolve()
open({mark!r}, "w").close()
from transformers import LlamaForCausalLM
class Evil(LlamaForCausalLM): pass
"""


@pytest.mark.parametrize("known", [True, False])
def test_code_that_comes_with_a_model_is_not_run(known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where transformers knows the architecture itself, nor where only the code would help."""
    folder, mark = tiny_model(tmp_path / "m"), tmp_path / "ran"
    (folder / "modeling_evil.py").write_text(REMOTE.format(mark=str(mark)))
    config = orjson.loads((folder / "config.json").read_bytes())
    config["auto_map"] = {"AutoModelForCausalLM": "modeling_evil.Evil", "AutoConfig": "modeling_evil.EvilConfig"}
    if not known:
        config["model_type"] = "evil"
    (folder / "config.json").write_bytes(orjson.dumps(config))
    monkeypatch.setattr("builtins.input", lambda *words: "y")  # transformers would ask on the terminal
    if known:
        assert type(loaded(folder)._model).__name__ == "LlamaForCausalLM"
    else:
        with pytest.raises(RlraError, match="cannot load the model"):
            loaded(folder)
    assert not mark.exists()


def test_the_tiny_model_is_the_same_in_every_run(folder: Path, tmp_path: Path) -> None:
    again = tiny_model(tmp_path / "again", template=STRICT_TEMPLATE)
    assert weights_of(f"hf:{again}")[1] == weights_of(f"hf:{folder}")[1]
    assert weights_of(f"hf:{tiny_model(tmp_path / 'other', seed=1)}")[1] != weights_of(f"hf:{folder}")[1]
    assert AutoModelForCausalLM.from_pretrained(again).num_parameters() < 150_000
