"""What compared pairs come to: Bradley–Terry ratings, win rates, and how far the judge goes by order and length."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schemas.errors import RlraError
from schemas.pairs import Meeting, Pair, Rating, Ratings, Share
from stages.bradley_terry import Array, log_strengths, points, pools
from stages.eval_pairwise import RatingSpec

FEWEST_PROMPTS = 2
"""With fewer there is no telling how prompts differ, and so no interval."""
_DRAWS_PER_BLOCK = 8_000_000


@dataclass(frozen=True)
class Game:
    """What ratings need of a pair; texts are not kept."""

    prompt: str
    left: str
    right: str
    models: tuple[str, str]
    judge: str
    won: float | None
    """What the left side is given: 1, 0.5 for a tie, 0; None without an outcome."""
    consistent: tuple[int, int]
    """Whether both orders said the same, and whether they did not; neither without an outcome."""
    first: tuple[int, int]
    """Verdicts for the response that stood first, and for the other one."""
    longer: tuple[int, int]
    """Whether the longer response won, and whether the shorter one did."""
    failures: tuple[str, ...]


def game(pair: Pair) -> Game:
    """Return what ratings need of a pair."""
    sides = [order.winner == order.first for order in pair.orders if order.winner in ("left", "right")]
    difference = len(pair.left.text) - len(pair.right.text)
    by_length = {"left": difference, "right": -difference}.get(pair.winner or "", 0)
    return Game(
        prompt=pair.prompt,
        left=pair.left.label,
        right=pair.right.label,
        models=(pair.left.model, pair.right.model),
        judge=pair.judge,
        won={"left": 1.0, "tie": 0.5, "right": 0.0}.get(pair.winner or ""),
        consistent=(int(pair.consistent is True), int(pair.consistent is False)),
        first=(sum(sides), len(sides) - sum(sides)),
        longer=(int(by_length > 0), int(by_length < 0)),
        failures=tuple(order.failure for order in pair.orders if order.failure),
    )


def ratings(games: Sequence[Game], spec: RatingSpec) -> Ratings:
    """Return what the games come to; their order has no say.

    A tie, and so a verdict that turned with the order, is half a win for both sides; a pair without an outcome counts
    nowhere. Ratings are the likeliest of the Bradley–Terry model (`bradley_terry.log_strengths`, which says what is
    done where some won all). Intervals are percentiles over resamples of whole prompts, each with ratings of its own;
    a resample that has none of what a share is a share of is left out of that share. There is no interval for
    fewer than two prompts, nor for ratings of a separated pool: what bounds those is no data. Where a share is 0
    or 1 on every prompt, so that each resample says the same, its open end is that of Clopper and Pearson over
    prompts: ((1 − level) / 2) to the power of (1 / prompts), counted from the other end of the scale.

    Raises RlraError for no games, and for an anchor that is none of the labels.
    """
    if not games:
        raise RlraError("there are no pairs to rate")
    labels = sorted({label for one in games for label in (one.left, one.right)})
    refuse_stranger(spec.anchor, labels)
    sums = Sums(games, labels, spec)
    rated, separated = _rated(games, sums, spec.anchor)
    return Ratings(
        id="..".join(labels),
        judge=", ".join(sorted({one.judge for one in games})),
        anchor=spec.anchor,
        level=spec.level,
        resamples=spec.resamples,
        separated_resamples=separated,
        seed=spec.seed,
        prompts=sums.prompts,
        pairs=len(games),
        failures=dict(sorted(Counter(kind for one in games for kind in one.failures).items())),
        ratings=tuple(rated),
        meetings=tuple(_meetings(games, sums, rated)),
        consistency=sums.share(-6, -5),
        first_wins=sums.share(-4, -3),
        longer_wins=sums.share(-2, -1),
    )


def refuse_stranger(anchor: str | None, labels: Iterable[str]) -> None:
    """Raise RlraError for an anchor that is none of the labels."""
    known = sorted(labels)
    if anchor is not None and anchor not in known:
        raise RlraError(f"--anchor: '{anchor}' is none of the labels", hint=f"they are {', '.join(known)}")


class Sums:
    """What was counted, and its sums over all prompts and over each resample of them.

    The columns are the wins of each label over each, then those of `Game.consistent`, `first` and `longer`.
    """

    def __init__(self, games: Sequence[Game], labels: Sequence[str], spec: RatingSpec) -> None:
        """Count the games by prompt, and draw the resamples."""
        self.labels, self.level = labels, spec.level
        place = {label: index for index, label in enumerate(labels)}
        rows = {name: row for row, name in enumerate(sorted({one.prompt for one in games}))}
        self.prompts, self._size = len(rows), len(labels)
        self._table = np.zeros((self.prompts, self._size**2 + 6))
        for one in games:
            row, left, right = self._table[rows[one.prompt]], place[one.left], place[one.right]
            if one.won is not None:
                row[self.column(left, right)] += one.won
                row[self.column(right, left)] += 1 - one.won
            row[-6:] += (*one.consistent, *one.first, *one.longer)
        self._drawn = resampled(self._table, spec.resamples, spec.seed)

    def column(self, winner: int, loser: int) -> int:
        """Return the column that counts the wins of one label over another."""
        return winner * self._size + loser

    def wins(self) -> Array:
        """Return tables of wins (1 + resamples, n, n): that of all prompts, then those of the resamples."""
        tables = np.concatenate([self._table.sum(axis=0, keepdims=True), self._drawn])
        return tables[:, : self._size**2].reshape(-1, self._size, self._size)

    def share(self, part: int, rest: int) -> Share:
        """Return the share of one column in the sum of two."""
        counted, whole = self._table[:, part], self._table[:, part] + self._table[:, rest]
        prompts, total = int((whole > 0).sum()), float(whole.sum())
        if not prompts:
            return Share(value=None, low=None, high=None, n=0)
        value = float(counted.sum()) / total
        drawn = self._drawn[:, part] + self._drawn[:, rest]
        shares = self._drawn[drawn > 0, part] / drawn[drawn > 0]
        low, high = self.interval(shares) if prompts >= FEWEST_PROMPTS else (None, None)
        if prompts >= FEWEST_PROMPTS and value in (0.0, 1.0):
            bound = ((1 - self.level) / 2) ** (1 / prompts)
            low, high = (bound, 1.0) if value else (0.0, 1 - bound)
        return Share(value=value, low=low, high=high, n=round(total))

    def interval(self, drawn: Array) -> tuple[float, float]:
        """Return the percentiles of what resamples gave."""
        low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)


def resampled(table: Array, resamples: int, seed: int) -> Array:
    """Return the sums (resamples, columns) over rows that are drawn with replacement, as many as there are.

    Equal rows are drawn as one that is as much likelier, which is the same and faster. Which rows come first is decided
    by the order of their first appearance, so that exchanged columns give exchanged sums.
    """
    _, first, counts = np.unique(table, axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)
    rows, likely = table[first[order]], counts[order] / len(table)
    random = np.random.default_rng(seed)
    block = max(1, _DRAWS_PER_BLOCK // len(rows))
    drawn = (
        random.multinomial(len(table), likely, size=min(block, resamples - start)).astype(np.float64)
        for start in range(0, resamples, block)
    )
    # Without BLAS, whose threads wait for each other longer than such sums take.
    return np.concatenate([np.einsum("rp,pc->rc", counts, rows) for counts in drawn])


def _rated(games: Sequence[Game], sums: Sums, anchor: str | None) -> tuple[list[Rating], float]:
    """Return the ratings, pool by pool, and the share of resamples in which any pool was separated."""
    tables = sums.wins()
    bounded = np.zeros(len(tables) - 1, dtype=bool)
    rated: list[Rating] = []
    met = tables[0] + tables[0].T > 0
    for number, pool in enumerate(sorted(pools(met), key=lambda pool: (-len(pool), pool))):
        rows = [_unrated(games, sums.labels[index], number) for index in pool]
        if len(pool) > 1:
            strengths, separated = log_strengths(tables[:, pool][:, :, pool])
            rows = _with_strengths(rows, strengths, bool(separated[0]), sums, anchor)
            bounded |= separated[1:]
        rated += sorted(rows, key=lambda row: (-(row.rating or 0), row.label))
    return rated, float(bounded.mean())


def _unrated(games: Sequence[Game], label: str, pool: int) -> Rating:
    own = [one for one in games if label in (one.left, one.right)]
    return Rating(
        label=label,
        model=", ".join(sorted({one.models[one.right == label] for one in own})),
        rating=None,
        low=None,
        high=None,
        strength=None,
        pool=pool,
        separated=False,
        **_record(own, label),
    )


def _record(games: Sequence[Game], label: str) -> dict[str, int]:
    """Return how the label fared in its games."""
    won = [one.won if one.won is None or one.left == label else 1 - one.won for one in games]
    return {
        "wins": won.count(1.0),
        "ties": won.count(0.5),
        "losses": won.count(0.0),
        "failed": won.count(None),
    }


def _with_strengths(
    rows: Sequence[Rating], strengths: Array, separated: bool, sums: Sums, anchor: str | None
) -> list[Rating]:
    """Return the ratings of a pool, from the log-strengths over all prompts and over each resample."""
    labels = [row.label for row in rows]
    scaled = points(strengths, labels.index(anchor) if anchor in labels else None)
    shares = np.exp(strengths[0] - strengths[0].max())
    found = []
    for at, row in enumerate(rows):
        known = not separated and sums.prompts >= FEWEST_PROMPTS
        low, high = sums.interval(scaled[1:, at]) if known else (None, None)
        rated = {"rating": float(scaled[0, at]), "low": low, "high": high, "separated": separated}
        found.append(row.model_copy(update={**rated, "strength": float(shares[at] / shares.sum())}))
    return found


def _meetings(games: Sequence[Game], sums: Sums, rated: Sequence[Rating]) -> Iterator[Meeting]:
    place = {label: index for index, label in enumerate(sums.labels)}
    by_labels: dict[frozenset[str], list[Game]] = {}
    for each in games:
        by_labels.setdefault(frozenset((each.left, each.right)), []).append(each)
    for one, two in combinations(rated, 2):
        if met := by_labels.get(frozenset((one.label, two.label))):
            won, lost = (sums.column(place[a.label], place[b.label]) for a, b in ((one, two), (two, one)))
            yield Meeting(
                left=one.label,
                right=two.label,
                **_record(met, one.label),
                win_rate=sums.share(won, lost),
                expected=_expected(one, two),
            )


def _expected(one: Rating, two: Rating) -> float | None:
    if one.strength is None or two.strength is None or one.pool != two.pool:
        return None
    return one.strength / (one.strength + two.strength)
