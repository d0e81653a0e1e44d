"""Ratings of compared labels for a terminal: pure rendering."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import shown
from schemas.pairs import Meeting, Rating, Ratings, Share
from stages.reports.reading import FEW_PROMPTS

_NONE = "–"


def rendered(ratings: Ratings) -> Iterator[RenderableType]:
    """Yield the ratings, who beat whom, and what is known of the judge, one below the other."""
    yield _ranked(ratings)
    yield _matrix(ratings)
    yield from _judge(ratings)


def _ranked(ratings: Ratings) -> Table:
    anchor = f"{ratings.anchor} = 1000" if ratings.anchor else "mean = 1000"
    title = shown(f"{ratings.pairs:,} pairs on {ratings.prompts:,} prompts, judged by {ratings.judge}", "bold")
    table = Table(title=title, title_justify="left", caption=_caption(ratings), caption_justify="left")
    several = len({row.pool for row in ratings.ratings}) > 1
    table.add_column(Text("label"), overflow="fold")
    table.add_column(Text("model"), overflow="fold")
    for name in (f"rating ({anchor})", f"{ratings.level:.0%} interval", "wins", "ties", "losses", "failed"):
        table.add_column(shown(name), justify="right")
    pool = 0
    for row in ratings.ratings:
        if several and row.pool != pool:
            table.add_section()
            pool = row.pool
        counts = (row.wins, row.ties, row.losses, row.failed)
        table.add_row(
            shown(row.label), shown(row.model), Text(_rating(row)), _interval(row), *(Text(f"{n:,}") for n in counts)
        )
    return table


def _rating(row: Rating) -> str:
    return _NONE if row.rating is None else f"{row.rating:,.0f}{' *' if row.separated else ''}"


def _interval(row: Rating) -> Text:
    return Text(_NONE if row.low is None or row.high is None else f"{row.low:,.0f} to {row.high:,.0f}")


def _caption(ratings: Ratings) -> Text:
    pools = {row.pool for row in ratings.ratings}
    notes = []
    if any(row.separated for row in ratings.ratings):
        notes.append(
            "* Some won all, so no likeliest ratings exist: half a win more for each side of every two that met bounds "
            "them, and there is no interval."
        )
    elif ratings.separated_resamples:
        notes.append(
            f"In {ratings.separated_resamples:.1%} of the resamples some won all, and half a win bounded them."
        )
    if len(pools) > 1:
        notes.append("Labels are comparable within a block only: no comparison leads from one to the other.")
    if 1 < ratings.prompts < FEW_PROMPTS:
        notes.append(f"Intervals over fewer than {FEW_PROMPTS} prompts are narrower than they should be.")
    return shown(" ".join(notes), "dim")


def _matrix(ratings: Ratings) -> Table:
    """Return the win rates: the share that the label of the row took from that of the column, ties halved."""
    names = [row.label for row in ratings.ratings]
    rates = {(m.left, m.right): _against(m) for m in ratings.meetings}
    rates |= {(m.right, m.left): _against(m, turned=True) for m in ratings.meetings}
    table = Table(
        title=Text("win rate of the row against the column in %, a tie half", style="bold"), title_justify="left"
    )
    table.add_column(Text(""), overflow="fold")
    for name in names:
        table.add_column(shown(name), justify="right", overflow="fold")
    for row in names:
        table.add_row(shown(row), *(Text(rates.get((row, column), "")) for column in names))
    return table


def _against(meeting: Meeting, turned: bool = False) -> str:
    rate = meeting.win_rate
    if turned and rate.value is not None:
        low, high = (None if end is None else 1 - end for end in (rate.high, rate.low))
        rate = Share(value=1 - rate.value, low=low, high=high, n=rate.n)
    return figures(rate)


def figures(share: Share) -> str:
    """Return a share in per cent with its interval, such as `61.5 (52.1–70.3)`; `–` for none, which is not 0."""
    if share.value is None:
        return _NONE
    ends = "" if share.low is None or share.high is None else f" ({100 * share.low:.1f}–{100 * share.high:.1f})"
    return f"{100 * share.value:.1f}{ends}"


def _judge(ratings: Ratings) -> Iterator[Text]:
    rows = (
        ("same verdict in both orders", ratings.consistency, "pairs", "100: no verdict turns with the order"),
        ("verdicts for the one that stood first", ratings.first_wins, "verdicts", "50: no bias by position"),
        ("pairs won by the longer response", ratings.longer_wins, "pairs", "far from 50: length may decide"),
    )
    for name, share, what, meaning in rows:
        yield Text(f"{name}: {figures(share)} % of {share.n:,} {what}").append(f"; {meaning}", style="dim")
    if ratings.failures:
        counted = ", ".join(f"{count:,} {kind}" for kind, count in ratings.failures.items())
        yield shown(f"verdicts that failed, and count nowhere: {counted}", "yellow")
