"""The plots of a report; the same input gives the same bytes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from schemas.judged import Judged
from schemas.report import Change, Report
from stages.measures import MEASURES, REWARD, group_mean
from stages.reports.overview import Overview
from stages.reports.reading import is_doubtful, reading
from stages.reports.svg import AFTER, BEFORE, INK, SERIES, WORSE, svg
from stages.visible import one_line

MOST_CRITERIA = 25
"""Rows of the plot of criteria; the table has them all."""
MOST_POINTS = 400
"""Points per side in a scatter plot: more make the page large and the plot no clearer."""
FEWEST_FOR_TREND = 50
"""Prompts from which on a scatter plot has a line through the means of tenths."""
WIDTH = 5.2
"""Inches; letters stay legible where a page is as narrow as a telephone."""

_LABEL = 30
_MARKERS = "osD^vP"
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

    return svg(draw, "Distribution of rewards on both sides", width=WIDTH)


def seesaw(found: Overview) -> str | None:
    """Return the change of the reward on each axis with its interval, a mark for each policy; None for a single one."""
    rows = [row for row in found.rows if row.measure == REWARD.name and any(cell.change for cell in row.cells)][::-1]
    if sum(len(row.cells) for row in rows) < 2:
        return None
    many = len(found.policies)

    def draw(axes: Axes) -> None:
        for number, label in enumerate(found.policies):
            known = [(at, row.cells[number].change) for at, row in enumerate(rows)]
            places = [(at + 0.5 * ((many - 1) / 2 - number) / many, change) for at, change in known if change]
            colour, marker = SERIES[number % len(SERIES)], _MARKERS[number % len(_MARKERS)]
            for at, change in places:
                axes.plot([change.low, change.high], [at, at], color=colour, linewidth=1.8)
            means = [change.change for _, change in places]
            axes.plot(means, [at for at, _ in places], color=colour, marker=marker, linestyle="", label=_name(label))
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(rows)), [one_line(row.axis or row.measure, _LABEL) for row in rows])
        axes.set(xlabel="change of the mean reward", ylim=(-0.6, len(rows) - 0.4))
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

    height = 0.9 + 0.24 * max(2, many) * len(rows)
    return svg(draw, "Change of the reward on each axis, for each policy", height=height)


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
            axes.plot([change.change], [row], color=colour, marker=marker, fillstyle=_fill(change), markersize=7)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(shown)), [one_line(change.name, _LABEL) for change in shown])
        axes.set(xlabel="change of the share that meets it", ylim=(-0.7, len(shown) - 0.3))

    return svg(draw, "Change of each criterion with its interval", height=1.0 + 0.28 * len(shown), width=WIDTH)


def _fill(change: Change) -> str:
    return "none" if reading(change) == "unclear" or is_doubtful(change) else "full"


def lengths(report: Report, before: Sequence[Judged], after: Sequence[Judged]) -> str | None:
    """Return mean reward against mean length in words, one point per prompt and side; None without points.

    Of many prompts `MOST_POINTS` are drawn, evenly from the file; the line through the means of tenths is of them all.
    """
    sides = [(report.before.label, BEFORE, "o", before), (report.after.label, AFTER, "^", after)]
    points = [(label, colour, marker, _points(lines)) for label, colour, marker, lines in sides]
    if not any(rows for *_, rows in points):
        return None

    def draw(axes: Axes) -> None:
        for label, colour, marker, rows in points:
            shown = rows[:: step_of(len(rows))]
            xs, ys = [x for x, _ in shown], [y for _, y in shown]
            axes.scatter(xs, ys, color=colour, marker=marker, s=16, alpha=0.4, linewidths=0, label=_name(label))
            if trend := _tenths(rows):
                axes.plot(*zip(*trend, strict=True), color=colour, linewidth=1.8)
        axes.set(xlabel="words in a response", ylabel="reward")
        axes.legend(frameon=False)

    return svg(draw, "Reward against length on both sides", width=WIDTH)


def step_of(prompts: int) -> int:
    """Return how many prompts stand for one point of a scatter plot."""
    return max(1, -(-prompts // MOST_POINTS))


def _points(lines: Sequence[Judged]) -> list[tuple[float, float]]:
    rows = [(group_mean(line, _WORDS), group_mean(line, REWARD)) for line in lines]
    return [(words, reward) for words, reward in rows if words is not None and reward is not None]


def _tenths(rows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return mean length and mean reward of each tenth of the prompts by length; nothing for few prompts."""
    if len(rows) < FEWEST_FOR_TREND:
        return []
    parts = np.array_split(np.array(sorted(rows)), 10)
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in parts]


def _rewards(lines: Sequence[Judged]) -> list[float]:
    return [response.reward for line in lines for response in line.responses if response.reward is not None]


def _name(label: str) -> str:
    # A leading underscore would keep a label out of matplotlib's legend.
    return "\u200a" + one_line(label, _LABEL)
