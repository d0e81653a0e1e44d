"""How far judges agree with people, as files of `rlra eval agreement` and anchors tell: rows of a table, and a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.agreement import Agreement, Figure
from stages.reports.markdown import code
from stages.reports.reading import figure

STATISTICS = {
    "accuracy": "accuracy",
    "kappa": "kappa",
    "kappa_quadratic": "kappa, quadratic",
    "spearman": "Spearman rho",
    "error": "mean error",
}
"""Those of `agreement/1` that are told where any line has them, and what they are called."""
MOST_LINES = 40
"""Rows for one file: rubrics can have thousands of criteria."""


@dataclass(frozen=True)
class Agreeing:
    """What one file, or the anchors of one judged file, says of a judge."""

    source: str
    """Where that stands."""
    lines: tuple[Agreement, ...]
    """The line about all first."""


@dataclass(frozen=True)
class Row:
    """One line of agreement."""

    source: str
    line: Agreement
    judge: tuple[str, ...]
    """The judge against people, by statistic, each with its interval."""
    people: str
    """People against people: the ceiling of what a judge can come to."""

    @property
    def about(self) -> str:
        """The criterion, or `overall` or `reward`."""
        return self.line.criterion or self.line.about


def names(held: Sequence[Agreeing]) -> list[str]:
    """Return the statistics that some line has a value of."""
    lines = [line for each in held for line in each.lines]
    return [
        name for name in STATISTICS if any(found.value is not None for line in lines for found in _told(line, name))
    ]


def rows(held: Sequence[Agreeing]) -> list[Row]:
    """Return the rows of the table, at most `MOST_LINES` for each file, with a cell for each of `names`."""
    wanted = names(held)
    return [
        Row(each.source, line, tuple(_cell(_told(line, name)) for name in wanted), _ceiling(line))
        for each in held
        for line in each.lines[:MOST_LINES]
    ]


def sentences(held: Sequence[Agreeing]) -> str:
    """Return a line of Markdown for each file: how far the judge agrees with people overall."""
    wanted = names(held)
    return "".join(
        f"\nJudge against people ({code(each.source)}, {code(each.lines[0].criterion or each.lines[0].about)}): "
        + ", ".join(f"{STATISTICS[name]} {_cell(_told(each.lines[0], name))}" for name in wanted)
        + f"; people among themselves: {_ceiling(each.lines[0])}.\n"
        for each in held
    )


def _told(line: Agreement, name: str) -> list[Figure]:
    return [found for by in (line.judge, line.bias) if (found := by.get(name))][:1]


def _cell(found: Sequence[Figure]) -> str:
    if not found or found[0].value is None:
        return "–"
    low, high = found[0].low, found[0].high
    between = f" ({figure(low)} to {figure(high)})" if low is not None and high is not None else ""
    return f"{figure(found[0].value)}{between}"


def _ceiling(line: Agreement) -> str:
    known = [
        f"{STATISTICS[name]} {_cell([line.people[name]])}" for name in ("kappa", "accuracy") if name in line.people
    ]
    return next((cell for cell in known if not cell.endswith("–")), "–")
