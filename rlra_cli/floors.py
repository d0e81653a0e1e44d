"""Floors under a judge's agreement with people, as `NAME=VALUE` on the command line."""

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING

from schemas.errors import BarMissedError, RlraError

if TYPE_CHECKING:
    from schemas.agreement import Agreement


def floors_of(given: Sequence[str], option: str) -> dict[str, float]:
    """Return the floors by the name of their statistic. Raises RlraError naming `option` for what is none."""
    from stages.eval_agreement import held_to

    floors: dict[str, float] = {}
    for word in given:
        name, _, number = word.partition("=")
        try:
            floors[name] = float(number)
        except ValueError:
            floors[name] = nan
        if not isfinite(floors[name]):
            raise RlraError(f"{option}: '{word}' is not NAME=FLOOR", hint="such as kappa=0.6")
    held_to(floors)
    return floors


def hold(overall: "Agreement", floors: Mapping[str, float], what: str) -> None:
    """Raise BarMissedError, beginning with `what`, where an agreement is below a floor or undefined."""
    from stages.eval_agreement import missed

    below = [
        f"{name} is {'undefined' if value is None else f'{value:.3f}'}, and its floor {floor:g}"
        for name, value, floor in missed(overall, floors)
    ]
    if below:
        raise BarMissedError(f"{what}: {'; '.join(below)}")
