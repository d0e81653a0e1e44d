"""A policy whose every answer a test scripts, and tasks for it."""

from collections.abc import Sequence
from typing import Any

from schemas.task import Message, Task
from stages.models.base import Completion, Request


class Scripted:
    """A model that keeps what it was asked, and says what `answer` returns."""

    reference, revision, template, engine, dtype = "hf:scripted", "r1", "t1", "none 1", "float32"

    def __init__(self) -> None:
        self.calls: list[list[Request]] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer every request, in order."""
        self.calls.append(list(requests))
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Completion:
        """Answer one request: with what was asked."""
        return Completion(f"re {request.messages[-1].content}", "stop", 2, None, (5, 6), (7, 1), (-0.5, -1.25))


def task(name: str, text: str = "", **more: Any) -> Task:
    """Return a task of one turn."""
    return Task(id=name, messages=(Message(role="user", content=text or f"Prompt {name}"),), **more)
