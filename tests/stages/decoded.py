"""A tiny model, groups of requests to it, and what `generate` says to them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.task import Message
from stages.models import decoding
from stages.models.base import Completion, Request
from stages.models.decoding import generate
from stages.models.hf import HFModel
from tests.tiny_model import SENTENCES, tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model."""
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder: Path) -> HFModel:
    """Return the tiny model, loaded."""
    return HFModel("hf:x", str(folder), "r", "float32")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Collect (rows, columns) of every step of the loop."""
    seen: list[tuple[int, int]] = []
    step = decoding._step

    def spy(model: Any, ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen.append((ids.shape[0], ids.shape[1]))
        return step(model, ids, *rest)

    monkeypatch.setattr(decoding, "_step", spy)
    return seen


def request(text: str, seed: int = 0, temperature: float = 1.0, max_tokens: int = 16, **more: Any) -> Request:
    """Return a request of one turn."""
    return Request((Message(role="user", content=text),), seed, temperature, max_tokens, **more)


def groups(each: int = 5, **more: Any) -> list[Request]:
    """Return requests for groups of answers to prompts of different length, every other one greedy."""
    return [
        request(text * (1 + n % 3), 100 * n + k, (k % 2) * 1.0, **{"max_tokens": 24, **more})
        for n, text in enumerate(SENTENCES)
        for k in range(each)
    ]


def generated(model: HFModel, requests: list[Request]) -> list[Completion]:
    """Return the answers of the same model by way of `generate`."""
    own, model._decode = model._decode, generate
    try:
        return model.complete(requests)
    finally:
        model._decode = own
