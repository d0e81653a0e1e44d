"""Choose the round whose model is kept: the best on held-out prompts among those that the guard lets through.

    python choose.py rounds.jsonl run/ chosen

The guard: reference answers are at most 0.05 nats a token less likely than under the untrained model, and answers are
on topic at least as often. Where no round passes, nothing is kept, and `chosen` does not come to be.
"""

import os
import sys
from pathlib import Path

from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.report import Change, Report

LEAST_LIKELIHOOD = -0.05
LEAST_ON_TOPIC = 0.0


def change(report: Report, name: str) -> Change:
    """Return a measure's, or a criterion's, change. Raises RlraError where the report has none of that name."""
    for each in (*report.measures, *report.criteria):
        if each.name == name:
            return each
    raise RlraError(f"{report.id} says nothing of {name}")


def passes(report: Report) -> bool:
    """Return whether the guard lets a round through."""
    likely, topical = change(report, "reference_loglik"), change(report, "on_topic")
    return likely.change >= LEAST_LIKELIHOOD and topical.change >= LEAST_ON_TOPIC


def told(report: Report) -> str:
    """Return one line about a round."""
    figures = [f"{name} {change(report, name).change:+.3f}" for name in ("reward", "reference_loglik", "on_topic")]
    return f"{report.after.label}: {', '.join(figures)}{'' if passes(report) else '  (the guard objects)'}"


def main(rounds: Path, run: Path, chosen: Path) -> None:
    """Say what the rounds are like, make `chosen` a link to the model of the best one, and name it in `chosen.txt`.

    The link is as old as the model, so it is the file that tells make whether a choice was made.
    """
    reports = list(Source(str(rounds)).read(Report))
    print("\n".join(told(report) for report in reports), file=sys.stderr)
    allowed = [report for report in reports if passes(report)]
    if not allowed:
        raise RlraError("no round passes the guard: there is nothing to keep")
    best = max(allowed, key=lambda report: change(report, "reward").change)
    print(f"chosen: {best.after.label}", file=sys.stderr)
    chosen.unlink(missing_ok=True)
    chosen.symlink_to(os.path.relpath(run / best.after.label / "model", chosen.parent))
    chosen.with_name(f"{chosen.name}.txt").write_text(f"{best.after.label}\n")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python choose.py ROUNDS RUN CHOSEN")
    try:
        main(*map(Path, sys.argv[1:]))
    except RlraError as error:
        sys.exit(f"choose: {error}")
