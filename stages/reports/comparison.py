"""One comparison of a page, ready to be shown: its tables cut to a length that can be read, drawings and examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.judged import Judged
from schemas.report import Change, Report
from stages.reports.compared import Compared
from stages.reports.examples import Example, Shown, gains_and_losses, show, worst
from stages.reports.reading import is_doubtful, reading

if TYPE_CHECKING:
    from markupsafe import Markup

EXAMPLES = 3
"""Largest gains, and as many largest losses, shown in full, of up to four comparisons; fewer of more."""
MOST_EXAMPLES = 12
"""Gains, and as many losses, over all comparisons."""
MOST_CRITERIA = 100
"""Rows of a table of criteria; rubrics of single prompts can have thousands."""


@dataclass(frozen=True)
class Comparison:
    """Two policies on one axis."""

    report: Report
    reward: Change | None
    """None where no prompt has a reward on both sides."""
    criteria: tuple[Change, ...]
    """In the rubric's order; of more than `MOST_CRITERIA`, those that changed most."""
    plots: "dict[str, Markup | None]"
    step: int
    """How many prompts stand for one point of the drawing of lengths."""
    gains: Sequence[Example]
    losses: Sequence[Example]
    wanted: int
    """How many gains, and losses, are shown where there are as many."""
    worst: tuple[Judged, Shown] | None
    """The response of lowest reward after; None where none has one."""

    @property
    def left_out(self) -> int:
        """Criteria that have no row."""
        return len(self.report.criteria) - len(self.criteria)

    @property
    def counted(self) -> dict[str, int]:
        """How many criteria are `better`, `worse`, and so on."""
        readings = [reading(change) for change in self.report.criteria]
        return {name: readings.count(name) for name in ("better", "worse", "changed", "unclear", "same")}

    @property
    def doubtful(self) -> int:
        """How many criteria look changed by themselves, and not among all that was compared."""
        return sum(is_doubtful(change) for change in self.report.criteria)


def comparisons(compared: Sequence[Compared]) -> list[Comparison]:
    """Return each comparison ready to be shown."""
    return [_of(each, examples_each(len(compared))) for each in compared]


def examples_each(count: int) -> int:
    """Return how many gains, and losses, each of so many comparisons shows: fewer of more, and one at least."""
    return max(1, min(EXAMPLES, MOST_EXAMPLES // count))


def _of(each: Compared, wanted: int) -> Comparison:
    from stages.reports import plots

    report = each.report
    gains, losses = gains_and_losses(each.before, each.after, wanted)
    found = worst(each.after)
    return Comparison(
        report=report,
        reward=next((change for change in report.measures if change.name == "reward"), None),
        criteria=_most_changed(report.criteria),
        plots=_plots(each),
        step=plots.step_of(max(len(each.before), len(each.after))),
        gains=gains,
        losses=losses,
        wanted=wanted,
        worst=(found[0], show(*found)) if found else None,
    )


def _most_changed(criteria: Sequence[Change]) -> tuple[Change, ...]:
    most = sorted(criteria, key=lambda change: -abs(change.change))[:MOST_CRITERIA]
    kept = {id(change) for change in most}
    return tuple(change for change in criteria if id(change) in kept)


def _plots(each: Compared) -> dict[str, Any]:
    from markupsafe import Markup

    from stages.reports import plots

    drawn = {
        "rewards": plots.rewards(each.report, each.before, each.after),
        "criteria": plots.criteria(each.report.criteria),
        "lengths": plots.lengths(each.report, each.before, each.after),
    }
    # matplotlib escapes the text inside its own SVG.
    return {name: Markup(svg) if svg else None for name, svg in drawn.items()}
