"""`rlra provenance`."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from rlra_cli import ui
from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream, summarise
from schemas.errors import BarMissedError, RlraError
from schemas.files import is_remote
from schemas.jsonl import Source, explain
from schemas.provenance import Provenance

if TYPE_CHECKING:
    from stages.provenance import Origin

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Any artifact: lines, a rubric, a model's folder, a report."),
]
Check = Annotated[
    bool, typer.Option("--check", help="Exit with 4 where something is stale, has changed or is missing.")
]
Commands = Annotated[
    bool, typer.Option("--commands", help="Print the commands that make it again, in their order, as a shell script.")
]
TOLD = {"holds": "hold", "no manifest": "without_manifest"}
NAMED = 3
"""How many files the message of a missed bar names."""


def provenance(
    options: RunOptions,
    files: Files,
    output: Output = "-",
    check: Check = False,
    commands: Commands = False,
) -> None:
    """Say from what a file was made, step by step, and what is stale.

    \b
    rlra provenance report.jsonl
    rlra provenance report.jsonl --commands > again.sh

    Every artifact's manifest names what it was made from, down to the prompts. Each file is read and compared: it
    holds, has changed since it was made, is stale because something before it is another by now, or is missing. Files
    are found where the manifest says, seen from itself, so that a folder may be moved as a whole. The list goes to
    stderr, outputs first; one `provenance/1` line for each file to --output, or to stdout where that is no terminal.
    Whether the lines of one file hold is what `rlra validate` says.
    """
    from stages.provenance import origins
    from stages.provenance_uses import artifact_of

    if "-" in files:
        raise RlraError("a pipe has no manifest", hint="name the file")
    asked = [artifact_of(file) for file in files]
    read = {f"input.{number}": Source(path) for number, path in enumerate(asked) if _is_file(path)}
    job = Job("provenance", {}, output, options, read, [path for path in asked if not _is_file(path)])
    chain = origins(*asked)
    job.counts.update(Counter(map(_counted, chain)))
    if commands:
        _print_script(chain)
    elif not options.quiet:
        _print(chain)
    if output == "-" and (commands or sys.stdout.isatty()):
        summarise(job)
    else:
        run_stream(job, [_record(origin) for origin in chain])
    if check:
        _hold(chain)


def _counted(origin: "Origin") -> str:
    """Return what an origin is counted as: weights that later rounds removed are not missed."""
    is_removed = origin.state == "missing" and origin.is_sound
    return "removed_by_its_run" if is_removed else TOLD.get(origin.state, origin.state)


def _is_file(path: str) -> bool:
    return is_remote(path) or Path(path).is_file()


def _record(origin: "Origin") -> Provenance:
    same = {name: getattr(origin, name) for name in Provenance.model_fields if hasattr(origin, name)}
    inputs = dict(zip(origin.roles, origin.inputs, strict=True))
    try:
        return Provenance(**{**same, "id": origin.path, "sound": origin.is_sound, "inputs": inputs})
    except ValidationError as error:
        raise RlraError(f"{origin.path}: its manifest says what no line can: {explain(error)}") from None


def _print(chain: "Sequence[Origin]") -> None:
    from rlra_cli.provenance_text import told

    console = ui.console()
    for part in told(chain):
        console.print(part)


def _print_script(chain: "Sequence[Origin]") -> None:
    from stages.provenance_again import script

    sys.stdout.write(script(chain))


def _hold(chain: "Sequence[Origin]") -> None:
    """Raise BarMissedError where something speaks against a file of the chain."""
    broken = [origin for origin in chain if not origin.is_sound]
    if broken:
        more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        named = ", ".join(f"{origin.path} ({origin.state})" for origin in broken[:NAMED])
        raise BarMissedError(
            f"provenance: not as it was made: {named}{more}",
            hint="`rlra provenance FILE --commands` prints the commands that make it again",
        )
