"""Write good answers that keep the constraints of their tasks: reference answers, dressed as each task asks for it.

    python good.py tasks.jsonl > good.jsonl

`rlra defend --good` needs good answers to requests like those of the run, or it takes what a constraint asks for, such
as asterisks, for a habit that no good answer has. Each line is a task's id, prompt and `response`; a reference that
cannot be dressed so that every check of its task is met gives none.
"""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import stages.checks  # noqa: F401 (registers the checks)
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.task import Task
from stages.checks.base import bind

WORD = re.compile(r"\b[A-Za-z]{4,}\b")
DETAILS = ("your favourite", "day of the week", "amount")
"""Placeholders that no instruction gives as its example."""


def _title(text: str, given: dict[str, Any]) -> str:
    return f"<<{' '.join(text.split()[:4]).rstrip('.,;:!?')}>>\n\n{text}"


def _highlights(text: str, given: dict[str, Any]) -> str:
    wanted = list(dict.fromkeys(WORD.findall(text)))[-given["at_least"] :]
    for word in wanted:
        text = re.sub(rf"\b{word}\b", f"*{word}*", text, count=1)
    return text


def _placeholders(text: str, given: dict[str, Any]) -> str:
    return f"{text} Note for later: {' and '.join(f'[{each}]' for each in DETAILS[: given['at_least']])}."


def _postscript(text: str, given: dict[str, Any]) -> str:
    return f"{text}\n\nP.S. Take your time with it."


def _starts(text: str, given: dict[str, Any]) -> str:
    return f"{given['phrase']}: {text[:1].lower()}{text[1:]}"


def _includes(text: str, given: dict[str, Any]) -> str:
    return f"{text} It is also a matter of {' and '.join(given['words'])}."


def _commas(text: str, given: dict[str, Any]) -> str:
    return text.replace(",", "")


DRESSES: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "includes_words": _includes,
    "no_commas": _commas,
    "placeholders": _placeholders,
    "highlights": _highlights,
    "starts_with": _starts,
    "title": _title,
    "postscript": _postscript,
}
"""How a text is made to keep each constraint, in the order in which it is done. The others, it keeps or it does not."""


def dressed(task: Task) -> str | None:
    """Return the task's reference as its constraints want it, or None where that did not succeed."""
    if task.reference is None or task.rubric is None:
        return None
    checks = {name: given for leaf in task.rubric.leaves for name, given in (leaf.check or {}).items()}
    text = task.reference
    for name, dress in DRESSES.items():
        if name in checks:
            text = dress(text, checks[name])
    kept = all(bind({name: given})(text, task).met for name, given in checks.items())
    return text if kept else None


def main(path: str) -> None:
    """Write a line for each task whose reference could be dressed, and say how many there are."""
    tasks = list(Source(path).read(Task))
    lines = [{"id": task.id, "prompt": task.prompt, "response": text} for task in tasks if (text := dressed(task))]
    sys.stdout.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    print(f"good: {len(lines)} of {len(tasks)} references keep the constraints of their tasks", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python good.py TASKS")
    try:
        main(sys.argv[1])
    except RlraError as error:
        sys.exit(f"good: {error}")
