"""`rlra stats`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from rlra_cli import ui
from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream, summarise
from rlra_cli.validate import kind_of_file
from schemas.errors import RlraError
from schemas.files import put
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.stats import Stats

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Judged files or rollouts, each as FILE or LABEL=FILE; `-` is stdin."),
]
By = Annotated[
    str,
    typer.Option(
        "--by", metavar="FIELD", help="Also each pool by itself, such as meta.topic, policy.model or rubric.rubric."
    ),
]
Plots = Annotated[
    Path | None, typer.Option("--plots", metavar="FOLDER", help="Write drawings of the first file there, as SVG.")
]


def stats(
    options: RunOptions,
    files: Files = ["-"],  # noqa: B006 (typer copies it)
    output: Output = "-",
    by: By = "",
    plots: Plots = None,
) -> None:
    """Say what a judged file is like, in one screen.

    \b
    rlra stats judged.jsonl --by meta.topic

    Rewards and their spread within groups, criteria that tell responses apart no longer or that go together,
    reward against length, failures, vetoes and what the judges took. The tables go to stderr; the same
    figures and more, one `stats/1` line for each file and pool, to --output, or to stdout where that is no
    terminal. Several files stand one below the other. Keep what a policy can learn from with
    `rlra select-data`, see single prompts with `rlra show`, and compare with `rlra eval`.
    """
    sources = dict(_labelled(word) for word in files)
    if len(sources) < len(files):
        raise RlraError("two files have the same label", hint="name them, as in old=a.jsonl new=b.jsonl")
    job = Job("stats", {"by": by}, output, options, sources)
    found = [each for label, source in sources.items() for each in _stats(label, source, by, options)]
    if not options.quiet:
        _print(found)
    if plots:
        ui.say(f"stats: drew {_draw(plots, found[0])} into {plots}", options.quiet)
    job.counts.update(prompts=sum(each.prompts for each in found if each.pool is None))
    if output == "-" and sys.stdout.isatty():
        summarise(job)
    else:
        run_stream(job, found)


def _labelled(word: str) -> tuple[str, Source]:
    label, equals, path = word.partition("=")
    if equals and label:
        return label, Source(path)
    return ("stdin" if word == "-" else Path(word).name.partition(".jsonl")[0] or word), Source(word)


def _stats(label: str, source: Source, by: str, options: RunOptions) -> list[Stats]:
    from stages.stats import stats as figures

    of: Literal["judged", "rollouts"] = "rollouts" if kind_of_file(source.path) is Rollouts else "judged"
    lines = source.read(Rollouts if of == "rollouts" else Judged)
    total = source.total() if sys.stderr.isatty() and not options.quiet else None  # it reads the file through
    return figures(ui.progress(lines, label, 0, total, options.quiet), by, label, of)


def _print(found: Sequence[Stats]) -> None:
    from rlra_cli.judged_stats_text import screen

    console = ui.console(110)
    for part in screen(found):
        console.print(part)


def _draw(folder: Path, stats: Stats) -> str:
    from stages.reports.stats_plots import plots

    drawn = plots(stats)
    for name, drawing in drawn.items():
        put(folder / f"{name}.svg", drawing.encode())
    return ", ".join(drawn) or "nothing"
