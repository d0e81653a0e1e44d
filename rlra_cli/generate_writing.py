"""The run of `rlra generate-rubrics` with writers: who writes, what is read, and where rejected lines go."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rlra_cli import ui
from rlra_cli.generate_material import labels_in, material, source_for
from rlra_cli.generate_options import WriterOptions
from rlra_cli.generate_probes import ProbeFile
from rlra_cli.generate_rejects import Rejects, kept_aside
from rlra_cli.generate_windows import Windows
from rlra_cli.judge_panel import judge_spec
from rlra_cli.options import EndpointOptions, MapOptions, ModelOptions
from rlra_cli.run import Job, run_map, summarise
from schemas.errors import RlraError, TooManyFailuresError
from schemas.files import without_secrets
from schemas.jsonl import Source
from schemas.task import Task
from stages.generate_rubrics import GenerateRubricsSpec
from stages.judge import JudgeSpec
from stages.models.base import Model
from stages.models.endpoint import parted
from stages.writing.accounts import Funnel, of_accepted, of_rejected, rejected
from stages.writing.bank import Bank
from stages.writing.base import Material, Method
from stages.writing.bench import REASONS, no_probes
from stages.writing.gates import gates
from stages.writing.spec import WritingSpec
from stages.writing.stage import Writing

RUBRICS = (".yaml", ".yml", ".jsonl")


@dataclass
class WritingRun:
    """One run: lines in, accepted ones out, rejected ones aside."""

    spec: GenerateRubricsSpec
    writing: WritingSpec
    files: WriterOptions
    show_reference: bool
    endpoint: EndpointOptions
    options: MapOptions
    prompts: str
    output: str

    def carry_out(self) -> None:
        """Write what is left to write. Raises RlraError, TooManyFailuresError for too many lines without a rubric."""
        files = self.files
        refuse_twice(files.writer, "--writer")
        refuse_twice(files.judge, "--judge")
        judging = judge_spec(files.judge_options, self.spec.seed)
        job = self._job(judging)
        with ExitStack() as stack:
            writers = [stack.enter_context(_opened(each, self.endpoint, "--writer")) for each in files.writer]
            judges = [stack.enter_context(_opened(each, self.endpoint, "--judge")) for each in files.judge]
            way = Writing(
                stack.enter_context(_method(self.spec, self.writing, self.show_reference)),
                self.writing,
                self.spec.seed,
                writers,
                judges,
                judging,
                stack.enter_context(closing(ProbeFile(job.inputs["probe"]))).responses if files.probe else no_probes,
                _bank(files.bank),
                files.rewrite,
            )
            self._run(job, way)

    def _job(self, judging: JudgeSpec) -> Job:
        files = self.files
        decided = {
            **self.spec.model_dump(mode="json"),
            **self.writing.model_dump(mode="json"),
            **files.model_dump(mode="json", exclude={"rejects"}),
            "writer": [without_secrets(name) for name in files.writer],
            "judge": [without_secrets(name) for name in files.judge],
            "judge_options": judging.model_dump(mode="json") if files.judge else "",
            "show_reference": self.show_reference,
            "base_url": [without_secrets(url) for url in self.endpoint.base_url],
        }
        banks = {f"bank.{number}": Source(name) for number, name in enumerate(_files(files.bank))}
        others = {"probe": files.probe, "labels": files.labels and str(files.labels)}
        found = {name: Source(path) for name, path in others.items() if path}
        inputs = {"input": source_for(self.spec.method, self.prompts), **banks, **found}
        given = "" if files.judge_options.startswith("{") else files.judge_options
        reads = [str(name) for name in (self.endpoint.key_file, given) if name]
        writes = [str(files.rejects)] if files.rejects else []
        writes += [kept_aside(self.output)] if self.output != "-" else []
        return Job("generate-rubrics", decided, self.output, self.options, inputs, reads, writes)

    def _run(self, job: Job, way: Writing) -> None:
        labels = labels_in(self.files.labels) if self.files.labels else None
        funnel = Funnel([*way.method.gates, *(gate.reason for gate in gates()), *REASONS])
        with ExitStack() as stack:
            rejects = stack.enter_context(closing(Rejects(job, self.files.rejects, self.options.resume)))
            gone = set[str]()
            for task in rejects.kept():
                gone.add(task.id)
                funnel.add(of_rejected(task), accepted=False)
            lines = Windows(material(self.spec, job.inputs["input"], labels), way.window, gone)

            def stage(_: Iterator[Material]) -> Iterator[Task]:
                written = stack.enter_context(closing(way.write(lines.left(), job.counts)))
                for each in written:
                    if lines.stands(each.task.id):
                        continue
                    if each.accepted:
                        yield each.task
                    else:
                        rejects.write(rejected(each.task, each.accounts))
                        funnel.add(each.accounts, accepted=False)
                self._end(job, way, funnel, rejects)

            def tally(task: Task) -> Counter[str]:
                funnel.add(of_accepted(task), accepted=True)
                return _counted(task)

            job.spending = partial(_used, [*way.writers, *way.judges])
            run_map(job, lines.accepted(), stage, Task, tally)
            rejects.drop()

    def _end(self, job: Job, way: Writing, funnel: Funnel, rejects: Rejects) -> None:
        """Count, show and hand over what was found. Raises TooManyFailuresError."""
        figures = funnel.figures()
        job.figures = {"funnel": figures}
        job.counts.update(lines=figures["lines"], rejected=figures["rejected"], repaired=figures["repaired"])
        rejects.hand_over()
        if not self.options.quiet:
            from rlra_cli.generate_text import steps, writing_table

            ui.console().print(writing_table(figures))
            ui.say(steps(figures))
        self._hold(job, figures["rejected"], figures["lines"], rejects)

    def _hold(self, job: Job, failed: int, total: int, rejects: Rejects) -> None:
        allowed = self.options.max_failures
        if failed <= float(allowed.rstrip("%")) * (total / 100 if allowed.endswith("%") else 1):
            return
        job.counts.update(job.spending())
        summarise(job, " (not complete)")
        kept = "" if job.output == "-" else f"; the others are kept in {job.output}.partial"
        why = f", the reasons in {rejects.place}" if rejects.place else ""
        raise TooManyFailuresError(
            f"generate-rubrics: {failed} of {total} lines got no rubric, more than --max-failures {allowed}{kept}{why}",
            hint="accept them by repeating the command with --max-failures 100%, or ask again with --no-resume",
        )


def _counted(task: Task) -> Counter[str]:
    """Count the criteria of a line, and what became of its prompt where prompts are rewritten."""
    rubric = task.rubric
    if rubric is None:
        return Counter()
    outcome = rubric.meta.get("rewriting")
    return Counter(criteria=len(rubric.leaves)) + (
        Counter({f"prompt_{outcome}".replace(": ", "_"): 1}) if outcome else Counter()
    )


@contextmanager
def _opened(reference: str, endpoint: EndpointOptions, option: str) -> Iterator[Model]:
    """Open a model; what is wrong with its reference names the option that gave it."""
    from rlra_cli.models import opened_model

    with ExitStack() as stack:
        try:
            model = stack.enter_context(opened_model(reference, endpoint, ModelOptions(batch_size=8), "bfloat16"))
        except RlraError as error:
            raise RlraError(error.message.replace("--model", option, 1), error.hint) from None
        yield model


@contextmanager
def _method(spec: GenerateRubricsSpec, writing: WritingSpec, show_reference: bool) -> Iterator[Method]:
    if spec.method == "hard":
        from stages.writing.hard import Hard

        with closing(Hard(spec.seed)) as hard:
            yield hard
        return
    from stages.writing.methods import METHODS

    yield METHODS[spec.method](writing, show_reference)


def _files(names: Sequence[str]) -> list[str]:
    """Return the files of a bank, those in folders one by one."""
    inside = {name: sorted(str(file) for file in Path(name).rglob("*") if file.suffix in RUBRICS) for name in names}
    return [file for name in names for file in (inside[name] if Path(name).is_dir() else [name])]


def _used(models: Sequence[Model]) -> Counter[str]:
    counts = Counter[str]()
    for model in models:
        counts.update(getattr(model, "counts", {}))
    return counts


def _bank(names: Sequence[str]) -> Bank | None:
    if not names:
        return None
    from rlra_cli.rubric_files import bank

    made = Bank()
    for placed in bank(names):
        made.add(placed.rubric)
    return made


def refuse_twice(names: Sequence[str], option: str) -> None:
    """Raise RlraError for a model that is given twice: it would write, or vote, twice."""
    bare = [parted(name)[0] for name in names]
    if twice := next((name for name in bare if bare.count(name) > 1), None):
        raise RlraError(f"{option}: {twice} is given twice", hint="give several servers of one model as --base-url")
