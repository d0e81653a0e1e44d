"""`rlra defend`."""

from pathlib import Path
from typing import Annotated

import typer

from rlra_cli.options import EndpointOptions, RunOptions
from schemas.errors import RlraError
from stages.defend import DefendSpec

Files = Annotated[
    list[str],
    typer.Argument(metavar="JUDGED...", help="`judged/1` lines; of several rounds each file, in order. `-` is stdin."),
]
RubricFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the drafted defence rubric here, as YAML.")
]
FindingsFile = Annotated[
    str, typer.Option("--findings", metavar="FILE", help="Where the `findings/1` lines go; `-` is stdout.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page with evidence and examples.")
]
Earlier = Annotated[
    str | None,
    typer.Option("--earlier", metavar="FILE", help="Responses of an earlier policy, judged or not, to compare with."),
]
Gold = Annotated[
    str | None,
    typer.Option("--gold", metavar="FILE", help="The same responses judged by an independent judge, as judged lines."),
]
Good = Annotated[
    list[str],
    typer.Option(
        "--good",
        metavar="FILE",
        help="Good responses, which no veto may hit: rollouts, judged lines, or prompts with `reference` or "
        "`response`; repeatable. References of the lines count too.",
    ),
]
Logs = Annotated[
    list[Path],
    typer.Option(
        "--train-log", metavar="FILE", help="The run's train_log.jsonl, for its reward; repeat it for rounds."
    ),
]
Writer = Annotated[
    str | None,
    typer.Option("--writer", metavar="MODEL", help="Let this model also put each finding into words, for a judge."),
]


def defend(
    spec: DefendSpec,
    endpoint: EndpointOptions,
    options: RunOptions,
    files: Files = ["-"],  # noqa: B006 (typer copies it)
    output: RubricFile = None,
    findings: FindingsFile = "-",
    earlier: Earlier = None,
    gold: Gold = None,
    good: Good = [],  # noqa: B006
    html: Html = None,
    train_log: Logs = [],  # noqa: B006
    writer: Writer = None,
) -> None:
    """Find what over-rewarded responses share, and draft vetoes against it.

    \b
    rlra defend judged.jsonl -o defence.yaml --findings findings.jsonl --html page.html --good good.jsonl
    rlra defend late.jsonl --earlier early.jsonl -o defence.yaml --good good.jsonl

    Phrases, marks, layout, length and what the checks for misconduct know are compared between responses
    with high and with low rewards to one prompt; between policies; and among responses that --gold or
    cheap signals of quality think little of. What is found on one half of the prompts is tested on the
    other. A finding becomes a veto only where good responses hardly ever have it: give enough of them.
    Where ids are TASK@STEP, or files are rounds, it also says when each habit began.

    Nothing found is no error: FILE then holds a remark and no rubric. Read the draft, then use it with
    `rlra judge --rubrics defence.yaml --add`, in the next round of `rlra train`. See docs/defence.md.
    """
    from rlra_cli.defending import Named, run_defence

    if not files:
        raise RlraError("a judged file is needed")
    named = Named(tuple(files), output, findings, html, earlier, gold, tuple(good), tuple(train_log), writer)
    run_defence(named, spec, endpoint, options)
