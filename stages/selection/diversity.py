"""Texts put into clusters by their words, so that some of all kinds of them can be chosen.

A text is the signed hash of its words (Weinberger et al., Feature hashing for large scale multitask learning, 2009),
at length 1. Centres are found by farthest-first traversal (Gonzalez, Clustering to minimize the maximum intercluster
distance, 1985), and each text belongs to the one that is nearest. The work grows with the number of texts, and not with
its square.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stages.checks.text import folded_words

_WIDTH = 128
_SHORTEST_WORD = 4
"""Shorter words say little about a text's subject."""
_MOST_CENTRES = 256
_AMONG = 16_384
"""So many texts are tried as centres."""
_TOGETHER = 4096

Vectors = NDArray[np.float32]


def clusters(texts: Iterable[str], number: int) -> NDArray[np.int32]:
    """Return for each text the number of its cluster, of which there are `number`, but at most 256.

    The first text is the first centre, and only the first 16,384 are tried as others.
    """
    waiting = iter(texts)
    vectors = np.concatenate([_vectors(batch) for batch in iter(lambda: list(islice(waiting, _TOGETHER)), [])])
    middles = _centres(vectors[:_AMONG], min(number, _MOST_CENTRES))
    parts = [np.argmax(part @ middles.T, axis=1) for part in np.array_split(vectors, 1 + len(vectors) // _TOGETHER)]
    return np.concatenate(parts).astype(np.int32)


def _centres(vectors: Vectors, number: int) -> Vectors:
    chosen, likeness = [0], vectors @ vectors[0]
    while len(chosen) < number:
        chosen.append(int(np.argmin(likeness)))
        np.maximum(likeness, vectors @ vectors[chosen[-1]], out=likeness)
    return vectors[chosen]


def _vectors(texts: Sequence[str]) -> Vectors:
    """Return each text's vector; without a word of four letters it is 0."""
    said = [[crc32(w.encode()) for w in folded_words(text) if len(w) >= _SHORTEST_WORD] for text in texts]
    hashes = np.array([hashed for words in said for hashed in words], np.int64)
    rows = np.repeat(np.arange(len(said)), [len(words) for words in said])
    signs = np.where(hashes >> 31, 1.0, -1.0)
    cells = np.bincount(rows * _WIDTH + hashes % _WIDTH, weights=signs, minlength=len(said) * _WIDTH)
    vectors = cells.reshape(len(said), _WIDTH).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=vectors, where=lengths > 0)
