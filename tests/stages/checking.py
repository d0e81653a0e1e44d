"""A check bound and run on a text, for tests of checks."""

from schemas.task import Message, Task
from stages.checks.base import Outcome, bind

BEES = "How do I plan a small garden for bees?"


def task(prompt: str = BEES, rewritten_from: str | None = None) -> Task:
    """Return a task with this prompt."""
    return Task(id="t", messages=(Message(role="user", content=prompt),), rewritten_from=rewritten_from)


def run(name: str, text: str, /, *, on: Task | None = None, **args: object) -> Outcome:
    """Return the outcome of a check on a text."""
    return bind({name: args})(text, on or task())


def met(name: str, text: str, /, *, on: Task | None = None, **args: object) -> bool | None:
    """Return whether a text meets a check."""
    return run(name, text, on=on, **args).met


LONG = {
    "letters": "a" * 200_000,
    "quoted stops": '."' * 100_000,
    "letters and quoted stops": 'a."' * 66_000,
    "chunks of quoted stops": ('."' * 25 + " ") * 4_000,
    "asterisks": "*a" * 100_000,
    "angles": "<<a" * 66_000,
    "open brackets": "[" * 200_000,
    "lines": "\n- a" * 50_000,
    "line separators": "a\u2028" * 100_000,
    "postscripts": "P.S. " * 40_000,
    "marks": "a" + "\u0301\u0316" * 100_000,
    "digits": "1" * 200_000,
    "praise": "this is a great " * 12_000,
    "claims": "this answer fully " * 11_000,
}
