"""What writers are shown, out of a file: prompts, groups of responses, or pairs of which one response is chosen."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import orjson

from rlra_cli.prompt_files import is_table, read_tasks
from schemas.base import Record
from schemas.errors import RlraError
from schemas.jsonl import TAG, Source, loads
from schemas.judged import Judged, JudgedResponse
from schemas.label_files import read_labels
from schemas.labels import meaning
from schemas.rollouts import Response, Rollouts
from schemas.task import Task
from stages.generate_rubrics import GenerateRubricsSpec, repeated
from stages.writing.base import Material

Labels = Mapping[tuple[str, int], float]
"""How good a response is, by the id of its prompt and its number in the group."""
_HINT = "a pair has `prompt` with `chosen` and `rejected`, or `input` with `output_1`, `output_2` and `label` (1 or 2)"


class PairRows(Source):
    """Lines of groups as they are, or pairs as lines; a file that is one JSON array has a pair in each element."""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (line number, line), where `input` is a `prompt`."""
        rest = super().lines()
        for place, (number, line) in enumerate(rest):
            if place == 0 and line.lstrip().startswith(b"["):
                whole = b"\n".join([line, *(more for _, more in rest)])
                yield from ((row, orjson.dumps(pair)) for row, pair in enumerate(self._array(whole), start=1))
                return
            yield number, line if TAG.match(line) else self._renamed(number, line)

    def _array(self, whole: bytes) -> Iterator[Any]:
        try:
            rows = orjson.loads(whole)
        except orjson.JSONDecodeError as error:
            raise RlraError(f"{self.name}: not JSON: {error}") from None
        for row in rows:
            yield _with_prompt(row) if isinstance(row, dict) else row

    def _renamed(self, number: int, line: bytes) -> bytes:
        return orjson.dumps(_with_prompt(loads(line, f"{self.name}:{number}")))


def _with_prompt(row: dict[str, Any]) -> dict[str, Any]:
    if "input" in row and not row.keys() & {"prompt", "messages", "turns"}:
        row = {"prompt": row["input"], **{key: value for key, value in row.items() if key != "input"}}
    return row


def source_for(method: str, path: str) -> Source:
    """Return the input of a method, to be read by `material`."""
    return PairRows(path) if method == "contrast" else Source(path)


def material(spec: GenerateRubricsSpec, source: Source, labels: Labels | None) -> Iterator[Material]:
    """Yield what writers are shown for each line. Raises RlraError naming the line for what a method cannot use."""
    if spec.method not in ("contrast", "failures"):
        yield from (Material(id=task.id, task=task) for task in repeated(read_tasks(source), spec.per_prompt))
    elif spec.method == "failures" or (kind := _kind(source)):
        if spec.method == "contrast" and kind is Rollouts and labels is None:
            hint = "judge them with `rlra judge`, or give people's labels with --labels"
            raise RlraError(f"{source.name}: rollouts do not say which response is better", hint)
        yield from (_of_group(group, labels) for group in source.read(Rollouts, Judged))
    else:
        if labels is not None:
            raise RlraError("--labels goes with rollouts or judged lines", hint="a file of pairs says itself who won")
        yield from (_of_pair(task, source.name) for task in read_tasks(source))


def _kind(source: Source) -> type[Record] | None:
    """Return what the lines say that they are, if they do."""
    from rlra_cli.validate import kind_of_file

    if is_table(source.path) or Path(source.path).suffix == ".json":
        return None
    return kind_of_file(source.path)


def _of_group(group: Rollouts, labels: Labels | None) -> Material:
    worth: tuple[float | None, ...] = ()
    if labels is not None:
        worth = tuple(labels.get((group.id, place)) for place in range(len(group.responses)))
    elif isinstance(group, Judged):
        worth = tuple(response.reward for response in group.responses)
    return Material(id=group.id, task=_task_of(group), responses=tuple(map(_bare, group.responses)), worth=worth)


def _task_of(group: Rollouts) -> Task:
    return Task(**{name: getattr(group, name) for name in Task.model_fields if name != "tag"})


def _bare(response: Response) -> Response:
    """Return a response without its verdicts and tokens, which nobody is shown."""
    if not isinstance(response, JudgedResponse) and response.tokens is None:
        return response
    fields = {
        name: getattr(response, name) for name in Response.model_fields if name not in ("tokens", "prompt_tokens")
    }
    return Response(**fields)


def _of_pair(task: Task, where: str) -> Material:
    own = {key: value for key, value in task.meta.items() if key not in ("chosen", "rejected", "output_1", "output_2")}
    chosen, rejected = task.meta.get("chosen"), task.meta.get("rejected")
    if chosen is None and (winner := task.meta.get("label")) in (1, 2, "1", "2"):
        own.pop("label")
        outputs = task.meta.get("output_1"), task.meta.get("output_2")
        chosen, rejected = outputs if str(winner) == "1" else outputs[::-1]
    if not isinstance(chosen, str) or not isinstance(rejected, str):
        raise RlraError(f"{where}: '{task.id}' has no two responses of which one was chosen", hint=_HINT)
    responses = tuple(Response(text=text, finish="stop", length=0) for text in (chosen, rejected))
    return Material(id=task.id, task=task.model_copy(update={"meta": own}), responses=responses, worth=(1.0, 0.0))


def labels_in(path: Path) -> Labels:
    """Return what people say about whole responses, the mean of several. Raises RlraError as readers do."""
    found: dict[tuple[str, int], list[float]] = {}
    for label in read_labels(Source(str(path))):
        if label.criterion is None and label.said:
            try:
                found.setdefault((label.id, label.response), []).append(meaning(label.said, None))
            except ValueError as error:
                raise RlraError(f"{label.where}: {error}") from None
    if not found:
        raise RlraError(f"{path}: holds no label of a whole response", hint="leave the column `criterion` empty")
    return {place: fmean(given) for place, given in found.items()}
