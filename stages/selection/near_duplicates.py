"""Which texts nearly repeat an earlier one, for a million texts in a few hundred megabytes.

Two texts are as similar as the sets of their runs of three words are (Jaccard: those in common over all of them).
Pairs that may be similar are found by MinHash and banding (Broder, On the resemblance and containment of documents,
1997; Indyk and Motwani, Approximate nearest neighbors, 1998) and then compared by their sketches: the smallest hashes
of their runs, which are all of them for a text of fewer than 128 runs.

The MinHash is computed for thousands of texts at a time, and the buckets are columns of numbers: datasketch, which
keeps an object and a dozen buckets for every text, takes twice the time and more than ten times the memory.
"""

from array import array
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from math import ceil, log, log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stages.checks.text import folded_words

MISSED = 0.01
"""The probability that a pair of just the similarity asked for shares no bucket, at similarities of 0.25 and more."""
_RUN = 3
_SKETCH = 128
"""Hashes kept of a text. Of longer texts the similarity is an estimate, with a standard error of at most 0.045."""
_MOST_BANDS = 17
_MOST_ROWS = 8
_MOST_IN_BUCKET = 4
"""So many texts of one bucket are compared: one that was put there by chance is not followed by all of its kind."""
_TOGETHER = 4096
_SEED = 1

Whole = NDArray[np.uint64]


def near_duplicates(texts: Iterable[tuple[int, str]], similarity: float) -> dict[int, tuple[int, float]]:
    """Return, of each text that is as similar as asked to an earlier one that stays, that one and their similarity.

    `texts` are (number, text), the numbers rising. Texts that stay are less similar to each other than asked, but for
    what is `MISSED`. A text without a word is similar to none.

    Of 1,929 public prompts one goes at 0.8: it has one word changed. At 0.6 it is four, and two of them only share a
    long instruction about form with the other one.
    """
    bands, rows = banding(similarity)
    index = _Index(bands, rows)
    for batch in _batches(texts):
        index.add(batch)
    return index.repeats(similarity)


def banding(similarity: float) -> tuple[int, int]:
    """Return how many buckets a text is put in, and how many minima make a bucket: as many as miss few enough pairs.

    A pair of similarity s shares a bucket of r minima with probability s^r, and one of b with 1 − (1 − s^r)^b.
    """
    for rows in range(_MOST_ROWS, 0, -1):
        missed_by_one = log1p(-min(similarity**rows, 1 - 1e-12))
        if missed_by_one * _MOST_BANDS <= log(MISSED):
            return ceil(log(MISSED) / missed_by_one), rows
    return _MOST_BANDS, 1


@dataclass(frozen=True)
class _Batch:
    """The runs of words of some texts that have words, as hashes, text after text."""

    numbers: list[int]
    hashes: Whole
    sizes: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.sizes) - self.sizes


def _batches(texts: Iterable[tuple[int, str]]) -> Iterator[_Batch]:
    named = ((number, words) for number, text in texts if (words := folded_words(text)))
    while some := list(islice(named, _TOGETHER)):
        yield _Batch([number for number, _ in some], *_runs([words for _, words in some]))


def _runs(texts: list[list[str]]) -> tuple[Whole, NDArray[np.int64]]:
    """Return the hashes of the runs that begin with each word, and their number in each text.

    The end of a text is as good as two words, so that one of fewer than three words has runs too.
    """
    end = [0] * (_RUN - 1)
    words = np.array(list(chain.from_iterable([*_hashed(text), *end] for text in texts)), np.uint64)
    sizes = np.array([len(text) for text in texts])
    begin = np.arange(sizes.sum()) + np.repeat(np.arange(len(sizes)) * len(end), sizes)
    runs = np.zeros(len(begin), np.uint64)
    for place in range(_RUN):
        runs = _mixed(runs + words[begin + place])
    return runs, sizes


def _hashed(words: list[str]) -> Iterator[int]:
    return map(crc32, " ".join(words).encode(errors="surrogatepass").split(b" "))


def _mixed(values: Whole) -> Whole:
    """Return 64-bit numbers of which every bit depends on every bit given (Steele et al., SplitMix, 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class _Index:
    """The texts so far: sketches, and the buckets of each."""

    def __init__(self, bands: int, rows: int) -> None:
        draw = np.random.default_rng(_SEED)
        self._factors = draw.integers(1 << 63, size=(bands, rows), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._numbers = array("q")
        self._buckets: list[NDArray[np.int32]] = []
        self._sketches: list[NDArray[np.uint32]] = []
        self._ends: list[NDArray[np.int64]] = []

    def add(self, batch: _Batch) -> None:
        """Remember the texts of a batch."""
        self._numbers.extend(batch.numbers)
        self._buckets.append(np.stack([self._bucket(batch, factors) for factors in self._factors]))
        owner = np.repeat(np.arange(len(batch.sizes), dtype=np.uint64), batch.sizes)
        runs = np.unique((owner << np.uint64(32)) | (batch.hashes >> np.uint64(32)))
        sizes = np.bincount((runs >> np.uint64(32)).astype(np.int64), minlength=len(batch.sizes))
        rank = np.arange(len(runs)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        self._sketches.append(runs[rank < _SKETCH].astype(np.uint32))
        self._ends.append(np.cumsum(np.minimum(sizes, _SKETCH)))

    @staticmethod
    def _bucket(batch: _Batch, factors: Whole) -> NDArray[np.int32]:
        """Return the bucket of each text in one band: a hash of minima, each under a permutation of its own.

        The permutations are multiply-shift (Dietzfelbinger et al., 1997).
        """
        bucket = np.zeros(len(batch.sizes), np.uint64)
        for factor in factors:
            least = np.minimum.reduceat(batch.hashes * factor >> np.uint64(32), batch.starts)
            bucket = _mixed(bucket + least)
        return (bucket >> np.uint64(32)).astype(np.uint32).view(np.int32)

    def repeats(self, similarity: float) -> dict[int, tuple[int, float]]:
        """Return which texts repeat which, as `near_duplicates` does. The buckets are gone after it."""
        self._link()
        found: dict[int, tuple[int, float]] = {}
        linked = [(some >= 0).any(axis=0) for some in self._buckets]
        for place in np.flatnonzero(np.concatenate(linked)).tolist() if linked else ():
            mine = self._sketch(place)
            others = ((_jaccard(mine, self._sketch(other)), -other) for other in self._candidates(place, found))
            alike, first = max(others, default=(-1.0, 0))
            if alike >= similarity:
                found[place] = -first, alike
        return {self._numbers[place]: (self._numbers[first], alike) for place, (first, alike) in found.items()}

    def _link(self) -> None:
        """Put in place of each bucket the nearest earlier text in it, or −1."""
        for band in range(len(self._factors)) if self._buckets else ():
            buckets = np.concatenate([some[band] for some in self._buckets])
            order = np.argsort(buckets, kind="stable").astype(np.int32)
            same = np.flatnonzero(buckets[order[1:]] == buckets[order[:-1]])
            buckets[:] = -1
            buckets[order[same + 1]] = order[same]
            for batch, some in enumerate(self._buckets):
                some[band] = buckets[batch * _TOGETHER : (batch + 1) * _TOGETHER]

    def _candidates(self, place: int, gone: Container[int]) -> set[int]:
        """Return the nearest earlier texts that stay, in each bucket of a text.

        On the way the links come to lead past texts that have gone, so that a thousand of them are no long way.
        """
        found: set[int] = set()
        batch, at = divmod(place, _TOGETHER)
        for band, other in enumerate(self._buckets[batch][:, at].tolist()):
            if other in gone:
                self._buckets[batch][band, at] = other = self._before(band, other)
            for _ in range(_MOST_IN_BUCKET):
                if other >= 0:
                    found.add(other)
                    other = self._before(band, other)
        return found

    def _before(self, band: int, place: int) -> int:
        batch, at = divmod(place, _TOGETHER)
        return int(self._buckets[batch][band, at])

    def _sketch(self, place: int) -> NDArray[np.uint32]:
        batch, at = divmod(place, _TOGETHER)
        ends = self._ends[batch]
        return self._sketches[batch][ends[at - 1] if at else 0 : ends[at]]


def _jaccard(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    """Return the similarity of two texts by their sketches: exact where both are whole, else an estimate.

    Source of the estimate: Broder (1997), of the smallest hashes of both texts together the share that is in each.
    """
    both, counts = np.unique(np.concatenate((one, other)), return_counts=True)
    most = _SKETCH if max(len(one), len(other)) == _SKETCH else len(both)
    return float((counts[:most] == 2).mean())
