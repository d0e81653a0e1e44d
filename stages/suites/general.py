"""What a model knew before: how likely reference answers are to it, and how much of them it says."""

from typing import Any

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.task import Task
from stages.checks.overlap import rouge_l
from stages.checks.text import folded_words
from stages.measures import REFERENCE_LOGLIK, SAYS
from stages.suites.base import Part, Suite, SuiteMeasure, mean_of, measured, under

RUBRIC: dict[str, Any] = {
    "rubric": "general",
    "criteria": [{"id": "agrees", "check": {"reference_overlap": {"at_least": 0.5}}}],
}


def reference_overlap(group: Judged) -> Part | None:
    """Return the ROUGE-L F1 of the answers with the reference, 0 to 1; None for a prompt without a reference."""
    reference = folded_words(group.reference or "")
    if not reference:
        return None
    return mean_of(group, lambda response: rouge_l(folded_words(response.text), reference))


def judged_by(task: Task) -> Task:
    """Give a task the rubric of the suite, in place of its own. Raises RlraError for one without a reference."""
    if not folded_words(task.reference or ""):
        raise RlraError(f"{task.id}: the prompt has no `reference`, an answer to measure by")
    return under(task, RUBRIC)


GENERAL = Suite(
    name="general",
    about="how likely reference answers are under each model, and how much of them its own answers share",
    source="any prompts with a `reference` answer: JSONL, CSV, Parquet, hf:NAME[:split]",
    measures=(
        SuiteMeasure(REFERENCE_LOGLIK, SAYS[REFERENCE_LOGLIK], "higher", measured(REFERENCE_LOGLIK)),
        SuiteMeasure("reference_overlap", "ROUGE-L F1 with the reference answers", "higher", reference_overlap),
    ),
    judged_by=judged_by,
    sampling={"group_size": 1, "temperature": 0.0, "max_tokens": 256},
    likelihood=True,
)
