"""IFEval's instructions, its prompts, and GPT-4's responses to them."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import stages.checks  # noqa: F401  (registers the checks)
from schemas.task import Message, Task
from stages.checks.base import REGISTRY, Outcome, bind

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data, which is not part of the project")
NAMES = sorted(name for name, check in REGISTRY.items() if check.run.__module__.startswith("stages.checks.ifeval."))
READINGS = ("strict", "loose")


class Pair(NamedTuple):
    """An instruction of a prompt, and the response to the prompt."""

    key: int
    name: str
    kwargs: dict[str, Any]
    text: str


def run(name: str, text: str, /, **kwargs: Any) -> Outcome:
    """Return the outcome of an instruction on a text."""
    return bind({name: kwargs})(text, Task(id="t", messages=(Message(role="user", content="Q"),)))


def rows(path: str) -> list[dict[str, Any]]:
    """Return the lines of a JSONL file of the shared folder."""
    return [json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").split("\n") if line.strip()]


def pairs() -> list[Pair]:
    """Return the instructions of all prompts, joined with GPT-4's responses by position."""
    prompts, answers = rows("ifeval/prompts.jsonl"), rows("ifeval/gpt4_responses.jsonl")
    return [
        Pair(prompt["key"], name, kwargs, answer["response"])
        for prompt, answer in zip(prompts, answers, strict=True)
        for name, kwargs in zip(prompt["instruction_id_list"], prompt["kwargs"], strict=True)
    ]
