"""`rlra train`."""

from pathlib import Path
from typing import Annotated

import typer

from rlra_cli import processes
from rlra_cli.judge_panel import PanelOptions, judge_spec, opened_panel
from rlra_cli.models import default_processes, recorded
from rlra_cli.options import EndpointOptions, RunOptions
from rlra_cli.run import Job
from rlra_cli.training import Judge, TrainingRun
from schemas.errors import RlraError
from schemas.jsonl import Source
from stages.train import TrainSpec

Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the trained model and its log go.")]
Online = Annotated[bool, typer.Option("--online", help="INPUT holds tasks: sample and judge while learning.")]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="Go on from the last checkpoint in DIR.")]
PolicyModel = Annotated[
    str,
    typer.Option(
        "--model", envvar="RLRA_MODEL", show_envvar=False, help="The model to train: smollm2 or hf:ID_OR_DIR."
    ),
]
Ranks = Annotated[
    int,
    typer.Option(
        "--processes",
        min=0,
        envvar="RLRA_PROCESSES",
        show_envvar=False,
        help="Training processes; 0 is one, and online on a CPU one per core.",
    ),
]
Add = Annotated[bool, typer.Option("--add", help="Online: the rubrics join the tasks' own.")]
Rubrics = Annotated[
    list[Path],
    typer.Option("--rubrics", metavar="FILE", help="Online: rubrics that replace the tasks' own; may be repeated."),
]
Judges = Annotated[
    list[str],
    typer.Option(
        "--judge",
        envvar="RLRA_JUDGE",
        show_envvar=False,
        help="Online: the judge for criteria without a check, such as openai:NAME. Repeated, a panel.",
    ),
]
JudgeOptions = Annotated[
    Path | None,
    typer.Option(
        "--judge-options",
        metavar="FILE",
        help="Online: options of `rlra judge` in YAML, or the manifest of a judged file, to judge as it was judged.",
    ),
]
Cache = Annotated[
    Path | None, typer.Option("--cache", metavar="FILE", help="Online: a database of verdicts, as of `rlra judge`.")
]
InputFile = Annotated[str, typer.Argument(metavar="INPUT", help="`judged/1` lines; with --online, `task/1` lines.")]


def train(
    spec: TrainSpec,
    endpoint: EndpointOptions,
    options: RunOptions,
    output: Folder,
    judged: InputFile = "-",
    online: Online = False,
    model: PolicyModel = "smollm2",
    rubrics: Rubrics = [],  # noqa: B006 (typer copies it)
    add: Add = False,
    judge: Judges = [],  # noqa: B006
    judge_options: JudgeOptions = None,
    cache: Cache = None,
    ranks: Ranks = 0,
    resume: Resume = True,
) -> None:
    """Train the policy against its rubrics.

    \b
    rlra train judged.jsonl -o run/ --model smollm2 --learning-rate 5e-5

    Staged (the default) learns from a judged file, with exact importance ratios from the stored
    token ids and log-probabilities. With --online it samples and judges as it learns. The trained
    model is a folder that `--model hf:run/` and transformers load; `run/train_log.jsonl` has one
    line per step. Sample from it with `rlra rollout --model hf:run/`, then compare with `rlra eval`.
    """
    if (rubrics or add) and not online:
        raise RlraError("--rubrics goes with --online", hint="a judged file carries its rubric: use `rlra judge`")
    count = 1 if processes.inside() or judged == "-" else ranks or (default_processes() if online else 1)
    source = Source(judged)
    judging = judge_spec(judge_options, spec.seed)
    known = [recorded(each, endpoint) for each in judge]
    servers = list(dict.fromkeys(url for _, urls in known for url in urls))
    decides = {"model": model, "online": online, "add": add, "judge": [name for name, _ in known], "base_url": servers}
    if judge_options:
        decides["judge_options"] = judging.model_dump(mode="json", exclude_defaults=True)
    from rlra_cli.rubric_files import inputs_of, placed

    found = [placed(path) for path in rubrics]
    inputs = {"input": source, **inputs_of(found)}
    job = Job("train", {**spec.model_dump(mode="json"), **decides}, str(output), options, inputs)
    run = TrainingRun(job, spec, output, model, [each.rubric for each in found], add)
    with opened_panel(judge, PanelOptions(cache=cache), endpoint) as panel:
        _carry_out(run, source, (judging, panel), online, count, resume)


def _carry_out(run: TrainingRun, source: Source, judge: Judge, online: bool, count: int, resume: bool) -> None:
    work = run.tasks(source, judge[1]) if online else run.groups(source)
    if processes.owns_run():
        run.begin(resume)
    if count == 1:
        run.learn(work, judge, online)
    elif code := processes.launch(count):
        raise typer.Exit(code)
    if processes.owns_run():
        run.finish()
