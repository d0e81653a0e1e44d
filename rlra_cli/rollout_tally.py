"""What is told of sampled lines: their counts, how fast they came, and what they are unfit for."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rlra_cli import ui
from schemas.rollouts import Rollouts
from stages.rollout import RolloutSpec, unfit

if TYPE_CHECKING:
    from stages.until_spread import Spread


class Tally:
    """Counts lines, and knows what the counts do not say: how fast they came, and what they are unfit for."""

    def __init__(self, spec: RolloutSpec | None = None, spread: "Spread | None" = None) -> None:
        """Begin with nothing counted."""
        self._most, self._size = (spec.until_spread, spec.group_size) if spec else (0, 0)
        self._spread = spread
        self._unfit: dict[str, None] = {}
        self._tokens, self._seconds = 0, 0.0

    def __call__(self, group: Rollouts) -> Counter[str]:
        """Return the counts of one line."""
        self._unfit.update(dict.fromkeys(unfit(group)))
        counts = Counter(
            responses=len(group.responses),
            tokens=_length(group),
            cut_off=sum(response.was_cut_off for response in group.responses),
            failed=sum(response.finish == "failed" for response in group.responses),
        )
        if self._spread is not None:
            counts["sampled_further"] = len(group.responses) > self._size
            # A group that ended before it had them all has spread, or no answer at all.
            counts["without_spread"] = len(group.responses) >= self._most and not any(self._spread.differing([group]))
        return counts

    def timed(self, groups: Iterator[Rollouts]) -> Iterator[Rollouts]:
        """Yield groups that are made now, and learn how long they take to make."""
        began = time.monotonic()
        for group in groups:
            self._tokens, self._seconds = self._tokens + _length(group), time.monotonic() - began
            yield group

    def say(self, quiet: bool) -> None:
        """Say how fast the lines came that were made now, and why staged training cannot learn from the lines."""
        speed = [f"{self._tokens / self._seconds:,.0f} tokens per second"] if self._tokens else []
        why = [f"unfit for staged training: {', '.join(self._unfit)}"] if self._unfit else []
        if told := "; ".join(speed + why):
            ui.say(f"rollout: {told}", quiet)


def _length(group: Rollouts) -> int:
    return sum(response.length for response in group.responses)
