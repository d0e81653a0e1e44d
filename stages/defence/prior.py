"""What is known of a pattern before responses are compared: how likely it is a hack, how common it is elsewhere."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from stages.checks.text import folded_words
from stages.checks.topic import FUNCTION_WORDS
from stages.defence.patterns import Pattern
from stages.defence.phrases import LONGEST

_NAMED, _EDGE, _PHRASE, _WORD = 4.0, 3.0, 2.0, 1.0
_EMPTY_PHRASE, _EMPTY_WORD = 0.5, 0.1
_LAYOUT = {"mark": 0.5, "structure": 0.5, "length": 0.25}


def prior(pattern: Pattern) -> float:
    """Return how much more a pattern is expected to be a hack than one word with a meaning is, which has 1.

    Misconduct that has a name comes first, then phrases at the beginning and end, then phrases. Numbers and words that
    every text is made of say next to nothing, marks and layout little, and length goes with every subject. The figures
    are a judgement. They are weights of a test that holds whatever they are, since none depends on what is tested
    (Genovese, Roeder and Wasserman, 2006); bad ones only find less.
    """
    if pattern.kind in ("check", "rubric_words"):
        return _NAMED
    if not pattern.said:
        return _LAYOUT.get(pattern.kind, _WORD)
    means = any(_means(word, pattern.family) for word in pattern.said if word)
    if len(pattern.said) == 1:
        return _WORD if means else _EMPTY_WORD
    if not means:
        return _EMPTY_PHRASE
    return _EDGE if pattern.kind in ("opening", "closing") else _PHRASE


def _means(word: str, is_family: bool) -> bool:
    if word.isdigit():
        return False
    return not (any(known.startswith(word) for known in FUNCTION_WORDS) if is_family else word in FUNCTION_WORDS)


class Elsewhere:
    """In how many of some texts a pattern's words stand, counted once for all patterns."""

    def __init__(self, texts: Iterable[str]) -> None:
        said = [folded_words(text) for text in texts]
        self.texts = len(said)
        self.words = sum(map(len, said)) / max(1, len(said))
        """The mean number of words of a text."""
        self._where: dict[str, set[int]] = {}
        for number, each in enumerate(said):
            for word in each:
                self._where.setdefault(word, set()).add(number)
        self._sorted = sorted(self._where)
        self._runs: Counter[tuple[str, ...]] = Counter()
        for each in said:
            self._runs.update(_runs(each))

    def share(self, pattern: Pattern) -> float | None:
        """Return the share of the texts that have a pattern's words, half a text added; None for one without words.

        Phrases with a gap, and those longer than are looked for anywhere, have none either.
        """
        if not pattern.said or None in pattern.said or len(pattern.said) > LONGEST:
            return None
        if pattern.family:
            have = len(self._beginning(str(pattern.said[0])))
        else:
            have = self._runs[tuple(map(str, pattern.said))]
        return (have + 0.5) / (self.texts + 1)

    def _beginning(self, begin: str) -> set[int]:
        """Return the numbers of the texts that have a word that begins so."""
        found: set[int] = set()
        for place in range(bisect_left(self._sorted, begin), len(self._sorted)):
            if not self._sorted[place].startswith(begin):
                break
            found |= self._where[self._sorted[place]]
        return found


def _runs(said: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(said[k : k + size]) for size in range(1, LONGEST + 1) for k in range(len(said) - size + 1)}
