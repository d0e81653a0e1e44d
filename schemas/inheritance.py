"""Templates: a rubric in YAML that inherits another's criteria and overrides some, key by key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.criterion import ID_PATTERN
from schemas.errors import RlraError
from schemas.yaml_file import Loaded, Location, load_yaml

OWN = ("rubric", "version", "inherits", "title", "author", "review", "silence", "tags", "meta")
"""What a rubric never takes from its template."""


def resolved(loaded: Loaded) -> Loaded:
    """Return the rubric with what it inherits filled in, every part still saying where it stands.

    Raises RlraError where a template is not found, is not what its name says, or inherits in a circle.
    """
    return _resolved(loaded, (loaded.path,))


def _resolved(loaded: Loaded, chain: tuple[Path, ...]) -> Loaded:
    name = loaded.value.get("inherits") if isinstance(loaded.value, dict) else None
    if not isinstance(name, str) or not re.fullmatch(ID_PATTERN, name):
        return loaded  # the rubric's shape says what is wrong with it
    where = loaded.where(("inherits",))
    path = find(name, loaded.path, where)
    if path.resolve() in (seen.resolve() for seen in chain):
        circle = " → ".join(str(seen) for seen in (*chain, path))
        raise RlraError(f"{where}: inherits: templates inherit in a circle: {circle}")
    template = load_yaml(path)
    if not isinstance(template.value, dict) or template.value.get("rubric") != name:
        raise RlraError(f"{where}: inherits: {path} does not begin with `rubric: {name}`")
    return _merge_rubrics(_resolved(template, (*chain, path)), loaded)


def find(name: str, beside: Path, where: str) -> Path:
    """Return the file of the template `name`: `NAME.yaml` in the folder of `beside`, or in one above it."""
    folders = list(beside.resolve().parent.parents)
    for folder in (beside.parent, *folders[:3]):
        for suffix in (".yaml", ".yml"):
            path = folder / f"{name}{suffix}"
            if _is_file(path):
                return path
    raise RlraError(
        f"{where}: inherits: there is no template '{name}'",
        hint=f"'{name}.yaml' is looked for beside {beside.name} and in the folders above it",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name can be longer than that of a file
        return False


def _merge_rubrics(template: Loaded, own: Loaded) -> Loaded:
    merged = Loaded({}, {}, own.path)
    _copy(own, (), merged, ())
    for key in [key for key, value in own.value.items() if value is None]:
        del merged.value[key]
    for key in template.value:
        if key in OWN:
            continue
        if key == "criteria" and isinstance(own.value.get(key), list) and isinstance(template.value[key], list):
            continue
        if key == "reward" and isinstance(own.value.get(key), dict) and isinstance(template.value[key], dict):
            # A preset is a whole way to a reward: no step of the template's stands above it.
            above = Loaded({"reward": {}}, {}, template.path) if "preset" in own.value[key] else template
            _merge_mappings(above, own, merged, (key,), (key,), (key,))
        elif key not in own.value:
            _copy(template, (key,), merged, (key,))
    if isinstance(own.value.get("criteria"), list) and isinstance(template.value.get("criteria"), list):
        _merge_lists(template, own, merged, ("criteria",), ("criteria",), ("criteria",))
    return merged


def _merge_lists(template: Loaded, own: Loaded, merged: Loaded, at: Location, mine: Location, to: Location) -> None:
    _refuse_twice(own, mine)
    overrides = {
        item["id"]: index
        for index, item in enumerate(own.at(mine))
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    }
    merged.put(to, [], own.place(mine))
    place = 0
    for index, item in enumerate(template.at(at)):
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str) and name in overrides:
            _merge_mappings(template, own, merged, (*at, index), (*mine, overrides.pop(name)), (*to, place))
        else:
            _copy(template, (*at, index), merged, (*to, place))
        place += 1
    left = set(overrides.values())
    for index, item in enumerate(own.at(mine)):
        known = isinstance(item, dict) and isinstance(item.get("id"), str)
        if not known or index in left:
            _copy(own, (*mine, index), merged, (*to, place))
            place += 1


def _refuse_twice(own: Loaded, at: Location) -> None:
    seen: set[str] = set()
    for index, item in enumerate(own.at(at)):
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str) and name in seen:
            where = own.where((*at, index, "id"))
            raise RlraError(f"{where}: criterion ids must differ, found twice: {name}")
        if isinstance(name, str):
            seen.add(name)


def _merge_mappings(template: Loaded, own: Loaded, merged: Loaded, at: Location, mine: Location, to: Location) -> None:
    """Take every key from `own` where it has it, else from the template; a key that is null in `own` is taken away."""
    old, new = template.at(at), own.at(mine)
    merged.put(to, {}, own.place(mine))
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            _copy(template, (*at, key), merged, (*to, key))
        elif new[key] is None:
            continue
        elif key == "criteria" and isinstance(old.get(key), list) and isinstance(new[key], list):
            _merge_lists(template, own, merged, (*at, key), (*mine, key), (*to, key))
        else:
            _copy(own, (*mine, key), merged, (*to, key))


def _copy(source: Loaded, at: Location, merged: Loaded, to: Location) -> None:
    value = source.at(at)
    merged.put(to, _shell(value), source.place(at))
    for key, _ in _inside(value):
        _copy(source, (*at, key), merged, (*to, key))


def _shell(value: Any) -> Any:
    return {} if isinstance(value, dict) else [] if isinstance(value, list) else value


def _inside(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
