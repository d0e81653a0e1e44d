"""A report as one HTML page that needs nothing else: no network, no scripts, no files beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.judged import Judged
from schemas.report import Report
from schemas.train_log import TrainLog
from stages.reports.pages import page

if TYPE_CHECKING:
    from stages.reports.examples import Shown
    from stages.training.parting import Held, Parting

EXAMPLES = 3
"""Largest gains, and as many largest losses, shown in full."""


@dataclass(frozen=True)
class Training:
    """What is known of the training between the two files of a report."""

    logs: Sequence[TrainLog] = ()
    """The lines of all rounds in a row."""
    gold: "Sequence[Held]" = ()
    """What a gold judge gave held-out prompts at points of the run."""
    parted: "Parting | None" = None
    """Where the training reward and the gold judge part."""
    samples: "Sequence[tuple[Judged, Shown]]" = ()
    """Responses from the beginning, the middle and the end."""


def render(report: Report, before: Sequence[Judged], after: Sequence[Judged], training: Training | None = None) -> str:
    """Return the page of a report over the two files that it compares, and the training between them.

    Every text is escaped, and hidden characters are drawn: judged text is hostile. The same arguments
    give the same page.
    """
    training = training or Training()
    return _template().render(
        report=report,
        headline=next((change for change in report.measures if change.name == "reward"), None),
        plots=_plots(report, before, after),
        training=training,
        **_curves(training),
        provenance=_provenance(report, before, after),
        judges=[judges(before), judges(after)],
        **_examples(before, after),
    )


def _template() -> Any:
    from stages.measures import SAYS
    from stages.reports import reading

    return page(
        "report.html.j2",
        figure=reading.figure,
        signed=reading.signed,
        interval=reading.interval,
        reading=reading.reading,
        few=reading.FEW_PROMPTS,
        says=SAYS,
    )


def _plots(report: Report, before: Sequence[Judged], after: Sequence[Judged]) -> dict:
    from markupsafe import Markup

    from stages.reports import plots

    drawn = {
        "rewards": plots.rewards(report, before, after),
        "criteria": plots.criteria(report.criteria),
        "lengths": plots.lengths(report, before, after),
    }
    # matplotlib escapes the text inside its own SVG.
    return {name: Markup(svg) if svg else None for name, svg in drawn.items()}


def _curves(training: Training) -> dict[str, Any]:
    from markupsafe import Markup

    from stages.reports import learning

    gold = learning.gold(training.logs, training.gold, training.parted)
    return {
        "alarms": [line.event for line in training.logs if learning.is_alarm(line)],
        "curves": [(name, Markup(svg)) for name, svg in learning.curves(training.logs)],
        "criteria_curves": [(name, Markup(svg)) for name, svg in learning.criteria(training.logs)],
        "gold": Markup(gold) if gold else None,
    }


def _examples(before: Sequence[Judged], after: Sequence[Judged]) -> dict[str, Any]:
    from stages.reports import examples

    gains, losses = examples.gains_and_losses(before, after, EXAMPLES)
    found = examples.worst(after)
    worst = (found[0], examples.show(*found)) if found else None
    return {"gains": gains, "losses": losses, "worst": worst, "wanted": EXAMPLES}


def judges(lines: Iterable[Judged]) -> list[str]:
    """Return who gave the verdicts of a file, sorted: models, and `check`."""
    return sorted({v.judge for line in lines for response in line.responses for v in response.verdicts})


def _provenance(report: Report, before: Sequence[Judged], after: Sequence[Judged]) -> list[tuple[str, str, str]]:
    sides = ((report.before, before), (report.after, after))
    columns = [
        {
            "label": side.label,
            "model": side.model,
            "revision": side.revision,
            "engine": _all(f"{line.policy.engine} {line.policy.dtype}" for line in lines),
            "chat template": _all(line.policy.template for line in lines),
            "temperature": _all(f"{s.temperature:g}" if (s := line.policy.sampling) else "unknown" for line in lines),
            "longest response": _all(
                f"{s.max_tokens} tokens" if (s := line.policy.sampling) else "unknown" for line in lines
            ),
            "sampling seed": _all(str(line.policy.seed) for line in lines),
            "judges": _all(judges(lines)),
            "rubric": _all(f"{line.rubric.rubric} ({line.rubric.digest()})" for line in lines if line.rubric),
            "prompts": str(side.prompts),
            "responses": str(side.responses),
            "without a reward": str(side.unscored),
        }
        for side, lines in sides
    ]
    return [(name, columns[0][name], columns[1][name]) for name in columns[0]]


def _all(values: Iterable[str], shown: int = 4) -> str:
    found = sorted(set(values))
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return ", ".join(found[:shown]) + more
