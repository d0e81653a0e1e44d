"""The files that `rlra eval` compares: by axis and label, named one by one or in a folder of `rlra eval suite`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from rlra_cli.table_laws import hold_table
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged

Placed = dict[str, dict[str, Source]]
"""Axis → label → file; the axis is empty where none is named."""
LABELS, SUITES = "labels.json", "suites.json"
"""Lie in a folder that `rlra eval suite` wrote: which labels and which suites it has, in order."""
_SHAPE = "LABEL=FILE, or AXIS:LABEL=FILE"


def placed(words: Sequence[str]) -> Placed:
    """Return the files by axis and label, in the order in which they are named.

    Raises RlraError for fewer than two labels, a label that is given twice, and an axis that has other labels than
    the first one.
    """
    axes: Placed = {}
    for axis, label, path in _named(words):
        if label in axes.setdefault(axis, {}):
            raise RlraError(f"{axis}:{label} is given twice" if axis else f"the label {label} is given twice")
        axes[axis][label] = Source(path)
    if "" in axes and len(axes) > 1:
        some = next(axis for axis in axes if axis)
        raise RlraError(f"some files name an axis, such as {some}, and some do not", hint=f"name each: {_SHAPE}")
    _hold_alike(axes)
    return axes


def _hold_alike(axes: Placed) -> None:
    labels = list(next(iter(axes.values()), {}))
    for axis, found in axes.items():
        if list(found) != labels:
            raise RlraError(
                f"{axis} has the labels {', '.join(found)}, and the first axis {', '.join(labels)}",
                hint="give each axis one file of each label, in the same order",
            )
    if len(labels) < 2:
        raise RlraError(
            "two files are needed, or more: the first is what the others are compared with",
            hint="such as base=base.jsonl trained=trained.jsonl",
        )


def _named(words: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the axis, the label and the path of each file that is meant."""
    names = _names([word for word in words if _is_bare(word) and not _is_of_suites(word)])
    for word in words:
        if _is_of_suites(word):
            yield from _of_suites(Path(word))
        elif _is_bare(word):
            yield "", next(names), word
        else:
            name, _, path = word.partition("=")
            axis, colon, label = name.partition(":")
            if not (axis and path and bool(label) == bool(colon)):
                raise RlraError(f"'{word}' is not {_SHAPE}", hint="such as style:base=base.style.jsonl")
            yield (axis, label, path) if colon else ("", name, path)


def _is_bare(word: str) -> bool:
    """Return whether a word is a file without a label; a URL may have a `=` in it, and so may a file's name."""
    name, equals, _ = word.partition("=")
    return not equals or "/" in name or Path(word).exists()


def _names(paths: Sequence[str]) -> Iterator[str]:
    """Yield a label for each file: its name without the ending, with its folder or a number where two are alike."""
    stems = Counter(Path(path).stem for path in paths)
    names = [
        path.stem if stems[path.stem] == 1 or not path.parent.name else f"{path.parent.name}/{path.stem}"
        for path in map(Path, paths)
    ]
    for n, name in enumerate(names):
        before = names[:n].count(name)
        yield f"{name} ({before + 1})" if before else name


def _is_of_suites(word: str) -> bool:
    return (Path(word) / LABELS).is_file()


def _of_suites(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what `rlra eval suite` wrote into a folder."""
    labels, suites = (_list_in(folder / name) for name in (LABELS, SUITES))
    for suite in suites:
        for label in labels:
            path = folder / suite / f"{label}.judged.jsonl"
            if not path.is_file():
                raise RlraError(
                    f"{path}: is not there yet", hint=f"make it: `rlra eval suite {suite}` with the model {label}"
                )
            yield suite, label, str(path)


def _list_in(path: Path) -> list[str]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise RlraError(f"{path}: cannot be read: {error}", hint="make the folder with `rlra eval suite`") from None
    if not (isinstance(found, list) and found and all(isinstance(name, str) and name for name in found)):
        raise RlraError(f"{path}: a JSON list of names is needed")
    return found


def read_side(source: Source) -> list[Judged]:
    """Return the lines of one file without token ids, which take most of the room. Raises RlraError as reading does."""
    lines = [_without_tokens(line) for line in source.read(Judged)]
    hold_table(lines, source.name)
    return lines


def _without_tokens(line: Judged) -> Judged:
    bare = {"tokens": None, "prompt_tokens": None}
    responses = tuple(response.model_copy(update=bare) for response in line.responses)
    return line.model_copy(update={"responses": responses, "prompt_tokens": None})
