"""From a file back to the prompts: who made what with which options, and whether it still holds."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.files import is_remote, shown
from schemas.manifest import Manifest
from stages.provenance_again import command_of, fed, named, written
from stages.provenance_chain import STDIN, Chain, Link
from stages.provenance_states import Standing, State, standings
from stages.provenance_uses import artifact_of


@dataclass(frozen=True)
class Origin:
    """One file or model in the chain that led to an artifact."""

    name: str
    """The file's name without its folder; of a model that is no folder here, its reference, such as `smollm2`."""
    path: str
    """Where it lies, or was looked for: names it in the chain."""
    depth: int = 0
    """The most steps there are between it and the file that was asked for."""
    stage: str = ""
    """The command that made it; empty where nothing is known of its making."""
    version: str = ""
    """The version of rlra that made it."""
    command: str = ""
    """How to make it again: the words of the command line, quoted for a shell, without secrets."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    """Every option that decided its bytes."""
    inputs: tuple[str, ...] = ()
    """The paths of what it was made from."""
    roles: tuple[str, ...] = ()
    """As what each of the inputs was read: `input`, `rubrics.0`, `model`, …"""
    sha256: str = ""
    """Of its decompressed bytes, of a model the digest of its weights; of what is gone, what it was when it was used.
    Empty where nobody looked."""
    records: int | None = None
    """Its lines; where it is gone, those that the step counted which read it. None for what has no lines."""
    started: str = ""
    """When its making began, in UTC."""
    seconds: float | None = None
    """How long its making took."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    """What its step counted: responses, failures, what was dropped and why."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """What its models used: calls, tokens, cost."""
    state: State = "no manifest"
    """Whether it is what its manifest says, and what it was made from still is what it was."""
    why: str = ""
    """The reason for the state, in words."""
    folder: str = ""
    """Where the command was typed, as far as that follows from where the artifact lies."""
    is_sound: bool = True
    """Whether nothing speaks against it: it holds, is a source, or was removed by the run that made it."""
    names: tuple[str, ...] = ()
    """The files that its command names and that are there."""
    writes: tuple[str, ...] = ()
    """Where its command writes, as its words say."""
    link: str = ""
    """Where it leads, as seen from its folder, if it is a link."""


USED = ("calls", "asked", "tokens", "tokens_in", "tokens_out", "tokens_cached", "transport_retries", "usd")
"""What of a step's counts is about its models."""
ENDLESS = 1e12
"""Seconds that nothing takes; some 30,000 years. A manifest may say anything, also NaN."""


def origins(*paths: str) -> list[Origin]:
    """Return what led to the artifacts at `paths`, these first, each file once and behind all that it went into.

    A path may be a file, a folder of parts, a run of `rlra train`, a URL, or a manifest itself. Raises RlraError where
    nothing lies there, or its manifest cannot be read.
    """
    chain = Chain([artifact_of(path) for path in paths])
    standing = standings(chain)
    is_relative = not any(Path(path).is_absolute() for path in paths)
    order = sorted(chain.links.values(), key=lambda link: link.depth)
    return [_origin(link, chain, standing[link.path], is_relative) for link in order]


def _origin(link: Link, chain: Chain, standing: Standing, is_relative: bool) -> Origin:
    def told(path: str) -> str:
        stdin, rest = (STDIN, path.removeprefix(STDIN)) if path.startswith(STDIN) else ("", path)
        return stdin + _told(rest, is_relative) if stdin or chain.links[path].is_place else path

    seen, then = link.seen, [use for _, use in link.used_by]
    records = next((use.records for use in then if use.records is not None), None)
    sha256 = next((use.sha256 for use in then if use.sha256), "")
    about: dict[str, Any] = {
        "name": link.name,
        "path": told(link.path),
        "depth": link.depth,
        "inputs": tuple(told(path) for path, _ in link.made_of),
        "roles": tuple(use.role for _, use in link.made_of),
        "sha256": seen.sha256 or sha256,
        "records": records if seen.records is None else seen.records,
        "state": standing.state,
        "why": standing.why,
        "is_sound": standing.is_sound,
    }
    return Origin(**about, **(_making(link, link.manifest, is_relative) if link.manifest else {}))


def _making(link: Link, manifest: Manifest, is_relative: bool) -> dict[str, Any]:
    """Return what a manifest says of how its artifact was made."""
    recipe, run = manifest.recipe, manifest.run
    counts, seconds, started = run.get("counts"), run.get("seconds"), run.get("started")
    counts = counts if isinstance(counts, dict) else {}
    command, folder, words = command_of(link.path, manifest)
    place = Path(link.path)
    piped = next((path for path, use in link.made_of if use.name == "-" and not path.startswith(STDIN)), None)
    command = fed(command, os.path.relpath(piped, folder or os.curdir)) if piped else command
    return {
        "stage": recipe.stage,
        "version": recipe.rlra,
        "spec": recipe.spec,
        "command": command,
        "folder": "" if folder is None else _told(folder, is_relative),
        "names": tuple(_told(path, is_relative) for path in named(words, folder)),
        "writes": tuple(_told(path, is_relative) for path in written(words, folder)),
        "link": os.path.relpath(place.resolve(), place.parent.resolve()) if place.is_symlink() else "",
        "started": started if isinstance(started, str) else "",
        "seconds": float(seconds) if isinstance(seconds, float | int) and abs(seconds) < ENDLESS else None,
        "counts": counts,
        "usage": {name: counts[name] for name in USED if name in counts},
    }


def _told(path: str, is_relative: bool) -> str:
    """Return a path as the one that was asked for was given: from the folder that one is in, or whole."""
    if is_remote(path):
        return shown(path)
    return os.path.relpath(path) if is_relative else path
