"""`rlra eval agreement`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from rlra_cli import ui
from rlra_cli.floors import floors_of, hold
from rlra_cli.label_sides import judgement, read_side, stranger
from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream
from schemas.agreement import Agreement
from schemas.errors import RlraError
from schemas.jsonl import Source
from stages.eval_agreement import STATISTICS, AgreementSpec, measure_agreement

LabelFile = Annotated[
    str,
    typer.Argument(
        metavar="LABELS", help="People's labels: CSV or JSONL, a file of anchors, or another judge's judged file."
    ),
]
JudgedFile = Annotated[
    str, typer.Argument(metavar="JUDGED", help="The judge's file; or one rater's labels or anchors, in place of one.")
]
FailUnder = Annotated[
    list[str],
    typer.Option(
        "--fail-under",
        metavar="NAME=FLOOR",
        help=f"Exit with 4 where the judge's overall figure is below the floor, or undefined: {', '.join(STATISTICS)}.",
    ),
]


def eval_agreement(
    labels: LabelFile,
    judged: JudgedFile,
    spec: AgreementSpec,
    options: RunOptions,
    output: Output = "-",
    fail_under: FailUnder = [],  # noqa: B006 (typer copies it)
) -> None:
    """Measure a judge against people's labels, and people against each other.

    \b
    rlra eval agreement labels.csv judged.jsonl -o agreement.jsonl --fail-under kappa=0.6

    LABELS has the columns `id`, `response` (from 0), `criterion` (empty: the response as a whole, which
    is compared with the reward), `rater` and `label`: met or not met (yes/no, true/false, 1/0), a tier's
    index, or a number on the scale of the reward. An empty label is a missing one.

    `judge` is the judge against people's consensus: their majority; for tiers and numbers, in correlations
    and errors, their mean. Where people are divided evenly they have no majority, and what is left is the
    easier part: so `each` is the judge against one person at a time, and `people`, the ceiling, one person
    against another, on the same responses. Alpha and ICC are those of people and judge together, and of
    people. `overall` is the mean over criteria, weighted by labels. What the judge failed on is counted,
    and is no label.

    Intervals come from resamples of whole prompts. A resample in which a statistic is undefined is left
    out and counted; where more than one in twenty are, there is no interval. The calibration error, of
    verdicts with probabilities, is too high in small samples. One record per criterion and one `overall`
    go to stdout or --output, the table to stderr. Labels come from people; the other file from `rlra judge`.
    """
    floors = floors_of(fail_under, "--fail-under")
    sources = {"labels": Source(labels), "judged": Source(judged)}
    if labels == judged == "-":
        raise RlraError("stdin can be read only once: name one of the two files")
    job = Job("eval agreement", spec.model_dump(mode="json"), output, options, sources)
    people, judge = (read_side(source) for source in sources.values())
    said = judgement(people, judge)
    _warn(stranger(people, said), options.quiet)
    records = list(measure_agreement(people.as_people(), said, spec))
    overall = records[0]
    for name in ("compared", "unjudged", "unmatched", "unlabelled"):
        job.counts[name] = getattr(overall, name)
    _print(records, options.quiet)
    run_stream(job, records)
    hold(overall, floors, "eval agreement")


def _warn(warning: str | None, quiet: bool) -> None:
    if warning:
        ui.say(f"eval agreement: warning: {warning}", quiet)


def _print(records: Sequence[Agreement], quiet: bool) -> None:
    if quiet:
        return
    from rlra_cli.agreement_text import agreement_tables

    ui.console(110).print(agreement_tables(records))
