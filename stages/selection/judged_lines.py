"""Judged lines, as selection reads them."""

import difflib
from collections.abc import Sequence

from schemas.errors import RlraError
from schemas.judged import Judged, JudgedResponse
from schemas.task import Task
from stages.selection.entry import Entry
from stages.selection.fields import at, label
from stages.selection.rows import NAN, Row
from stages.selection.spec import SelectDataSpec
from stages.selection.statistics import CRITERION, spread, statistic

MOST_NAMES = 1000
"""So many of the other criteria are remembered: with a rubric for every prompt there may be any number."""


class JudgedLines:
    """Reads `judged/1` lines."""

    def __init__(self, spec: SelectDataSpec) -> None:
        self._spec = spec
        self._pool, self._kind = (tuple(path.split(".")) if path else () for path in (spec.by, spec.balance))
        self._has_criterion = False
        self._others: dict[str, None] = {}

    def record(self, entry: Entry) -> Judged:
        """Return the line as a record."""
        return entry.record(Judged)

    def row(self, entry: Entry) -> Row:
        """Return what selection needs to know of the line."""
        group = self.record(entry)
        scored = [response for response in group.responses if response.reward is not None]
        rewards = [response.reward for response in scored if response.reward is not None]
        return Row(
            id=group.id,
            pool=label(at(group, self._pool)) if self._pool else "",
            kind=label(at(group, self._kind)) if self._kind else "",
            value=self._value(group, scored, rewards),
            range=max(rewards) - min(rewards) if rewards else NAN,
            spread=spread(rewards) if rewards else NAN,
            scored=len(scored),
            answered=sum(response.finish != "failed" for response in group.responses),
            vetoed=sum(bool(response.vetoed_by) for response in scored) / len(scored) if scored else NAN,
            cut_off=sum(response.finish == "length" for response in group.responses) / len(group.responses),
            characters=len(self.text(entry)),
        )

    def _value(self, group: Judged, scored: Sequence[JudgedResponse], rewards: Sequence[float]) -> float:
        name = self._spec.statistic.removeprefix(CRITERION)
        if name == self._spec.statistic:
            return statistic(rewards, name, self._spec.pass_at) if rewards else NAN
        from stages.measures import level, rubric_of  # takes long to load

        ids = [criterion.id for criterion in rubric_of(group).leaves]
        if name not in ids:
            if not self._has_criterion and len(self._others) < MOST_NAMES:
                self._others |= dict.fromkeys(ids)
            return NAN
        self._has_criterion = True
        column, criterion = ids.index(name), rubric_of(group).leaves[ids.index(name)]
        levels = [level(criterion, response.verdicts[column]) for response in scored]
        known = [value for value in levels if value is not None]
        return sum(known) / len(known) if known else NAN

    def refuse_stranger(self) -> None:
        """Raise RlraError where the statistic is of a criterion that none of the lines has that were read."""
        if self._others and not self._has_criterion:
            near = difflib.get_close_matches(self._spec.statistic.removeprefix(CRITERION), self._others, n=3, cutoff=0)
            said = f"--statistic {self._spec.statistic}: no line has this criterion"
            raise RlraError(said, hint=f"the nearest that there are: {', '.join(near)}")

    def text(self, entry: Entry) -> str:
        """Return the turns of the user."""
        return asked(self.record(entry))


def asked(task: Task) -> str:
    """Return what the user says in a task, turn by turn."""
    return "\n".join([*(turn.content for turn in task.messages if turn.role == "user"), *task.follow_ups])
