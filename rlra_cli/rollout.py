"""`rlra rollout`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rlra_cli.models import opened_model, recorded
from rlra_cli.options import EndpointOptions, MapOptions, ModelOptions, Output
from rlra_cli.prompt_files import read_tasks
from rlra_cli.run import Job, run_map
from schemas.answers import read_answers
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.rollouts import Policy, Rollouts
from schemas.task import Task
from stages.rollout import RolloutSpec, attach, window_of
from stages.rollout import rollout as stage

Responses = Annotated[
    str | None,
    typer.Option(
        "--responses",
        metavar="FILE",
        help="Take responses made elsewhere instead of sampling: JSONL with `id` and `response` or `responses`; "
        "without ids, one line per task in order. Staged training refuses them.",
    ),
]
TasksFile = Annotated[str, typer.Argument(metavar="TASKS", help="`task/1` lines, or plain prompts.")]


def rollout(
    spec: RolloutSpec,
    model: ModelOptions,
    endpoint: EndpointOptions,
    options: MapOptions,
    tasks: TasksFile = "-",
    output: Output = "-",
    responses: Responses = None,
) -> None:
    """Sample a group of responses for every task.

    \b
    rlra rollout tasks.jsonl -o rollouts.jsonl --model smollm2 --group-size 8

    The model's own generation defaults are not applied: what is not said here is off. Token ids
    and log-probabilities ride in the lines, so that `rlra train` can learn from them exactly.
    Temperature 0 is greedy, and then a response depends on nothing but its prompt and the model.
    Responses of other people's models come in with `--responses`. Pipe it into `rlra judge`.
    """
    source = Source(tasks)
    if responses is not None:
        return _attach(source, Source(responses), output, options)
    with opened_model(model.model, endpoint, model, _dtype(model.dtype, spec.temperature)) as policy:
        name, server = recorded(model.model, endpoint)
        decides = {"model": name, "base_url": server, "batch_size": model.batch_size, "dtype": policy.dtype}
        job = Job("rollout", {**spec.model_dump(mode="json"), **decides}, output, options, {"input": source})
        job.spec["revision"] = policy.revision

        def stream(records: Iterator[Task]) -> Iterator[Rollouts]:
            return stage(records, spec, policy)

        run_map(job, read_tasks(source), stream, Rollouts, _tally, align=window_of(spec))
    return None


def _attach(source: Source, answers: Source, output: str, options: MapOptions) -> None:
    """Put responses made elsewhere beside their tasks, by id, or in order where the lines have none."""
    given = list(read_answers(answers))
    tasks = list(read_tasks(source))
    if given and given[0].id is None:
        if len(given) != len(tasks):
            raise RlraError(
                f"{answers.name}: {len(given)} lines without an `id`, and {len(tasks)} tasks", hint="give each an `id`"
            )
        by_id = {task.id: answer for task, answer in zip(tasks, given, strict=True)}
    else:
        by_id = {answer.id: answer for answer in given if answer.id is not None}
    strangers = sorted(by_id.keys() - {task.id for task in tasks})
    if strangers:
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        names = ", ".join(repr(name) for name in strangers[:3])
        raise RlraError(f"{answers.name}: no task has the id {names}{more}", hint="ids must be those of the tasks")
    policy = Policy(
        model=f"responses:{Path(answers.path).name}",
        revision=answers.sha256()[:16],
        template="",
        engine="made elsewhere",
        dtype="",
        seed=0,
    )
    job = Job("rollout", {"responses": answers.path}, output, options, {"input": source, "responses": answers})
    run_map(job, iter(tasks), lambda rest: attach(rest, by_id, policy), Rollouts, _tally)


def _dtype(asked: str, temperature: float) -> str:
    # In bfloat16 the neighbours in a batch round a response's logits differently, which is enough to turn a
    # greedy choice; in float32 it is not.
    return asked if asked != "auto" else "float32" if temperature == 0 else "bfloat16"


def _tally(group: Rollouts) -> Counter[str]:
    finished = Counter(response.finish for response in group.responses)
    return Counter(
        responses=len(group.responses),
        tokens=sum(response.length for response in group.responses),
        cut_off=finished["length"],
        failed=finished["failed"],
    )
