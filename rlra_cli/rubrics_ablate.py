"""`rlra rubrics ablate`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from rlra_cli import ui
from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream
from schemas.ablation import Ablation
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.rubric import Rubric
from stages.ablation import AblationSpec, People, ablate

JudgedFile = Annotated[str, typer.Argument(metavar="JUDGED", help="Judged lines; `-` is stdin.")]
Without = Annotated[
    list[str],
    typer.Option("--without", metavar="ID", help="Leave this criterion or group out; repeated, all of them at once."),
]
Each = Annotated[bool, typer.Option("--each", help="Leave each criterion out by itself: what happens without options.")]
Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="NAME=FILE", help="Leave out what this rubric file holds, such as a defence rubric."),
]
Labels = Annotated[
    str,
    typer.Option("--labels", metavar="FILE", help="People's labels of whole responses: CSV or JSONL, or anchors."),
]


def rubrics_ablate(
    spec: AblationSpec,
    options: RunOptions,
    judged: JudgedFile = "-",
    output: Output = "-",
    without: Without = [],  # noqa: B006 (typer copies it)
    each: Each = False,
    set: Sets = [],  # noqa: B006 (the option's name)
    labels: Labels = "",
) -> None:
    """Say what a criterion does: re-score stored verdicts with it and without it.

    \b
    rlra rubrics ablate judged.jsonl --each --labels preferences.csv -o ablation.jsonl

    No judge is asked. For each criterion left out, or for a set of them: how the order within groups changes
    (Kendall's tau-b, and how many pairs flip), the spread within groups, the mean reward, and agreement with
    people's labels, all with bootstrap intervals over groups. What only a gate or a veto that is left out kept
    from being asked has no reward without it, and is counted. One record per ablation goes to stdout or
    --output, the table to stderr. What is not worth its place, `rlra rubrics review` rejects; under other
    weights, `rlra judge` re-scores a file for free.
    """
    sources = {"judged": Source(judged)} | ({"labels": Source(labels)} if labels else {})
    sets, files = _sets(set)
    job = Job(
        "rubrics-ablate",
        {**spec.model_dump(mode="json"), "without": without, "each": each, "set": set},
        output,
        options,
        {**sources, **files},
    )
    asked = {name: [node.id for node in rubric.criteria] for name, rubric in sets.items()}
    if without:
        asked |= {f"without:{','.join(dict.fromkeys(without))}": list(dict.fromkeys(without))}
    lines = _noticed(sources["judged"].read(Judged), sets, options.quiet)
    people = _people(sources["labels"]) if labels else None
    records = list(ablate(lines, asked, each or not asked, spec, people))
    _print(records, options.quiet)
    run_stream(job, records)


def _sets(words: Sequence[str]) -> tuple[dict[str, Rubric], dict[str, Source]]:
    """Return the rubrics of `--set` by name, and their files. Raises RlraError for what names none."""
    from rlra_cli.rubric_files import placed

    found: dict[str, Rubric] = {}
    files: dict[str, Source] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (equals and name and path) or f"set:{name}" in found:
            raise RlraError(f"--set: '{word}' is no new NAME=FILE", hint="such as --set defence=defence.yaml")
        found[f"set:{name}"] = placed(Path(path)).rubric
        files[f"set.{name}"] = Source(path)
    return found, files


def _noticed(lines: Iterator[Judged], sets: dict[str, Rubric], quiet: bool) -> Iterator[Judged]:
    """Yield the lines, and say once of each criterion of a set that it was judged in other words."""
    waiting = {leaf.id: (leaf.question(), name) for name, rubric in sets.items() for leaf in rubric.leaves}
    for line in lines:
        for leaf in line.rubric.leaves if line.rubric and waiting else ():
            asked, name = waiting.get(leaf.id, ("", ""))
            if asked and leaf.question() != asked:
                del waiting[leaf.id]
                ui.say(f"! {name}: '{leaf.id}' was judged in other words than the file has now", quiet)
        yield line


def _people(source: Source) -> People:
    from rlra_cli.label_sides import read_side

    side = read_side(source)
    return People(side.as_people(), side.questions())


def _print(records: Sequence[Ablation], quiet: bool) -> None:
    if quiet:
        return
    from rlra_cli.ablation_text import ablation_table

    ui.console(150).print(ablation_table(records))
