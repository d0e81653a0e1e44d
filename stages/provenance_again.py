"""How to make an artifact again: the commands that were typed, in their order, as a shell script."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from schemas.files import is_remote, without_secrets
from schemas.manifest import Manifest
from stages.provenance_places import joined, typed_at
from stages.provenance_rounds import typed_by
from stages.provenance_uses import BESIDE, OUTPUTS, argv_of, artifact_of, outputs_of, paths_in
from stages.visible import one_line, visible

if TYPE_CHECKING:
    from stages.provenance import Origin

LONGEST = 200


def command_of(path: str, manifest: Manifest) -> tuple[str, str | None, list[str]]:
    """Return the command that makes an artifact, the folder in which it was typed, if that can be known, and its words.

    What a round of `rlra train --rounds` made is made by that command.
    """
    if (typed := typed_by(path, manifest)) is None:
        return "", None, []
    artifact, asked = typed
    words = argv_of(asked)
    command = " ".join(["rlra", *(quoted(without_secrets(word)) for word in words)]) if words else ""
    return command, typed_at(artifact, asked), words


def named(words: Sequence[str], folder: str | None) -> list[str]:
    """Return the files that a command names, apart from those that it writes, as far as they are there."""
    if folder is None:
        return []
    places = dict.fromkeys(joined(folder, path) for path in paths_in(words[1:]) if not is_remote(path))
    return [place for place in places if _is_file(place) and not _is_in(place, written(words, folder))]


def written(words: Sequence[str], folder: str | None) -> list[str]:
    """Return where a command writes, as far as its words say: files, and folders."""
    places = [] if folder is None else outputs_of(words, (*OUTPUTS, *BESIDE))
    return [joined(folder or "", place) for place in places if place not in ("-", ".", "./")]


def _is_file(place: str) -> bool:
    try:
        return Path(place).is_file()
    except (OSError, ValueError):  # a word that is no path: too long, or with a character that none has
        return False


def _is_in(path: str, places: Iterable[str]) -> bool:
    return any(PurePath(path).is_relative_to(place) for place in places)


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

    Each command stands once. What no command made, what was read from a pipe, and other files that the commands name,
    are taken as they are. Links that no command made are made; of what was copied it is said.
    """
    by_path = {origin.path: origin for origin in chain}
    makers = {origin.path: (origin.folder, origin.command) for origin in chain if origin.command}
    lines = [_line(commanded, by_path, makers) for commanded in _ordered(chain, by_path, makers)]
    sources = [
        _source(origin)
        for origin in chain
        if not {origin.path, artifact_of(origin.path)} & makers.keys() and "beside" not in origin.roles
    ]
    head = ["#!/bin/bash", "set -euo pipefail", "# Taken as they are:", *reversed(sources), *_others(chain, makers), ""]
    return "\n".join([*head, *lines]) + "\n"


def _others(chain: Sequence["Origin"], makers: Mapping[str, "Maker"]) -> list[str]:
    """Return the files, besides those of the chain, that commands name and that none of them makes."""
    known = {origin.path for origin in chain} | makers.keys()
    places = [place for origin in chain for place in origin.writes]
    found = dict.fromkeys(path for origin in chain for path in origin.names)
    left = [path for path in found if not {path, artifact_of(path)} & known and not _is_in(path, places)]
    return [one_line(f"#   {path}", LONGEST) for path in left]


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
    whole = command if folder == "." else f"(cd -- {quoted(folder)} && {command})"
    elsewhere = [origin for origin in made if origin.writes and not _is_in(origin.path, origin.writes)]
    return "\n".join([whole, *map(_elsewhere, elsewhere)])


def _elsewhere(origin: "Origin") -> str:
    """Return what has to be done, or to be known, of what lies where its command does not write."""
    if not origin.link:
        return one_line(f"# It does not write {origin.path}, which was copied or renamed.", LONGEST)
    place, above = quoted(origin.path), quoted(str(PurePath(origin.path).parent))
    made = f"mkdir -p -- {above} && ln -sfn -- {quoted(origin.link)} {place}"
    return f"# A link, which no rlra command made:\n[ -e {place} ] || {{ {made}; }}"
