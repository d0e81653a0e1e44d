"""Lines that got no rubric: kept beside the output until the run is over, so that it can be gone on with."""

from collections.abc import Iterator
from pathlib import Path

from rlra_cli.rereading import LineTarget
from rlra_cli.run import Job
from schemas.jsonl import Source, Target
from schemas.manifest import Recipe, differing_keys
from schemas.task import Task


def kept_aside(output: str) -> str:
    """Return the name, without its `.partial`, of what is kept beside an output."""
    return f"{output}.put-aside"


class Rejects:
    """The rejected lines of one run. To be closed."""

    def __init__(self, job: Job, file: Path | None, resume: bool) -> None:
        """Go on from what an interrupted run of the same recipe left, with `resume`; in the end all goes to `file`.

        Raises RlraError where another process is at it. A run that writes to a pipe keeps nothing, save in `file`.
        """
        self._file = file
        self._journal: Target | None = None
        self._direct: LineTarget | None = None
        if job.output != "-":
            self._journal = Target(kept_aside(job.output), resume=resume and _goes_on(job))
        elif file is not None:
            self._direct = LineTarget(str(file))

    def kept(self) -> Iterator[Task]:
        """Yield what was rejected before; to be consumed before the first `write`."""
        if self._journal:
            yield from self._journal.kept(Task)

    def write(self, task: Task) -> None:
        """Add one line."""
        if target := self._journal or self._direct:
            target.write(task)

    @property
    def place(self) -> str:
        """Where the lines can be read once `hand_over` was called; "" where nowhere."""
        return str(self._file or (self._journal.partial if self._journal else ""))

    def hand_over(self) -> None:
        """Make the file that was asked for, whole."""
        if self._direct:
            self._direct.complete()
        elif self._journal and self._file:
            target = LineTarget(str(self._file))
            for _, line in Source(str(self._journal.partial)).lines():
                target.copy(line)
            target.complete()

    def close(self) -> None:
        """Let go of the files; what was written stays."""
        for target in (self._journal, self._direct):
            if target:
                target.close()

    def drop(self) -> None:
        """Remove what was kept beside the output, which is complete."""
        if self._journal:
            self._journal.partial.unlink(missing_ok=True)


def _goes_on(job: Job) -> bool:
    """Return whether what lies beside the output may belong to a run that is gone on with.

    Where the output has lines and another recipe, the run refuses to go on, and what was kept must stay.
    """
    partial = Path(f"{job.output}.partial")
    if partial.exists() and partial.stat().st_size:
        return True
    recipe = Path(f"{partial}.recipe.json")
    return recipe.exists() and not differing_keys(Recipe.model_validate_json(recipe.read_bytes()), job.recipe())
