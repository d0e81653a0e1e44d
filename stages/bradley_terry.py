"""Bradley–Terry ratings: the strengths that make the wins and losses that were seen the likeliest."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

HALF_A_WIN = 0.5
"""What each side of every pair that met is given where no likeliest strengths exist: Jeffreys' prior for one pair."""
POINTS = 400 / math.log(10)
"""Points on the scale of Elo for each unit of a log-strength."""
CENTRE = 1000.0
_STEPS = 2_000
_CELLS = 2_000_000
"""Cells of the tables that are worked on at a time, which bounds memory."""
_SMALLEST_STEP = 1e-10


def log_strengths(wins: Array) -> tuple[Array, Flags]:
    """Return (log-strengths, separated) of each table of wins; `wins` is (tables, n, n) or (n, n).

    `wins[i, j]` is how often i beat j; a tie is half a win for both. The probability that i beats j is
    `1 / (1 + exp(θ_j − θ_i))`, and the θ are the ones of maximum likelihood, with mean 0. They exist if and only if,
    however the labels are cut in two, somebody on each side beat somebody on the other (Ford 1957); where they do not,
    `separated` says so, and every pair that met in any of the tables is given half a win for each side first.
    Every label must be reachable from every other by pairs that met.

    Sources: Bradley and Terry, Biometrika 39 (1952); Ford, American Mathematical Monthly 64 (1957). Newton's method,
    no step of which moves a pair that met by more than 1 on the scale of logits: the likelihood then never falls (Bach,
    Electronic Journal of Statistics 4 (2010), on self-concordance of the logistic function).
    """
    tables = wins.reshape(-1, *wins.shape[-2:]).astype(np.float64)
    met: Flags = np.any(tables + tables.swapaxes(1, 2) > 0, axis=0)
    if not strongly_connected(met[None])[0]:
        raise ValueError("strengths are comparable only where pairs that met lead from each label to each")
    separated = np.logical_not(strongly_connected(tables > 0))
    tables = tables + HALF_A_WIN * (separated[:, None, None] & met)
    size = max(1, _CELLS // met.size)
    found = np.concatenate([_likeliest(tables[at : at + size], met) for at in range(0, len(tables), size)])
    return found.reshape(wins.shape[:-1]), separated.reshape(wins.shape[:-2])


def _likeliest(wins: Array, met: Flags) -> Array:
    found = np.zeros(wins.shape[:-1])
    moving = np.arange(len(wins))
    for _ in range(_STEPS):
        step = _newton(wins[moving], beats(found[moving]))
        furthest = np.abs((step[:, :, None] - step[:, None, :]) * met).max(axis=(1, 2))
        found[moving] += step / np.maximum(furthest, 1.0)[:, None]
        moving = moving[furthest > _SMALLEST_STEP]
        if not len(moving):
            return found - found.mean(axis=1, keepdims=True)
    raise ArithmeticError(f"no strengths were found in {_STEPS} steps")


def _newton(wins: Array, chances: Array) -> Array:
    size = wins.shape[-1]
    losses, against = wins.swapaxes(1, 2), chances.swapaxes(1, 2)
    # Written so, a favourite's many wins do not drown the few that were not expected.
    slope = (wins * against - losses * chances).sum(axis=2)
    curvature = -(wins + losses) * chances * against
    curvature[:, range(size), range(size)] = 0.0
    curvature[:, range(size), range(size)] = -curvature.sum(axis=2)
    # Only differences matter, so the matrix is singular along (1, …, 1): what is added leaves the step's mean at 0.
    scale = np.trace(curvature, axis1=1, axis2=2) / size**2 + (size == 1)
    step: Array = np.linalg.solve(curvature + scale[:, None, None], slope[..., None])[..., 0]
    return step


def beats(strengths: Array) -> Array:
    """Return the probability that i beats j, for log-strengths (…, n), as (…, n, n)."""
    with np.errstate(over="ignore"):  # beyond what a float holds the probability is 0
        chances: Array = 1.0 / (1.0 + np.exp(strengths[..., None, :] - strengths[..., :, None]))
    return chances


def strongly_connected(beaten: Flags) -> Flags:
    """Return for each graph of (graphs, n, n) whether its edges lead from every node to every other."""
    size = beaten.shape[-1]
    reached = beaten | np.eye(size, dtype=bool)
    for middle in range(size):  # Warshall's closure
        reached |= reached[:, :, middle, None] & reached[:, None, middle, :]
    connected: Flags = np.all(reached, axis=(1, 2))
    return connected


def pools(met: Flags) -> list[list[int]]:
    """Return the labels, as indices, that pairs that met connect; each pool in order, the pools by their first."""
    left, found = list(range(len(met))), []
    while left:
        pool, fringe = {left[0]}, [left[0]]
        while fringe:
            near = {int(k) for k in np.flatnonzero(met[fringe.pop()])} - pool
            pool |= near
            fringe += near
        found.append(sorted(pool))
        left = [index for index in left if index not in pool]
    return found


def points(strengths: Array, anchor: int | None = None) -> Array:
    """Return log-strengths (…, n) as ratings: 400 points are odds of ten to one; the mean, or the anchor's, is 1000."""
    zero = strengths.mean(axis=-1, keepdims=True) if anchor is None else strengths[..., [anchor]]
    rating: Array = CENTRE + POINTS * (strengths - zero)
    return rating
