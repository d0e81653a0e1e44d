"""Calls of an OpenAI-compatible backend with a key, and what a server sees of them."""

import socket
from typing import Any

import pytest

from schemas.task import Message
from stages.models import openai
from stages.models.base import Request
from stages.models.openai import OpenAIModel

KEY = "sk-secret-0123456789"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds between attempts."""
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.005)


def question(text: str, seed: int = 1) -> Request:
    """Return a request of one turn."""
    return Request((Message(role="user", content=text),), seed, 0.5, 10)


def model(url: str, **more: Any) -> OpenAIModel:
    """Return the model behind `url`."""
    return OpenAIModel("openai:tiny", "tiny", url, KEY, **{"timeout_s": 5, **more})


def asked(payload: dict[str, Any]) -> str:
    """Return the last turn that a server was sent."""
    return payload["messages"][-1]["content"]


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]
