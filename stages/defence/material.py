"""Responses as the search for hacks sees them: each with its prompt, its reward, and where in a run it stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.judged import Judged, JudgedResponse
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Rubric
from schemas.task import Task
from stages.measures import improvement, level
from stages.seeds import derive

MOST_DIGITS = 12
"""Of a step: what is longer is part of a name, and no number that a record can hold."""


@dataclass(frozen=True, eq=False)
class Voice:
    """One response that could be had."""

    text: str
    task: Task
    unit: str
    """The prompt, the same for all lines that ask it: what is held out together, and counts once."""
    line: str
    """The id of its line; a group."""
    index: int
    """Its number in the line."""
    reward: float | None
    levels: dict[str, float] = field(default_factory=dict)
    """By criterion, how good its verdict is: 1 the best for the reward, 0 the worst."""
    step: int | None = None
    """When in the run it was sampled."""

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.line}[{self.index}]"


def voices(lines: Iterable[Rollouts], round_: int = 1, rounds: int = 1, of_run: bool = True) -> list[Voice]:
    """Return the responses of a file, without failed and empty ones.

    The id of a line may be TASK@STEP, as an online run writes it. Where no line says a step and there are several
    rounds, the number of the round is the step. Files that are not `of_run` have no steps.
    """
    found: list[Voice] = []
    for line in lines:
        task, step = parted(line.id)
        at = None if not of_run else step if step is not None else round_ if rounds > 1 else None
        place = line.id if rounds == 1 else f"{round_}:{line.id}"
        own = Task.model_construct(**{name: getattr(line, name) for name in Task.model_fields if name != "tag"})
        for index, response in enumerate(line.responses):
            if said_something(response):
                reward = response.reward if isinstance(response, JudgedResponse) else None
                found.append(Voice(response.text, own, task, place, index, reward, _levels(line, index), at))
    return found


def said_something(response: Response) -> bool:
    """Return whether there is a response to look at: one that did not fail and is not empty."""
    return response.finish != "failed" and bool(response.text.strip())


def parted(name: str) -> tuple[str, int | None]:
    """Return the task and the step that an id such as `sea@12` names; no step where it names none."""
    task, at, step = name.rpartition("@")
    is_step = step.isdecimal() and step.isascii() and len(step) <= MOST_DIGITS
    return (task, int(step)) if at and task and is_step else (name, None)


def _levels(line: Rollouts, index: int) -> dict[str, float]:
    response = line.responses[index]
    if not isinstance(line, Judged) or not isinstance(response, JudgedResponse) or line.rubric is None:
        return {}
    found: dict[str, float] = {}
    for criterion, verdict in zip(line.rubric.leaves, response.verdicts, strict=True):
        value = level(criterion, verdict)
        if value is not None:
            found[criterion.id] = 1 - value if improvement(line.rubric, criterion) == "lower" else value
    return found


def rubric_text(rubric: Rubric | None) -> str:
    """Return what a rubric says in words: its criteria and their levels."""
    if rubric is None:
        return ""
    return "\n".join(
        part for leaf in rubric.leaves for part in (leaf.text, *(tier.text for tier in leaf.tiers)) if part
    )


def rubric_texts(voices: Sequence[Voice]) -> dict[str, str]:
    """Return the words of each different rubric that responses were judged against, by digest."""
    found: dict[str, str] = {}
    for rubric in {id(voice.task.rubric): voice.task.rubric for voice in voices}.values():
        if rubric is not None and (text := rubric_text(rubric)):
            found[rubric.digest()] = text
    return found


def held_out(units: Iterable[str], seed: int, fewest: int) -> set[str]:
    """Return half of the prompts, chosen by the seed and their names alone; none where there are fewer than `fewest`.

    The same prompt is on the same side however many others there are, up to the one in the middle.
    """
    drawn = sorted(set(units), key=lambda name: (derive(seed, "held out", name), name))
    return set(drawn[: len(drawn) // 2]) if len(drawn) >= fewest else set()
