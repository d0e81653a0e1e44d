"""Criteria that a program decides: the checks of the registry, and Python in the sandbox."""

from collections.abc import Callable
from functools import partial

from schemas.base import digest
from schemas.criterion import Criterion
from schemas.errors import RlraError
from schemas.judged import Verdict
from schemas.task import Task
from stages import verdicts
from stages.checks.base import Outcome, bind
from stages.checks.sandbox import PythonChecks, SandboxError


class Programs:
    """Binds each check once. To be closed, for the sandbox's workers."""

    def __init__(self) -> None:
        """Begin with nothing bound, and no worker started."""
        self._bound: dict[str, Callable[[str, Task], Outcome]] = {}
        self._sandbox: PythonChecks | None = None

    def accept(self, criterion: Criterion) -> None:
        """Bind the program of `criterion`. Raises RlraError for an unknown check, wrong arguments and bad source."""
        name = _name(criterion)
        if name not in self._bound:
            self._bound[name] = bind(criterion.check) if criterion.check is not None else self._python(criterion)

    def _python(self, criterion: Criterion) -> Callable[[str, Task], Outcome]:
        self._sandbox = self._sandbox or PythonChecks()
        source = criterion.python or ""
        try:
            self._sandbox.compile(source)
        except SandboxError as error:
            raise RlraError(f"criterion '{criterion.id}': python: {error}") from None
        return partial(self._sandbox.score, source)

    def verdict(self, criterion: Criterion, key: str, task: Task, response: str) -> Verdict:
        """Return what the program says; one that breaks gives a failed verdict, never a score."""
        try:
            outcome = self._bound[_name(criterion)](response, task)
        except SandboxError as error:
            return verdicts.failed(criterion, "check", str(error), verdicts.BY_CHECK, key)
        return verdicts.from_check(criterion, outcome, key)

    def close(self) -> None:
        """End the sandbox's workers, if there are any."""
        if self._sandbox:
            self._sandbox.close()


def _name(criterion: Criterion) -> str:
    return digest([criterion.check, criterion.python])
