"""What a judged file is like, for a terminal: pure rendering."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.table import Table
from rich.text import Text

from rlra_cli.safe_text import line, shown
from schemas.stats import AgainstLength, CriterionStats, Histogram, Rewards, Spread, Stats
from stages.visible import one_line

MOST_CRITERIA = 15
"""Rows of the table of criteria; the record has them all."""
MOST_ROWS = 20
"""Rows of the table of pools."""
MOST_OF_NAME = 80
"""Characters of the name of a file or pool."""
MOST_PAIRS = 5
MOST_NAMES = 6
STRONG = 0.5
"""From this correlation on a pair of criteria is worth a line."""
_BAR = 40
_STATES = {"saturated": "yellow", "dead": "yellow", "never scored": "red"}


def screen(found: Sequence[Stats]) -> Iterator[Text | Table]:
    """Yield the figures of one file in full, or of several side by side, and then of pools side by side."""
    files = [each for each in found if each.pool is None]
    pools = _by_size([each for each in found if each.pool is not None])
    if len(files) == 1:
        yield from _file(files[0])
    for table in ([files] if len(files) > 1 else []) + ([pools] if pools else []):
        yield Text()
        yield _abreast(table, len({each.file for each in found}) > 1)


def _by_size(pools: Sequence[Stats]) -> list[Stats]:
    """Return the largest pools first, those of one name together."""
    prompts: Counter[str] = Counter()
    for each in pools:
        prompts[each.pool or ""] += each.prompts
    names = [name for name, _ in prompts.most_common()]
    return sorted(pools, key=lambda each: names.index(each.pool or ""))


def _file(stats: Stats) -> Iterator[Text | Table]:
    sizes = f", {_range(stats.group_size)} each" if stats.group_size else ""
    policies = f", of {', '.join(list(stats.policies)[:MOST_NAMES])}" if stats.policies else ""
    yield line((stats.file, "bold"), (f"{stats.prompts:,} prompts, {stats.responses:,} responses{sizes}{policies}", ""))
    if stats.rewards is not None:
        yield from _rewards(stats.rewards)
    elif stats.of == "rollouts":
        yield shown("  rollouts have no verdicts and no rewards: judge them first", "dim")
    yield from _lengths(stats)
    yield from _failures(stats)
    if stats.criteria:
        yield Text()
        yield _criteria(stats.criteria)
    yield from _pairs(stats)


def _rewards(rewards: Rewards) -> Iterator[Text]:
    if rewards.all is None or rewards.histogram is None:
        yield shown("  no response has a reward", "red")
        return
    yield Text()
    yield line(("reward", "cyan"), (_distribution(rewards.all), ""))
    yield from _bars(rewards.histogram)
    if rewards.spread is None:
        yield shown("  no group has two rewards to compare", "dim")
        return
    flat = f"{_share(rewards.flat)} of {rewards.spread.n:,} groups have no spread"
    yield line(("within groups", "cyan"), (f"sd {rewards.spread.mean:.3f} on average; {flat}", ""))


def _bars(histogram: Histogram) -> Iterator[Text]:
    most = max(histogram.counts)
    names = [f"{low:.2f} – {high:.2f}" for low, high in pairwise(histogram.edges)]
    wide, digits = max(map(len, names)), len(f"{most:,}")
    for name, count in zip(names, histogram.counts, strict=True):
        label = Text(f"  {name:>{wide}}  {count:>{digits},}  ")
        yield label.append("█" * -(-_BAR * count // most), style="green")


def _lengths(stats: Stats) -> Iterator[Text]:
    if stats.length is not None:
        cut = f"; {_share(stats.truncated)} cut off" if stats.truncated is not None else ""
        yield line(("length", "cyan"), (f"{_distribution(stats.length, 0)} {stats.unit}{cut}", ""))
    if stats.rewards is not None:
        yield line(("reward and length", "cyan"), (_against(stats.rewards.length), ""))


def _against(found: AgainstLength) -> str:
    if found.pearson is None:
        return f"undefined: {found.why}"
    within = f", within {found.groups:,} groups {found.within:+.2f}" if found.within is not None else ""
    ranks = f", of ranks {found.spearman:+.2f}" if found.spearman is not None else ""
    return f"correlation {found.pearson:+.2f}{ranks}{within}"


def _failures(stats: Stats) -> Iterator[Text]:
    lost = stats.rewards.unrewarded if stats.rewards else 0
    missing = [f"{stats.unanswered:,} without an answer"] * bool(stats.unanswered)
    missing += [f"{lost:,} of {stats.responses:,} without a reward"] * bool(lost)
    if missing:
        yield line(("responses", "cyan"), (", ".join(missing), "red"))
    if stats.failures:
        yield line(("failed verdicts", "cyan"), (_counted(stats.failures), "red"))
    if stats.veto_rate is not None:
        fired = f": {_counted(stats.vetoes)}" if stats.vetoes else ""
        yield line(("vetoes", "cyan"), (f"{_share(stats.veto_rate)} of responses{fired}", ""))
    if stats.judges:
        yield line(("verdicts", "cyan"), (f"by {_counted(stats.judges)}", ""))
    if stats.usage is not None:
        used = stats.usage
        took = f"{used.calls:,} calls, {used.tokens_in:,} tokens in, {used.tokens_out:,} out"
        yield line(("judges", "cyan"), (f"{took}, said by {used.lines:,} of {stats.prompts:,} lines", ""))


def _criteria(criteria: Sequence[CriterionStats]) -> Table:
    unscored = [name for name in ("abstained", "failed") if any(getattr(each, name) for each in criteria)]
    table = _table("criterion", "mean", "sd", "within", "best", "worst", "scored", *unscored)
    table.add_column(Text(), no_wrap=True)
    for each in criteria[:MOST_CRITERIA]:
        figures = [_number(value) for value in (each.mean, each.sd, each.within)]
        shares = [_share(value) for value in (each.top, each.bottom)]
        counts = [f"{getattr(each, name):,}" for name in ("scored", *unscored)]
        state = each.state or ""
        table.add_row(shown(each.criterion), *map(Text, figures + shares + counts), Text(state, _STATES.get(state, "")))
    if len(criteria) > MOST_CRITERIA:
        table.caption = Text(f"and {len(criteria) - MOST_CRITERIA:,} more, which the record has", "dim")
    return table


def _pairs(stats: Stats) -> Iterator[Text]:
    strong = [pair for pair in stats.correlations if abs(pair.pearson) >= STRONG][:MOST_PAIRS]
    if strong:
        yield Text()
        yield Text("criteria that go together", "cyan")
    for pair in strong:
        yield shown(f"  {pair.pearson:+.2f}  {pair.criteria[0]} and {pair.criteria[1]}, on {pair.n:,} responses")


def _table(first: str, *others: str) -> Table:
    """Return an empty table of names and figures, narrow enough for 80 columns to leave the names room."""
    table = Table(box=None, pad_edge=False, collapse_padding=True, caption_justify="left")
    table.add_column(Text(first), overflow="fold", min_width=9)
    for name in others:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _abreast(found: Sequence[Stats], several: bool) -> Table:
    """Return one row for each file or pool; where there are several files, a pool says of which it is."""
    columns = ("prompts", "responses", "reward", "within", "flat", "length", "cut\noff", "vetoed", "no\nreward")
    table = _table("file" if found[0].pool is None else "pool", *columns)
    for each in found[:MOST_ROWS]:
        pool = f"{each.pool or '–'}, {each.file}" if several else each.pool or "–"
        name = one_line(each.file if each.pool is None else pool, MOST_OF_NAME)
        table.add_row(Text(name), *map(Text, _row(each)))
    if len(found) > MOST_ROWS:
        table.caption = Text(f"and {len(found) - MOST_ROWS:,} more, which the record has", "dim")
    return table


def _row(each: Stats) -> list[str]:
    rewards, length = each.rewards, each.length
    of = rewards.all if rewards else None
    within = rewards.spread if rewards else None
    return [
        f"{each.prompts:,}",
        f"{each.responses:,}",
        _number(of.mean if of else None),
        _number(within.mean if within else None),
        _share(rewards.flat if rewards else None),
        f"{length.mean:,.0f}" if length else "–",
        _share(each.truncated),
        _share(each.veto_rate),
        f"{rewards.unrewarded:,}" if rewards else "–",
    ]


def _distribution(found: Spread, digits: int = 3) -> str:
    quartiles = ", ".join(f"{value:,.{digits}f}" for value in (found.p25, found.p50, found.p75))
    ends = f"{found.min:,.{digits}f} to {found.max:,.{digits}f}"
    return f"mean {found.mean:,.{digits}f}, sd {found.sd:,.{digits}f}, {ends}, quartiles {quartiles}"


def _range(sizes: Spread) -> str:
    return f"{sizes.min:g}" if sizes.min == sizes.max else f"{sizes.min:g} to {sizes.max:g}"


def _counted(counts: dict[str, int]) -> str:
    some = ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:MOST_NAMES])
    return some + (f" and {len(counts) - MOST_NAMES} more" if len(counts) > MOST_NAMES else "")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
