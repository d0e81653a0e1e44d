"""Task lines, as selection reads them before anything is sampled."""

from schemas.task import Task
from stages.selection.entry import Entry
from stages.selection.fields import at, label
from stages.selection.judged_lines import asked
from stages.selection.rows import NAN, Row
from stages.selection.spec import SelectDataSpec


class TaskLines:
    """Reads `task/1` lines, of which only the prompts can be looked at."""

    def __init__(self, spec: SelectDataSpec) -> None:
        self._pool, self._kind = (tuple(path.split(".")) if path else () for path in (spec.by, spec.balance))

    def record(self, entry: Entry) -> Task:
        """Return the line as a record."""
        return entry.record(Task)

    def row(self, entry: Entry) -> Row:
        """Return what selection needs to know of the line. The statistic is 0 for all: no band is asked for."""
        task = self.record(entry)
        pool = label(at(task, self._pool)) if self._pool else ""
        kind = label(at(task, self._kind)) if self._kind else ""
        return Row(task.id, pool, kind, 0.0, NAN, NAN, NAN, NAN, NAN, NAN, len(self.text(entry)))

    def text(self, entry: Entry) -> str:
        """Return the turns of the user."""
        return asked(self.record(entry))
