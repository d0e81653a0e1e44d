"""`rlra rollout`."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rlra_cli import ui
from rlra_cli.models import check_reference, dtype_for, opened_model, recorded
from rlra_cli.options import EndpointOptions, MapOptions, ModelOptions, Output, PlaceOptions
from rlra_cli.policies import is_complete, options_of, policies_of
from rlra_cli.prompt_files import read_tasks
from rlra_cli.rollout_tally import Tally
from rlra_cli.run import Job, run_map
from schemas.answers import read_answers
from schemas.errors import RlraError, TooManyFailuresError
from schemas.files import shown
from schemas.jsonl import Source
from schemas.rollouts import Policy, Rollouts
from schemas.shards import Shard
from schemas.task import Task
from stages.rollout import RolloutSpec, attach, window_of
from stages.rollout import rollout as stage

if TYPE_CHECKING:
    from rlra_cli.rubric_files import Placed
    from stages.until_spread import Spread

Responses = Annotated[
    str | None,
    typer.Option(
        "--responses",
        metavar="FILE",
        help="Take responses made elsewhere instead of sampling: JSONL with `id` and `response` or `responses`; "
        "without ids, one line per task in order. Staged training refuses them.",
    ),
]
Rubrics = Annotated[
    list[Path],
    typer.Option(
        "--rubrics",
        metavar="FILE",
        help="With --until-spread: a rubric of checks in YAML, in place of the tasks' own; may be repeated.",
    ),
]
Add = Annotated[
    bool, typer.Option("--add", help="With --until-spread: the rubrics join the tasks' own instead of replacing it.")
]
TasksFile = Annotated[str, typer.Argument(metavar="TASKS", help="`task/1` lines, or plain prompts.")]


def rollout(
    spec: RolloutSpec,
    model: ModelOptions,
    endpoint: EndpointOptions,
    options: MapOptions,
    place: PlaceOptions,
    tasks: TasksFile = "-",
    output: Output = "-",
    responses: Responses = None,
    rubrics: Rubrics = [],  # noqa: B006 (typer copies it)
    add: Add = False,
) -> None:
    """Sample a group of responses for every task.

    \b
    rlra rollout tasks.jsonl -o rollouts.jsonl --model smollm2 --group-size 8
    rlra rollout tasks.jsonl -o runs/ --model BASE=smollm2 --model TRAINED=hf:run/

    The model's own generation defaults are not applied: what is not said here is off. Token ids and
    log-probabilities ride in the lines, so that `rlra train` can learn from them exactly, unless they were drawn
    with top-p, top-k, penalties or stop texts: the lines say so. What the model thinks before it answers is kept
    apart from the text. Of a task with follow-ups (a prompt with `turns`), each response is a conversation of its
    own, and the last answer counts. Temperature 0 is greedy, and then a response depends on nothing but its prompt
    and the model. Several policies write one file each, as above; `--summary s.json` is then s.NAME.json for each, and
    what is complete is not sampled again. Responses of other people's models come in with `--responses`. Pipe it
    into `rlra judge`.
    """
    source = Source(tasks)
    if responses is not None:
        if place.engine == "ray" or spec.until_spread or rubrics or add:
            raise RlraError("--engine ray, --until-spread, --rubrics and --add do not go with --responses")
        return _attach(source, Source(responses), output, options, place.share(window_of(spec)))
    from rlra_cli.rubric_files import placed

    spec = spec.model_copy(update={"system": _system(spec.system)})
    work = _Sampling(spec, model, endpoint, tasks, [placed(path) for path in rubrics], add, place)
    outputs = policies_of(model.model, output)
    if len(outputs) == 1:
        return work.run(*outputs.popitem(), options)
    if tasks == "-":
        raise RlraError("several policies cannot share stdin: it can be read only once", hint="name the file of tasks")
    return work.run_each(outputs, options)


@dataclass(frozen=True)
class _Sampling:
    """What one policy is asked as every other one is."""

    spec: RolloutSpec
    model: ModelOptions
    endpoint: EndpointOptions
    tasks: str
    rubrics: "list[Placed]"
    add: bool
    place: PlaceOptions

    def spread(self) -> "Spread | None":
        """Return what --until-spread goes by. Raises RlraError, before anything is sampled, where that cannot be."""
        if not self.spec.until_spread:
            if self.rubrics or self.add:
                hint = "otherwise give them to `rlra judge`"
                raise RlraError("--rubrics and --add go with --until-spread", hint=hint)
            return None
        from stages.until_spread import Spread

        found = Spread([each.rubric for each in self.rubrics], self.add)
        if self.tasks != "-":
            found.accept(read_tasks(Source(self.tasks)))
        return found

    def run_each(self, outputs: Mapping[str, str], options: MapOptions) -> None:
        """Sample from one policy after the other, given by where their lines go.

        What is wrong with a reference is found before any is sampled. One of which too many responses failed keeps
        none from its turn: raises typer.Exit at the end. Everything else that `run` raises ends it at once.
        """
        for reference in outputs.values():
            check_reference(reference, self.endpoint)
        code = 0
        for where, reference in outputs.items():
            try:
                self.run(where, reference, options_of(options, where), several=True)
            except TooManyFailuresError as error:
                ui.complain(error)
                code = error.exit_code
        if code:
            raise typer.Exit(code)

    def run(self, output: str, reference: str, options: MapOptions, several: bool = False) -> None:
        """Sample from one policy; of several, one whose lines are complete is left as it is. Raises what they raise."""
        from rlra_cli.rubric_files import inputs_of

        spec, source, spread = self.spec, Source(self.tasks), self.spread()
        inputs, tally = {"input": source, **inputs_of(self.rubrics)}, Tally(spec, spread)
        dtype, share = dtype_for(self.model.dtype, spec.temperature), self.place.share(window_of(spec))
        with self._known(reference, dtype) as policy:
            name, server = recorded(reference, self.endpoint)
            decides = {"model": name, "base_url": server, "batch_size": self.model.batch_size, "dtype": policy.dtype}
            decided = {**spec.model_dump(mode="json"), **decides, "add": self.add, "revision": policy.revision}
            job = Job("rollout", {**decided, **(share.recorded if share else {})}, output, options, inputs)
            if several and options.resume and is_complete(job):
                return

            def stream(records: Iterator[Task]) -> Iterator[Rollouts]:
                return tally.timed(stage(records, spec, policy, [each.rubric for each in self.rubrics], self.add))

            if self.place.engine == "ray":
                self._run_far(job, read_tasks(source), reference, dtype, tally)
            else:
                run_map(job, read_tasks(source), stream, Rollouts, tally, window_of(spec), share)
        tally.say(options.quiet)

    def _known(self, reference: str, dtype: str) -> AbstractContextManager[Any]:
        """Open the policy; for `--engine ray` only what a manifest says of it. Raises what that raises."""
        if self.place.engine == "local":
            return opened_model(reference, self.endpoint, self.model, dtype)
        from rlra_cli.ray_stages import described

        return described(reference, self.endpoint, self.model, dtype)

    def _run_far(self, job: Job, tasks: Iterator[Task], reference: str, dtype: str, tally: Tally) -> None:
        from rlra_cli.ray_run import run_far
        from rlra_cli.ray_stages import Sampling

        rubrics = tuple(each.rubric for each in self.rubrics)
        opening = Sampling(self.spec, reference, self.endpoint, self.model, dtype, rubrics, self.add)
        gpu = not reference.startswith("openai:")
        run_far(job, tasks, opening, Rollouts, tally, window_of(self.spec), self.place, gpu)


def _system(given: str | None) -> str | None:
    """Return a system prompt, read from its file where it is `@FILE`. Raises RlraError where that cannot be read."""
    if given is None or not given.startswith("@"):
        return given
    try:
        text = Path(given[1:]).read_text(encoding="utf-8-sig").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RlraError(f"--system: cannot read {given[1:]}: {getattr(error, 'strerror', None) or error}") from None
    if text.startswith("@"):  # the manifest holds the text, and would name a file
        raise RlraError(f"{given[1:]}: a system prompt cannot begin with '@'")
    return text


def _attach(source: Source, answers: Source, output: str, options: MapOptions, share: Shard | None) -> None:
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
        model=f"responses:{Path(shown(answers.path)).name}",
        revision=answers.sha256()[:16],
        template="",
        engine="made elsewhere",
        dtype="",
        seed=0,
    )
    tally = Tally()
    job = Job("rollout", {"responses": shown(answers.path)}, output, options, {"input": source, "responses": answers})
    run_map(job, iter(tasks), lambda rest: attach(rest, by_id, policy), Rollouts, tally, shard=share)
    tally.say(options.quiet)
