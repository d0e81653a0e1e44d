"""How far `vllm:` and `hf:` agree on the same prompts at temperature 0."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from schemas.task import Message
from stages.models.base import Completion
from stages.models.hf import HFModel
from stages.models.vllm import VLLMModel
from stages.models.weights import weights_of
from tests.vllm.asking import prompts, question

REQUESTS = [question(text, max_tokens=32) for text in prompts(24)]
PIRATE = Message(role="system", content="You are a pirate.")


@dataclass(frozen=True)
class Agreement:
    """Texts that are equal, and |Δ log-prob| per token up to the first token that is not."""

    equal: float
    mean: float
    most: float

    def __str__(self) -> str:
        return f"{self.equal:.0%} of texts equal, |Δ log-prob| per token: mean {self.mean:.2g}, most {self.most:.2g}"

    def holds(self, equal: float, mean: float, most: float) -> bool:
        """Return whether it is within these bounds."""
        return self.equal >= equal and self.mean <= mean and self.most <= most


def agreement(mine: Sequence[Completion], theirs: Sequence[Completion]) -> Agreement:
    """Return how far two models agree on the same questions."""
    apart = []
    for one, other in zip(mine, theirs, strict=True):
        assert one.ids and one.logprobs and other.ids and other.logprobs
        pairs = zip(one.ids, other.ids, strict=False)
        same = next((place for place, (a, b) in enumerate(pairs) if a != b), min(one.length, other.length))
        apart += [abs(a - b) for a, b in zip(one.logprobs[:same], other.logprobs[:same], strict=True)]
    equal = [one.text == other.text for one, other in zip(mine, theirs, strict=True)]
    return Agreement(sum(equal) / len(equal), sum(apart) / len(apart), max(apart))


@pytest.fixture(scope="module")
def theirs() -> list[Completion]:
    """Give what transformers answers in float32."""
    return HFModel("smollm2", *weights_of("smollm2"), "float32").complete(REQUESTS)


@pytest.fixture(scope="session")  # closed with the other one: what they share is gone then
def half(weights: Path) -> Iterator[VLLMModel]:
    """Give the embedded model in vLLM's engine, in bfloat16."""
    opened = VLLMModel(f"vllm:{weights}", "bfloat16")
    yield opened
    opened.close()


def test_in_float32_nearly_everything_is_equal(model: VLLMModel, theirs: list[Completion]) -> None:
    found = agreement(model.complete(REQUESTS), theirs)
    print(f"vllm: in float32 beside hf: in float32, {len(REQUESTS)} prompts at temperature 0: {found}")
    assert found.holds(equal=0.95, mean=1e-4, most=5e-3), found


def test_in_bfloat16_it_is_as_close_as_the_format_allows(half: VLLMModel, theirs: list[Completion]) -> None:
    found = agreement(half.complete(REQUESTS), theirs)
    print(f"vllm: in bfloat16 beside hf: in float32, {len(REQUESTS)} prompts at temperature 0: {found}")
    assert found.holds(equal=0.3, mean=0.06, most=1.0), found


def test_another_prompt_or_temperature_would_be_seen(model: VLLMModel, theirs: list[Completion]) -> None:
    """The bounds are such that a wrong template, or a wrong temperature, breaks both of them."""
    other = [replace(request, messages=(PIRATE, *request.messages)) for request in REQUESTS[:8]]
    warm = [replace(request, temperature=0.7, top_k=1) for request in REQUESTS[:8]]
    for wrong in (other, warm):
        found = agreement(model.complete(wrong), theirs[:8])
        assert found.mean > 0.06, found
