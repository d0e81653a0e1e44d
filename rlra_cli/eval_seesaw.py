"""`rlra eval seesaw`."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli.options import Output, RunOptions
from rlra_cli.run import Job, run_stream
from rlra_cli.table_laws import hold_table
from schemas.errors import BarMissedError, RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.report import Change, Report
from stages.eval import EvalSpec

if TYPE_CHECKING:
    from rich.table import Table

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="AXIS:LABEL=FILE...",
        help="Judged files: on each axis one of each policy, all of one axis on the same prompts.",
    ),
]
Gates = Annotated[
    list[str],
    typer.Option(
        "--gate",
        metavar="AXIS=GAIN",
        help="Exit with 4 unless the last policy's gain on this axis has its interval above this; may be repeated.",
    ),
]
Placed = dict[str, dict[str, Source]]


def eval_seesaw(
    files: Files,
    spec: EvalSpec,
    options: RunOptions,
    output: Output = "-",
    gate: Gates = [],  # noqa: B006
) -> None:
    """Compare several policies on several axes: what does one gain where another loses?

    \b
    rlra eval seesaw hard:base=a.jsonl hard:one=b.jsonl soft:base=c.jsonl soft:one=d.jsonl --gate soft=-0.05

    An axis is what one set of prompts and rubrics measures, such as constraints, or style. The table on stderr has
    a line for each policy and a column for each axis: mean reward, and its paired change against the first policy,
    with a bootstrap interval over prompts. Under a gate, each policy is marked for whether it passes, and the last
    one, which is the one to be kept, has to: otherwise nothing is written. The output has one `report/1` line for
    each axis and policy, as `rlra eval` makes it.
    """
    axes = placed(files)
    gates = gates_of(gate, axes)
    inputs = {f"{axis}:{label}": source for axis, labels in axes.items() for label, source in labels.items()}
    job = Job("eval seesaw", {**spec.model_dump(mode="json"), "gate": list(gate)}, output, options, inputs)
    reports = {axis: list(compared(axis, sources, spec)) for axis, sources in axes.items()}
    if not options.quiet:
        from rich.console import Console

        Console(stderr=True, width=None if sys.stderr.isatty() else 110).print(seesaw_table(reports, gates))
    _hold(reports, gates)
    run_stream(job, [report for axis in reports.values() for report in axis])


def placed(files: Sequence[str]) -> Placed:
    """Return the files by axis and label, in order. Raises RlraError where an axis misses a policy that another has."""
    axes: Placed = {}
    for word in files:
        name, equals, path = word.partition("=")
        axis, colon, label = name.partition(":")
        if not (axis and colon and label and equals and path):
            raise RlraError(f"'{word}' is not AXIS:LABEL=FILE", hint="such as style:base=base.style.jsonl")
        if label in axes.setdefault(axis, {}):
            raise RlraError(f"{axis}:{label} is given twice")
        axes[axis][label] = Source(path)
    labels = list(next(iter(axes.values())))
    for axis, found in axes.items():
        if list(found) != labels:
            raise RlraError(f"{axis} has the policies {', '.join(found)}, and the first axis {', '.join(labels)}")
    if len(labels) < 2:
        raise RlraError("two policies or more are needed on each axis: the first is what the others are compared with")
    return axes


def gates_of(given: Sequence[str], axes: Placed) -> dict[str, float]:
    """Return the least gain by axis. Raises RlraError for what says none, and for an axis that is not there."""
    gates: dict[str, float] = {}
    for word in given:
        axis, _, number = word.rpartition("=")
        if axis in gates:
            raise RlraError(f"--gate: {axis} is given twice")
        try:
            gates[axis] = float(number)
        except ValueError:
            gates[axis] = math.nan
        if axis not in axes or not math.isfinite(gates[axis]):
            raise RlraError(f"--gate: '{word}' is not AXIS=GAIN", hint=f"the axes are {', '.join(axes)}")
    return gates


def compared(axis: str, sources: Mapping[str, Source], spec: EvalSpec) -> Iterator[Report]:
    """Yield the comparison of each policy with the first one. Raises RlraError where their prompts are not the same."""
    from stages.eval import evaluate

    read: dict[str, list[Judged]] = {}
    for label, source in sources.items():
        read[label] = list(source.read(Judged))
        hold_table(read[label], source.name)
    first, *others = read
    for label in others:
        report = evaluate(read[first], read[label], (first, label), spec)
        yield report.model_copy(update={"id": f"{axis}:{report.id}"})


def _reward(report: Report) -> Change | None:
    return next((change for change in report.measures if change.name == "reward"), None)


def _passes(report: Report, gate: float) -> bool:
    reward = _reward(report)
    return reward is not None and reward.prompts > 1 and reward.low > gate


def seesaw_table(reports: Mapping[str, Sequence[Report]], gates: Mapping[str, float]) -> "Table":
    """Return a line for each policy and a column for each axis."""
    from rich.table import Table
    from rich.text import Text

    from rlra_cli.safe_text import shown
    from stages.reports.reading import figure

    said = ", ".join(f"{axis} above {least:+g}" for axis, least in gates.items())
    table = Table(caption=f"✓ where the whole interval of the change is: {said}" if gates else None)
    for name in ("policy", *reports):
        table.add_column(shown(name), overflow="fold")
    first = [_reward(axis[0]) for axis in reports.values()]
    begin = next(iter(reports.values()))[0].before.label
    table.add_row(shown(begin), *(Text(figure(reward.before if reward else None)) for reward in first))
    for row in zip(*reports.values(), strict=True):
        cells = [Text(_cell(report, gates.get(axis))) for axis, report in zip(reports, row, strict=True)]
        table.add_row(shown(row[0].after.label), *cells)
    return table


def _cell(report: Report, gate: float | None) -> str:
    from stages.reports.reading import figure, interval, signed

    mark = "" if gate is None else " ✓" if _passes(report, gate) else " ✗"
    reward = _reward(report)
    return f"{figure(reward.after)}  {signed(reward.change)} ({interval(reward)}){mark}" if reward else f"–{mark}"


def _hold(reports: Mapping[str, Sequence[Report]], gates: Mapping[str, float]) -> None:
    missed = [
        f"{axis} above {gate:+g}{_without_interval(reports[axis][-1])}"
        for axis, gate in gates.items()
        if not _passes(reports[axis][-1], gate)
    ]
    if missed:
        last = next(iter(reports.values()))[-1].after.label
        raise BarMissedError(f"eval seesaw: {last} does not pass the gate: {', '.join(missed)}")


def _without_interval(report: Report) -> str:
    """Return why there is nothing to hold a gate to, empty where there is something."""
    reward = _reward(report)
    if reward is None:
        return " (no prompt has a reward on both sides)"
    return " (a single prompt has no interval)" if reward.prompts == 1 else ""
