"""Choose the round whose model is kept: the best on held-out prompts among those that the guard lets through.

    python choose.py rounds.jsonl guard.jsonl run/ chosen

The guard: reference answers to prompts without a constraint (guard.jsonl) are at most 0.05 nats a token less likely
than under the untrained model, and held-out answers (rounds.jsonl) are on topic at least as often. Where no round
passes, nothing is kept, and `chosen` does not come to be.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.report import Change, Report

LEAST_LIKELIHOOD = -0.05
LEAST_ON_TOPIC = 0.0


@dataclass(frozen=True)
class Round:
    """How a round differs from the untrained model."""

    label: str
    reward: Change
    on_topic: Change
    reference_loglik: Change

    @property
    def passes(self) -> bool:
        """Whether the guard lets it through."""
        return self.reference_loglik.change >= LEAST_LIKELIHOOD and self.on_topic.change >= LEAST_ON_TOPIC

    def told(self) -> str:
        """Return one line about it."""
        changes = (self.reward, self.on_topic, self.reference_loglik)
        figures = ", ".join(f"{each.name} {each.change:+.3f}" for each in changes)
        return f"{self.label}: {figures}{'' if self.passes else '  (the guard objects)'}"


def rounds_of(rounds: Path, guard: Path) -> list[Round]:
    """Return the rounds, in order. Raises RlraError where one of the files says nothing of what is asked of it."""
    likely = {report.after.label: change(report, "reference_loglik") for report in Source(str(guard)).read(Report)}
    found = []
    for report in Source(str(rounds)).read(Report):
        label = report.after.label
        if label not in likely:
            raise RlraError(f"{guard}: says nothing of {label}")
        found.append(Round(label, change(report, "reward"), change(report, "on_topic"), likely[label]))
    return found


def change(report: Report, name: str) -> Change:
    """Return a measure's, or a criterion's, change. Raises RlraError where the report has none of that name."""
    for each in (*report.measures, *report.criteria):
        if each.name == name:
            return each
    raise RlraError(f"{report.id} says nothing of {name}")


def main(rounds: Path, guard: Path, run: Path, chosen: Path) -> None:
    """Say what the rounds are like, make `chosen` a link to the model of the best one, and name it in `chosen.txt`.

    The link is as old as the model, so it is the file that tells make whether a choice was made.
    """
    found = rounds_of(rounds, guard)
    print("\n".join(each.told() for each in found), file=sys.stderr)
    allowed = [each for each in found if each.passes]
    if not allowed:
        raise RlraError("no round passes the guard: there is nothing to keep")
    best = max(allowed, key=lambda each: each.reward.change)
    print(f"chosen: {best.label}", file=sys.stderr)
    chosen.unlink(missing_ok=True)
    chosen.symlink_to(os.path.relpath(run / best.label / "model", chosen.parent))
    chosen.with_name(f"{chosen.name}.txt").write_text(f"{best.label}\n")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: python choose.py ROUNDS GUARD RUN CHOSEN")
    try:
        main(*map(Path, sys.argv[1:]))
    except RlraError as error:
        sys.exit(f"choose: {error}")
