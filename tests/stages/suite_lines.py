"""Judged lines for tests of suites: texts that a suite's own rubric judges, by checks alone."""

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.judged import Judged
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Rubric
from schemas.task import Message, Task
from stages.judge import JudgeSpec, judge
from stages.suites import SUITES
from stages.suites.base import Part
from tests.judged_lines import policy


def task(name: str = "a", prompt: str = "Tell me of moss.", **more: Any) -> Task:
    """Return a task."""
    return Task(id=name, messages=(Message(role="user", content=prompt),), **more)


def answered(given: Task, texts: Sequence[str | None]) -> Rollouts:
    """Return a task with its answers; None is one that could not be had."""
    responses = [
        Response(text="", finish="failed", length=0, error="lost")
        if text is None
        else Response(text=text, finish="stop", length=len(text.split()))
        for text in texts
    ]
    own = {name: getattr(given, name) for name in Task.model_fields if name != "tag"}
    return Rollouts(**own, policy=policy(), responses=tuple(responses))


def group(suite: str, *texts: str | None, name: str = "a", **more: Any) -> Judged:
    """Return the answers to a prompt, judged as a suite judges them."""
    return judged([answered(SUITES[suite].judged_by(task(name, **more)), texts)])[0]


def judged(lines: Iterable[Rollouts]) -> list[Judged]:
    """Return the lines, judged by their own rubrics."""
    return list(judge(lines, JudgeSpec(), None))


def instructions(*checks: dict[str, dict[str, Any]], extra: Sequence[dict[str, Any]] = ()) -> Rubric:
    """Return a rubric of instructions as it is imported from IFEval, and what joined it."""
    criteria = [{"id": f"i{number}", "check": check} for number, check in enumerate(checks)]
    return Rubric.model_validate(
        {"rubric": "r", "criteria": (*criteria, *extra), "reward": {"preset": "all-pass"}}, strict=False
    )


def figure(suite: str, measure: str, line: Judged) -> Part | None:
    """Return what a line adds to a measure of a suite."""
    return next(each for each in SUITES[suite].measures if each.name == measure).of(line)
