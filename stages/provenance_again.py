"""How to make an artifact again: the commands that were typed, in their order, as a shell script."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.files import without_secrets
from schemas.manifest import Manifest
from stages.provenance_places import typed_at
from stages.provenance_rounds import is_rounds_model, tasks_of_round
from stages.provenance_uses import argv_of, artifact_of
from stages.visible import one_line, visible

if TYPE_CHECKING:
    from stages.provenance import Origin

LONGEST = 200


def command_of(path: str, manifest: Manifest) -> tuple[str, str | None]:
    """Return the command that makes an artifact, and the folder in which it was typed, if that can be known.

    What a round of `rlra train --rounds` made is made by that command.
    """
    artifact, asked = path, manifest
    if is_rounds_model(manifest):
        if (tasks := tasks_of_round(path, manifest)) is None:
            return "", None
        artifact, asked = tasks
    words = argv_of(asked)
    command = " ".join(["rlra", *(quoted(without_secrets(word)) for word in words)]) if words else ""
    return command, typed_at(artifact, asked)


def fed(command: str, path: str) -> str:
    """Return a command that reads from a pipe, with the file that it is to read there."""
    programs = {".gz": "gzip", ".zst": "zstd"}
    if program := programs.get(Path(path).suffix):
        return f"{program} -dc -- {quoted(path)} | {command}"
    return f"{command} < {quoted(path)}"


def quoted(word: str) -> str:
    """Return a word as bash reads it: bare, in single quotes, or as $'…' where a terminal would obey a part of it."""
    if visible(word) == word and "\n" not in word and "\t" not in word:
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def script(chain: Sequence["Origin"]) -> str:
    """Return the commands that make a chain again, what they need before them, for bash in the folder that one is in.

    Each command stands once. What no command made, and what was read from a pipe, is taken as it is.
    """
    by_path = {origin.path: origin for origin in chain}
    makers = {origin.path: (origin.folder, origin.command) for origin in chain if origin.command}
    lines = [_line(commanded, by_path, makers) for commanded in _ordered(chain, by_path, makers)]
    sources = [
        _source(origin)
        for origin in chain
        if not {origin.path, artifact_of(origin.path)} & makers.keys() and "beside" not in origin.roles
    ]
    head = ["#!/bin/bash", "set -euo pipefail", "# Taken as they are:", *reversed(sources), ""]
    return "\n".join([*head, *lines]) + "\n"


def _source(origin: "Origin") -> str:
    return one_line(f"#   {origin.path}" + (f" ({origin.why})" if origin.why else ""), LONGEST)


Maker = tuple[str, str]
"""The folder in which a command was typed, and the command."""


def _ordered(chain: Sequence["Origin"], by_path: Mapping[str, "Origin"], makers: Mapping[str, Maker]) -> list[Maker]:
    """Return each folder and command once, behind those that make what it reads."""
    needs: dict[Maker, dict[Maker, None]] = {}
    for origin in reversed(chain):
        if origin.path in makers:
            mine = needs.setdefault(makers[origin.path], {})
            mine |= {maker: None for path in origin.inputs for maker in _makers(path, by_path, makers)}
    done: dict[Maker, None] = {}
    while left := [maker for maker in needs if maker not in done]:
        ready = [maker for maker in left if not needs[maker].keys() - done.keys() - {maker}]
        done |= dict.fromkeys(ready or left)  # what goes in a circle cannot be ordered
    return list(done)


def _makers(path: str, by_path: Mapping[str, "Origin"], makers: Mapping[str, Maker]) -> list[Maker]:
    """Return who makes what lies at a path: its own maker, or those of what it is put together from."""
    found, waiting, seen = [], [path], set()
    while waiting:
        at = waiting.pop()
        if maker := makers.get(at) or makers.get(artifact_of(at)):
            found.append(maker)
        elif at in by_path and at not in seen:
            seen.add(at)
            waiting += by_path[at].inputs
    return found


def _line(maker: Maker, by_path: Mapping[str, "Origin"], makers: Mapping[str, Maker]) -> str:
    folder, command = maker
    made = [by_path[path] for path, each in makers.items() if each == maker]
    if any(by_path[path].name == "-" for origin in made for path in origin.inputs if path in by_path):
        return f"# It read from a pipe, from what is not known; what it made is taken as it is:\n# {command}"
    if not folder:
        return f"# In which folder this was typed is not known:\n{command}"
    return command if folder == "." else f"(cd -- {quoted(folder)} && {command})"
