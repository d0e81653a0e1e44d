"""`rlra eval suite`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from rlra_cli import ui
from rlra_cli.judge_panel import PanelOptions, judge_spec
from rlra_cli.models import check_reference
from rlra_cli.options import EndpointOptions, MapOptions
from rlra_cli.round_stages import Judges
from rlra_cli.suite_lm_eval import check as check_lm_eval
from rlra_cli.suite_lm_eval import hold_sampling
from rlra_cli.suite_options import Axis, Entrant, JudgingOptions, Said, SamplingOptions
from rlra_cli.suite_steps import SuiteSteps
from rlra_cli.whole_files import put_whole
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged

if TYPE_CHECKING:
    from stages.suites.levels import Level

LISTS = ("suites", "labels")
"""The files in the folder that name what is in it, in order."""
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]", help="ifeval, ifbench, writing, tone, diversity, general, safety."),
]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files of all suites go.")]
Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="LABEL=MODEL",
        help="Who answers: smollm2, hf:ID_OR_DIR, vllm:ID_OR_DIR, or openai:NAME with --base-url. Repeat it; the first "
        "is what the others are compared with.",
    ),
]
Prompts = Annotated[
    list[str],
    typer.Option(
        "--prompts",
        metavar="NAME=FILE",
        help="The prompts of a suite: a file, hf:NAME[:split], or pkg:PACKAGE/PATH for a file in an installed package.",
    ),
]
Tasks = Annotated[
    list[str],
    typer.Option("--tasks", metavar="NAME=FILE", help="Tasks or prompts of your own, as one more suite called NAME."),
]
Rubrics = Annotated[
    list[str],
    typer.Option(
        "--rubrics", metavar="NAME=FILE", help="A rubric in YAML that the suite NAME is judged by; repeat it."
    ),
]
Add = Annotated[bool, typer.Option("--add", help="The rubrics join what the tasks bring along, and replace nothing.")]
Responses = Annotated[
    list[str],
    typer.Option(
        "--responses",
        metavar="[SUITE:]LABEL=FILE",
        help="Answers made elsewhere, as `rlra rollout --responses` takes them.",
    ),
]
LmEval = Annotated[
    list[str],
    typer.Option(
        "--lm-eval",
        metavar="TASK",
        help="A task of lm-eval, or a YAML file of one (needs `pip install 'rlra[lm-eval]'`).",
    ),
]


def eval_suite(
    sampling: SamplingOptions,
    judging: JudgingOptions,
    endpoint: EndpointOptions,
    options: MapOptions,
    output: Folder,
    names: Names = None,
    model: Models = [],  # noqa: B006 (typer copies it)
    prompts: Prompts = [],  # noqa: B006
    tasks: Tasks = [],  # noqa: B006
    rubrics: Rubrics = [],  # noqa: B006
    add: Add = False,
    responses: Responses = [],  # noqa: B006
    lm_eval: LmEval = [],  # noqa: B006
) -> None:
    """Answer, judge and measure suites by name.

    \b
    rlra eval suite ifeval tone --model base=smollm2 --model trained=hf:run/ -o suites/ \\
      --prompts ifeval=input_data.jsonl --prompts tone=prompts.jsonl

    Each suite has its prompts from you, and goes through the steps that you would take by hand, `rlra rollout` and
    `rlra judge`, into DIR/SUITE/LABEL.judged.jsonl. What is made already and would come out the same is not made again,
    and an interrupted run goes on. The levels of all measures are printed at the end; compare the models, prompt by
    prompt, with `rlra eval DIR`. docs/suites.md says what each suite measures and where its prompts come from.
    """
    said = Said(names or (), model, prompts, tasks, rubrics, responses, lm_eval, add)
    axes = said.axes()
    entrants = said.entrants(axes)
    _refuse_place(output)
    _refuse(axes, entrants, sampling, judging, endpoint)
    how = judge_spec(judging.judge_options, sampling.seed)
    panel = PanelOptions(cache=judging.cache if judging.judge else None)
    judges = Judges(how, (), add, judging.judge, panel, endpoint, options.max_failures)
    steps = SuiteSteps(output, sampling, judges, options)
    done, code = steps.carry_out(axes, entrants)
    for name, given in zip(LISTS, ([axis.name for axis in axes], [each.label for each in entrants]), strict=True):
        _write_list(output / f"{name}.json", given)
    found = {axis.name: _levels(steps, axis, done[axis.name]) for axis in axes}
    _tell(found, output, options)
    if code:
        raise typer.Exit(code)


def _refuse(
    axes: Sequence[Axis],
    entrants: Sequence[Entrant],
    sampling: SamplingOptions,
    judging: JudgingOptions,
    endpoint: EndpointOptions,
) -> None:
    """Raise RlraError for what can be known to be wrong before prompts are read."""
    if sampling.limit and any(each.responses for each in entrants):
        raise RlraError("--limit does not go with --responses", hint="give the answers to all prompts")
    if not judging.judge and (name := next((a.name for a in axes if a.suite and a.suite.needs_judge), None)):
        raise RlraError(f"the suite '{name}' needs a judge", hint="say --judge openai:NAME --base-url URL")
    if judging.cache and not judging.judge:
        raise RlraError("--cache needs --judge MODEL")
    asked = {entrant.reference for entrant in entrants for axis in axes if axis.name not in entrant.responses}
    for reference in [*sorted(asked), *judging.judge]:
        check_reference(reference, endpoint)
    hold_sampling(axes, sampling)
    if any(axis.lm_eval for axis in axes):
        check_lm_eval([entrant.reference for entrant in entrants])


def _refuse_place(folder: Path) -> None:
    if str(folder) == "-" or (folder.exists() and not folder.is_dir()):
        raise RlraError(f"{folder}: the suites need a folder to go to", hint="such as -o suites/")


def _write_list(path: Path, given: Sequence[str]) -> None:
    """Write the names to a list in the folder; those that an earlier run left there stand first, in their order."""
    try:
        old: Any = orjson.loads(path.read_bytes()) if path.exists() else []
    except orjson.JSONDecodeError:  # somebody else wrote it
        old = []
    known = [name for name in old if isinstance(name, str)] if isinstance(old, list) else []
    whole = list(given) if set(known) <= set(given) else [*known, *(name for name in given if name not in known)]
    put_whole(path, orjson.dumps(whole).decode() + "\n")


def _levels(steps: SuiteSteps, axis: Axis, labels: Sequence[str]) -> "dict[str, list[Level]]":
    from stages.suites.levels import levels, measures_of
    from stages.suites.sizes import Sizes, sizes_of, unequal

    sizes: dict[str, Sizes] = {}

    def of(label: str) -> "list[Level]":
        lines = list(Source(str(steps.file(axis, f"{label}.judged.jsonl"))).read(Judged))
        sizes[label] = sizes_of(lines)
        return list(levels(lines, measures_of(axis.suite), steps.sampling.seed))

    found = {label: of(label) for label in labels}
    if said := unequal(axis.suite, sizes):
        ui.say(f"eval-suite: {said}")
    return found


def _tell(found: "Mapping[str, Mapping[str, list[Level]]]", output: Path, options: MapOptions) -> None:
    if options.summary:
        told = {
            axis: {
                label: {each.name: [each.value, each.low, each.high, each.prompts] for each in rows}
                for label, rows in of.items()
            }
            for axis, of in found.items()
        }
        options.summary.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    if options.quiet:
        return
    from rlra_cli.suite_text import levels_table

    console = ui.console(110)
    for axis, of in found.items():
        if of:
            console.print(levels_table(axis, of))
    if any(len(of) > 1 for of in found.values()):
        ui.say(f"eval-suite: compare them, prompt by prompt: rlra eval {output}")
