"""Which texts hold what stands in the texts that a model is to be evaluated on.

Overlap of word n-grams, as in Brown et al., Language Models are Few-Shot Learners (2020), appendix C, which takes
runs of 8 to 13 words.
"""

from collections.abc import Iterable
from itertools import pairwise

from stages.checks.text import folded_words


class Contamination:
    """The runs of words of the evaluation texts. Case, punctuation and space make no difference."""

    def __init__(self, texts: Iterable[str], n: int) -> None:
        """Remember each run of `n` words, and each text of fewer words as a whole; of a text without words nothing."""
        self._runs: set[str] = set()
        self._lengths: dict[tuple[str, str], tuple[int, ...]] = {}
        """By the first two words of a run: how long the runs are that begin so, the longest first."""
        for words in map(folded_words, texts):
            length = min(n, len(words))
            for start in range(len(words) - length + 1 if words else 0):
                run = words[start : start + length]
                self._runs.add(" ".join(run))
                if length > 1:
                    known = self._lengths.get((run[0], run[1]), ())
                    self._lengths[run[0], run[1]] = tuple(sorted({*known, length}, reverse=True))

    def found(self, text: str) -> str | None:
        """Return the first words of a text, folded, that stand in a row in an evaluation text too; None without any."""
        words = folded_words(text)
        for start, pair in enumerate(pairwise(words)):
            for length in self._lengths.get(pair, ()):
                run = " ".join(words[start : start + length])
                if run in self._runs:
                    return run
        return next((word for word in words if word in self._runs), None)
