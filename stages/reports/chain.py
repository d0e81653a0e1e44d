"""The files and models that led to a report, as rows of a table, and what makes them again."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from stages.reports.marks import SIGNS, Tone

if TYPE_CHECKING:
    from stages.provenance import Origin

MOST_ROWS = 250
"""Rows of the table: many rounds leave many files, and `rlra provenance` lists them all."""
_TONES: dict[str, Tone] = {
    "holds": "good",
    "stale": "between",
    "changed": "bad",
    "missing": "bad",
    "no manifest": "absent",
}


@dataclass(frozen=True)
class Link:
    """One file or model of the chain."""

    number: int
    """Its row, from 1."""
    origin: "Origin"
    inputs: tuple[tuple[str, str, int | None], ...]
    """What it was made from: as what it was read, its name, and its row where it has one."""

    place: str = ""
    """Where it lies below the folder that all are in."""

    @property
    def tone(self) -> Tone:
        """How its state is coloured."""
        tone = _TONES[self.origin.state]
        return "absent" if self.origin.is_sound and tone != "good" else tone

    @property
    def sign(self) -> str:
        """Its state as one character."""
        return SIGNS[self.tone]


def once(origins: Sequence["Origin"]) -> list["Origin"]:
    """Return the origins, each path once and as deep as it stands anywhere, outputs first."""
    found: dict[str, Origin] = {}
    for origin in origins:
        known = found.get(origin.path)
        depth = max(origin.depth, known.depth) if known else origin.depth
        found[origin.path] = replace(known or origin, depth=depth)
    return sorted(found.values(), key=lambda origin: origin.depth)


def links(origins: Sequence["Origin"]) -> list[Link]:
    """Return the rows of the table, what was made last first."""
    ordered = once(origins)
    folder = common_folder(ordered)
    numbers = {origin.path: number for number, origin in enumerate(ordered, 1)}
    names = {origin.path: origin.name for origin in ordered}
    return [
        Link(
            number,
            origin,
            tuple(
                (origin.roles[at] if at < len(origin.roles) else "", _named(names.get(path, path)), numbers.get(path))
                for at, path in enumerate(origin.inputs)
            ),
            place_of(origin, folder),
        )
        for number, origin in enumerate(ordered, 1)
    ]


def _named(name: str) -> str:
    return "a pipe" if name == "-" else name


def common_folder(origins: Sequence["Origin"]) -> str:
    """Return the folder that all files of a chain with whole paths are in; empty where there is none."""
    folders = [str(PurePosixPath(origin.path).parent) for origin in origins if origin.path.startswith("/")]
    return os.path.commonpath(folders).rstrip("/") if folders else ""


def place_of(origin: "Origin", folder: str) -> str:
    """Return where a file lies below `folder`; its whole path where it does not."""
    return origin.path.removeprefix(f"{folder}/") if folder else origin.path


def states(origins: Sequence["Origin"]) -> list[tuple[str, int]]:
    """Return how many files and models are in each state, such as `holds`; states that none is in are left out."""
    found: Counter[str] = Counter(origin.state for origin in once(origins))
    return [(state, found[state]) for state in _TONES if found[state]]


def script(origins: Sequence["Origin"], last: str = "") -> str:
    """Return the commands that make everything again, in the order in which they have to run, each once.

    `last` is the command of the report itself. Empty where nothing is known.
    """
    from stages.provenance_again import script as written

    whole = written(once(origins)) if origins else ""
    return whole + (f"{last}\n" if last else "")
