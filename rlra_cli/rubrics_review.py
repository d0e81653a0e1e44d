"""`rlra rubrics review`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli.options import Output, RunOptions
from schemas.errors import RlraError

if TYPE_CHECKING:
    from rlra_cli.rubrics_review_pile import Pile
    from schemas.bank import BankRubric
    from schemas.task import Task
    from stages.review import Desk

File = Annotated[
    str, typer.Argument(metavar="FILE", help="Tasks, a bank, a rubric in YAML, or a folder of them: a file, no pipe.")
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides, as the history names them (login name).")]
OnlyAccepted = Annotated[bool, typer.Option("--only-accepted", help="Write the accepted ones alone.")]


def rubrics_review(
    options: RunOptions, file: File, output: Output = "-", by: By = "", only_accepted: OnlyAccepted = False
) -> None:
    """Go through drafts in the terminal: accept, edit, reject, comment.

    \b
    rlra rubrics review bank.jsonl -o reviewed.jsonl

    Each draft is shown with its prompt, criteria, weights, tiers, checks and lint findings. One key decides:
    a accept, e edit in $EDITOR, r reject, c comment, u undo, s skip, q quit. Decisions are kept beside the
    output as they are made, in OUT.decisions; whatever ends the session, the same command goes on from there.
    At the end, or when you quit, all rubrics are written, with state and history. Without a terminal, one
    answer a line is read from stdin, such as `r too vague`. `rlra rubrics export --to folder` is for editing
    many at once, and `rlra rubrics ablate` says what a criterion does.
    """
    from rlra_cli.reviewer import login, today
    from rlra_cli.rubric_files import files_in
    from rlra_cli.rubrics_review_answers import answers_of
    from rlra_cli.rubrics_review_journal import Journal
    from rlra_cli.rubrics_review_pile import Pile
    from rlra_cli.rubrics_review_screen import Screen
    from rlra_cli.rubrics_review_session import Session
    from rlra_cli.run import Job, run_stream, summarise
    from schemas.jsonl import Source, refuse_no_file
    from stages.review import Desk

    if file == "-":
        raise RlraError("stdin is where the answers come from: name the file of the rubrics")
    refuse_no_file(output)  # before a person has decided anything
    kept = f"{file.rstrip('/') if output == '-' else output}.decisions"
    source = Source(file)
    own, reads = ({}, files_in(file)) if Path(file).is_dir() else ({"input": source}, [])
    inputs = {"decisions": Source(kept), **own}
    job = Job("rubrics-review", {"only_accepted": only_accepted}, output, options, inputs, reads)
    pile = Pile(file, source)
    with closing(Journal(kept)) as journal:
        desk = Desk(pile.ids, pile.rubric)
        journal.replay(desk)
        session = Session(desk, journal, Screen(pile), answers_of(sys.stdin), by or login(), today)
        session.run()
        job.counts.update(Counter(desk.state(name) for name in pile.ids))
        if output == "-" and sys.stdout.isatty():
            summarise(job, f" (decisions are in {kept}; with `> FILE`, the same command writes the rubrics)")
        else:
            run_stream(job, _records(pile, desk, only_accepted))


def _records(pile: Pile, desk: Desk, only_accepted: bool) -> Iterator[Task | BankRubric]:
    for name in pile.ids:
        if not only_accepted or desk.state(name) == "accepted":
            yield pile.record(name).model_copy(update={"rubric": desk.rubric(name)})
