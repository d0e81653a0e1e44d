"""Records of agreement as tables for a terminal: each figure of a judge beside the ceiling."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from schemas.agreement import Agreement, Figure
from stages.reports.reading import FEW_PROMPTS, figure

NAMES = {
    "accuracy": "accuracy",
    "kappa": "kappa",
    "kappa_linear": "kappa, linear",
    "kappa_quadratic": "kappa, quadratic",
    "alpha_nominal": "alpha, nominal",
    "alpha_ordinal": "alpha, ordinal",
    "alpha_interval": "alpha, interval",
    "icc_2_1": "ICC(2,1)",
    "icc_2_k": "ICC(2,k)",
    "pearson": "Pearson r",
    "spearman": "Spearman rho",
    "kendall": "Kendall tau-b",
    "ece": "calibration error",
    "error": "mean error",
    "error_positive": "error, weight > 0",
    "error_negative": "error, weight < 0",
    "length": "error × length, r",
    "position": "error × position, r",
}
_SHORT = ("accuracy", "kappa", "kappa_quadratic", "alpha_ordinal", "spearman", "error")


def agreement_tables(records: Sequence[Agreement]) -> RenderableType:
    """Return every statistic of the first record that is about all, then the others, a line each."""
    first = next((record for record in records if record.about == "overall"), records[0])
    rest = [record for record in records if record is not first]
    return Group(full_table(first), *([short_table(rest)] if rest else []))


def full_table(record: Agreement) -> Table:
    """Return every statistic of one record, with its interval and the ceiling; an undefined one says why."""
    judges = ", ".join(record.judges) or "nobody"
    heading = f"{record.criterion or record.about}: {judges} against {_people(record)}"
    table = Table(title=shown(heading, "bold"), title_justify="left", caption=_caption(record), caption_justify="left")
    table.add_column(Text("statistic"), overflow="fold")
    level = f"{record.level:.0%} interval"
    for name in ("judge", level, "n", "each", "people", level):
        table.add_column(Text(name), justify="right")
    table.add_column(Text("note"), overflow="fold")
    for names in (record.judge, record.bias):
        for name, found in names.items():
            beside = (record.each.get(name), record.people.get(name)) if names is record.judge else (None, None)
            table.add_row(Text(NAMES.get(name, name)), *_cells(found, *beside), shown(found.why, "dim"))
        table.add_section()
    return table


def short_table(records: Sequence[Agreement]) -> Table:
    """Return one line per record: its best-known statistics, with the ceiling in brackets."""
    table = Table(title=Text("by criterion (one person against another)"), title_justify="left")
    table.add_column(Text("criterion"), overflow="fold")
    for name in ("labelled", "no verdict"):
        table.add_column(Text(name), justify="right")
    for name in _SHORT:
        table.add_column(Text(NAMES[name]), justify="right")
    for record in records:
        label = record.criterion or f"({record.about})"
        counts = (f"{record.compared + record.unjudged:,}", f"{record.unjudged:,}")
        table.add_row(shown(label), *map(Text, counts), *(Text(_beside(record, name)) for name in _SHORT))
    return table


def _cells(found: Figure, each: Figure | None, ceiling: Figure | None) -> list[Text]:
    style = "dim" if found.value is None else ""
    above = [Text(figure(ceiling.value)), Text(_interval(ceiling))] if ceiling else [Text(), Text()]
    single = Text(figure(each.value) if each else "")
    return [Text(figure(found.value), style=style), Text(_interval(found)), Text(f"{found.n:,}"), single, *above]


def _beside(record: Agreement, name: str) -> str:
    found = record.judge.get(name) or record.bias[name]
    ceiling = record.people.get(name)
    return figure(found.value) + (f" ({figure(ceiling.value)})" if ceiling and ceiling.value is not None else "")


def _interval(found: Figure) -> str:
    return "–" if found.low is None else f"{figure(found.low)} to {figure(found.high)}"


def _people(record: Agreement) -> str:
    count = len(record.raters)
    return ", ".join(record.raters) if count < 4 else f"{count} people"


def _caption(record: Agreement) -> Text:
    notes = [f"{record.compared:,} labelled verdicts on {record.prompts:,} prompts compared."]
    if record.unjudged:
        because = ", ".join(f"{count:,} {why}" for why, count in record.unjudged_because.items())
        notes.append(f"Without a verdict, and nowhere counted: {record.unjudged:,} ({because}).")
    if record.tied:
        notes.append(
            f"People divided evenly: {record.tied:,}. These have no consensus, and without them the judge looks better "
            "than it is: compare `each`, the judge against one person, with `people`, one person against another."
        )
    if record.unmatched:
        notes.append(f"Labelled, but not in the judged file: {record.unmatched:,}.")
    if record.prompts < FEW_PROMPTS:
        notes.append(f"Intervals over fewer than {FEW_PROMPTS} prompts are narrower than they should be.")
    return shown(" ".join(notes), "dim")
