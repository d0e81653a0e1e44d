"""`rlra select-data`."""

from pathlib import Path
from typing import Annotated

import typer

from rlra_cli.options import Output, RunOptions
from schemas.errors import RlraError
from stages.selection.spec import SelectDataSpec

Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Write what was left out here, with the reason in `meta.dropped` and its numbers in `meta.dropped_by`; "
        "with --score-field in `dropped` and `dropped_by`.",
    ),
]
Groups = Annotated[
    bool,
    typer.Option("--groups", help="Write whole judged lines, for `rlra train`, instead of tasks for the next round."),
]
Decontaminate = Annotated[
    list[str],
    typer.Option(
        "--decontaminate", metavar="FILE", help="Drop prompts that share words with the prompts in here; repeatable."
    ),
]
BoundsFile = Annotated[
    Path | None,
    typer.Option(
        "--bounds", metavar="FILE", help="Use the bands in this manifest of an earlier `select-data`, not --keep."
    ),
]
Previous = Annotated[
    str,
    typer.Option(
        "--previous", metavar="FILE", help="The same prompts measured earlier: say what became too easy since."
    ),
]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw the funnel of all lines: FILE.svg or FILE.png.")
]
PLAIN = SelectDataSpec()
InputFile = Annotated[
    str, typer.Argument(metavar="JUDGED", help="`judged/1` lines, `task/1` with --tasks, or any with --score-field.")
]


def select_data(
    context: typer.Context,
    spec: SelectDataSpec,
    options: RunOptions,
    judged: InputFile = "-",
    output: Output = "-",
    rejects: Rejects = None,
    groups: Groups = False,
    decontaminate: Decontaminate = [],  # noqa: B006 (typer copies it)
    bounds: BoundsFile = None,
    previous: Previous = "",
    plot: Plot = None,
) -> None:
    """Keep the groups that a policy can learn from.

    \b
    rlra select-data judged.jsonl -o tasks.jsonl --keep 0.2:0.8 --rejects rejects.jsonl
    rlra select-data pool.jsonl -o few.jsonl --score-field score --keep 0.2:0.8 --quantile --budget 5000
    rlra select-data judged.jsonl --keep 0.1:0.9 --near-duplicates 0.8 --decontaminate ifeval.jsonl
    rlra select-data tasks.jsonl --tasks --near-duplicates 0.8 --decontaminate ifeval.jsonl

    A group stays when its mean reward (or another --statistic) lies in the band and its rewards
    differ at all. Every drop is counted by its reason, asked for in this order: too_few_scored,
    judge_failed, not_measured, vetoed, no_spread, too_long, too_hard or too_easy (of spread and criteria
    below_band or above_band), contaminated, other_language, near_duplicate, over_mix, over_budget. The
    output are tasks for the next `rlra rollout`; with --groups, judged lines for `rlra train`; with
    --score-field the lines as they are. The bands, in values, go into the manifest for --bounds.
    """
    from rlra_cli.rereading import refuse_changed
    from rlra_cli.selecting import Files, select

    if plot and plot.suffix not in (".svg", ".png"):
        raise RlraError(f"--plot: '{plot}' ends with neither .svg nor .png")
    if groups and spec.score_field:
        raise RlraError("--groups goes without --score-field, which writes lines as they are")
    if spec.tasks and (groups or bounds or previous):
        raise RlraError("--groups, --bounds and --previous are about answers, and --tasks reads lines without any")
    if bounds and (spec.quantile or spec.keep_pool or spec.keep != PLAIN.keep):
        raise RlraError("--bounds goes without --keep, --keep-pool and --quantile")
    _refuse_idle(spec, decontaminate)
    files = Files(judged, output, rejects, groups, decontaminate, bounds, previous, plot)
    for option, named in files.options().items():
        refuse_changed(context, option, named)
    select(spec, options, files)


def _refuse_idle(spec: SelectDataSpec, decontaminate: list[str]) -> None:
    """Raise RlraError for the first option that has no effect beside the others."""
    if spec.ngram != PLAIN.ngram and not decontaminate:
        raise RlraError("--ngram has no effect without --decontaminate FILE")
    if spec.pass_at != PLAIN.pass_at and spec.statistic != "pass_rate":
        raise RlraError("--pass-at has no effect without --statistic pass_rate")
    for name in ("id_field", "prompt_field"):
        if getattr(spec, name) != getattr(PLAIN, name) and not spec.score_field:
            raise RlraError(f"--{name.replace('_', '-')} has no effect without --score-field FIELD")
    if spec.flat and spec.spread_at_least:
        raise RlraError("--flat has no effect with --spread-at-least", hint="a group without spread has less than any")
