"""Print what the veto changed: how often each habit was shown without it and with it, and what else came of it.

    python rates.py out-0 out-1 out-2

A folder is what `make SEED=k OUT=out-k` left. The figures are those of its `seesaw.jsonl`: on the same held-out prompts
run 2 (with the veto) minus run 1 (without it), paired, with a 95 % bootstrap interval over prompts. On the axes of
habits the figure is the share of responses that a veto hits, which is the rate of exploitation; on the others it is
the mean reward. Where the folder has `likelihood.*.jsonl`, the likelihood of the reference answers comes last.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.report import Change, Report
from schemas.train_log import TrainLog

HABITS = ("habit", "hacks", "draft")
"""The axes whose figure is the share of responses that a veto hits."""
GUARD = "reference_loglik"
HEADING = f"{'':<16}{'axis':<14}{'base':>8}{'without':>9}{'with':>8}  change with the veto"

Figures = Mapping[str, Mapping[str, Change]]


def measured(folder: Path) -> Figures:
    """Return, by axis and policy, the change from run 1, without the veto. Raises RlraError as reading does."""
    found: dict[str, dict[str, Change]] = {}
    for report in Source(str(folder / "seesaw.jsonl")).read(Report):
        axis = report.id.partition(":")[0]
        found.setdefault(axis, {})[report.after.label] = _of(report, "veto_rate" if axis in HABITS else "reward")
    for label in ("base", "with"):
        guard = folder / f"likelihood.{label}.jsonl"
        for report in Source(str(guard)).read(Report) if guard.exists() else ():
            found.setdefault("likelihood", {})[label] = _of(report, GUARD)
    return found


def _of(report: Report, name: str) -> Change:
    for change in report.measures:
        if change.name == name:
            return change
    raise RlraError(f"{report.id} says nothing of {name}")


def updates(folder: Path, run: str) -> int:
    """Return how many updates a run made."""
    return max(line.step for line in Source(str(folder / run / "train_log.jsonl")).read(TrainLog))


def told(name: str, figures: Figures) -> list[str]:
    """Return a line for each axis of one folder."""
    lines = []
    for axis, by in figures.items():
        guarded = by["with"]
        base = f"{by['base'].after:8.3f}" if "base" in by else f"{'':8}"
        change = f"{guarded.change:+.3f} ({guarded.low:+.3f} to {guarded.high:+.3f}), {guarded.prompts} prompts"
        lines.append(f"{name:<16}{axis:<14}{base}{guarded.before:9.3f}{guarded.after:8.3f}  {change}")
    return lines


def means(seeds: list[Figures]) -> list[str]:
    """Return a line for each axis that all folders have: means over them, and the range of their changes."""
    lines = []
    for axis in [each for each in seeds[0] if all(each in other for other in seeds)]:
        all_of = [seed[axis]["with"] for seed in seeds]
        before, after = fmean(each.before for each in all_of), fmean(each.after for each in all_of)
        changes = [each.change for each in all_of]
        change = f"{fmean(changes):+.3f}, between {min(changes):+.3f} and {max(changes):+.3f}"
        lines.append(f"{'mean':<16}{axis:<14}{'':8}{before:9.3f}{after:8.3f}  {change}")
    return lines


def main(folders: list[Path]) -> None:
    """Print the table of all folders, and how many updates each of their runs made."""
    seeds = [measured(folder) for folder in folders]
    lines = [line for folder, seed in zip(folders, seeds, strict=True) for line in told(folder.name, seed)]
    print("\n".join([HEADING, *lines, *(means(seeds) if len(seeds) > 1 else [])]))
    for folder in folders:
        print(f"{folder.name}: {updates(folder, 'run-1')} updates without the veto, {updates(folder, 'run-2')} with it")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python rates.py OUT…")
    try:
        main([Path(word) for word in sys.argv[1:]])
    except RlraError as error:
        sys.exit(f"rates: {error}")
