"""Tasks of lm-eval as suites: its logged samples become lines of ours, so that two models are paired by document."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from schemas.errors import RlraError
from schemas.rollouts import Policy, Response, Rollouts
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.suites.base import MEASURED, Suite, SuiteMeasure, measured

PREFIX = "lm-eval-"
METRICS = (
    "exact_match",
    "acc",
    "acc_norm",
    "f1",
    "em",
    "mc1",
    "mc2",
    "bleu",
    "rouge1",
    "rougeL",
    "prompt_level_strict_acc",
)
"""Metrics of single samples that lie between 0 and 1, the one that is the reward of a task before others."""
_READS = 'def score(response, task):\n    return task["meta"]["measured"]["{name}"]\n'


def suite(name: str) -> Suite:
    """Return the suite of a task of lm-eval: its metrics, whichever of them its samples have."""
    return Suite(
        name=name,
        about="a task of lm-eval, sample by sample",
        source="lm-eval itself, which brings the prompts of its tasks",
        measures=tuple(SuiteMeasure(each, f"lm-eval's {each}", "higher", measured(each)) for each in METRICS),
    )


def rollouts(samples: Iterable[Mapping[str, Any]], task: str, policy: Policy) -> Iterator[Rollouts]:
    """Yield one group with one response for each document of a task's logged samples, in their order.

    The prompt is the document, in JSON. Its figures are in `meta.measured`, and the first of them in the order of
    `METRICS` is the reward: the rubric of the line is a program that reads it. Of several filters of one document the
    first counts. Raises RlraError for samples without a metric between 0 and 1.
    """
    seen: set[int] = set()
    for sample in samples:
        number = int(sample["doc_id"])
        if number in seen:
            continue
        seen.add(number)
        figures = {name: float(value) for name in METRICS if isinstance(value := sample.get(name), int | float)}
        main = next((name for name, value in figures.items() if 0 <= value <= 1), None)
        if main is None:
            names = ", ".join(map(str, sample.get("metrics", ()))) or "none"
            raise RlraError(f"lm-eval: {task}: no metric of single samples that is known: {names}")
        yield Rollouts(
            id=f"{task}-{number}",
            messages=(Message(role="user", content=_document(sample)),),
            reference=_target(sample) or None,
            rubric=_rubric(task, main),
            meta={MEASURED: figures, "asked": _asked(sample)},
            policy=policy,
            responses=(Response(text=_answer(sample), finish="stop", length=0),),
        )


def _rubric(task: str, metric: str) -> Rubric:
    criterion = Criterion(id=metric, text=f"lm-eval's {metric}", python=_READS.replace("{name}", metric))
    return Rubric(rubric=f"{PREFIX}{task}", kind="hard", source="lm-eval", criteria=(criterion,))


def _document(sample: Mapping[str, Any]) -> str:
    """Return the document as JSON: what a model is given of it differs with its template, and would pair nothing."""
    return orjson.dumps(sample["doc"], default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()


def _calls(sample: Mapping[str, Any]) -> list[Sequence[Any]]:
    """Return the arguments of the requests that were made of a document, as lists."""
    given = sample["arguments"]
    if isinstance(given, Mapping):  # as the log files have them
        return [list(call.values()) if isinstance(call, Mapping) else call for call in given.values()]
    return [call for call in given if isinstance(call, list | tuple)]


def _asked(sample: Mapping[str, Any]) -> str:
    """Return what a model was given of a document, in its own chat template."""
    calls = _calls(sample)
    return str(calls[0][0]) if calls and calls[0] else ""


def _answer(sample: Mapping[str, Any]) -> str:
    """Return what was generated; of choices whose likelihoods were compared, the likeliest."""
    found = list(sample["filtered_resps"])
    if found and isinstance(found[0], list | tuple):
        calls = _calls(sample)
        best = max(range(len(found)), key=lambda place: float(found[place][0]))
        return str(calls[best][1]) if best < len(calls) and len(calls[best]) > 1 else ""
    return str(found[0]) if found else ""


def _target(sample: Mapping[str, Any]) -> str:
    target, calls = sample.get("target"), _calls(sample)
    if isinstance(target, int | str) and str(target).isdigit() and len(calls) > int(target) and len(calls) > 1:
        return str(calls[int(target)][1])
    return target if isinstance(target, str) else ""
