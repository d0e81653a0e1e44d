"""Tasks without rubrics, and a template for their rubrics."""

import stages.checks  # noqa: F401  (registers the checks)
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task

TEMPLATE = Rubric(
    rubric="base",
    criteria=(
        Criterion(id="on_topic", check={"on_topic": {}}),
        Criterion(id="repetition", weight=-1.0, check={"repetition": {}}),
    ),
)


def task(number: int = 0, prompt: str = "Describe how moss grows.") -> Task:
    """Return a task of one turn."""
    return Task(id=f"t{number}", messages=(Message(role="user", content=prompt),))


def tasks(number: int) -> list[Task]:
    """Return numbered tasks."""
    return [task(k) for k in range(number)]


def checks(given: Task) -> list[Criterion]:
    """Return the criteria that a task was given."""
    assert given.rubric is not None
    return list(given.rubric.criteria)
