"""vLLM in this process, on the embedded model, beside transformers. Without vLLM only its absence is tested."""

import importlib.util
import sys
from collections.abc import Iterator

import orjson
import pytest
import torch

from schemas.errors import RlraError
from schemas.task import Message
from stages.models.base import Completion, Request
from stages.models.hf import HFModel
from stages.models.vllm import VLLMModel
from stages.models.weights import weights_of

needs_vllm = pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed")
QUESTIONS = ("Name a colour.", "Write two lines about rain.", "What is 2 + 2?", "Why is the sky blue?")
SCHEMA = {
    "type": "object",
    "properties": {"wet": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["wet"],
    "additionalProperties": False,
}


def question(text: str, seed: int = 1, temperature: float = 0.0, max_tokens: int = 24, **more: object) -> Request:
    return Request((Message(role="user", content=text),), seed, temperature, max_tokens, **more)  # type: ignore[arg-type]


def test_without_vllm_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(RlraError, match="vLLM is not installed") as caught:
        VLLMModel("vllm:some/model")
    assert "pip install 'rlra[vllm]'" in str(caught.value.hint)


@pytest.fixture(scope="module")
def embedded() -> tuple[str, str]:
    return weights_of("smollm2")


@pytest.fixture(scope="module")
def model(embedded: tuple[str, str]) -> Iterator[VLLMModel]:
    opened = VLLMModel(f"vllm:{embedded[0]}", "float32")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def other(embedded: tuple[str, str]) -> HFModel:
    return HFModel("smollm2", *embedded, "float32")


@needs_vllm
def test_greedy_answers_are_those_of_transformers(model: VLLMModel, other: HFModel) -> None:
    requests = [question(text) for text in QUESTIONS]
    for mine, theirs in zip(model.complete(requests), other.complete(requests), strict=True):
        assert (mine.text, mine.ids, mine.prompt_ids) == (theirs.text, theirs.ids, theirs.prompt_ids)
        assert (mine.finish, mine.length, mine.prompt_length) == (theirs.finish, theirs.length, theirs.prompt_length)
    assert (model.template, model.revision) == (other.template, other.revision)


@needs_vllm
@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_logprobs_equal_a_plain_forward_pass_at_the_temperature(
    model: VLLMModel, other: HFModel, temperature: float
) -> None:
    for answer in model.complete([question(text, seed, temperature) for seed, text in enumerate(QUESTIONS)]):
        assert answer.prompt_ids and answer.ids and answer.logprobs
        with torch.no_grad():
            logits = other._model(torch.tensor([[*answer.prompt_ids, *answer.ids]])).logits[0]
        tempered = torch.log_softmax(logits[len(answer.prompt_ids) - 1 : -1] / (temperature or 1), -1)
        plain = tempered.gather(-1, torch.tensor(answer.ids)[:, None])[:, 0]
        assert torch.allclose(plain, torch.tensor(answer.logprobs), atol=1e-3, rtol=0)


@needs_vllm
@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_the_first_tokens_are_told_without_the_temperature(
    model: VLLMModel, other: HFModel, temperature: float
) -> None:
    requests = [question(text, temperature=temperature, max_tokens=1, top=5) for text in QUESTIONS]
    for mine, theirs in zip(model.complete(requests), other.complete(requests), strict=True):
        assert mine.top and theirs.top
        assert [token for token, _ in mine.top] == [token for token, _ in theirs.top]
        assert [chance for _, chance in mine.top] == pytest.approx([chance for _, chance in theirs.top], abs=1e-3)


@needs_vllm
def test_an_answer_follows_from_its_seed(model: VLLMModel) -> None:
    requests = [question(QUESTIONS[0], seed, 1.0) for seed in range(6)]
    together = [answer.ids for answer in model.complete(requests)]
    assert [answer.ids for answer in model.complete(requests[::-1])][::-1] == together
    assert len(set(together)) > 3


@needs_vllm
def test_a_schema_is_followed(model: VLLMModel) -> None:
    schema = orjson.dumps(SCHEMA).decode()
    free, bound = model.complete([question("Is water wet?"), question("Is water wet?", schema=schema)])
    assert orjson.loads(bound.text)["wet"] in ("yes", "no")
    assert not free.text.startswith("{")


@needs_vllm
def test_what_cannot_be_asked_fails_alone_and_prefixes_are_kept(model: VLLMModel) -> None:
    long, good = question("word " * 9000), question("These words come again. " * 40)
    first: list[Completion] = model.complete([long, good])
    assert first[0].finish == "failed"
    assert first[0].error and first[0].error.startswith("too long: ")
    again = model.complete([good])[0]
    assert again.text == first[1].text
    assert again.cached > 100
    assert model.complete([]) == []
