"""Files of labels, CSV or JSONL, as `Label`s: one line for each label of each person."""

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.jsonl import Source, explain, loads
from schemas.labels import Label, LabelLine, as_text
from schemas.yaml_file import nearest

COLUMNS = ("id", "response", "criterion", "rater", "label")
BOM = b"\xef\xbb\xbf"
"""What some programs write at the beginning of a text in UTF-8."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What stands between cells in files that are not parted by commas."""
IGNORED = "comment"
"""A column for the people who label; nothing reads it."""
_NEEDED = ("id", "label")


def read_labels(source: Source) -> Iterator[Label]:
    """Yield the labels of a file: CSV with a row of names, or JSONL where the first line is an object.

    `id` and `label` must be there; `response` (from 0; default 0), `criterion` (none: the whole response) and `rater`
    (default `human`) may be. An empty label is a missing one. Raises RlraError naming file, line and field, also for
    a column that nobody knows, and for a second label of the same rater for the same response and criterion.
    """
    seen: dict[tuple[str, int, str | None, str], str] = {}
    for where, row in _rows(source):
        label = _label(row, where)
        if earlier := seen.get(label[1:5]):
            criterion = f" under '{label.criterion}'" if label.criterion else ""
            raise RlraError(
                f"{where}: '{label.rater}' has labelled response {label.response} of '{label.id}'{criterion} before, "
                f"at {earlier}",
                hint="give each of several people a `rater` of their own",
            )
        seen[label[1:5]] = where
        source.records += 1
        yield label


def _label(row: Mapping[str, Any], where: str) -> Label:
    if isinstance(row.get("id"), int) and not isinstance(row["id"], bool):
        row = {**row, "id": str(row["id"])}  # as ids of prompts are read
    try:
        line = LabelLine.model_validate_json(orjson.dumps({k: v for k, v in row.items() if k != IGNORED}))
    except ValidationError as error:
        raise RlraError(f"{where}: {explain(error)}", hint=_hint(row)) from None
    return Label(where, line.id, line.response, line.criterion or None, line.rater, as_text(line.label))


def _hint(row: Mapping[str, Any]) -> str:
    odd = next((name for name in row if name not in (*COLUMNS, IGNORED)), None)
    return (odd and nearest(odd, COLUMNS)) or f"the fields are {', '.join(COLUMNS)}"


def _rows(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    lines = source.lines()
    first = next(lines, None)
    if first is None:
        return
    if first[1].removeprefix(BOM).lstrip().startswith(b"{"):
        for number, line in _again((first[0], first[1].removeprefix(BOM)), lines):
            yield f"{source.name}:{number}", loads(line, f"{source.name}:{number}")
    else:
        yield from _csv_rows(source.name, _again(first, lines))


def _again(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield first
    yield from rest


def _csv_rows(name: str, lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    numbers: list[int] = []
    reader = csv.reader(_decoded(name, lines, numbers), strict=True)
    columns = _columns(name, next(_records(name, reader, numbers))[1])
    for where, cells in _records(name, reader, numbers):
        if len(cells) != len(columns):
            raise RlraError(f"{where}: {len(cells)} cells, where the first line names {len(columns)} columns")
        row: dict[str, Any] = {
            column: cell.strip() for column, cell in zip(columns, cells, strict=True) if cell.strip()
        }
        yield where, {**row, "label": row.get("label"), **_index(row, where)}


def _records(name: str, reader: Iterator[list[str]], numbers: list[int]) -> Iterator[tuple[str, list[str]]]:
    """Yield the records of a CSV file with the line that each begins on; `numbers` gains the lines as they are read."""
    while True:
        numbers.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise RlraError(f"{name}:{numbers[0] if numbers else 1}: not CSV: {error}") from None
        if cells is None:
            return
        yield f"{name}:{numbers[0]}", cells


def _decoded(name: str, lines: Iterator[tuple[int, bytes]], numbers: list[int]) -> Iterator[str]:
    for number, line in lines:
        numbers.append(number)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8") + "\n"
        except UnicodeDecodeError as error:
            raise RlraError(f"{name}:{number}: not UTF-8: {error.reason}", hint="save the file as UTF-8") from None


def _columns(name: str, cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    odd = next((column for column in columns if column not in (*COLUMNS, IGNORED)), None)
    missing = [column for column in _NEEDED if column not in columns]
    if odd is not None or missing or len(set(columns)) < len(columns):
        what = f"there is no column '{missing[0]}'" if missing else f"the column '{odd}' is unknown"
        what = what if missing or odd is not None else "a column stands here twice"
        hint = f"columns: {', '.join(COLUMNS)}; one `{IGNORED}` is passed over"
        raise RlraError(f"{name}:1: {what}", hint=_parted(columns) or hint)
    return columns


def _parted(columns: list[str]) -> str:
    """Return what to do about a line of names whose cells are not parted by commas; "" where they are."""
    named = next((name for mark, name in SEPARATORS.items() if len(columns) == 1 and mark in columns[0]), None)
    return f"part the cells by commas: here stand {named}" if named else ""


def _index(row: Mapping[str, Any], where: str) -> dict[str, int]:
    if "response" not in row:
        return {}
    text = row["response"].removesuffix(".0")
    if not re.fullmatch("[0-9]{1,9}", text, re.ASCII):
        raise RlraError(f"{where}: response: '{row['response']}' is no index: whole numbers from 0")
    return {"response": int(text)}
