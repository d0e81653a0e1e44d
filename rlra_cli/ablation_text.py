"""Ablations as a table for a terminal: a row for each."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from schemas.ablation import Ablation, Effect, Ranking
from stages.ablation import EACH
from stages.reports.reading import FEW_PROMPTS, figure, signed


def ablation_table(records: Sequence[Ablation]) -> Table:
    """Return a table of ablations: the order within groups, then each measure with the criteria and without."""
    table = Table(box=SIMPLE_HEAD, caption=_caption(records), caption_justify="left")
    table.add_column(Text("left out"), overflow="fold")
    names = _measures(records)
    for name in ("groups", "tau-b", "pairs", *(name.replace("_", " ") for name in names)):
        table.add_column(Text(name), justify="right")
    for record in records:
        found = {effect.name: effect for effect in (*record.effects, *record.labels)}
        cells = [Text(f"{record.groups:,}"), _tau(record.ranking), _pairs(record.ranking)]
        table.add_row(shown(record.id.removeprefix(EACH), "bold"), *cells, *(_effect(found[name]) for name in names))
    return table


def _measures(records: Sequence[Ablation]) -> list[str]:
    return [effect.name for effect in (*records[0].effects, *records[0].labels)] if records else []


def _tau(order: Ranking) -> Text:
    return Text(figure(order.tau)).append(_ends(order.low, order.high), "dim")


def _pairs(order: Ranking) -> Text:
    return Text(f"{order.flipped:,} flip\n{order.merged:,} merge, {order.parted:,} part\nof {order.pairs:,}")


def _effect(effect: Effect) -> Text:
    """Return `with → without`, and below it the change with its interval."""
    if effect.change is None:
        return Text("–", "dim")
    sure = effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high
    worse = sure and effect.better != "neither" and (effect.change < 0) == (effect.better == "higher")
    style = "" if not sure or effect.better == "neither" else "red" if worse else "green"
    said = Text(f"{figure(effect.before)} → {figure(effect.after)}\n").append(signed(effect.change), style)
    return said.append(_ends(effect.low, effect.high), "dim")


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"\n{figure(low)} to {figure(high)}"


def _caption(records: Sequence[Ablation]) -> Text:
    notes = ["With the criteria → without them, and the change. Pairs that flip change places; those that merge tie."]
    notes += [
        f"{record.id}: {record.lost:,} responses have no reward without it, and {record.gained:,} only then."
        for record in records
        if record.lost or record.gained
    ]
    if any(record.groups < FEW_PROMPTS for record in records):
        notes.append(f"Intervals over fewer than {FEW_PROMPTS} groups are narrower than they should be.")
    return shown(" ".join(notes), "dim")
