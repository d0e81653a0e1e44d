"""Write docs/artifacts.md from the schemas: `python docs/make_artifacts.py`."""

import inspect
import json
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("artifacts.md")
FROZEN = ROOT / "tests" / "migrations"
HEAD = """\
# What every line of every file says

All that rlra's commands write is JSONL: one JSON object on each line, in UTF-8, also as `.gz` or `.zst`. A line begins
with its kind and version, `{"schema": "judged/1", "id": "…", …}`, so that `head`, `cat` and `shuf` lose nothing. Fields
at their defaults are left out. Unknown fields are refused, except inside `meta`, which is yours. Numbers are finite;
what could not be measured is `null`, never 0. Lines of an earlier version are upgraded as they are read; those of a
newer one are refused by name.

```sh
rlra validate *.jsonl                    # what each file is, and whether it holds
rlra show judged.jsonl --id garden-03    # one line, for people
rlra provenance report.jsonl             # from which files it was made, and whether they still are what they were
```

Lines grow from `task` to `rollouts` to `judged`: each has all fields of the one before. A field without a default has
to be there. *list* is a JSON array, *map* a JSON object; *number* is any JSON number, *whole number* one without a
fraction.
"""
MANIFEST = """\
## The manifest

Beside the artifact `X` lies `X.manifest.json`, in a folder of parts and in a model's folder `manifest.json`. It is
written last: where it is, the artifact is whole. `recipe` is what decides the bytes, and two identical runs have equal
recipes. `run` is all else, and may differ. [Where things come from](provenance.md) tells what that is good for. No key,
and no password of a URL, is in it.
"""
RUN = """\
What `run` says:

| key | type | what it is |
|---|---|---|
| `argv` | list of text | The words of the command line, without `rlra`. |
| `cwd` | text | The folder in which it was typed, as seen from the manifest, where that tells of no other folders. |
| `inputs` | map of text to text | Where inputs, models' folders and files of options lie, seen from there too. |
| `options` | map | Files that options were read from: `name`, `sha256`; of a manifest its options' digest. |
| `commit` | text | The git commit of the folder in which it was typed. |
| `started` | text | When it began, in UTC; where it was broken off and gone on with, when its first go did. |
| `seconds` | number | How long it took: all goes together, without the time between them. |
| `host` | map | `system`, `python` and `cores`. |
| `counts` | map of text to number | What the summary says: records, failures by class, calls, tokens, drops. \
Of `rlra train --rounds`, what all rounds took together, and the groups that they `kept`. \
`resumed_after` is there where a go was killed: so many lines, logged steps or rounds \
were made by then, and what that go took is in none of the figures of time, calls, tokens in and out, and dollars. |
| `anchors` | map | Of `rlra judge --anchors`: how far the judge agreed, as the `overall` line of `agreement/1`. |
| `bounds` | map | Of `rlra select-data`: the calibrated bands, which `--bounds` takes. |
| `on` | text | Of `rlra rubrics import` from a folder: the day that its edits are dated with. |
"""
LONGEST_TEXT, MOST_ENTRIES, MOST_KEYS, DEEPEST, WIDEST = 60, 2, 12, 5, 100
PLAIN: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
    Any: "anything",
}


def page() -> str:
    """Return the page."""
    from schemas.kinds import KINDS, MADE_BY
    from schemas.manifest import Manifest

    told: set[type] = set()
    lines = [HEAD, "| kind | made by | one line is |", "|---|---|---|"]
    for name, kind in KINDS.items():
        made_by = f"`{MADE_BY[name]}`" if name in MADE_BY else "people"
        tag = kind.schema_tag()
        lines.append(f"| [{tag}](#{_anchor(tag)}) | {made_by} | {cell(_first(kind))} |")
    lines.append("")
    for kind in KINDS.values():
        lines += [f"## {kind.schema_tag()}", "", *_section(kind), *_example(kind.KIND, kind.VERSION)]
        lines += _nested(kind, told)
    lines += [MANIFEST, "### Manifest", "", *_section(Manifest), *_nested(Manifest, told), RUN]
    return "\n".join([*lines, "This page is made by `python docs/make_artifacts.py`."]) + "\n"


def _section(part: Any) -> Iterator[str]:
    """Yield what a part is, and a table of its fields."""
    from rlra_cli.options import docstrings

    help_of = docstrings(part)
    yield inspect.cleandoc(part.__doc__ or "")
    yield ""
    yield "| field | type | default | what it is |"
    yield "|---|---|---|---|"
    for name, field in part.model_fields.items():
        kind = f'`"{part.schema_tag()}"`' if name == "tag" else type_of(field)
        yield f"| `{field.alias or name}` | {kind} | {default_of(name, field)} | {cell(help_of[name])} |"
    yield ""


def _nested(part: type, told: set[type]) -> Iterator[str]:
    """Yield the sections of the parts of a part that no section tells of yet, and of theirs."""
    for inner in _parts_of(part):
        if inner not in told:
            told.add(inner)
            yield f"### {_title(inner)}"
            yield ""
            yield from _section(inner)
            yield from _nested(inner, told)


def _parts_of(part: Any) -> list[type]:
    found: dict[type, None] = {}
    for field in part.model_fields.values():
        found |= dict.fromkeys(parts_in(field.annotation))
    return list(found)


def parts_in(kind: Any) -> Iterator[type]:
    from schemas.base import Part

    if isinstance(kind, type) and not get_args(kind):
        if issubclass(kind, Part):
            yield kind
        return
    for inner in get_args(kind):
        yield from parts_in(inner)


def _title(part: type) -> str:
    """Return what a part is called: by its class, and by its module too where two classes have one name."""
    from schemas.kinds import KINDS
    from schemas.manifest import Manifest

    classes = {each for kind in (*KINDS.values(), Manifest) for each in _all_of(kind, set())}
    alike = [each for each in classes if each.__name__ == part.__name__]
    return part.__name__ if len(alike) == 1 else f"{part.__name__} in {part.__module__.rpartition('.')[2]}"


def _all_of(part: type, seen: set[type]) -> set[type]:
    for inner in _parts_of(part):
        if inner not in seen:
            seen.add(inner)
            _all_of(inner, seen)
    return seen


def type_of(field: FieldInfo) -> str:
    """Return a field's type in words, and what its numbers and lengths are bound to."""
    bounds = [said for each in field.metadata if (said := _bound(each))]
    return ", ".join([_words(field.annotation), *bounds]).replace("|", "\\|")


def _bound(limit: Any) -> str:
    for sign, name in (("≥", "ge"), (">", "gt"), ("≤", "le"), ("<", "lt")):
        if isinstance(limit, Ge | Gt | Le | Lt) and hasattr(limit, name):
            return f"{sign} {getattr(limit, name)}"
    if isinstance(limit, MinLen):
        return "not empty" if limit.min_length == 1 else f"{limit.min_length} or more"
    return f"at most {limit.max_length}" if isinstance(limit, MaxLen) else ""


def _words(kind: Any) -> str:
    from schemas.base import Part

    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _words(inner[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_words(each) for each in inner)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each, ensure_ascii=False)}`" for each in inner)
    if origin in (tuple, list):
        every = [each for each in inner if each is not Ellipsis]
        many = len(every) == 1 and (origin is list or Ellipsis in inner)
        return f"list of {_many(_words(every[0]))}" if many else f"list: {', '.join(map(_words, every))}"
    if origin is dict:
        return f"map of {_words(inner[0])} to {_words(inner[1])}"
    if isinstance(kind, type) and issubclass(kind, Part):
        return f"[{_title(kind)}](#{_anchor(_title(kind))})"
    return PLAIN.get(kind) or getattr(kind, "__name__", str(kind))


def _many(words: str) -> str:
    return re.sub(r"number$", "numbers", words)


def default_of(name: str, field: FieldInfo) -> str:
    if name == "tag" or field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    value = value.model_dump(mode="json", exclude_defaults=True) if hasattr(value, "model_dump") else value
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def _example(kind: str, version: int) -> Iterator[str]:
    """Yield the first line of the frozen file of a kind, with long texts and lists cut."""
    path = FROZEN / f"{kind}-{version}.jsonl"
    if path.exists():
        first = json.loads(path.read_text(encoding="utf-8").split("\n")[0])
        short = json.dumps(_short(first), ensure_ascii=False, indent=1)
        yield f"An example, cut short:\n\n```json\n{_joined(short)}\n```\n"


def _short(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        flat = "".join(letter if letter.isprintable() else "·" for letter in value)
        return flat if len(flat) <= LONGEST_TEXT else f"{flat[:LONGEST_TEXT]}…"
    if isinstance(value, list | dict) and value and depth == DEEPEST:
        return "…"
    if isinstance(value, list):
        more = ["…"] if len(value) > MOST_ENTRIES else []
        return [*(_short(each, depth + 1) for each in value[:MOST_ENTRIES]), *more]
    if isinstance(value, dict):
        more = {"…": "…"} if len(value) > MOST_KEYS else {}
        return {key: _short(each, depth + 1) for key, each in list(value.items())[:MOST_KEYS]} | more
    return value


def _joined(text: str) -> str:
    """Return JSON with each innermost object and list on one line, where that is short."""
    innermost = re.compile(r"([\[{])\n\s+([^\[\]{}\n]*(?:\n\s+[^\[\]{}\n]*)*)\n\s*([\]}])")

    def flat(found: re.Match[str]) -> str:
        inside = re.sub(r"\n\s+", " ", found[2])
        return f"{found[1]}{inside}{found[3]}" if len(inside) <= WIDEST else found[0]

    return innermost.sub(flat, text)


def _first(part: type) -> str:
    return inspect.cleandoc(part.__doc__ or "").split("\n\n")[0]


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), encoding="utf-8")
