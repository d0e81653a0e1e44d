"""What the steps behind a report took, and what their selections left out, as their manifests say."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from stages.reports.chain import common_folder, once, place_of

if TYPE_CHECKING:
    from stages.provenance import Origin

MOST_STEPS = 60
"""Rows of a table; the sums are over all steps."""
SPENT = ("responses", "tokens", "calls", "tokens_in", "tokens_out", "usd")
"""What is added up: responses and tokens that were sampled, calls to judges or writers and their tokens, dollars."""
_DROPPED = "dropped_"
BEYOND = 2**63
"""Larger than any count: sums of what is below it stay numbers."""
_RESUMED = "resumed_after"
_KEPT = "kept"
"""What a training in rounds counts of all its selections."""


@dataclass(frozen=True)
class Step:
    """One command, and what it took."""

    stage: str
    place: str
    """The file, or the folder of the model, that it made, below the folder that all files are in."""
    started: str
    seconds: float | None
    figures: Mapping[str, float]
    """Its counts by name: `records`, `responses`, `tokens`, `calls`, `tokens_in`, `tokens_out`, `usd`, `steps`, …"""

    @property
    def at_least(self) -> bool:
        """Whether a go of it was killed: its time, and what its models took, are those of the others alone."""
        return _RESUMED in self.figures


@dataclass(frozen=True)
class Sieve:
    """One selection: what came in, what each reason took, what stayed."""

    place: str
    """The file that it made, below the folder that all files are in."""
    kept: int
    dropped: Mapping[str, int]
    """Lines left out by reason, in the order in which they were asked for."""

    @property
    def came(self) -> int:
        """The lines that came in."""
        return self.kept + sum(self.dropped.values())


def steps(origins: Sequence["Origin"]) -> list[Step]:
    """Return the commands in the order in which they began, each once.

    What a training run made inside its own folder, as its rounds are, is a part of that run and not counted beside it:
    its seconds are the run's, and what the run itself did not count is added to its counts.
    """
    inside: dict[str, list[Origin]] = {}
    alone = []
    for origin, owner in _owned(origins):
        if owner:
            inside.setdefault(owner.path, []).append(origin)
        else:
            alone.append(origin)
    folder = common_folder(once(origins))
    # Of two that began in the same second, what is further from the output came first.
    alone.sort(key=lambda origin: (origin.started, -origin.depth))
    return [_step(origin, inside.get(origin.path, []), folder) for origin in alone]


def _owned(origins: Sequence["Origin"]) -> "list[tuple[Origin, Origin | None]]":
    """Return what commands made, each once, with the training run in whose folder it lies, if there is one."""
    made = [origin for origin in once(origins) if origin.stage]
    runs = _outermost([origin for origin in made if origin.stage == "train"])
    return [(origin, next((run for run in runs if _is_inside(_lies_at(origin), run.path)), None)) for origin in made]


def _outermost(runs: Sequence["Origin"]) -> list["Origin"]:
    return [run for run in runs if not any(_is_inside(_lies_at(run), other.path) for other in runs)]


def _lies_at(origin: "Origin") -> str:
    """Return where an origin lies: a link, such as `best` to a round's model, where it leads."""
    return os.path.normpath(PurePath(origin.path).parent / origin.link) if origin.link else origin.path


def _is_inside(path: str, folder: str) -> bool:
    return path != folder and PurePath(path).is_relative_to(folder)


def _step(origin: "Origin", parts: Sequence["Origin"], folder: str) -> Step:
    own = dict(_numbers(origin))
    figures = dict(own)
    for part in parts:
        for name, value in _numbers(part):
            # What was judged was sampled before, and is no other response.
            if name in SPENT and name not in own and (name != "responses" or part.stage == "rollout"):
                figures[name] = figures.get(name, 0) + value
    return Step(origin.stage, place_of(origin, folder), origin.started, origin.seconds, figures)


def _numbers(origin: "Origin") -> Iterator[tuple[str, float]]:
    for name, value in {**origin.counts, **origin.usage}.items():
        if is_number(value):
            yield name, value


def is_number(value: Any) -> bool:
    """Return whether a count of a manifest is one: manifests hold whatever somebody wrote into them, also NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < BEYOND


def total(found: Sequence[Step], name: str) -> float | None:
    """Return the sum of one figure over all steps; None where no step has it.

    Responses are those that were sampled, as far as it is known where: judging them made no others.
    """
    having = [step for step in found if name in step.figures]
    sampled = [step for step in having if step.stage != "judge"] if name == "responses" else []
    known = [step.figures[name] for step in sampled or having]
    return sum(known) if known else None


def seconds(found: Sequence[Step]) -> float | None:
    """Return the seconds of all steps in a row; None where no step says."""
    known = [step.seconds for step in found if step.seconds is not None]
    return sum(known) if known else None


def sieves(origins: Sequence["Origin"]) -> list[Sieve]:
    """Return the selections among the steps, in the order in which they were made.

    Those of a training run that counted what its rounds selected are one, and not told again.
    """
    made = [
        (origin, "records" if origin.stage == "select-data" else _KEPT)
        for origin, owner in _owned(origins)
        if _selects(origin) and not (owner and _selects(owner))
    ]
    folder = common_folder(once(origins))
    return [_sieve(origin, kept, folder) for origin, kept in sorted(made, key=lambda each: each[0].started)]


def _selects(origin: "Origin") -> bool:
    return origin.stage == "select-data" or (origin.stage == "train" and _KEPT in dict(_numbers(origin)))


def _sieve(origin: "Origin", kept: str, folder: str) -> Sieve:
    counted = {name: int(value) for name, value in _numbers(origin)}
    dropped = {name.removeprefix(_DROPPED): n for name, n in counted.items() if name.startswith(_DROPPED)}
    return Sieve(place_of(origin, folder), counted.get(kept, origin.records or 0), dropped)
