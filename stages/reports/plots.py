"""The plots of a report; the same input gives the same bytes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from schemas.judged import Judged
from schemas.report import Change, Report
from stages.measures import MEASURES, REWARD, group_mean
from stages.reports.reading import reading
from stages.reports.svg import AFTER, BEFORE, INK, WORSE, svg
from stages.visible import one_line

MOST_CRITERIA = 25
"""Rows of the plot of criteria; the table has them all."""
MOST_POINTS = 600
"""Points per side in a scatter plot: more make the page large and the plot no clearer."""

_LABEL = 34
_WORDS = next(measure for measure in MEASURES if measure.name == "length_words")


def rewards(report: Report, before: Sequence[Judged], after: Sequence[Judged]) -> str | None:
    """Return the distribution of the responses' rewards on each side; None without any reward."""
    old, new = _rewards(before), _rewards(after)
    if not (old or new):
        return None
    low, high = min(0.0, *old, *new), max(1.0, *old, *new)
    bins = np.linspace(low, high, 21)

    def draw(axes: Axes) -> None:
        shares = [np.full(len(values), 100 / max(1, len(values))) for values in (old, new)]
        labels = [_name(side.label) for side in (report.before, report.after)]
        axes.hist([old, new], bins=list(bins), weights=shares, color=[BEFORE, AFTER], label=labels)
        axes.set(xlabel="reward of a response", ylabel="% of scored responses")
        axes.legend(frameon=False)

    return svg(draw, "Distribution of rewards on both sides")


def criteria(changes: Sequence[Change]) -> str | None:
    """Return each criterion's change with its interval, the largest changes first; None without criteria."""
    shown = sorted(changes, key=lambda change: -abs(change.change))[:MOST_CRITERIA][::-1]
    if not shown:
        return None

    def draw(axes: Axes) -> None:
        for row, change in enumerate(shown):
            meaning = reading(change)
            colour = {"better": AFTER, "worse": WORSE}.get(meaning, INK)
            axes.plot([change.low, change.high], [row, row], color=colour, linewidth=2)
            marker = {"better": "^", "worse": "v"}.get(meaning, "o")
            axes.plot([change.change], [row], color=colour, marker=marker, fillstyle=_fill(meaning), markersize=7)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(shown)), [one_line(change.name, _LABEL) for change in shown])
        axes.set(xlabel="change of the share that meets it", ylim=(-0.7, len(shown) - 0.3))

    return svg(draw, "Change of each criterion with its interval", height=1.2 + 0.3 * len(shown))


def _fill(meaning: str) -> str:
    return "none" if meaning == "unclear" else "full"


def lengths(report: Report, before: Sequence[Judged], after: Sequence[Judged]) -> str | None:
    """Return mean reward against mean length in words, one point per prompt and side; None without points."""
    sides = [(report.before.label, BEFORE, "o", before), (report.after.label, AFTER, "^", after)]
    points = [(label, colour, marker, _points(lines)) for label, colour, marker, lines in sides]
    if not any(rows for *_, rows in points):
        return None

    def draw(axes: Axes) -> None:
        for label, colour, marker, rows in points:
            xs, ys = [x for x, _ in rows], [y for _, y in rows]
            axes.scatter(xs, ys, color=colour, marker=marker, s=18, alpha=0.55, linewidths=0, label=_name(label))
        axes.set(xlabel="words in a response", ylabel="reward")
        axes.legend(frameon=False)

    return svg(draw, "Reward against length on both sides")


def _points(lines: Sequence[Judged]) -> list[tuple[float, float]]:
    thinned = lines[:: max(1, -(-len(lines) // MOST_POINTS))]
    rows = [(group_mean(line, _WORDS), group_mean(line, REWARD)) for line in thinned]
    return [(words, reward) for words, reward in rows if words is not None and reward is not None]


def _rewards(lines: Sequence[Judged]) -> list[float]:
    return [response.reward for line in lines for response in line.responses if response.reward is not None]


def _name(label: str) -> str:
    # A leading underscore would keep a label out of matplotlib's legend.
    return "\u200a" + one_line(label, _LABEL)
