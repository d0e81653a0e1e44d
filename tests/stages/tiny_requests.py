"""A tiny real model that refuses system turns, and requests to it."""

from pathlib import Path

import pytest

from schemas.task import Message
from stages.models.base import Completion, Request
from stages.models.hf import HFModel
from tests.tiny_model import SENTENCES, TEMPLATE, tiny_model

STRICT_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn, please') }}{% endif %}" + TEMPLATE
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the tiny model."""
    return tiny_model(tmp_path_factory.mktemp("tiny"), template=STRICT_TEMPLATE)


@pytest.fixture(scope="module")
def model(folder: Path) -> HFModel:
    """Return the tiny model, loaded."""
    return loaded(folder)


def loaded(folder: Path, dtype: str = "float32") -> HFModel:
    """Return the model in `folder`."""
    return HFModel(f"hf:{folder}", str(folder), "r", dtype)


def request(text: str, seed: int = 0, temperature: float = 1.0, max_tokens: int = 16, role: str = "user") -> Request:
    """Return a request of one turn."""
    turn = Message.model_validate({"role": role, "content": text})
    return Request((turn,), seed, temperature, max_tokens)


def many(temperature: float = 1.0, each: int = 2) -> list[Request]:
    """Return `each` requests for every sentence, each with a seed of its own."""
    return [request(text, 100 * n + k, temperature) for n, text in enumerate(SENTENCES) for k in range(each)]


def said(completions: list[Completion]) -> list[tuple[str, str, tuple[int, ...] | None]]:
    """Return what was answered, without the log-probabilities."""
    return [(c.text, c.finish, c.ids) for c in completions]
