"""One comparison of a report: the figures, and the lines of both files that they are of."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.judged import Judged
from schemas.report import Report


@dataclass(frozen=True)
class Compared:
    """Two policies on one axis."""

    report: Report
    before: Sequence[Judged]
    """The lines of the policy that the other is compared with."""
    after: Sequence[Judged]
    """The lines of the other."""


@dataclass(frozen=True)
class Asked:
    """One policy on one axis: its judged file."""

    axis: str
    label: str
    lines: Sequence[Judged]


def files(compared: Sequence[Compared]) -> list[Asked]:
    """Return the files of all comparisons, each once, in order: what the others are compared with comes first."""
    found: dict[tuple[str, str], Asked] = {}
    for each in compared:
        report = each.report
        for label, lines in ((report.before.label, each.before), (report.after.label, each.after)):
            found.setdefault((report.axis, label), Asked(report.axis, label, lines))
    return list(found.values())
