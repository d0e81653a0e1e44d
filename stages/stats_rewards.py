"""What rewards and lengths of groups are like, from twenty bytes a response, and a hundred at the end."""

from array import array

import numpy as np
from numpy.typing import NDArray

from schemas.rollouts import Rollouts
from schemas.stats import AgainstLength, Histogram, Rewards, Spread
from stages.agreement.correlation import pearson, spearman
from stages.agreement.resampling import value_of

BINS = 10
TENTHS = 10
_SAME = 1e-9
"""Rewards this near are equal, as `rlra validate` has it."""
_FEWEST = 3
"""Two responses always lie on a line."""
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_DIGITS = 9

Array = NDArray[np.float64]


class Responses:
    """Length and reward of each response so far, NaN for none, group after group."""

    def __init__(self) -> None:
        self._rewards = array("d")
        self._tokens = array("f")
        self._characters = array("f")
        self._sizes = array("L")

    def add(self, line: Rollouts) -> None:
        """Count one group."""
        self._sizes.append(len(line.responses))
        for response in line.responses:
            answered = response.finish != "failed"
            reward = getattr(response, "reward", None)
            self._rewards.append(np.nan if reward is None else reward)
            self._tokens.append(response.length if answered and (response.length or not response.text) else np.nan)
            self._characters.append(len(response.text) if answered else np.nan)

    @property
    def in_tokens(self) -> bool:
        """Whether every answer says how many tokens it has."""
        return not np.any(np.isnan(_values(self._tokens)) & ~np.isnan(_values(self._characters)))

    def _lengths(self) -> Array:
        return _values(self._tokens if self.in_tokens else self._characters)

    def length(self) -> Spread | None:
        """Return the distribution of the answers' lengths."""
        return spread(self._lengths())

    def sizes(self) -> Spread | None:
        """Return the distribution of the groups' sizes."""
        return spread(_values(self._sizes))

    def rewards(self) -> Rewards:
        """Return what the rewards are like."""
        rewards, sizes = _values(self._rewards), np.array(self._sizes, np.int64)
        spreads, flat = _within(rewards, sizes)
        return Rewards(
            all=spread(rewards),
            histogram=_histogram(rewards[~np.isnan(rewards)]),
            unrewarded=int(np.isnan(rewards).sum()),
            spread=spread(spreads),
            flat=float(flat.mean()) if len(flat) else None,
            length=_against(rewards, self._lengths(), sizes),
        )


def spread(values: Array) -> Spread | None:
    """Return the distribution of the values that are not NaN; None without any."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, *inside, high = np.quantile(values, (0.0, *_QUANTILES, 1.0)).tolist()
    names = ("p05", "p25", "p50", "p75", "p95")
    return Spread(
        n=len(values),
        mean=float(np.clip(values.mean(), low, high)),
        sd=float(values.std()) if low < high else 0.0,
        min=low,
        max=high,
        **dict(zip(names, inside, strict=True)),
    )


def _values(numbers: array) -> Array:
    return np.array(numbers, np.float64)


def _histogram(values: Array) -> Histogram | None:
    if not len(values):
        return None
    values = values.round(_DIGITS)  # a sum of tenths is a hair beside the edge that it is meant to be on
    edges = np.linspace(min(0.0, values.min()), max(1.0, values.max()), BINS + 1).round(_DIGITS + 3)
    counts = np.histogram(values, edges)[0]
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))


def _sums(values: Array, sizes: NDArray[np.int64]) -> Array:
    return np.asarray(np.add.reduceat(values, np.cumsum(sizes) - sizes)) if len(sizes) else np.empty(0)


def _within(rewards: Array, sizes: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the standard deviation of each group with two rewards or more, and whether they are all equal."""
    starts = np.cumsum(sizes) - sizes
    has = ~np.isnan(rewards)
    number = _sums(has.astype(float), sizes)
    apart = rewards - np.repeat(_sums(np.nan_to_num(rewards), sizes) / np.maximum(number, 1), sizes)
    deviations = np.sqrt(_sums(np.nan_to_num(apart) ** 2, sizes) / np.maximum(number, 1))[number > 1]
    if not len(deviations):
        return deviations, np.empty(0, bool)
    reach = np.fmax.reduceat(rewards, starts) - np.fmin.reduceat(rewards, starts)
    return deviations, reach[number > 1] < _SAME


def _against(rewards: Array, lengths: Array, sizes: NDArray[np.int64]) -> AgainstLength:
    """Return how rewards and lengths go together, over all responses and within groups."""
    both = ~np.isnan(rewards) & ~np.isnan(lengths)
    rows = np.column_stack([rewards, lengths])[both]
    within = _correlations(rows, _sums(both.astype(float), sizes).astype(np.int64))
    value = value_of(pearson, rows)
    return AgainstLength(
        n=len(rows),
        pearson=value,
        spearman=value_of(spearman, rows),
        within=float(within.mean()) if len(within) else None,
        groups=len(within),
        curve=_curve(rows),
        why="" if value is not None else "no response has both" if not len(rows) else "one of the two is always equal",
    )


def _curve(rows: Array) -> tuple[tuple[float, float], ...]:
    """Return mean length and mean reward between every two deciles of the length."""
    if not len(rows):
        return ()
    rewards, lengths = rows.T
    tenth = np.searchsorted(np.unique(np.quantile(lengths, np.linspace(0, 1, TENTHS + 1)))[1:-1], lengths, "right")
    number = np.maximum(np.bincount(tenth), 1)
    means = [np.bincount(tenth, values) / number for values in (lengths, rewards)]
    return tuple(zip(*(mean[np.bincount(tenth) > 0].tolist() for mean in means), strict=True))


def _correlations(rows: Array, sizes: NDArray[np.int64]) -> Array:
    """Return Pearson's correlation within each group of three or more in which both vary."""
    sizes = sizes[sizes > 0]
    x, y = (v - np.repeat(_sums(v, sizes) / sizes, sizes) for v in rows.T)
    squares = [_sums(v**2, sizes) for v in (x, y)]
    varies = (sizes >= _FEWEST) & (squares[0] > _SAME**2) & (squares[1] > _SAME**2)
    return np.clip(_sums(x * y, sizes)[varies] / np.sqrt(squares[0] * squares[1])[varies], -1, 1)
