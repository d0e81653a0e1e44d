"""Write docs/checks.md from the registry of checks: `python -m docs.make_checks`."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from docs.make_artifacts import cell, default_of, parts_in, type_of

PAGE = Path(__file__).with_name("checks.md")
HEAD = """\
# Every check

A criterion with a `check` is decided by a program, and no model is asked. It names one check with its arguments:

```yaml
criteria:
  - id: short
    check: {word_count: {at_most: 60}}
    partial: 0.5                        # a near miss earns up to half
  - id: no_lists
    weight: -1                          # met means present: it costs
    check: {bullet_count: {at_least: 1}}
```

An argument that is not marked *needed* may be left out. Whatever has `at_least`, `at_most` and `exactly` wants one of
them, or the first two together, unless it says otherwise. A check that cannot decide abstains. The examples are the
registry's own, and run as tests. `rlra rubrics schema` prints all of it as a JSON Schema, with which an editor
completes names and arguments, and `rlra rubrics lint` says what is wrong with a rubric that uses them. `rlra judge`
runs checks on responses that you have, made anywhere: `rlra rollout --responses` takes them in.
"""
FAMILIES = {"Ours": "", "IFEval": "ifeval", "IFBench": "ifbench"}
"""Sections of the page, and the package of their checks."""
ABOUT = {
    "Ours": "For rubrics that you write.",
    "IFEval": "The 25 instruction types of [IFEval](suites.md), with the official meaning and names.",
    "IFBench": "The 58 instruction types of [IFBench](suites.md), with the official meaning and names.",
}
LONGEST = 90
"""Characters of an example."""


def page() -> str:
    """Return the page."""
    lines = [HEAD]
    for title, family in FAMILIES.items():
        lines += [f"## {title}", "", ABOUT[title], ""]
        lines += ["| check | met when | arguments | with | is met by | and not by |", "|---|---|---|---|---|---|"]
        lines += [row(name) for name in names_in(family)]
        lines.append("")
    return "\n".join([*lines, "This page is made by `python -m docs.make_checks`."]) + "\n"


def names_in(family: str) -> list[str]:
    """Return the names of the checks of a family, sorted: of a benchmark by its package, and of none by all others."""
    import stages.checks  # noqa: F401 (registers every check)
    from stages.checks.base import REGISTRY

    packages = [f".{each}." for each in FAMILIES.values() if each]
    return sorted(
        name
        for name, check in REGISTRY.items()
        if (f".{family}." in check.run.__module__ if family else not any(p in check.run.__module__ for p in packages))
    )


def row(name: str) -> str:
    """Return the row of one check."""
    from stages.checks.base import REGISTRY

    check = REGISTRY[name]
    (given, passes), (other, fails) = check.passes, check.fails
    says = inspect.cleandoc(check.arguments.__doc__ or "").split("\n\n")[0]
    instead = f"with {code(written(other))}: " if other != given else ""
    shown = [code(written(given)), code(passes), instead + code(fails)]
    return f"| `{name}` | {' | '.join([cell(says), '<br>'.join(arguments(check.arguments)), *shown])} |"


def written(given: dict[str, Any]) -> str:
    """Return arguments as they can be written into a rubric."""
    return json.dumps(given, ensure_ascii=False)


def arguments(part: Any) -> Iterator[str]:
    """Yield each argument with its type, and its default where it has one."""
    for name, field in part.model_fields.items():
        value = default_of(name, field)
        rest = ", *needed*" if field.is_required() else "" if value == "`null`" else f", {value}"
        yield f"`{field.alias or name}`: {kind_of(field)}{rest}"


def kind_of(field: FieldInfo) -> str:
    """Return an argument's type in words, of one with arguments of its own their names."""
    if inner := list(parts_in(field.annotation)):
        return f"{{{', '.join(f'`{name}`' for name in inner[0].model_fields)}}}"
    return type_of(field).replace(" or null", "")


def code(text: str) -> str:
    """Return a text on one line as a span of code, in a table."""
    flat = " ⏎ ".join(text.split("\n")).replace("|", "\\|")
    flat = flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}…"
    runs = [len(run) for run in re.findall("`+", flat)]
    mark = "`" * (max(runs, default=0) + 1)
    return f"{mark} {flat} {mark}" if runs else f"`{flat}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
