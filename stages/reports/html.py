"""A comparison as one HTML page that needs nothing else: no network, no scripts, no files beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.reports.compared import Compared, files
from stages.reports.pages import page

if TYPE_CHECKING:
    from stages.provenance import Origin
    from stages.reports.agreeing import Agreeing
    from stages.reports.examples import Shown
    from stages.training.parting import Held, Parting

LONGEST_SCRIPT = 30_000
"""Characters of the commands that make everything again; the rest is counted."""
MOST_ALARMS = 20


@dataclass(frozen=True)
class Training:
    """What is known of the training between the policies of a report."""

    logs: Sequence[TrainLog] = ()
    """The lines of all rounds in a row."""
    gold: "Sequence[Held]" = ()
    """What a gold judge gave held-out prompts at points of the run."""
    parted: "Parting | None" = None
    """Where the training reward and the gold judge part."""
    samples: "Sequence[tuple[Judged, Shown]]" = ()
    """Responses from the beginning, the middle and the end."""


def render(
    compared: Sequence[Compared],
    training: Training | None = None,
    origins: "Sequence[Origin]" = (),
    command: str = "",
    held: "Sequence[Agreeing]" = (),
) -> str:
    """Return the page of one or more comparisons, of the training between them and of where their files come from.

    `origins` are the files and models that led to the judged files, in any order, `command` is what was typed for
    this page, and `held` is how far judges agree with people. Every text is escaped, hidden characters are drawn, and
    texts, examples, rows and marks are bounded: judged text is hostile, and files are large. The same arguments give
    the same page. Raises ValueError without a comparison.
    """
    from stages.reports import agreeing
    from stages.reports.comparison import comparisons
    from stages.reports.judging import judging
    from stages.reports.overview import overview
    from stages.reports.policies import policies

    if not compared:
        raise ValueError("a page needs a comparison")
    asked = files(compared)
    return _template().render(
        comparisons=comparisons(compared),
        overview=(seen := overview([each.report for each in compared])),
        seesaw=_seesaw(seen),
        report=compared[0].report,
        training=training or Training(),
        **_curves(training or Training()),
        judging=judging(asked),
        held=held,
        most_held=agreeing.MOST_LINES,
        held_rows=agreeing.rows(held),
        held_by=[agreeing.STATISTICS[name] for name in agreeing.names(held)],
        policies=policies(asked),
        **_origins(origins, command),
    )


def _template() -> Any:
    from stages.reports import examples, judging, overview, reading
    from stages.visible import one_line

    return page(
        "report.html.j2",
        figure=reading.figure,
        signed=reading.signed,
        interval=reading.interval,
        reading=reading.reading,
        is_doubtful=reading.is_doubtful,
        probability=reading.probability,
        share=reading.share,
        duration=reading.duration,
        amount=reading.amount,
        dollars=reading.dollars,
        few=reading.FEW_PROMPTS,
        most_q=reading.MOST_Q,
        says=overview.says,
        bar=overview.bar,
        least_sure=judging.least_sure,
        opening=examples.opening,
        short=lambda text, longest=80: one_line(str(text), longest),
    )


def _seesaw(seen: Any) -> Any:
    from markupsafe import Markup

    from stages.reports import plots

    drawing = plots.seesaw(seen)
    return Markup(drawing) if drawing else None


def _curves(training: Training) -> dict[str, Any]:
    from markupsafe import Markup

    from stages.reports import learning

    gold = learning.gold(training.logs, training.gold, training.parted)
    return {
        "alarms": [line.event for line in training.logs if learning.is_alarm(line)][:MOST_ALARMS],
        # matplotlib escapes the text inside its own SVG.
        "curves": [(name, Markup(svg)) for name, svg in learning.curves(training.logs)],
        "criteria_curves": [(name, Markup(svg)) for name, svg in learning.criteria(training.logs)],
        "gold": Markup(gold) if gold else None,
    }


def _origins(origins: "Sequence[Origin]", command: str) -> dict[str, Any]:
    from stages.reports import chain, spending

    steps = spending.steps(origins)
    again = chain.script(origins, command)
    return {
        "links": chain.links(origins),
        "folder": chain.common_folder(origins),
        "states": chain.states(origins),
        "most_links": chain.MOST_ROWS,
        "steps": steps,
        "spent": {name: spending.total(steps, name) for name in spending.SPENT},
        "seconds": spending.seconds(steps),
        "most_steps": spending.MOST_STEPS,
        "sieves": spending.sieves(origins),
        "again": again[:LONGEST_SCRIPT],
        "again_cut": max(0, len(again) - LONGEST_SCRIPT),
        "anchored": any("--anchors" in origin.command for origin in origins),
    }
