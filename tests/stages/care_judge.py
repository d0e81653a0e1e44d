"""A rubric of a tiered criterion, a fault and a check of its own, groups to judge by it, and a judge who is honest."""

from functools import partial
from typing import Any

import pytest
from werkzeug import Response as Reply

from schemas.base import Part
from schemas.judged import Judged
from schemas.rubric import Criterion, Rubric, Tier
from schemas.task import Task
from stages.checks import base as checks
from stages.models import openai
from tests.stages import judging
from tests.stages.judge_server import chat, under_judgement, verdicts

LEVELS = (Tier(score=0, text="Cold."), Tier(score=31, text="Polite."), Tier(score=77, text="Warm."))
TONE = Criterion(id="tone", text="Is warm.", tiers=LEVELS, weight=2)
LIES = Criterion(id="lies", text="Invents facts.", weight=-0.625)
RUBRIC = Rubric(rubric="care", criteria=(TONE, LIES))


class Nothing(Part):
    """No arguments."""


def outcome(text: str, arguments: Nothing, task: Task) -> checks.Outcome:
    """Look for `please` in a text or the reference."""
    if "undecided" in text:
        return checks.Outcome(None, "cannot tell")
    met = "please" in text or "please" in (task.reference or "")
    return checks.Outcome(met, "looked for please", closeness=0.5)


@pytest.fixture(autouse=True)
def far_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds between attempts, and know one check more."""
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.001)
    polite = checks.Check("says_please", Nothing, outcome, ({}, "please"), ({}, "now"))
    monkeypatch.setitem(checks.REGISTRY, polite.name, polite)


PLEASE = Criterion(id="please", check={"says_please": {}}, partial=0.4)
group = partial(judging.group, rubric=RUBRIC)
"""Return a group of responses, to be judged by this rubric unless another is given."""


def honest(payload: dict[str, Any], number: int = 0) -> Reply:
    """Judge truly: a response's first character is its level of tone, and `!` is a lie."""
    prompt = payload["messages"][0]["content"]
    text = under_judgement(prompt)
    return chat(verdicts(prompt, lambda name: text[0] if name == "tone" else "met" if "!" in text else "not met"))


def table(groups: list[Judged]) -> list[list[tuple[Any, ...]]]:
    """Return the status and score of each verdict, and the reward, of each response."""
    return [[(*((v.status, v.score) for v in r.verdicts), r.reward) for r in one.responses] for one in groups]
