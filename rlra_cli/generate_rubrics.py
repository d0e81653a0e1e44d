"""`rlra generate-rubrics`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rlra_cli.generate_misfits import WRITING, refuse_misfits
from rlra_cli.generate_options import PromptsFile, Reference, Template, WriterOptions
from rlra_cli.options import EndpointOptions, MapOptions, Output
from rlra_cli.prompt_files import read_tasks
from rlra_cli.run import Job, run_map
from schemas.jsonl import Source
from schemas.task import Task
from stages.generate_rubrics import GenerateRubricsSpec, repeated
from stages.generate_rubrics import generate_rubrics as stage
from stages.writing.spec import WritingSpec


def generate_rubrics(
    spec: GenerateRubricsSpec,
    writing: WritingSpec,
    writers: WriterOptions,
    endpoint: EndpointOptions,
    options: MapOptions,
    prompts: PromptsFile = "-",
    output: Output = "-",
    template: Template = None,
    show_reference: Reference = False,
) -> None:
    """Write a rubric for every prompt.

    \b
    rlra generate-rubrics prompts.jsonl -o tasks.jsonl --seed 1
    rlra generate-rubrics prompts.jsonl -o tasks.jsonl --method model --writer openai:NAME --base-url URL

    With `--method constraints`, each prompt gets one or more natural-language constraints written
    into it and one programmatic check for each: a rubric of its own that needs no judge. With
    `--per-prompt 32` a few hundred prompts become a bank of 10,000. With `--method template`, every
    prompt gets the rubric of `--template`.

    With the other methods a model writes, and gates hold its drafts back: a draft is mended once by what was found
    against it, and then rejected with reasons. `model` writes from the prompt, `contrast` from what separates stronger
    from weaker responses, `failures` from what responses get wrong, and `hard` one instruction with one Python check.
    Lines without a rubric go to --rejects, and count as failed. Pipe it into `rlra rollout`, or let people look with
    `rlra rubrics review`.
    """
    refuse_misfits(spec, writing, writers, template is not None, show_reference)
    if spec.method not in WRITING:
        return _draw(spec, options, prompts, output, template)
    from rlra_cli.generate_writing import WritingRun

    return WritingRun(spec, writing, writers, show_reference, endpoint, options, prompts, output).carry_out()


def _draw(spec: GenerateRubricsSpec, options: MapOptions, prompts: str, output: str, template: Path | None) -> None:
    """Give every task constraints or a template."""
    from rlra_cli.rubric_files import inputs_of, placed

    source = Source(prompts)
    inputs = {"input": source}
    found = placed(template) if template else None
    if found:
        inputs |= {name.replace("rubrics.0", "template"): file for name, file in inputs_of([found]).items()}
    job = Job("generate-rubrics", spec.model_dump(mode="json"), output, options, inputs)

    def stream(tasks: Iterator[Task]) -> Iterator[Task]:
        return stage(tasks, spec, found.rubric if found else None)

    run_map(job, repeated(read_tasks(source), spec.per_prompt), stream, Task, _tally)


def _tally(task: Task) -> Counter[str]:
    return Counter(criteria=len(task.rubric.leaves) if task.rubric else 0)
