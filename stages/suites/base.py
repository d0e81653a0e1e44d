"""What a suite is: where its prompts come from, how they are answered and judged, and what is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.judged import Judged, JudgedResponse
from schemas.rubric import Rubric
from schemas.task import Task
from stages.measures import Better

Part = tuple[float, float]
"""What one prompt adds to a ratio: to its numerator, and to its denominator."""

MEASURED = "measured"
"""Where the `meta` of a line holds figures of its prompt that are no verdict on a response, by name."""


@dataclass(frozen=True)
class SuiteMeasure:
    """One figure of a suite: the ratio of two sums over prompts.

    A plain mean over prompts has denominators of 1; an accuracy over instructions has as many as the prompt has
    instructions, and slop per 1,000 words has the words.
    """

    name: str
    says: str
    """What the number is, for people."""
    better: Better
    of: Callable[[Judged], Part | None]
    """None for a prompt that has nothing to measure."""


@dataclass(frozen=True)
class Suite:
    """One suite, by name."""

    name: str
    about: str
    """What it measures, in one line."""
    source: str
    """Where a user gets its prompts."""
    measures: Sequence[SuiteMeasure]
    form: str = ""
    """The exchange format that its prompts are read from; empty: any prompts."""
    judged_by: Callable[[Task], Task] = lambda task: task
    """Gives a task the rubric of the suite. Raises RlraError for a task that cannot be measured."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """Options of `rlra rollout` that the suite sets by itself; a user's own go before them."""
    needs_judge: bool = False
    """Whether its criteria are judged by a model."""
    equal_groups: bool = False
    """Whether its measures depend on how many answers a prompt has."""
    likelihood: bool = False
    """Whether it also measures how likely the reference answers are under each model."""


def under(task: Task, rubric: Mapping[str, Any]) -> Task:
    """Return a task with the rubric of a suite, as it would stand in a file, in place of its own."""
    return task.model_copy(update={"rubric": Rubric.model_validate_json(orjson.dumps(rubric))})


def answered(group: Judged) -> list[JudgedResponse]:
    """Return the responses of a group that there are; one that could not be had measures nothing."""
    return [response for response in group.responses if response.finish != "failed"]


def mean_of(group: Judged, of: Callable[[JudgedResponse], float | None]) -> Part | None:
    """Return what a group adds to a mean over prompts: its own mean over the responses that have a value."""
    known = [value for response in answered(group) if (value := of(response)) is not None]
    return (sum(known) / len(known), 1.0) if known else None


def ratio_of(group: Judged, of: Callable[[JudgedResponse], Part | None]) -> Part | None:
    """Return what a group adds to a ratio: the means of both its parts over the responses that have them.

    Means, and not sums, so that a prompt of which a response is missing weighs as much as the others. None where all
    denominators are 0.
    """
    known = [part for response in answered(group) if (part := of(response)) is not None]
    top, bottom = (sum(column) / len(known) for column in zip(*known, strict=True)) if known else (0.0, 0.0)
    return (top, bottom) if bottom else None


def measured(name: str) -> Callable[[Judged], Part | None]:
    """Return the function that reads a figure of a line out of its `meta`, for a mean over prompts."""

    def read(group: Judged) -> Part | None:
        figures = group.meta.get(MEASURED)
        value = figures.get(name) if isinstance(figures, dict) else None
        return (float(value), 1.0) if isinstance(value, int | float) else None

    return read
