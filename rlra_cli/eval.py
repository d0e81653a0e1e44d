"""`rlra eval`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli.eval_training import gold_files, training
from rlra_cli.models import opened_model
from rlra_cli.options import EndpointOptions, ModelOptions, Output, RunOptions
from rlra_cli.run import Job, run_stream
from rlra_cli.table_laws import hold_table
from rlra_cli.whole_files import put_whole, refuse_no_files
from schemas.errors import BarMissedError, RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.report import Report
from stages.eval import EvalSpec, evaluate

if TYPE_CHECKING:
    from stages.reports.html import Training

Files = Annotated[
    list[str],
    typer.Argument(metavar="BEFORE AFTER", help="Two judged files of the same prompts, each as FILE or LABEL=FILE."),
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page with plots and examples.")
]
Logs = Annotated[
    list[Path],
    typer.Option("--train-log", metavar="FILE", help="A train_log.jsonl for the learning curve; repeat it for rounds."),
]
Gold = Annotated[
    list[str],
    typer.Option(
        "--gold",
        metavar="STEP=FILE",
        help="Held-out prompts judged by a better judge at this step of the training log; repeat it, and be told when "
        "training reward and gold judge part.",
    ),
]
Likelihood = Annotated[
    bool, typer.Option("--likelihood", help="Also measure how likely the reference answers are under both policies.")
]
FailUnder = Annotated[
    float | None,
    typer.Option(
        "--fail-under", metavar="GAIN", help="Exit with 4 unless the gain in mean reward has its interval above this."
    ),
]


def eval(
    files: Files,
    spec: EvalSpec,
    options: RunOptions,
    output: Output = "-",
    html: Html = None,
    train_log: Logs = [],  # noqa: B006 (typer copies it)
    gold: Gold = [],  # noqa: B006
    likelihood: Likelihood = False,
    fail_under: FailUnder = None,
) -> None:
    """Compare two judged files, prompt by prompt.

    \b
    rlra eval base=base.jsonl trained=trained.jsonl -o report.jsonl --html report.html

    Reward, criteria met, length, diversity and repetition, before and after, each with a paired
    bootstrap interval over prompts. The table goes to stderr, the `report/1` line to stdout or
    --output. See single prompts with `rlra show` and `rlra diff`.
    """
    if len(files) != 2:
        raise RlraError("two files are needed: BEFORE and AFTER", hint="such as base=base.jsonl trained=trained.jsonl")
    labels, sources = zip(*(_labelled(word) for word in files), strict=True)
    inputs = {"before": sources[0], "after": sources[1]} | {f"log.{n}": Source(str(p)) for n, p in enumerate(train_log)}
    golds = gold_files(gold)
    refuse_no_files([html])
    if train_log and not (html or golds):
        raise RlraError("--train-log goes with --html and --gold")
    inputs |= {f"gold.{step}": source for step, source in golds.items()}
    job = Job("eval", {**spec.model_dump(mode="json"), "likelihood": likelihood}, output, options, inputs)
    before, after = (list(source.read(Judged)) for source in sources)
    for lines, source in zip((before, after), sources, strict=True):
        hold_table(lines, source.name)
    guard = (reference_likelihood(before), reference_likelihood(after)) if likelihood else None
    report = evaluate(before, after, (labels[0], labels[1]), spec, guard)
    if not options.quiet:
        _print(report)
    between = training(train_log, golds, options.quiet) if html or golds else None
    if html:
        _write_page(html, report, before, after, between)
    run_stream(job, [report])
    _hold(report, fail_under)


def _labelled(word: str) -> tuple[str, Source]:
    label, equals, path = word.partition("=")
    return (label, Source(path)) if equals and label else (Path(word).stem, Source(word))


def reference_likelihood(lines: Sequence[Judged]) -> dict[str, float]:
    """Return the mean log-likelihood per token of each line's reference answer under its own policy.

    Raises RlraError when no line has a reference, or several policies answered.
    """
    models = sorted({line.policy.model for line in lines})
    # What a reference to the last of several turns answers, each policy has said otherwise.
    wanted = [line for line in lines if line.reference and not line.follow_ups]
    if len(models) != 1 or not wanted:
        raise RlraError("--likelihood needs files of one policy each, with `reference` in their lines")
    with opened_model(models[0], EndpointOptions(), ModelOptions(), "float32") as policy:
        if policy.revision != lines[0].policy.revision:
            raise RlraError(f"{models[0]}: the weights are no longer those that answered ({lines[0].policy.revision})")
        measure = getattr(policy, "likelihood", None)
        if measure is None:
            raise RlraError(
                f"{models[0]}: a server does not tell how likely a given text is", hint="use smollm2 or hf:DIR"
            )
        values = measure([(line.messages, line.reference or "") for line in wanted])
    return dict(zip([line.id for line in wanted], values, strict=True))


def _write_page(
    path: Path, report: Report, before: list[Judged], after: list[Judged], between: "Training | None"
) -> None:
    from stages.reports.html import render

    put_whole(path, render(report, before, after, between))


def _print(report: Report) -> None:
    from rich.console import Console

    from rlra_cli.report_text import report_table

    # A log has no width of its own, and 80 columns would break every name and interval in two.
    width = None if sys.stderr.isatty() else 110
    Console(stderr=True, width=width).print(report_table(report))


def _hold(report: Report, fail_under: float | None) -> None:
    reward = next(change for change in report.measures if change.name == "reward")
    if fail_under is not None and not reward.low > fail_under:
        raise BarMissedError(
            f"eval: the gain's interval begins at {reward.low:+.3f}, not above --fail-under {fail_under}"
        )
