"""`rlra eval`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli import ui
from rlra_cli.eval_files import Placed, placed, read_side
from rlra_cli.eval_judges import AgreementFiles, agreements
from rlra_cli.eval_pages import Html, Latex, Markdown, Pages
from rlra_cli.eval_training import gold_files, training
from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream
from schemas.errors import BarMissedError, RlraError
from schemas.jsonl import Source
from schemas.report import Report
from stages.eval import EvalSpec, corrected, evaluate, measurable
from stages.eval_gates import Bar, bars_of, hold, missed

if TYPE_CHECKING:
    from stages.reports.compared import Compared

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="[AXIS:]LABEL=FILE...",
        help="Judged files of the same prompts, two or more, the first of which the others are compared with; with "
        "several AXES one of each label on each; or a folder that `rlra eval suite` wrote.",
    ),
]
Gates = Annotated[
    list[str],
    typer.Option(
        "--gate",
        metavar="AXIS.MEASURE>=GAIN",
        help="Exit with 4 unless the last label's change has its whole interval there, as in 'ifeval.strict>=-0.5', or "
        "'<='; without a measure it is the reward, and with one axis AXIS may be left out; may be repeated.",
    ),
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
    bool, typer.Option("--likelihood", help="Also measure how likely the reference answers are under each policy.")
]


def eval(
    files: Files,
    spec: EvalSpec,
    options: RunOptions,
    output: Output = "-",
    gate: Gates = [],  # noqa: B006 (typer copies it)
    html: Html = None,
    markdown: Markdown = None,
    latex: Latex = None,
    train_log: Logs = [],  # noqa: B006
    gold: Gold = [],  # noqa: B006
    likelihood: Likelihood = False,
    agreement: AgreementFiles = [],  # noqa: B006
) -> None:
    """Compare two or more policies or checkpoints, prompt by prompt.

    \b
    rlra eval base=base.jsonl trained=trained.jsonl -o report.jsonl --html report.html --gate 'reward>=0'
    rlra eval hard:base=a.jsonl hard:one=b.jsonl soft:base=c.jsonl soft:one=d.jsonl --gate 'soft>=-0.05'
    rlra eval suites/ --gate 'ifeval.strict>=-0.5'

    Reward, criteria met, length, diversity and repetition, and on an axis that is named like a suite its own measures:
    each against the first label, with a paired bootstrap interval over prompts, a permutation test corrected for all
    that is compared, and the smallest change that so many prompts would show. The table goes to stderr, and a
    `report/1` line for each axis and other label to stdout or --output, also where a gate is missed. See single
    prompts with `rlra show` and `rlra diff`; docs/comparing.md says what each figure means.
    """
    axes, golds, pages = placed(files), gold_files(gold), Pages(html, markdown, latex)
    bars = bars_of(gate, list(axes))
    if train_log and not (html or golds):
        raise RlraError("--train-log goes with --html and --gold")
    sources = {_role(axis, label): source for axis, by in axes.items() for label, source in by.items()}
    inputs = sources | _beside(train_log, golds, agreement)
    decides = {**spec.model_dump(mode="json"), "likelihood": likelihood, "gate": list(gate)}
    job = Job("eval", decides, output, options, inputs, writes=list(map(str, pages.files)))
    held = agreements(agreement, has_page=bool(html or markdown))
    between = training(train_log, golds, options.quiet) if html or golds else None  # refuses before the long work
    found = list(compared(axes, spec, bars, likelihood, html is not None, options.quiet))
    reports = corrected([each.report for each in found], spec.correction)
    if not options.quiet:
        _print(reports, bars, has_page=html is not None)
    found = [replace(each, report=report) for each, report in zip(found, reports, strict=True)]
    pages.write(found, between, sources.values(), held)
    run_stream(job, reports)
    _hold(reports, bars)


def compared(
    axes: Placed, spec: EvalSpec, bars: Sequence[Bar], likelihood: bool, keep: bool, quiet: bool
) -> "Iterator[Compared]":
    """Yield on each axis the comparison of each label with the first one, with its lines if they are to be kept.

    Raises RlraError where their prompts are not the same, for a bar on what is not measured, and for groups of another
    size where a suite's measures depend on it.
    """
    from rlra_cli.eval_likelihood import reference_likelihood
    from stages.reports.compared import Compared
    from stages.suites import SUITES
    from stages.suites.sizes import sizes_of, unequal

    wanted = axes if keep or likelihood else {}
    read = {axis: {label: read_side(source) for label, source in by.items()} for axis, by in wanted.items()}
    guards = reference_likelihood(read, quiet) if likelihood else {}
    for axis, sources in axes.items():
        first, *others = sources
        suite, guard = SUITES.get(axis), guards.get(axis, {})
        before = read[axis][first] if read else read_side(sources[first])
        known = measurable(before, suite, bool(guard))
        for label in others:
            after = read[axis][label] if read else read_side(sources[label])
            sizes = {_role(axis, first): sizes_of(before), _role(axis, label): sizes_of(after)}
            if said := unequal(suite, sizes):
                raise RlraError(said, hint="sample equally many: --group-size N")
            both = (guard[first], guard[label]) if first in guard and label in guard else None
            report = hold(evaluate(before, after, (first, label), spec, both, suite, axis), bars, known)
            yield Compared(report, before, after) if keep else Compared(report, (), ())


def _beside(logs: Sequence[Path], golds: Mapping[int, Source], agreement: Sequence[str]) -> dict[str, Source]:
    """Return by role what is read besides the judged files."""
    others = {f"agreement.{n}": Source(path) for n, path in enumerate(agreement)}
    known = {f"log.{n}": Source(str(path)) for n, path in enumerate(logs)}
    return known | {f"gold.{step}": source for step, source in golds.items()} | others


def _role(axis: str, label: str) -> str:
    return f"{axis}:{label}" if axis else label


def _print(reports: Sequence[Report], bars: Sequence[Bar], has_page: bool) -> None:
    from rlra_cli.report_text import fitting
    from rlra_cli.seesaw_text import gates_table, seesaw_table

    console = ui.console()
    console.print(fitting(reports[0], console) if len(reports) == 1 else seesaw_table(reports))
    if bars:
        console.print(gates_table(reports, bars))
    if len(reports) > 1 and not has_page:
        console.print("Every measure and criterion is in the report: see `rlra show`, or write a page with --html.")


def _hold(reports: Sequence[Report], bars: Sequence[Bar]) -> None:
    """Raise BarMissedError where the last label misses a bar."""
    last = reports[-1].after.label
    held = [(report, bar) for bar in bars for report in reports if bar.axis == report.axis]
    said = [
        f"{bar.name} ({why})" for report, bar in held if report.after.label == last and (why := missed(report, bar))
    ]
    if said:
        raise BarMissedError(f"eval: {last} does not pass the gate: {', '.join(said)}")
