"""A draft as a reviewer sees it: prompt, rubric, what the linter finds, and what was done so far."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from rlra_cli import ui
from rlra_cli.lint_text import STYLES
from rlra_cli.rubric_files import Placed, try_checks
from rlra_cli.rubric_text import rubric_text
from rlra_cli.rubrics_review_answers import KEYS
from rlra_cli.rubrics_review_pile import Pile
from rlra_cli.safe_text import as_json, line, shown
from rlra_cli.show_text import life
from schemas.errors import RlraError
from schemas.rubric import Rubric
from schemas.task import Task
from stages.visible import one_line

_LONGEST = 400


class Screen:
    """Prints drafts to stderr."""

    def __init__(self, pile: Pile) -> None:
        self._pile = pile
        self._console = Console(stderr=True, highlight=False)

    def show(self, name: str, rubric: Rubric, place: str) -> None:
        """Print one draft: all that a decision about it needs. `place` says which of how many it is."""
        record = self._pile.record(name)
        task = record.model_copy(update={"rubric": rubric}) if isinstance(record, Task) else None
        self._console.print()
        self._console.rule(shown(place, "bold"), align="left", style="dim")
        self._console.print(life(task) if task else rubric_text(rubric))
        for part in (*_about(rubric), *self._findings(name, rubric, task)):
            self._console.print(part, soft_wrap=True)
        self.say("   ".join(f"[{key}] {does}" for key, does in KEYS.items()))

    def say(self, text: str) -> None:
        """Print a line."""
        ui.say(text)

    def complain(self, error: RlraError) -> None:
        """Print what stood in the way, and what may help."""
        ui.complain(error)

    def _findings(self, name: str, rubric: Rubric, task: Task | None) -> Iterator[RenderableType]:
        import stages.checks
        import stages.lint  # noqa: F401 (registers every rule)
        from stages.lint.base import REGISTRY
        from stages.lint.linter import Linter

        where = self._pile.where(name)
        try:
            try_checks(Placed(rubric, where))
        except RlraError as error:  # the linter needs checks that exist
            yield line(("error", STYLES["error"]), (one_line(error.message, _LONGEST), ""))
            return
        for found in Linter().lint(rubric, lambda _: where, task):
            said = f"{found.criterion}: {found.message}" if found.criterion else found.message
            start = Text(f"{found.severity:<7}  {found.code} {REGISTRY[found.code].name}  ", STYLES[found.severity])
            yield start.append(shown(one_line(said, _LONGEST)))


def _about(rubric: Rubric) -> Iterator[RenderableType]:
    """Yield what it is for and what was done with it, where these are said."""
    said = {
        "title": rubric.title,
        "applies to": as_json(rubric.applies_to) if rubric.applies_to else "",
        "tags": ", ".join(rubric.tags),
        "silenced": ", ".join(rubric.silence),
        "meta": as_json(rubric.meta) if rubric.meta else "",
    }
    yield from (line((name, "cyan"), (text, "")) for name, text in said.items() if text)
    for step in rubric.review.history if rubric.review else ():
        yield line((step.on, "dim"), (f"{step.did} by {step.by or 'somebody'}", ""), (step.comment, "italic"))
