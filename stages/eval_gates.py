"""Gates of `rlra eval`: bars that a change is held to, with the whole of its interval."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import RlraError
from schemas.report import Change, Gate, Report
from stages.reports.reading import FEW_PROMPTS

HEADLINE = "reward"
"""The measure of a gate that names none."""
MEASURES, CRITERIA = "measures.", "criteria."
"""Before a name in a gate where a measure and a criterion share it."""
_BAR = re.compile(r"(?P<name>[^<>=]*?)\s*(?P<bar>(?P<side>>=|<=)\s*(?P<gain>[^<>=]+))")


@dataclass(frozen=True)
class Bar:
    """One bar, as it was set."""

    given: str
    axis: str
    measure: str
    bar: str
    """Its side and how much, such as `>=-0.5`."""
    at_least: bool
    gain: float

    @property
    def name(self) -> str:
        """Axis, where there are several, measure and bar."""
        return f"{self.axis}.{self.measure}{self.bar}" if self.axis else f"{self.measure}{self.bar}"


def bars_of(given: Sequence[str], axes: Sequence[str]) -> list[Bar]:
    """Return the bars of `--gate AXIS.MEASURE>=GAIN`; without an axis it is the only one, without a measure `reward`.

    Raises RlraError for what says no bar, and for an axis that is not there.
    """
    return [_bar_of(word, axes) for word in given]


def _bar_of(word: str, axes: Sequence[str]) -> Bar:
    found = _BAR.fullmatch(word.strip())
    try:
        gain = float(found["gain"]) if found else math.nan
    except ValueError:
        gain = math.nan
    if not found or not math.isfinite(gain):
        raise RlraError(f"--gate: '{word}' is not AXIS.MEASURE>=GAIN, nor <=", hint="such as 'ifeval.strict>=-0.5'")
    axis, measure = _named(found["name"], axes, word)
    return Bar(word, axis, measure, f"{found['side']}{found['gain'].strip()}", found["side"] == ">=", gain)


def _named(name: str, axes: Sequence[str], word: str) -> tuple[str, str]:
    """Return the axis and the measure that the left side of a bar names: both, or one of them."""
    for axis in sorted(axes, key=len, reverse=True):  # the name of one may begin that of another
        if axis and name == axis:
            return axis, HEADLINE
        if axis and name.startswith(f"{axis}."):
            return axis, name.removeprefix(f"{axis}.")
    if len(axes) == 1:
        return axes[0], name or HEADLINE
    raise RlraError(f"--gate: '{word}' names no axis", hint=f"the axes are {', '.join(axes)}")


def hold(report: Report, bars: Sequence[Bar], known: Sequence[str]) -> Report:
    """Return the report with what became of the bars of its axis.

    Raises RlraError for a measure that is not one of `known`, which are those that could have been measured, and for
    the name of a measure and a criterion where the bar does not say which.
    """
    own = [bar for bar in bars if bar.axis == report.axis]
    for bar in own:
        if bar.measure.removeprefix(MEASURES).removeprefix(CRITERIA) not in known and bar.measure not in known:
            where = f"{report.axis}: " if report.axis else ""
            raise RlraError(
                f"--gate: '{bar.given}': {where}no measure and no criterion is called '{bar.measure}'",
                hint=f"there are {', '.join(known)}",
            )
        _refuse_other_kind(report, bar)
        if {bar.measure} <= {c.name for c in report.measures} & {c.name for c in report.criteria}:
            raise RlraError(
                f"--gate: '{bar.given}': a measure and a criterion are called '{bar.measure}'",
                hint=f"say {MEASURES}{bar.measure} or {CRITERIA}{bar.measure}",
            )
    gates = tuple(Gate(measure=bar.measure, bar=bar.bar, passed=not missed(report, bar)) for bar in own)
    return report.model_copy(update={"gates": gates})


def _refuse_other_kind(report: Report, bar: Bar) -> None:
    """Raise RlraError for `measures.` before a criterion, or `criteria.` before a measure: nothing could pass it."""
    for prefix, kind in ((MEASURES, "measure"), (CRITERIA, "criterion")):
        name = bar.measure.removeprefix(prefix)
        if bar.measure.startswith(prefix) and not change_of(report, bar.measure) and change_of(report, name):
            raise RlraError(f"--gate: '{bar.given}': no {kind} is called '{name}'", hint=f"say {name}{bar.bar}")


def missed(report: Report, bar: Bar) -> str:
    """Return why a report misses a bar of its axis, empty where the whole interval is on the bar's side."""
    change = change_of(report, bar.measure)
    if change is None:
        return "no prompt has a value on both sides"
    if change.prompts < FEW_PROMPTS:
        counted = "a single prompt" if change.prompts == 1 else f"{change.prompts} prompts"
        return f"{counted}, and below {FEW_PROMPTS} an interval is too narrow to hold it to"
    if change.low >= bar.gain if bar.at_least else change.high <= bar.gain:
        return ""
    end, value = ("begins", change.low) if bar.at_least else ("ends", change.high)
    return f"its interval {end} at {value:+.4g}"


def change_of(report: Report, measure: str) -> Change | None:
    """Return the change of a measure, or else of a criterion, by name; `measures.` or `criteria.` before it decides."""
    told = [(MEASURES, change) for change in report.measures] + [(CRITERIA, change) for change in report.criteria]
    return next((change for kind, change in told if measure in (change.name, f"{kind}{change.name}")), None)
