"""A judge of pairs on loopback whose preferences a test scripts, and groups of responses to compare."""

import re
from collections.abc import Callable
from typing import Any

from werkzeug import Response as Reply

from tests.stages.judge_server import chat

Choice = Callable[[str, str], str]
"""Says `first`, `second` or `tie` of the two responses, in the order in which they stand."""


def shown(prompt: str) -> tuple[str, str, str]:
    """Return what a prompt sets apart: the conversation, the first response and the second."""
    found = re.findall(r"^(=== \S+) begins\n(.*?)\n\1 ends$", prompt, flags=re.MULTILINE | re.DOTALL)
    conversation, first, second = (text for _, text in found)
    return conversation, first, second


def word_of(prompt: str) -> str:
    """Return the word that the verdict line is to begin with."""
    return re.findall(r"^(VERDICT\S*): <first, second or tie>$", prompt, flags=re.MULTILINE)[-1]


def answer(prompt: str, label: str) -> str:
    """Return a well-formed answer to a prompt."""
    return f"The words of the {label} one say so. So: {label}\n{word_of(prompt)}: {label}"


def preferring(choose: Choice) -> Callable[[dict[str, Any], int], Reply]:
    """Return a server that answers as `choose` says."""

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        _, first, second = shown(prompt)
        return chat(answer(prompt, choose(first, second)))

    return reply


def by_size(first: str, second: str) -> str:
    """Prefer the response with more exclamation marks, whatever stands first."""
    one, two = first.count("!"), second.count("!")
    return "tie" if one == two else "first" if one > two else "second"


def prompts(payloads: list[dict[str, Any]]) -> list[str]:
    """Return the first turn of everything that was asked."""
    return [payload["messages"][0]["content"] for payload in payloads]
