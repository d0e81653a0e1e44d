"""The steps of `rlra eval suite`, each carried out by the command of its name, and not again where it is made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rlra_cli import ui
from rlra_cli.judge import judge
from rlra_cli.judge_panel import PanelOptions, decides
from rlra_cli.models import dtype_for, recorded
from rlra_cli.options import EndpointOptions, MapOptions, ModelOptions, PlaceOptions
from rlra_cli.policies import is_complete
from rlra_cli.rollout import rollout
from rlra_cli.round_stages import Judges, Sampler
from rlra_cli.rubric_files import Placed, inputs_of, placed, try_checks
from rlra_cli.run import Job, run_stream
from rlra_cli.suite_likelihood import with_likelihood
from rlra_cli.suite_lm_eval import sampled
from rlra_cli.suite_options import Axis, Entrant, SamplingOptions
from rlra_cli.suite_prompts import prompts
from schemas.errors import RlraError, TooManyFailuresError
from schemas.files import shown
from schemas.jsonl import Source
from schemas.manifest import path_for, read_manifest
from schemas.task import Task
from stages.rollout import RolloutSpec

STAGE = "eval-suite"


@dataclass
class SuiteSteps:
    """One run: where its files lie, and how its answers are sampled and judged."""

    folder: Path
    sampling: SamplingOptions
    judges: Judges
    """As `--judge` and its like say; only suites with criteria that need a model are put to it."""
    options: MapOptions

    def file(self, axis: Axis, name: str) -> Path:
        """Return where a file of a suite lies, such as `tasks.jsonl` or `base.judged.jsonl`."""
        return self.folder / axis.name / name

    def carry_out(self, axes: Sequence[Axis], entrants: Sequence[Entrant]) -> tuple[dict[str, list[str]], int]:
        """Do what is left to do; return which labels of which suites are judged, and the exit code.

        What is wrong with prompts, rubrics and options is found before anything is sampled. Where too many responses of
        one label fail, the others still have their turn. Raises what the commands raise.
        """
        found = [(axis, self.tasks(axis)) for axis in axes]
        for axis, tasks in found:
            self.sampling.sampler(axis.suite)
            self._accept(axis, tasks)
        done: dict[str, list[str]] = {axis.name: [] for axis in axes}
        code = 0
        for axis, tasks in found:
            self.file(axis, "").mkdir(parents=True, exist_ok=True)
            self._write_tasks(axis, tasks)
            for entrant in entrants:
                try:
                    self._judge(axis, tasks, entrant, self._answers(axis, entrant))
                    done[axis.name].append(entrant.label)
                except TooManyFailuresError as error:
                    ui.complain(error)
                    code = error.exit_code
        return done, code

    def tasks(self, axis: Axis) -> list[Task]:
        """Return the tasks of a suite with its rubric; none of lm-eval, which has its own. Raises RlraError."""
        if axis.lm_eval:
            return []
        suite = axis.suite
        read = islice(prompts(axis.prompts, suite.form if suite else ""), self.sampling.limit or None)
        try:
            found = [suite.judged_by(task) if suite else task for task in read]
        except RlraError as error:
            where = shown(axis.prompts)
            said = error.message if error.message.startswith(where) else f"{where}: {error.message}"
            raise RlraError(said, error.hint) from None
        if not found:
            raise RlraError(f"{shown(axis.prompts)}: there is no prompt")
        return found

    def _accept(self, axis: Axis, tasks: Sequence[Task]) -> None:
        """Raise RlraError for a rubric that cannot be judged by here."""
        from stages.judge import rubric_of

        joined, where = [placed(path).rubric for path in axis.rubrics], shown(axis.prompts)
        for task in tasks:
            try:
                rubric = rubric_of(task, joined, self.judges.add)
            except RlraError as error:
                hint = error.hint if joined else f"give one with --rubrics {axis.name}=FILE"
                raise RlraError(f"{where}: {error.message}", hint) from None
            try_checks(Placed(rubric, f"{where}: {task.id}"))
            if not self.judges.models and (c := next((c for c in rubric.leaves if c.needs_judge), None)):
                raise RlraError(
                    f"the suite '{axis.name}' needs a judge: criterion '{c.id}' of {task.id} has no check",
                    hint="say --judge openai:NAME --base-url URL",
                )

    def _write_tasks(self, axis: Axis, tasks: Sequence[Task]) -> None:
        if axis.lm_eval:
            return
        decided = {"suite": axis.name, "limit": self.sampling.limit}
        job = Job(
            STAGE,
            decided,
            str(self.file(axis, "tasks.jsonl")),
            MapOptions(quiet=self.options.quiet),
            {"input": Source(axis.prompts)},
        )
        if not is_complete(job):
            run_stream(job, tasks)

    def _answers(self, axis: Axis, entrant: Entrant) -> Path:
        """Let a label answer the tasks of a suite, and return the file to judge."""
        output, sampler = self.file(axis, f"{entrant.label}.rollouts.jsonl"), self.sampling.sampler(axis.suite)
        if axis.lm_eval:
            sampled(axis.lm_eval, entrant.reference, self.sampling, sampler, output, self.options)
            return output
        tasks = self.file(axis, "tasks.jsonl")
        if given := entrant.responses.get(axis.name):
            self._take(tasks, given, output)
            return output
        self._sample(tasks, entrant.reference, sampler, output)
        if axis.suite and axis.suite.likelihood:
            own = self.file(axis, f"{entrant.label}.measured.jsonl")
            return with_likelihood(output, entrant.reference, sampler, own, self.options)
        return output

    def _take(self, tasks: Path, given: str, output: Path) -> None:
        inputs = {"input": Source(str(tasks)), "responses": Source(given)}
        if not self._holds(output, "rollout", inputs, {"responses": shown(given)}):
            plain = (RolloutSpec(), ModelOptions(), EndpointOptions(), self._of_step(), PlaceOptions())
            rollout(*plain, tasks=str(tasks), output=str(output), responses=given)

    def _sample(self, tasks: Path, reference: str, sampler: Sampler, output: Path) -> None:
        spec = RolloutSpec.model_validate({name: getattr(sampler, name) for name in RolloutSpec.model_fields})
        spec = spec.model_copy(update={"system": _read(spec.system)})
        run = {name: getattr(sampler, name) for name in ModelOptions.model_fields if name != "model"}
        # The server of a judge is none of a model in this process, and no part of its recipe.
        endpoint = self.judges.endpoint if reference.startswith("openai:") else EndpointOptions()
        name, server = recorded(reference, endpoint)
        wanted = {**spec.model_dump(mode="json"), "model": name, "base_url": server, "batch_size": sampler.batch_size}
        wanted |= _weights(reference, sampler)
        if not self._holds(output, "rollout", {"input": Source(str(tasks))}, wanted):
            asked = ModelOptions(model=(reference,), **run)
            by = (spec, asked, endpoint, self._of_step(), PlaceOptions())
            rollout(*by, tasks=str(tasks), output=str(output))

    def _judge(self, axis: Axis, tasks: Sequence[Task], entrant: Entrant, rollouts: Path) -> None:
        by, output = self.judges, self.file(axis, f"{entrant.label}.judged.jsonl")
        rubrics = [placed(path) for path in axis.rubrics]
        asks = any(c.needs_judge for each in _rubrics(tasks, rubrics) for c in each.leaves)
        models, endpoint = (list(by.models), by.endpoint) if asks else ([], EndpointOptions())
        panel = by.panel if asks else PanelOptions()
        add = by.add and bool(rubrics)
        inputs = {"input": Source(str(rollouts)), **inputs_of(rubrics)}
        wanted = {**by.spec.model_dump(mode="json"), **decides(models, panel, endpoint), "add": add}
        if not self._holds(output, "judge", inputs, wanted):
            judge(
                by.spec,
                panel,
                endpoint,
                self._of_step(),
                PlaceOptions(),
                rollouts=str(rollouts),
                output=str(output),
                rubrics=list(axis.rubrics),
                add=add,
                model=models,
            )

    def _of_step(self) -> MapOptions:
        return self.options.model_copy(update={"summary": None})

    def _holds(self, output: Path, stage: str, inputs: Mapping[str, Source], wanted: Mapping[str, Any]) -> bool:
        """Return whether `output` is whole, and made of these inputs as they are now and by these options; and say so.

        A command says more of itself in its recipe than is known before it has begun: that may be anything.
        """
        from importlib.metadata import version

        if not (output.exists() and path_for(output).exists()):
            return False
        recipe = read_manifest(path_for(output)).recipe
        by = recipe.stage == stage and recipe.rlra == version("rlra")
        known = {role: entry.sha256 for role, entry in recipe.inputs.items()}
        same = known == {role: source.fingerprint()[0] for role, source in inputs.items()}
        options = all(name in recipe.spec and recipe.spec[name] == value for name, value in wanted.items())
        if not (by and same and options and Source(str(output)).fingerprint()[0] == recipe.sha256):
            return False
        ui.say(f"{stage}: {output} is complete", self.options.quiet)
        return True


def _rubrics(tasks: Sequence[Task], given: Sequence[Placed]) -> Iterator[Any]:
    yield from (each.rubric for each in given)
    yield from (task.rubric for task in tasks if task.rubric)


def _weights(reference: str, sampler: Sampler) -> dict[str, Any]:
    """Return what a recipe says of weights in this process; a server says nothing of its own."""
    if reference.startswith("openai:"):
        return {}
    from stages.models.weights import weights_of

    found: dict[str, Any] = {"revision": weights_of(reference)[1]}
    return found if reference.startswith("vllm:") else {**found, "dtype": dtype_for(sampler.dtype, sampler.temperature)}


def _read(system: str | None) -> str | None:
    """Return a system prompt as a recipe has it: the text of its file where it is `@FILE`."""
    if system is None or not system.startswith("@"):
        return system
    try:
        return Path(system[1:]).read_text(encoding="utf-8-sig").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        return system  # `rlra rollout` says what is wrong with it
