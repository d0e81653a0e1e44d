"""`rlra train`."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from rlra_cli import accelerate_launch, processes
from rlra_cli.ancestry import initial
from rlra_cli.goes import TAKEN, all_goes
from rlra_cli.judge_panel import PanelOptions, judge_spec, opened_panel
from rlra_cli.models import default_processes, recorded
from rlra_cli.options import EndpointOptions, RunOptions
from rlra_cli.round_options import RoundOptions, sampler_of
from rlra_cli.round_stages import Judges
from rlra_cli.rounds import train_in_rounds
from rlra_cli.run import Job
from rlra_cli.train_misfits import refuse_misfits
from rlra_cli.training import Judge, TrainingRun
from schemas.base import Part
from schemas.errors import RlraError
from schemas.jsonl import Source
from stages.judge import JudgeSpec
from stages.train import TrainSpec, online_batches
from stages.training.breaker import JudgeLimits
from stages.training.trackers import require

Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the trained model and its log go.")]
InputFile = Annotated[str, typer.Argument(metavar="INPUT", help="`judged/1` lines; with --online, `task/1` lines.")]
FIRST_S = 30.0
"""Seconds within which the first rank has said what is wrong, if it found it too."""


class StartOptions(Part):
    """What is trained, and from where it goes on."""

    online: bool = False
    """INPUT holds tasks: sample and judge while learning."""
    model: str = "smollm2"
    """The model to train: smollm2 or hf:ID_OR_DIR."""
    init_from: Path | None = None
    """The model to train: the one that an earlier run left in this folder when it ended."""
    resume: bool = True
    """Go on where an interrupted run stopped: from its last checkpoint, or in its last round."""


class JudgingOptions(Part):
    """How `rlra train` judges, where it does: online, and in rounds."""

    rubrics: tuple[Path, ...] = ()
    """Online and in rounds: rubrics that replace the tasks' own; may be repeated."""
    add: bool = False
    """Online and in rounds: the rubrics join the tasks' own."""
    judge: tuple[str, ...] = ()
    """Online and in rounds: the judge for criteria without a check, such as openai:NAME. Repeated, a panel."""
    judge_options: str = ""
    """Online and in rounds: a file with options of `rlra judge` in YAML, or the manifest of a judged file, to judge as
    it was judged."""
    cache: Path | None = None
    """Online and in rounds: a database of verdicts, as of `rlra judge`."""


class LaunchOptions(Part):
    """Where a run is carried out, and who is told of it; nothing of it changes what is learned."""

    processes: int = Field(default=0, ge=0)
    """Training processes; 0 is one, and online on a CPU one per core, or the most that share a step's groups whole."""
    accelerate: str = ""
    """Run under `accelerate launch` with this file, or TRL's own of this name: zero2, zero3, fsdp2, multi_gpu."""
    accelerate_arg: tuple[str, ...] = ()
    """A flag for `accelerate launch`, as NAME=VALUE; may be repeated."""
    report_to: tuple[str, ...] = ()
    """Also hand the measures of each step to tensorboard, trackio or wandb; may be repeated."""


@contextmanager
def _said_once() -> Iterator[None]:
    """Let the first rank alone say what all of them find: its launcher then ends the others, with the same exit code.

    A rank that is not ended has found something of its own, and says it. One that is done leaves the others.
    """
    try:
        yield
        processes.leave_group()
    except RlraError as error:
        if processes.world()[0]:
            code = error.exit_code
            signal.signal(signal.SIGTERM, lambda *_: os._exit(code))
            time.sleep(FIRST_S)
        raise


@_said_once()
def train(
    context: typer.Context,
    spec: TrainSpec,
    start: StartOptions,
    judging: JudgingOptions,
    rounds: RoundOptions,
    endpoint: EndpointOptions,
    limits: JudgeLimits,
    launch: LaunchOptions,
    options: RunOptions,
    output: Folder,
    judged: InputFile = "-",
) -> None:
    """Train the policy against its rubrics.

    \b
    rlra train judged.jsonl -o run/ --model smollm2 --learning-rate 5e-5
    rlra train tasks.jsonl -o run/ --rounds 3 --rubrics rubric.yaml --learning-rate 5e-5

    Staged (the default) learns from a judged file, with exact importance ratios from the stored token ids and
    log-probabilities. With --online it samples and judges as it learns, with --rounds in turns. The trained model is a
    folder that `--model hf:run/` and transformers load; `run/train_log.jsonl` has one line per step. Sample from it
    with `rlra rollout --model hf:run/`, then compare with `rlra eval`.
    """
    processes.follow_starter()
    refuse_misfits(context)
    require(launch.report_to)
    launcher = accelerate_launch.launcher_of(launch.accelerate, launch.accelerate_arg, judged, launch.processes, spec)
    from rlra_cli.rubric_files import inputs_of, placed

    how, judge = judge_spec(judging.judge_options, spec.seed), list(judging.judge)
    kept = PanelOptions(cache=judging.cache if judge else None)
    model, found = initial(start.init_from, start.model), [placed(path) for path in judging.rubrics]
    decides = {**spec.model_dump(mode="json"), "model": model, **_decides(start, judging, how, endpoint)}
    inputs = {"input": Source(judged), **inputs_of(found)}
    job = Job("train", decides, str(output), options, inputs, writes=_written(output, start.online))
    run = TrainingRun(job, spec, output, model, [each.rubric for each in found], judging.add, launch.report_to)
    run.check_options(start.online)
    if rounds.rounds:
        calls = Judges(how, judging.rubrics, judging.add, judge, kept, endpoint, limits.max_failures)
        sampler = sampler_of(rounds, spec, context)
        return train_in_rounds(run, rounds, sampler, calls, launch.model_dump(mode="json"), start.resume)
    with opened_panel(judge, kept, endpoint) as panel:
        count = _count(judged, launch.processes, spec.prompts_per_step, start.online)
        return _carry_out(run, (how, panel, limits), start, count, launcher)


def _count(judged: str, said: int, groups: int, online: bool) -> int:
    """Return how many processes to start where none is said: one, and online one per core that share groups whole.

    Staged, two of one thread each are no faster than one of two (docs/decisions/0013), and take twice the memory.
    Raises RlraError where several would read stdin.
    """
    if judged == "-" and said > 1:
        raise RlraError("--processes does not go with stdin", hint="give a file: every process reads it")
    if processes.started() or judged == "-":
        return 1
    most = min(groups, default_processes()) if online else 1
    return said or max(count for count in range(1, most + 1) if groups % count == 0)


def _written(folder: Path, online: bool) -> list[str]:
    """Return the files in the folder of a run that it writes over or removes, besides the model."""
    names = ["train_log.jsonl", "manifest.json", "recipe.json", *(["judged.jsonl"] if online else [])]
    return [str(folder / name) for name in names]


def _decides(start: StartOptions, judging: JudgingOptions, how: JudgeSpec, endpoint: EndpointOptions) -> dict[str, Any]:
    """Return what of the other options decides what is learned, under their names."""
    known = [recorded(each, endpoint) for each in judging.judge]
    servers = list(dict.fromkeys(url for _, urls in known for url in urls))
    own = {"judge_options": how.model_dump(mode="json", exclude_defaults=True)} if judging.judge_options else {}
    judges = [name for name, _ in known]
    return {"online": start.online, "add": judging.add, "judge": judges, "base_url": servers, **own}


def _carry_out(run: TrainingRun, judge: Judge, start: StartOptions, count: int, launcher: Sequence[str]) -> None:
    source = run.job.inputs["input"]
    work = run.tasks(source, judge[1].models, start.online) if start.online else run.groups(source)
    if start.resume and run.is_complete():
        run.say(f"train: {run.output} is complete")
        return
    if start.online and not launcher:
        online_batches(run.spec, max(count, processes.world()[1]))
    if launcher:  # its first rank makes the folder ready
        raise typer.Exit(processes.launch_with(launcher))
    if processes.owns_run():
        run.begin(start.resume)
        with all_goes(run.job, run.output / TAKEN, _steps(run), start.resume):
            _learn(run, judge, work, start.online, count)
            run.finish()
    else:
        _learn(run, judge, work, start.online, count)


def _steps(run: TrainingRun) -> int:
    """Return how many steps an interrupted run has logged that this one goes on with."""
    return run.log.read_bytes().count(b"\n") if run.checkpoints.exists() and run.log.exists() else 0


def _learn(run: TrainingRun, judge: Judge, work: Sequence[Any], online: bool, count: int) -> None:
    if count == 1:
        run.learn(work, judge, online)
    elif code := processes.launch(count):
        raise typer.Exit(code)
