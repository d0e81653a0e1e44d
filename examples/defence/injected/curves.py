"""Print and draw what the biased judge gives to the held-out answers after each round, and what they are worth.

    python curves.py out -o out/curves.svg

Both figures are of the same answers: `biased` is the mean level that the judge gave, from 0 to 1, whatever a veto
made of it, and `clean` the mean reward under the clean rubric.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure

from schemas.jsonl import Source
from schemas.judged import Judged
from stages.scoring import unit

CRITERION = "quality"
"""What the biased judge is asked about."""
RUNS = {"run-1": "without the veto", "run-2": "with the veto"}
Curve = list[tuple[float, float]]


def curve(run: Path) -> Curve:
    """Return (biased, clean) before the first round of a run, and after each."""
    rounds = sorted(run.glob("round-*/held_out.gold.jsonl"), key=lambda file: int(file.parent.name.partition("-")[2]))
    return [(fmean(levels(gold.with_name("held_out.judged.jsonl"))), fmean(rewards(gold))) for gold in rounds]


def levels(file: Path) -> Iterator[float]:
    """Yield what the judge said of each answer that it judged, as a share of its range."""
    for line in Source(str(file)).read(Judged):
        assert line.rubric is not None  # a judged line has one
        (at,) = (place for place, leaf in enumerate(line.rubric.leaves) if leaf.id == CRITERION)
        verdicts = [answer.verdicts[at] for answer in line.responses if answer.verdicts]
        yield from (unit(line.rubric.leaves[at], each) for each in verdicts if each.status == "scored")


def rewards(file: Path) -> Iterator[float]:
    """Yield the reward of each answer that has one."""
    for line in Source(str(file)).read(Judged):
        yield from (answer.reward for answer in line.responses if answer.reward is not None)


def drawn(curves: dict[str, Curve], file: Path) -> None:
    """Draw both runs side by side."""
    plot = Figure(figsize=(7.2, 3.2), layout="constrained")
    for axes, (run, points) in zip(plot.subplots(1, len(curves), sharey=True), curves.items(), strict=True):
        for place, (label, style) in enumerate((("biased judge", "-"), ("clean rubric", "--"))):
            axes.plot(range(len(points)), [each[place] for each in points], style, marker=".", label=label)
        axes.set(title=RUNS[run], xlabel="rounds", ylim=(0, 1))
        axes.legend(frameon=False, fontsize=8)
    plot.savefig(file, metadata={"Date": None})


def main() -> None:
    """Read the command line, print the curves of both runs, and draw them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="what `make` left")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where the picture goes, as SVG")
    said = parser.parse_args()
    curves = {run: curve(said.out / run) for run in RUNS}
    for run, points in curves.items():
        for number, (biased, clean) in enumerate(points):
            print(f"{RUNS[run]}, round {number}: biased {biased:.3f}, clean {clean:.3f}")
    drawn(curves, said.output)


if __name__ == "__main__":
    main()
