"""Whether each link of a chain is still what its manifest says, and what it was made from still what it was."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.base import digest
from stages.provenance_chain import Chain, Link
from stages.provenance_uses import OPTION, Use, name_of

State = Literal["holds", "stale", "changed", "missing", "no manifest"]
REASONS = 3
"""How many reasons are told in full."""


@dataclass(frozen=True)
class Standing:
    """How a link stands."""

    state: State
    why: str
    is_sound: bool
    is_stale: bool
    """Whether it would come out another today, whatever its own state."""


def standings(chain: Chain) -> dict[str, Standing]:
    """Return how each link stands, by path; staleness goes from what changed to all that was made from it."""
    found: dict[str, Standing] = {}
    for link in chain.sources_first():
        reasons = list(dict.fromkeys(_reasons(link, chain, found)))
        found[link.path] = _standing(link, reasons)
    return found


def _standing(link: Link, reasons: list[str]) -> Standing:
    state, why, is_sound = _itself(link)
    is_sound = is_sound or link.is_for_its_command
    if reasons and state in ("holds", "no manifest"):
        state, why = "stale", ""
    elif reasons:
        why = f"{why}; stale too"
    more = f"; and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
    said = "; ".join([*([why] if why else []), *reasons[:REASONS]]) + more
    return Standing(state, said, is_sound and not reasons, bool(reasons))


def _itself(link: Link) -> tuple[State, str, bool]:
    """Return the state of a link by its own bytes, why, and whether nothing speaks against it."""
    if not link.is_place:
        return "no manifest", link.note, True
    if link.trouble:
        return "no manifest", link.trouble, False
    if not link.seen.is_there:
        return _missing(link)
    if link.manifest is None:
        return _source(link)
    if (made := link.manifest.recipe.sha256) and not link.seen.has(made):
        return "changed", "it is not what its manifest tells of", False
    return "holds", link.note, not link.note


def _missing(link: Link) -> tuple[State, str, bool]:
    if link.manifest is None:
        said = link.seen.why if link.seen.why and "no such file" not in link.seen.why else "not found"
        return "missing", said, False
    made = link.manifest.recipe.sha256
    fits = all(use.sha256 in ("", made) for _, use in link.used_by)
    if link.is_model and re.search(r"/round-[0-9]+/model$", link.path):
        return "missing", "its weights were removed by later rounds; its manifest is there", fits
    return "missing", "only its manifest is there", False


def _source(link: Link) -> tuple[State, str, bool]:
    """Return the state of what has no manifest: it is compared with what it was when something was made from it."""
    others = [path for path, use in link.used_by if use.sha256 and not link.seen.has(use.sha256)]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return "changed", f"it is not what {name_of(others[0])}{more} was made from", False
    if any(use.recipe for _, use in link.used_by):
        return "no manifest", "it had one, which is gone", False
    return "no manifest", link.note, True


def _reasons(link: Link, chain: Chain, found: Mapping[str, Standing]) -> Iterator[str]:
    """Yield why a link would come out another if it were made again."""
    for path, use in link.made_of:
        used = chain.links[path]
        made = used.manifest.recipe.sha256 if used.manifest else None
        name = name_of(path) if used.is_place else used.name
        if use.sha256 and used.is_place and _is_other(used, use, made):
            yield f"{name} has changed since" if use.role.startswith(OPTION) else f"{name} is not what it was made from"
        elif use.recipe and used.manifest and digest(used.manifest.recipe) != use.recipe:
            yield f"{name} was made again from other inputs or with other options"
        elif found[path].is_stale:
            yield f"{name} is stale"


def _is_other(used: Link, use: Use, made: str | None) -> bool:
    if used.seen.is_there:
        return not used.seen.has(use.sha256)
    return made is not None and made != use.sha256
