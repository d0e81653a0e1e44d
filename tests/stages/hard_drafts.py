"""What a careful writer answers to the method `hard`, and small ways to spoil it."""

import json
from typing import Any

from schemas.task import Message, Task

TASK = Task(
    id="garden",
    messages=(Message(role="user", content="How do I plan a small garden for bees?"),),
)
OPENS = """def score(response, task):
    if task["prompt"].strip().endswith(response.strip()):
        return False
"""
"""The lines that every check is told to begin with."""


def check(*body: str, before: str = "") -> str:
    """Return a check with `body` behind the lines that refuse nothing and the request said back."""
    return before + OPENS + "".join(f"    {line}\n" for line in body)


CLOVER: dict[str, Any] = {
    "id": "names_clover_twice",
    "instruction": "Mention clover at least twice, and never in the first sentence.",
    "python": check(
        "import re",
        'sentences = [part for part in re.split(r"[.!?]+", response.lower()) if part.strip()]',
        "if not sentences:",
        "    return False",
        'found = len(re.findall(r"\\bclover\\b", response.lower()))',
        'if "clover" in sentences[0]:',
        "    return 0.25 if found >= 2 else 0",
        "return found >= 2 or found * 0.3",
    ),
    "positives": [
        "Pick a sunny corner first. Sow clover along the path, and let the clover flower before you mow.",
        "Start with water.\n\n- Clover feeds early bees.\n- Leave the CLOVER standing until July.",
        "Bees need bloom from March to October! Red clover covers June. White clover covers the rest.",
        "Choose a spot out of the wind. Thyme, sage and clover do well there; clover also mends poor soil.",
    ],
    "negatives": [
        "Clover is the first thing to sow. Then add thyme, and more clover behind it.",
        "Pick a sunny corner. Sow clover along the path and wait for the bees.",
        "Plant thyme, lavender and borage in a sunny bed, and put out a dish of water.",
        "Bees like cloverleaf shapes less than people think. Sow borage and phacelia instead.",
    ],
}
"""An answer that every gate takes."""
NO_COMMA: dict[str, Any] = {
    "id": "no_commas",
    "instruction": "Do not use a single comma in your answer.",
    "python": check('return "," not in response'),
    "positives": [
        "Pick a sunny corner and sow clover.",
        "Start small. One bed with thyme and sage is enough for a first year.",
        "Bees need water too. Put out a shallow dish.",
    ],
    "negatives": [
        "Pick a sunny corner, then sow clover.",
        "Thyme, sage and borage feed most bees.",
        "First water, then flowers.",
    ],
}
THREE_LINES: dict[str, Any] = {
    "id": "three_lines",
    "instruction": "Answer in exactly three lines, each of which begins with a dash.",
    "python": check(
        'lines = [line.strip() for line in response.strip().split("\\n") if line.strip()]',
        'dashed = [line for line in lines if line.startswith(("-", "–", "—"))]',
        "return len(lines) == 3 and len(dashed) == 3",
    ),
    "positives": [
        "- Sun\n- Water\n- Clover",
        "– sow thyme\n– wait\n– do not mow",
        "- one bed\n\n- two beds\n\n- three",
    ],
    "negatives": ["- Sun\n- Water", "Sun\nWater\nClover", "- Sun\n- Water\n- Clover\n- Thyme"],
}
ENDS_WITH_QUESTION: dict[str, Any] = {
    "id": "ends_with_question",
    "instruction": "End your answer with a question of at most eight words.",
    "python": check(
        "import re",
        "text = response.strip()",
        'if not text.endswith("?"):',
        "    return False",
        'last = re.split(r"[.!?\\n]", text[:-1])[-1]',
        'return len(re.findall(r"\\w+", last)) <= 8',
    ),
    "positives": [
        "Sow clover and thyme. How large is your bed?",
        "Begin with water!\nIs there sun?",
        "It depends on the light. Which way does it face?",
    ],
    "negatives": [
        "How large is your bed? Sow clover and thyme.",
        "Sow clover. And would you perhaps be able to tell me how large the bed is that you have?",
        "Sow clover and thyme, and wait.",
    ],
}
SOUND = {answer["id"]: answer for answer in (CLOVER, NO_COMMA, THREE_LINES, ENDS_WITH_QUESTION)}
"""Answers that are as they should be."""


def but(answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the answer with some of its fields changed."""
    return {**answer, **changes}


def said(answer: dict[str, Any]) -> str:
    """Return the answer as a model writes it; an escape in it may stand for half a character."""
    return json.dumps(answer)
