"""A funnel as a plot: what came in, what each reason left, what stayed; the same figures give the same bytes."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_BAR, _DROPPED = "#3b6ea5", "#d9d9d9"
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "rlra", "text.parse_math": False, "font.size": 10}


def funnel_plot(figures: Mapping[str, Any], kind: str) -> bytes:
    """Return the funnel of all lines as a picture, `svg` or `png`: what each step left, and what it dropped."""
    rows, left = [("in", figures["in"], 0)], figures["in"]
    for reason, number in figures["dropped"].items():
        left -= number
        rows.append((reason.replace("_", " "), left, number))
    with matplotlib.rc_context(_STYLE):
        plot = Figure(figsize=(6.4, 1 + 0.4 * len(rows)), layout="constrained")
        FigureCanvasAgg(plot)
        axes = plot.subplots()
        places, stay, gone = range(len(rows)), [row[1] for row in rows], [row[2] for row in rows]
        axes.barh(places, stay, color=_BAR)
        axes.barh(places, gone, left=stay, color=_DROPPED)
        for place, (_, number, dropped) in enumerate(rows):
            axes.text(number + dropped, place, f" {number:,}" + (f" (−{dropped:,})" if dropped else ""), va="center")
        axes.set_yticks(places, [row[0] for row in rows])
        axes.set(xlim=(0, max(1, figures["in"]) * 1.25), xlabel="prompts")
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        written = io.BytesIO()
        plain = dict.fromkeys(("Date", "Creator", "Format", "Type")) if kind == "svg" else {"Software": None}
        plot.savefig(written, format=kind, metadata=plain)
    return written.getvalue()
