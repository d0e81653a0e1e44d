"""The goes of an interrupted run: what they took together, kept beside what they left."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from schemas.base import Part, digest

if TYPE_CHECKING:
    from rlra_cli.run import Job

RESUMED = "resumed_after"
"""The count of what was there when a run went on behind a go that was killed: nobody knows what that one took."""

TAKEN = "taken.json"
"""What a run that makes a folder keeps there for its next go."""


class Taken(Part):
    """What the goes of a run took so far."""

    recipe: str
    """The digest of what was to be made: another run has taken nothing yet."""
    started: float
    """When the first of them began, in seconds since 1970."""
    seconds: float
    counts: dict[str, int | float]
    """What their models counted."""


@contextmanager
def all_goes(job: "Job", place: Path | None, made: int, resume: bool) -> Iterator[None]:
    """Let `job` tell of all goes of its run together, and keep at `place` what they took if this one is broken off.

    Its clocks are set back by what earlier goes took, and it counts what their models counted. `made` lines, steps or
    rounds are there already: where no go kept what they took, as one that is killed cannot, `RESUMED` counts them.
    """
    if place is None:
        yield
        return
    recipe = digest(job.recipe())
    earlier = _left(place, recipe) if resume else None
    if earlier is None and made:
        earlier = Taken(recipe=recipe, started=job.clock, seconds=0, counts={RESUMED: made})
    if earlier:
        job.clock, job.started = earlier.started, job.started - earlier.seconds
        job.counts.update(_numbers(earlier.counts))
        # Should this go be killed, the next one finds that something is missing.
        _keep(place, earlier.model_copy(update={"counts": {RESUMED: made, **earlier.counts}}))
    else:
        place.unlink(missing_ok=True)
    try:
        yield
    except BaseException:
        counts = Counter(_numbers(earlier.counts) if earlier else {})
        counts.update(job.spending())
        seconds = time.monotonic() - job.started
        took = Taken(recipe=recipe, started=job.clock, seconds=seconds, counts=dict(counts))
        with suppress(OSError):  # a disk that is full is why it ends
            _keep(place, took)
        raise
    place.unlink(missing_ok=True)


def _left(place: Path, recipe: str) -> Taken | None:
    """Return what earlier goes of this run kept, as far as it can be read."""
    try:
        found = Taken.model_validate_json(place.read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.recipe == recipe else None


def _keep(place: Path, took: Taken) -> None:
    place.write_text(took.model_dump_json())


def _numbers(counts: Mapping[str, int | float]) -> dict[str, int]:
    """Return counts for a `Counter`, whose values are annotated as whole: dollars are not."""
    return cast("dict[str, int]", dict(counts))
