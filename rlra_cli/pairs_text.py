"""One compared pair, to be read in a terminal: pure rendering, nothing is printed here."""

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import grid, line, shown
from schemas.pairs import Order, Pair, Side


def told(pair: Pair) -> RenderableType:
    """Return a pair with its conversation, both responses, and what the judge said in each order.

    An order that failed is marked, and a pair without an outcome says so; neither is ever shown as a tie.
    """
    rows = grid(1)
    for message in pair.messages:
        rows.add_row(Text(message.role, style="cyan"), shown(message.content))
    for criterion in pair.criteria:
        rows.add_row(Text("compared by", style="dim"), shown(criterion))
    for side in (pair.left, pair.right):
        for message in side.earlier:
            rows.add_row(Text(f"{message.role} ({side.label})", style="cyan"), shown(message.content))
        rows.add_row(shown(side.label, "bold"), _response(side))
    title = line((pair.id, "bold"), (pair.schema_tag(), "dim"))
    return Group(Rule(title, align="left", style="dim"), rows, Text(), _outcome(pair), _orders(pair))


def _response(side: Side) -> Text:
    if side.error is not None:
        return shown(f"! no answer: {side.error}", "bold yellow")
    return shown(side.text) if side.text else Text("(empty)", style="dim")


def _outcome(pair: Pair) -> Text:
    if pair.winner is None:
        return shown("! no outcome: a verdict failed", "bold yellow")
    if pair.winner == "tie":
        return shown("= tie" if pair.consistent else "= tie: the verdict turned with the order")
    return line((f"✓ {_side(pair, pair.winner).label} wins", "green"), (f"judged by {pair.judge}", "dim"))


def _orders(pair: Pair) -> Table:
    rows = grid(2)
    for order in pair.orders:
        rows.add_row(shown(f"{_side(pair, order.first).label} first", "cyan"), *_said(pair, order))
    return rows


def _said(pair: Pair, order: Order) -> tuple[Text, Text]:
    if order.winner is None:
        return shown(f"! {order.failure}", "bold yellow"), shown(order.reason)
    winner = "tie" if order.winner == "tie" else f"→ {_side(pair, order.winner).label}"
    return shown(winner), shown(order.reason)


def _side(pair: Pair, name: str) -> Side:
    return pair.left if name == "left" else pair.right
