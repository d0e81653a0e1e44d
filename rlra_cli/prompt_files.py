"""Prompts as users have them → tasks: JSONL, CSV, Parquet, or a data set by name."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.base import digest
from schemas.errors import RlraError
from schemas.jsonl import Source, explain, loads, parse
from schemas.task import Task

TABLES = (".csv", ".parquet")
OWN_FIELDS = ("id", "prompt", "messages", "turns", "reference", "meta")
WAYS = ("prompt", "messages", "turns")


def is_table(path: str) -> bool:
    """Return whether `path` is read through `datasets`: CSV, Parquet, or `hf:NAME[:split]`."""
    return path.startswith("hf:") or Path(path).suffix in TABLES


def read_tasks(source: Source) -> Iterator[Task]:
    """Yield the tasks of `source`, which may hold `task/1` lines or plain prompts, even mixed.

    A plain prompt has `prompt` (text), `messages`, or `turns` (what the user says, turn by turn), and optionally
    `id`, `reference` and `meta`; any other field goes under `meta`. Without an id, a digest of the prompt
    is the id, numbered where it repeats. Of a prompt with `turns`, `question_id` is an id too, and of references
    for all turns the last is the reference, since the last answer is the response. Raises RlraError naming file,
    line and field, also for an id given twice.
    """
    seen: set[str] = set()
    repeats: Counter[str] = Counter()
    for where, record in _rows(source):
        task = record if isinstance(record, Task) else _task(record, where, repeats)
        if task.id in seen:
            raise RlraError(f"{where}: id: '{task.id}' stands on an earlier line too", hint="ids must differ")
        seen.add(task.id)
        source.records += 1
        yield task


def _rows(source: Source) -> Iterator[tuple[str, Task | Mapping[str, Any]]]:
    if is_table(source.path):
        for number, row in enumerate(table_rows(source.path), start=1):
            yield f"{source.name}: row {number}", row
        return
    for number, line in source.lines():
        where = f"{source.name}:{number}"
        if line.startswith(b'{"schema"'):
            yield where, parse(line, Task, where)
            continue
        data = loads(line, where)
        yield where, parse(line, Task, where) if "schema" in data else data


def _task(row: Mapping[str, Any], where: str, repeats: Counter[str]) -> Task:
    if len(given := [way for way in WAYS if way in row]) != 1:
        raise RlraError(
            f"{where}: a line needs `prompt` (text), `messages` or `turns`, and only one of them",
            hint=f"found: {', '.join(row)}",
        )
    if given == ["turns"]:
        row = _turns(row, where)
    messages = row["messages"] if "messages" in row else [{"role": "user", "content": row["prompt"]}]
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise RlraError(f"{where}: meta: an object is needed, found {type(meta).__name__}")
    others = {key: value for key, value in row.items() if key not in OWN_FIELDS}
    follow_ups = row.get("turns", [])
    asked = [messages, follow_ups] if follow_ups else messages
    name = str(row["id"]) if row.get("id") is not None else _numbered(asked, repeats)
    fields = {"id": name, "messages": messages, "reference": row.get("reference"), "meta": {**others, **meta}}
    try:
        return Task.model_validate_json(orjson.dumps({**fields, "follow_ups": follow_ups}))
    except ValidationError as error:
        said = explain(error).replace("messages[0].content", "prompt") if "prompt" in row else explain(error)
        raise RlraError(f"{where}: {said}") from None
    except TypeError as error:
        raise RlraError(f"{where}: {error}", hint="fields must be text, numbers, lists or objects") from None


def _turns(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a row with `turns` as one with a `prompt`, its follow-ups as the turns left, and at most one reference."""
    turns, reference = row["turns"], row.get("reference")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, str) for turn in turns):
        raise RlraError(f"{where}: turns: a list of texts is needed")
    own = {**row, "prompt": turns[0], "turns": turns[1:]}
    if own.get("id") is None and "question_id" in own:
        own["id"] = own.pop("question_id")
    if isinstance(reference, list):
        own["reference"] = reference[-1] if len(reference) == len(turns) else None
        own["references"] = reference
    return own


def _numbered(messages: Any, repeats: Counter[str]) -> str:
    try:
        name = digest(messages)
    except TypeError:
        name = digest(str(messages))
    repeats[name] += 1
    return name if repeats[name] == 1 else f"{name}-{repeats[name]}"


def table_rows(path: str) -> Iterable[Mapping[str, Any]]:
    """Yield the rows of a table through `datasets`; missing cells are left out."""
    import datasets

    datasets.disable_progress_bars()
    try:
        if path.startswith("hf:"):
            name, _, split = path[3:].partition(":")
            rows = datasets.load_dataset(name, split=split or "train", streaming=True)
        else:
            kind = Path(path).suffix[1:]
            if not Path(path).is_file():
                raise RlraError(f"{path}: no such file or directory")
            rows = datasets.load_dataset(kind, data_files=path, split="train", streaming=True)
        for row in rows:
            yield {key: value for key, value in dict(row).items() if value is not None}
    except RlraError:
        raise
    except Exception as error:  # `datasets` raises whatever its loaders do
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RlraError(f"{path}: cannot be read as a data set: {said}") from None
