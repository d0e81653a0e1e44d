"""The training between the files of `rlra eval`: its logs, what a gold judge said, what it sampled."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rlra_cli import ui
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.train_log import TrainLog

if TYPE_CHECKING:
    from stages.reports.examples import Shown
    from stages.reports.html import Training


def gold_files(words: Sequence[str]) -> dict[int, Source]:
    """Return the files of `--gold STEP=FILE` by step, in order. Raises RlraError for other words."""
    found: dict[int, Source] = {}
    for word in words:
        step, equals, path = word.partition("=")
        if not (step.isdecimal() and equals and path):
            raise RlraError(
                f"--gold {word}: is not STEP=FILE", hint="such as --gold 0=base.jsonl --gold 24=later.jsonl"
            )
        if int(step) in found:
            raise RlraError(f"--gold {word}: step {step} is given twice")
        found[int(step)] = Source(path)
    return dict(sorted(found.items()))


def training(logs: Sequence[Path], golds: Mapping[int, Source], quiet: bool) -> "Training":
    """Return what is known of the training; say where the gold judge parts from the training reward, if it does.

    Raises RlraError when there are gold files and no training reward to hold them against, and for a gold file without
    a reward.
    """
    from stages.measures import REWARD, group_mean
    from stages.reports.html import Training
    from stages.reports.learning import learning_curve
    from stages.training.parting import Held, parting, training_at

    lines = [line for log in logs for line in Source(str(log)).read(TrainLog)]
    steps, rewards, _ = learning_curve(lines)
    if golds and not steps:
        raise RlraError("--gold needs a training log with rewards", hint="name it with --train-log")
    points = []
    for step, source in golds.items():
        means = {line.id: group_mean(line, REWARD) for line in source.read(Judged)}
        gold = {name: mean for name, mean in means.items() if mean is not None}
        if not gold:
            raise RlraError(
                f"{source.name}: no response has a reward",
                hint=f"judge it again, or leave out --gold {step}=FILE",
            )
        points.append(Held(step, training_at(steps, rewards, step), gold))
    if parted := parting(points):
        ui.say(f"eval: {parted.says}", quiet)
    return Training(lines, points, parted, _samples(logs, quiet))


def _samples(logs: Sequence[Path], quiet: bool) -> "list[tuple[Judged, Shown]]":
    """Return responses over time from the judged files of the run, where they lie beside its logs."""
    from stages.reports.samples import over_time

    files = [path for log in logs for path in _judged_beside(log)]
    try:
        return over_time(lambda: chain.from_iterable(Source(str(path)).read(Judged) for path in files))
    except RlraError as error:
        ui.say(f"eval: no responses over time are shown: {error.message}", quiet)
        return []


def _judged_beside(log: Path) -> Iterator[Path]:
    """Yield the run's own file of an online run, those of its rounds, or the one that a round's model came from."""
    rounds = sorted(log.parent.glob("round-*/judged.jsonl"), key=lambda path: (len(path.parent.name), path))
    for candidates in ([log.parent / "judged.jsonl"], rounds, [log.parent.parent / "judged.jsonl"]):
        if found := [path for path in candidates if path.is_file()]:
            yield from found
            return
