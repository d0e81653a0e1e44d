"""TensorBoard, trackio and W&B, fed with the lines of the training log under the log's own names."""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from schemas.errors import RlraError
from schemas.train_log import TrainLog

_INSTALL = {"tensorboard": "tensorboard", "trackio": "'rlra[trackio]'", "wandb": "wandb"}


class Tracker(Protocol):
    """Where measures go besides the log."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Take the measures of a step."""

    def close(self) -> None:
        """Write what is still held back."""


class Trackers:
    """The trackers of one run. One that fails is told of and left out: it never ends a run."""

    def __init__(
        self, names: Sequence[str], folder: Path, recipe: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        """Begin a run in each; `folder` is the run's, and `recipe` the options that it was given."""
        self._tell = tell
        self._open: dict[str, Tracker] = {}
        for name in names:
            self._guarded(name, partial(self._begin, name, folder, recipe))

    def write(self, line: TrainLog) -> None:
        """Hand on the measures of one line."""
        for name, tracker in list(self._open.items()):
            if line.metrics:
                self._guarded(name, partial(tracker.log, line.metrics, line.step))

    def close(self) -> None:
        """End the run in each."""
        for name, tracker in list(self._open.items()):
            self._guarded(name, tracker.close)
        self._open.clear()

    def _begin(self, name: str, folder: Path, recipe: Mapping[str, Any]) -> None:
        self._open[name] = _OPENERS[name](folder, recipe)

    def _guarded(self, name: str, act: Callable[[], Any]) -> None:
        try:
            with redirect_stdout(sys.stderr):  # stdout is for records, and trackio greets there
                act()
        except Exception as error:
            self._open.pop(name, None)
            said = str(error).partition("\n")[0] or type(error).__name__
            self._tell(f"train: {name} failed, and the run goes on without it: {said}")


def require(names: Sequence[str]) -> None:
    """Raise RlraError when one of the trackers is unknown, or not installed."""
    for name in names:
        if name not in _INSTALL:
            near = get_close_matches(name, _INSTALL, 1)
            raise RlraError(
                f"--report-to {name}: is not one of {', '.join(_INSTALL)}",
                hint=f"did you mean {near[0]}?" if near else None,
            )
        # A folder of that name, as W&B leaves one behind, is found too, but has no code of its own.
        if (spec := importlib.util.find_spec(name)) is None or spec.origin is None:
            raise RlraError(f"--report-to {name}: not installed", hint=f"pip install {_INSTALL[name]}")


def run_name(folder: Path) -> str:
    """Return what trackers call the run in `folder`: its name, and of a round's model the run's and the round's."""
    if folder.name != "model":
        return folder.name
    return "-".join(part.name for part in (folder.resolve().parents[1], folder.resolve().parent))


class _TensorBoard:
    def __init__(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"))
        self._writer.add_text("recipe", "\n".join(f"    {name}: {value}" for name, value in recipe.items()))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _Trackio:
    def __init__(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        import trackio

        self._trackio = trackio
        trackio.init(project="rlra", name=run_name(folder), config=dict(recipe), resume="allow")

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._trackio.log(dict(metrics), step=step)

    def close(self) -> None:
        self._trackio.finish()


class _WandB:
    def __init__(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        import wandb

        self._run = wandb.init(dir=str(folder), name=run_name(folder), config=dict(recipe))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._run.log(dict(metrics), step=step)

    def close(self) -> None:
        self._run.finish()


_OPENERS: dict[str, Callable[[Path, Mapping[str, Any]], Tracker]] = {
    "tensorboard": _TensorBoard,
    "trackio": _Trackio,
    "wandb": _WandB,
}
