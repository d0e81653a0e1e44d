"""The drawings of what a judged file is like, as files of their own; the same figures give the same bytes."""

import warnings

import numpy as np
from matplotlib.axes import Axes

from schemas.stats import CriterionPair, Histogram, Stats
from stages.reports.svg import AFTER, INK, svg
from stages.visible import one_line

MOST_CRITERIA = 25
"""Rows of the map of correlations: those of the pairs that go together most. The record has them all."""
MOST_LEGIBLE = 15
"""Of more rows, figures in the map have to be smaller than cells that still fit the width."""
_LABEL = 34
_ALONE = 'xmlns="http://www.w3.org/2000/svg" style="color:#222; background:#fff; font-family:sans-serif"'


def plots(stats: Stats) -> dict[str, str]:
    """Return the drawings by name, each a whole SVG document: of those that there are figures for."""
    drawn: dict[str, str] = {}
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        # matplotlib misses letters in its own font, and it is the reader's that will show them.
        if stats.rewards and stats.rewards.histogram:
            drawn["rewards"] = _histogram(stats.rewards.histogram)
        if stats.rewards and len(stats.rewards.length.curve) > 1:
            drawn["length"] = _curve(stats.rewards.length.curve, stats.unit)
        if stats.correlations:
            drawn["criteria"] = _correlations(stats.correlations)
    # Viewers outside browsers know no CSS variables, and would paint bars black and lines not at all.
    coloured = {name: drawing.replace("var(--after)", "#0b7285") for name, drawing in drawn.items()}
    return {name: drawing.replace("<svg ", f"<svg {_ALONE} ", 1) for name, drawing in coloured.items()}


def _histogram(found: Histogram) -> str:
    def draw(axes: Axes) -> None:
        axes.stairs(found.counts, found.edges, fill=True, color=AFTER)
        axes.set(xlabel="reward of a response", ylabel="responses")

    return svg(draw, "Distribution of rewards")


def _curve(curve: tuple[tuple[float, float], ...], unit: str) -> str:
    def draw(axes: Axes) -> None:
        lengths, rewards = zip(*curve, strict=True)
        axes.plot(lengths, rewards, color=AFTER, marker="o")
        axes.set(xlabel=f"{unit} in a response, by tenths of the responses", ylabel="mean reward")

    return svg(draw, "Reward against length")


def _correlations(pairs: tuple[CriterionPair, ...]) -> str:
    names = list(dict.fromkeys(name for pair in pairs for name in pair.criteria))[:MOST_CRITERIA]
    place = {name: at for at, name in enumerate(names)}
    cells = np.full((len(names), len(names)), np.nan)
    for pair in pairs:
        if all(name in place for name in pair.criteria):
            low, high = sorted(place[name] for name in pair.criteria)
            cells[high, low] = pair.pearson

    def draw(axes: Axes) -> None:
        axes.pcolormesh(np.ma.masked_invalid(cells), cmap="RdBu_r", vmin=-1, vmax=1, edgecolors="none")
        for row, column in np.argwhere(~np.isnan(cells)).tolist():
            dark = "#ffffff" if abs(cells[row, column]) > 0.6 else "#222222"
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{cells[row, column]:.2f}".replace("0.", "."),
                ha="center",
                va="center",
                size=7 if len(names) <= MOST_LEGIBLE else 5,
                color=dark,
            )
        labels = [one_line(name, _LABEL) for name in names]
        axes.set_xticks(np.arange(len(names)) + 0.5, labels, rotation=90)
        axes.set_yticks(np.arange(len(names)) + 0.5, labels)
        axes.invert_yaxis()
        axes.tick_params(length=0, colors=INK)

    return svg(draw, "Correlations of criteria", height=2.5 + 0.25 * len(names))
