"""`rlra validate`."""

import sys
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import Annotated, cast

import typer

from rlra_cli import ui
from rlra_cli.prompt_files import is_table, read_tasks
from schemas.base import Record
from schemas.errors import RlraError
from schemas.files import files_of, opened
from schemas.jsonl import KINDS, TAG, Source, loads, tag_of
from schemas.label_files import BOM, read_labels
from schemas.manifest import path_for, read_manifest
from schemas.rollouts import Rollouts

Paths = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Artifacts, prompt files, labels, rubrics in YAML.")
]


def validate(files: Paths) -> None:
    """Say what each file is, and whether it holds.

    \b
    rlra validate tasks.jsonl judged.jsonl rubric.yaml

    Every line is read against its schema, a table of responses against the laws of whole tables
    (every id once, rewards in range), and a manifest's digest against the file. Exits with 1 when any
    file does not hold. One line per file goes to stderr.
    Look into a file with `rlra show`.
    """
    broken = 0
    for file in files:
        try:
            ui.say(f"✓ {file}: {_described(file)}")
        except RlraError as error:
            broken += 1
            ui.say(f"✗ {error.message}" + (f" ({error.hint})" if error.hint else ""))
    if broken:
        raise typer.Exit(1)


def _described(file: str) -> str:
    if Path(file).suffix in (".yaml", ".yml"):
        from rlra_cli.rubric_files import placed

        rubric = placed(Path(file)).rubric
        return f"rubric {rubric.rubric}, {len(rubric.leaves)} criteria, digest {rubric.digest()}"
    if Path(file).name.endswith("manifest.json"):
        return f"manifest of {read_manifest(Path(file)).recipe.stage}"
    kind = None if is_table(file) else kind_of_file(file)
    source = Source(file)
    if kind is None and _holds_labels(file):
        labels = list(read_labels(source))
        return f"{len(labels)} labels by {len({label.rater for label in labels})} raters"
    if kind is None:
        count = sum(1 for _ in read_tasks(source))
        return f"{count} prompts" if count else "empty"
    facts = _table(source, kind) if issubclass(kind, Rollouts) else _counted(source.read(kind))
    return f"{facts} of {kind.schema_tag()}{_manifest(file, source)}"


def kind_of_file(file: str) -> type[Record] | None:
    """Return the kind of the first line; None for lines that do not say it, such as prompts, and an empty file.

    A mark of the byte order before it hides no kind: the reader of the kind says what it thinks of the mark.
    """
    if file == "-":  # a pipe can be read only once: its first line is looked at where it waits
        tag = TAG.match(cast(BufferedReader, sys.stdin.buffer).peek())
        return KINDS.get(tag[1].decode()) if tag else None
    first = _first_line(file)
    if not first.startswith(b"{"):
        return None
    data = loads(first, f"{file}:1")
    return KINDS[tag_of(data, f"{file}:1")[0]] if "schema" in data else None


def _first_line(file: str) -> bytes:
    with opened(files_of(file)[0]) as stream:
        return next((line for line in stream if line.strip()), b"").removeprefix(BOM).strip()


def _holds_labels(file: str) -> bool:
    """Return whether the first line names a `label` and no prompt, as a row of columns or as fields."""
    if file == "-" or file.startswith("hf:"):
        return False
    first = _first_line(file)
    cells = first.decode("utf-8", "replace").split(",")
    names = set(loads(first, f"{file}:1")) if first.startswith(b"{") else {cell.strip(' "') for cell in cells}
    return "label" in names and not names & {"prompt", "messages"}


def _counted(records: Iterable[Record]) -> str:
    return f"{sum(1 for _ in records)} lines"


def _table(source: Source, kind: type[Rollouts]) -> str:
    from schemas.tables import check_table, facts, flat, warnings

    frame = flat(source.read(kind))
    problems = check_table(frame)
    if problems:
        raise RlraError(f"{source.name}: {'; '.join(problems)}")
    found = facts(frame)
    for warning in warnings(frame):
        ui.say(f"! {source.name}: {warning}")
    shares = ", ".join(f"{name.replace('_', ' ')} {value:,.3g}" for name, value in found.items() if value is not None)
    return f"{source.records} lines ({shares})"


def _manifest(file: str, source: Source) -> str:
    path = path_for(Path(file))
    if not path.exists():
        return ""
    if read_manifest(path).recipe.sha256 != source.sha256():
        raise RlraError(
            f"{file}: is not what its manifest describes: the digests differ", hint="it was edited after it was made"
        )
    return ", manifest matches"
