"""The paired permutation test: how often would lots that swap the two sides of prompts change a ratio as much?"""

from collections.abc import Iterator, Sequence

import numpy as np

from stages.agreement.means import Array
from stages.agreement.ratios import Sides

_DUST = 1e-9
"""How much smaller, as a share, a change may come out by rounding and still count as one as large as that measured."""
_CELLS = 4_000_000
"""Signs drawn at a time: about 32 MB."""
_COLUMNS = 64
"""Sums followed at a time. It decides the memory, and no figure."""


def swap_tests(changes: Sequence[Sides], permutations: int, seed: int) -> list[float | None]:
    """Return the two-sided p-value of each change: the share of swaps with a change as large as the measured one.

    If it made no difference on which side an answer stands, each prompt's two sides could as well be swapped: for
    means this flips the sign of its difference; of a ratio its numerators and denominators change places together. All
    2^n swaps are tried where they are `permutations` or fewer, n being the prompts whose sides differ, and else
    `permutations` drawn by `seed`, of which b are as large: p = (b + 1) / (m + 1), which is never 0. Swaps
    that leave a side without a denominator count as large. None for fewer than two prompts. Neither the order of the
    prompts nor which side comes first has a say, nor what else is tested in the same call.

    Sources: Fisher, The Design of Experiments (1935), section 21; Noreen, Computer Intensive Methods (1989);
    Phipson and Smyth, arXiv 1603.05766, for the draws.
    """
    tried = [_Swaps(change) for change in changes]
    found: list[float | None] = [None] * len(changes)
    drawn: list[int] = []
    for n, swaps in enumerate(tried):
        if len(changes[n]) > 1 and not np.isnan(swaps.measured):
            if len(swaps.gaps) < permutations.bit_length():
                found[n] = float(swaps.as_large(_every(swaps.gaps)).mean())
            else:
                drawn.append(n)
    for start in range(0, len(drawn), _COLUMNS // 2):
        some = drawn[start : start + _COLUMNS // 2]
        for n, sums in zip(some, _by_lot([tried[n].gaps for n in some], permutations, seed), strict=True):
            found[n] = float((tried[n].as_large(sums).sum() + 1) / (permutations + 1))
    return found


class _Swaps:
    """One change, ready to be swapped."""

    def __init__(self, sides: Sides) -> None:
        gaps = sides.after - sides.before
        gaps = gaps[gaps.any(axis=1)]
        # Swapped by lot, a gap and its negative are the same, and so are all orders of the prompts.
        negative = np.where(gaps[:, 0] != 0, gaps[:, 0] < 0, gaps[:, 1] < 0)
        gaps = np.where(negative[:, None], -gaps, gaps)
        self.gaps = gaps[np.lexsort(gaps.T[::-1])][::-1]
        """Per prompt how its numerator and its denominator differ between the sides; without prompts that are alike."""
        self._totals = (sides.before + sides.after).sum(axis=0)
        self._clip = sides.clip
        old, new = sides.ratios
        self.measured = abs(new - old)

    def as_large(self, sums: Array) -> "np.ndarray":
        """Return for each swap, given as the sums of its signed gaps (2 × swaps), whether its change is as large."""
        with np.errstate(divide="ignore", invalid="ignore"):
            new, old = ((self._totals[0] + way * sums[0]) / (self._totals[1] + way * sums[1]) for way in (1, -1))
        if self._clip:
            new, old = new.clip(0, 1), old.clip(0, 1)
        change = np.abs(new - old)
        return ~np.isfinite(change) | (change >= self.measured * (1 - _DUST))


def _every(gaps: Array) -> Array:
    """Return the sums of the gaps under all of their signs, as 2 × 2^n."""
    sums = np.zeros((2, 1))
    for gap in gaps:
        sums = np.hstack([sums + gap[:, None], sums - gap[:, None]])
    return sums


def _by_lot(gaps: Sequence[Array], permutations: int, seed: int) -> Iterator[Array]:
    """Yield for each change the sums of its gaps under signs drawn by lot, as 2 × permutations.

    The k-th prompts of all changes get the same signs: that is one product of matrices instead of many.
    """
    longest = max(map(len, gaps))
    columns = np.zeros((2 * len(gaps), longest))
    for n, each in enumerate(gaps):
        columns[2 * n : 2 * n + 2, : len(each)] = each.T
    used = columns.any(axis=1)  # means have denominators that do not differ
    sums = np.zeros((len(columns), permutations))
    random, rows = np.random.default_rng(seed), max(1, _CELLS // permutations)
    for start in range(0, longest, rows):
        signs = _signs(random, min(rows, longest - start), permutations)
        sums[used] += columns[used, start : start + rows] @ signs
    for n in range(len(gaps)):
        yield sums[2 * n : 2 * n + 2]


def _signs(random: np.random.Generator, rows: int, columns: int) -> Array:
    """Return signs drawn by lot; each row takes whole words of the generator, so that no row depends on the others."""
    words = -(-columns // 64) * 8
    bits = np.stack([np.frombuffer(random.bytes(words), dtype=np.uint8) for _ in range(rows)])
    return np.unpackbits(bits, axis=1)[:, :columns].astype(np.float64) * 2 - 1
