"""Findings as one HTML page that needs nothing else: no network, no scripts, no files beside it."""

import json
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from schemas.findings import Findings, Onset
from schemas.rubric import Rubric
from stages.defend import DefendSpec
from stages.reports.pages import page
from stages.reports.svg import AFTER, WORSE, svg

AGAINST = {
    "group": "the low rewards of the same group",
    "earlier": "the earlier policy",
    "late": "the beginning of the run",
    "gold": "low rewards, among responses that the gold judge thinks little of",
    "quality": "low rewards, among responses that cheap signals of quality think little of",
}


def render(findings: Sequence[Findings], rubric: Rubric | None, spec: DefendSpec) -> str:
    """Return the page. Every text is escaped, and hidden characters are drawn; the same findings give the same page."""
    from stages.reports.reading import figure, signed

    patterns = [finding for finding in findings if finding.found]
    template = page("findings.html.j2", figure=figure, signed=signed, percent=_percent, ascii=json.dumps)
    return template.render(
        findings=patterns,
        gap=next((finding for finding in findings if finding.kind == "gap"), None),
        curves=_curves(findings),
        criteria=rubric.leaves if rubric else (),
        against=AGAINST,
        spec=spec,
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _curves(findings: Sequence[Findings]) -> dict[str, Any]:
    """Return the drawings of what happened when, by the finding's id."""
    from markupsafe import Markup

    return {f.id: Markup(_curve(f.onset, f.kind)) for f in findings if f.onset and len(f.onset.curve) > 1}


def _curve(onset: Onset, kind: str) -> str:
    def draw(axes: Axes) -> None:
        steps, values = zip(*onset.curve, strict=True)
        axes.plot(steps, values, color=AFTER, linewidth=1.5)
        if onset.step is not None:
            axes.axvline(onset.step, color=WORSE, linewidth=1.2, linestyle="--")
        label = "reward minus quality, standardised" if kind == "gap" else "share that has it, smoothed"
        axes.set(xlabel="step", ylabel=label)

    return svg(draw, "The course of a finding over the steps of the run", height=2.4)
