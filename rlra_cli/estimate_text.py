"""What a run of the judge would take, as a table for a terminal: pure rendering."""

from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from schemas.prices import Prices
from stages.estimate import Calls, Estimate

_COLUMNS = ("calls", "judgements", "tokens in", "of them shared", "tokens out")


def estimate_table(estimate: Estimate, prices: Prices | None = None) -> Table:
    """Return an estimate as one table, a row for each model. Raises RlraError for a model without a price."""
    table = Table(
        title=Text("estimate", "bold"), title_justify="left", caption=_notes(estimate), caption_justify="left"
    )
    table.add_column(Text("judge"), overflow="fold")
    for name in (*_COLUMNS, *(["USD"] if prices else [])):
        table.add_column(Text(name), justify="right")
    for model, calls in estimate.models.items():
        table.add_row(*_cells(model, calls, Estimate({model: calls}), prices))
    if len(estimate.models) != 1:
        table.add_section()
        table.add_row(*_cells("all", estimate.total, estimate, prices), style="bold")
    return table


def _cells(name: str, calls: Calls, costs: Estimate, prices: Prices | None) -> list[Text]:
    counts = (calls.calls, calls.judgements, calls.tokens_in, calls.shared)
    figures = [f"{count:,}" for count in counts] + [f"{calls.expected_out:,.0f} – {calls.most_out:,}"]
    if prices:
        low, high = costs.price(prices)
        figures.append(f"{low:,.4f} – {high:,.4f}")
    return [shown(name), *map(Text, figures)]


def _notes(estimate: Estimate) -> Text:
    known = estimate.in_lines + estimate.in_cache
    lines = [
        f"{known:,} more judgements are known: {estimate.in_lines:,} in the lines, {estimate.in_cache:,} in the cache."
        if known
        else "",
        "Shared: the prompt before it began with the same tokens, so that a prefix cache may have them.",
        "Tokens out and USD: as expected, with that cache – with every answer at its limit, without it.",
        "Not in it: answers that cannot be read and are asked for again, what --strong is asked, and anchors.",
    ]
    return Text("\n".join(line for line in lines if line), style="dim")
