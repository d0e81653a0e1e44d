"""Drawings of matplotlib as SVG elements that stand inside a page and take its colours.

Data colours are CSS variables, text and axes are `currentColor`: one plot is readable on light and dark.
"""

import hashlib
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Colours that matplotlib writes and `_inline` exchanges for the page's own.
INK, BEFORE, AFTER, WORSE = "#010203", "#0a0b01", "#0a0b02", "#0a0b03"
SERIES = (AFTER, "#0a0b04", "#0a0b05", "#0a0b06", "#0a0b07")
"""Colours of several policies, each beside a marker of its own: with more policies they come again."""
_PAGE = {INK: "currentColor", BEFORE: "var(--before)", AFTER: "var(--after)", WORSE: "var(--worse)"}
_PAGE |= {colour: f"var(--series-{number})" for number, colour in enumerate(SERIES[1:], 2)}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rlra",
    "text.parse_math": False,
    "font.size": 10,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def svg(draw: Callable[[Axes], None], title: str, height: float = 3.2, width: float = 6.4) -> str:
    """Return what `draw` draws as an `<svg>` element named `title`; the same drawing gives the same bytes.

    `height` and `width` are in inches; in a page the element fills the width that it is given, and letters grow with
    it.
    """
    with matplotlib.rc_context(_STYLE):
        plot = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(plot)
        draw(plot.subplots())
        written = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        plot.savefig(written, format="svg", transparent=True, metadata=nothing)
    return _inline(written.getvalue(), title)


def _inline(document: str, title: str) -> str:
    """Return matplotlib's document as an element of a page: no prolog, no namespaces, no sizes, no global style."""
    body = document[document.index("<svg") :]
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)[0]
    body = re.sub(r"<svg[^>]*>", f'<svg role="img" aria-label="{title}" viewBox="0 0 {width} {height}">', body, count=1)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=")
    # None of the patterns may cross a `<`: the text of a label could begin one, and must not swallow a tag.
    body = re.sub(r"font-family: [^;\"<]*", "font-family: inherit", body)
    body = _with_own_ids(body)
    for sentinel, colour in _PAGE.items():
        body = body.replace(sentinel, colour)
    return body


def _with_own_ids(body: str) -> str:
    """Return an element whose ids no other drawing has; those that nothing refers to are left out."""
    # Two drawings of a page may clip alike, but must not share what clips: one of them could be folded away.
    own = hashlib.sha256(body.encode()).hexdigest()[:8]
    tags = "".join(re.findall(r"<[^>]*>", body))
    referenced = set(re.findall(r"#([\w.-]+)[\")]", tags))

    def renamed(tag: re.Match[str]) -> str:
        # Tags alone: the text of a label may look like an id.
        kept = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in referenced else "", tag[0])
        return re.sub(r'(?<= id=")|(?<=url\(#)|(?<=href="#)', f"d{own}-", kept)

    return re.sub(r"<[^>]*>", renamed, body)
