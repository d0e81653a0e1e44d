"""Draw what the quickstart learned with several seeds: held-out reward by updates, with a 95 % interval at the end.

`make curve OUT=out-0 SEED=0` in examples/quickstart, and so on with other seeds; then, from the top of the project,
`PYTHONPATH=. python benchmarks/curve.py docs/quickstart.svg examples/quickstart/out-0 …`, in the order of the seeds.
"""

import json
import sys
from pathlib import Path

from benchmarks.rounds import Curve, drawn, gain

REPORTS = ("round-1/report.jsonl", "round-2/report.jsonl", "report.jsonl")


def learned(folder: Path) -> Curve:
    """Return the change in held-out reward after each round of one run."""
    updates, curve = 0, []
    for number, report in enumerate(REPORTS, 1):
        updates += steps(folder / f"round-{number}" / "model" / "train_log.jsonl")
        curve.append((updates, gain((folder / report).read_bytes())))
    return curve


def steps(log: Path) -> int:
    """Return how many updates a training log tells of."""
    return max(json.loads(line)["step"] for line in log.read_text(encoding="utf-8").splitlines())


def main(file: Path, folders: list[Path]) -> None:
    """Print the curve of each run, and draw them all."""
    curves = {("seed", seed): learned(folder) for seed, folder in enumerate(folders)}
    for (_, seed), curve in curves.items():
        told = ", ".join(
            f"{updates}: {change:+.3f} ({low:+.3f} to {high:+.3f})" for updates, (change, low, high) in curve
        )
        print(f"seed {seed}: {told}")
    drawn(curves, file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
