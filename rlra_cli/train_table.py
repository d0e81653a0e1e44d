"""A training run as it goes on: a table of its last steps on a terminal, elsewhere one line per step."""

import sys
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rlra_cli import ui
from schemas.train_log import TrainLog
from stages.reports.reading import figure

if TYPE_CHECKING:
    from rich.console import Group

ROWS = 15
"""Steps in sight."""
SHOWN = {
    "reward": "reward",
    "reward_spread": "spread",
    "sampler_kl": "KL",
    "kl": "KL\nref",
    "sampler_ess": "ESS",
    "entropy": "entropy",
    "length": "length",
    "veto_rate": "veto",
    "seconds/step": "s",
    "seconds/sampling": "sample",
    "seconds/judging": "judge",
    "seconds/learning": "learn",
}
"""Measures of a step that a person follows, and what they are called where there is little room."""
_SAID = ("loss", "grad_norm", "reward", "sampler_kl", "sampler_ess", "entropy")
_ZERO = 1e-5


class Lines:
    """Tells of each step in a line on stderr."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._explained = quiet, False

    def add(self, line: TrainLog) -> None:
        """Tell of one line of the log."""
        if line.event:
            ui.say(f"train: step {line.step}: {line.event}", self._quiet)
        elif line.metrics:
            self._step(line)
            if not self._explained and (why := zero_is_normal(line)):
                self._explained = True
                ui.say(why, self._quiet)

    def _step(self, line: TrainLog) -> None:
        told = ", ".join(f"{name} {line.metrics[name]:.4g}" for name in _SAID if name in line.metrics)
        ui.say(f"train: step {line.step}: {told}", self._quiet)

    def close(self) -> None:
        """Leave the terminal as it was."""


class LiveTable(Lines):
    """Shows the last steps in a table that stays in its place."""

    def __init__(self, console: Any) -> None:
        """Draw on `console`, from the first step on."""
        from rich.live import Live

        super().__init__(quiet=False)
        self._rows: deque[TrainLog] = deque(maxlen=ROWS)
        self._live = Live(console=console, auto_refresh=False)

    def _step(self, line: TrainLog) -> None:
        self._rows.append(line)
        self._live.start()
        self._live.console.show_cursor()  # a run that is killed must not leave a terminal without one
        self._live.update(step_table(self._rows), refresh=True)

    def close(self) -> None:
        """Leave the table where it is, and the cursor below it."""
        self._live.stop()


def watching(quiet: bool) -> Lines:
    """Return what suits stderr."""
    if quiet or not sys.stderr.isatty():
        return Lines(quiet)
    return LiveTable(ui.console())


def step_table(lines: Iterable[TrainLog]) -> "Group":
    """Return steps as rows, with the measures that some step has, and the time left below."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows = list(lines)
    names = [name for name in SHOWN if any(name in line.metrics for line in rows)]
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for heading in ("step", *(SHOWN[name] for name in names)):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in rows:
        table.add_row(str(line.step), *(_cell(name, line.metrics.get(name)) for name in names))
    return Group(table, Text(_progress(rows), style="dim"))


def _cell(name: str, value: float | None) -> str:
    if value is None or not (name == "length" or name.startswith("seconds/")):
        return figure(value)
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _progress(rows: list[TrainLog]) -> str:
    last = rows[-1]
    if not last.steps:
        return f"step {last.step}, {ui.span(last.seconds)}"
    first = rows[0]
    pace = (
        (last.seconds - first.seconds) / (last.step - first.step)
        if last.step > first.step
        else last.metrics.get("seconds/step", 0.0)
    )
    left = ui.span((last.steps - last.step) * pace)
    return f"step {last.step} of {last.steps}, {ui.span(last.seconds)}, {left} left"


def zero_is_normal(line: TrainLog) -> str | None:
    """Return why a loss of 0 is no fault, where it is 0 and the gradient is not."""
    norm = line.metrics.get("grad_norm", 0.0)
    if abs(line.metrics.get("loss", 1.0)) > _ZERO or norm < _ZERO:
        return None
    return (
        f"train: a loss of 0 is normal: the advantages of a group add up to 0, and on policy every ratio is 1. "
        f"The gradient, here of norm {norm:.3g}, is what the run learns from"
    )
