"""How a change is put into words and figures; the page and the terminal say the same."""

from collections.abc import Sequence
from typing import Literal

from schemas.report import Change, Report

Reading = Literal["better", "worse", "changed", "unclear", "same"]

FEW_PROMPTS = 10
"""Below this many prompts a bootstrap interval is too narrow to be trusted."""
MOST_Q = 0.05
"""Above this a change may well be one that chance makes look clear, among all that was compared."""
_SMALL = 10
_LEAST_P = 0.0005
_LEAST_SHARE = 0.0005
_MINUTE, _HOUR = 60, 3600
_CENT = 0.01


def reading(change: Change) -> Reading:
    """Return what a change means, for a measure with a better direction `better` or `worse`, else `changed`.

    It is `unclear` while the interval touches 0 and for a single prompt, and `same` where no prompt differs.
    """
    if change.low == change.high == change.change == 0:
        return "same"
    if change.prompts < 2 or change.low <= 0 <= change.high:
        return "unclear"
    if change.better == "neither":
        return "changed"
    return "better" if (change.change > 0) == (change.better == "higher") else "worse"


def is_doubtful(change: Change) -> bool:
    """Return whether a change looks clear by itself, and not among all that was compared: `q` is above `MOST_Q`."""
    return reading(change) not in ("unclear", "same") and change.q is not None and change.q > MOST_Q


def cautions(report: Report) -> list[str]:
    """Return what keeps the figures of a comparison from being taken at face value, in sentences; best nothing."""
    told = [
        f"{side.label}: {side.unscored:,} of {side.responses:,} responses have no reward."
        for side in (report.before, report.after)
        if side.unscored
    ]
    if min(report.before.prompts, report.after.prompts) < FEW_PROMPTS:
        told.append(f"Intervals over fewer than {FEW_PROMPTS} prompts are narrower than they should be.")
    return [*told, *(f"{report.before.label} and {report.after.label}: {said}." for said in report.unlike)]


def cautions_of_all(reports: Sequence[Report]) -> list[str]:
    """Return the cautions of several comparisons, each once, those of an axis with its name before them."""
    told = [f"{report.axis}: {said}" if report.axis else said for report in reports for said in cautions(report)]
    return list(dict.fromkeys(told))


def figure(value: float | None) -> str:
    """Return a value with three decimals, or one from 10 upwards; `–` for none, which is not 0."""
    if value is None:
        return "–"
    text = f"{abs(value):.3f}" if abs(value) < _SMALL else f"{abs(value):,.1f}"
    return f"−{text}" if value < 0 and _is_seen(text) else text


def signed(value: float | None) -> str:
    """Return a difference as `figure` does, with its sign where it is not 0; a true minus, so that columns align."""
    text = figure(value)
    return f"+{text}" if value is not None and value > 0 and _is_seen(text) else text


def _is_seen(text: str) -> bool:
    return any(digit in text for digit in "123456789")


def interval(change: Change) -> str:
    """Return the two ends of a change's interval."""
    return f"{signed(change.low)} to {signed(change.high)}"


def probability(value: float | None) -> str:
    """Return a p-value with three decimals, `<0.001` below what they show; `–` for none."""
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= _LEAST_P else "<0.001"


def share(part: float, whole: float) -> str:
    """Return a share in per cent with one decimal; `–` of nothing, and never `0.0%` or `100.0%` where some is left."""
    if not whole:
        return "–"
    if 0 < part / whole < _LEAST_SHARE:
        return "<0.1%"
    return ">99.9%" if 1 - _LEAST_SHARE < part / whole < 1 else f"{part / whole:.1%}"


def duration(seconds: float | None) -> str:
    """Return a time in words, such as `0.5 s`, `12 min` or `3.4 h`; `–` for none."""
    if seconds is None:
        return "–"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds / _MINUTE:.1f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def amount(value: float | None) -> str:
    """Return a count with commas; `–` for none, which is not 0."""
    return "–" if value is None else f"{value:,.0f}"


def dollars(value: float | None) -> str:
    """Return an amount of money with two decimals, of cents with four; `–` for none, which is not 0."""
    if value is None:
        return "–"
    return f"${value:,.2f}" if value == 0 or value >= _CENT else f"${value:.4f}"
