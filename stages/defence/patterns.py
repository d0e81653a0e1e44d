"""A pattern: something that a response has or has not, as a check can say it; and how it goes with the reward."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from schemas.findings import Contrast, Kind
from stages.checks.text import words
from stages.defence.contrasts import Sides
from stages.defence.material import Voice
from stages.defence.significance import Split, best_sign_test, between, fisher, log_odds, sign_test

Places = NDArray[np.int64]
Check = dict[str, dict[str, Any]]
_PROMISING = 1.2
"""Standard errors of a first, rough test; below, no exact one is made."""
_APOSTROPHE = "['’‘]"
_LETTER = r"[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
"""A letter or digit of the scripts whose words stand apart."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Something that responses may share."""

    kind: Kind
    what: str
    check: Check | None
    places: Places
    """The responses that have it, by their numbers."""
    veto: Literal["if_met", "unless_met"] = "if_met"
    has: Callable[[Voice], bool] | None = None
    """Tells whether a response has it, where no check can."""
    rates: NDArray[np.float64] | None = field(default=None, repr=False)
    """How often each response has it in 1,000 words, where that is what is compared."""
    said: tuple[str | None, ...] = ()
    """Its words, folded, with None for any one word; of a family of words how they begin. Nothing where it has none."""
    family: bool = False
    """Whether any word that begins so is meant."""

    def finder(self) -> Callable[[Voice], bool]:
        """Return the function that tells whether a response has the pattern, by the very check that a veto would run.

        A check that cannot decide finds nothing.
        """
        if self.has is not None or self.check is None:
            return self.has or (lambda voice: False)
        import stages.checks  # noqa: F401 (registers every check)
        from stages.checks.base import bind

        run, wanted = bind(self.check), self.veto == "if_met"
        return lambda voice: run(voice.text, voice.task).met is wanted

    def placed(self, voices: Sequence[Voice]) -> "Pattern":
        """Return the pattern as it stands in other responses; what is compared there is whether they have it."""
        has = self.finder()
        places = np.array([n for n, voice in enumerate(voices) if has(voice)], dtype=np.int64)
        return replace(self, places=places, rates=None if self.rates is None else self._rates(voices))

    def _rates(self, voices: Sequence[Voice]) -> NDArray[np.float64]:
        pattern = (self.check or {})["regex_match"]["pattern"]
        return np.array([per_thousand(pattern, voice.text) for voice in voices])


def per_thousand(pattern: str, text: str) -> float:
    """Return how often a regular expression that `words_pattern` wrote matches in 1,000 words of a text."""
    return 1_000 * len(re.findall(pattern, text, re.IGNORECASE)) / max(1, len(words(text)))


class Measured:
    """A contrast, ready to be asked about many patterns."""

    def __init__(self, voices: Sequence[Voice], sides: Sides, seed: int) -> None:
        names = {name: code for code, name in enumerate(sorted({voice.unit for voice in voices}))}
        self.sides = sides
        self._seed = seed
        self._units = np.array([names[voice.unit] for voice in voices], dtype=np.int64)
        self._size = len(names)
        self._lengths = [len(words(voice.text)) for voice in voices]
        self._n_high, self._n_low = self._counts(np.flatnonzero(sides.high)), self._counts(np.flatnonzero(sides.low))
        both = (self._n_high > 0) & (self._n_low > 0)
        self._in_high = both if sides.paired else self._n_high > 0
        self._in_low = both if sides.paired else self._n_low > 0

    def _counts(self, places: Places, weights: NDArray[np.float64] | None = None) -> NDArray[Any]:
        return np.bincount(self._units[places], weights, minlength=self._size)

    @property
    def prompts(self) -> int:
        """Prompts that take part."""
        return int((self._in_high | self._in_low).sum())

    @property
    def words(self) -> float:
        """The mean number of words of a response."""
        return sum(self._lengths) / max(1, len(self._lengths))

    @cached_property
    def _is_high(self) -> NDArray[np.bool_]:
        return np.concatenate([np.ones(int(self._in_high.sum()), bool), np.zeros(int(self._in_low.sum()), bool)])

    def _shares(self, pattern: Pattern) -> tuple[NDArray[np.float64], NDArray[np.float64], Places, Places]:
        high, low = (pattern.places[side[pattern.places]] for side in (self.sides.high, self.sides.low))
        a, b = self._counts(high), self._counts(low)
        above = a[self._in_high] / self._n_high[self._in_high]
        below = b[self._in_low] / self._n_low[self._in_low]
        return above, below, a, b

    def promises(self, pattern: Pattern) -> bool:
        """Return whether an exact test of the excess is worth the time: a rough one says that it is there."""
        above, below = self._levels(pattern) if pattern.rates is not None else self._shares(pattern)[:2]
        if self.sides.paired:
            differences = above - below
            return float(differences.sum()) > _PROMISING * float(np.sqrt((differences**2).sum())) > 0
        if not len(above) or not len(below):
            return False
        error = np.sqrt(np.concatenate([above, below]).var() * (1 / len(above) + 1 / len(below)))
        return float(above.mean() - below.mean()) > _PROMISING * float(error) > 0

    def _levels(self, pattern: Pattern) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean rate of each prompt on the high side, and of each on the low side."""
        assert pattern.rates is not None
        every = np.arange(len(self._units))
        high, low = every[self.sides.high], every[self.sides.low]
        above = self._counts(high, pattern.rates[high])[self._in_high] / self._n_high[self._in_high]
        below = self._counts(low, pattern.rates[low])[self._in_low] / self._n_low[self._in_low]
        return above, below

    def weighed(self, pattern: Pattern) -> Contrast:
        """Return the contrast of a pattern."""
        above, below, a, b = self._shares(pattern)
        levels = None
        if pattern.rates is not None:
            levels = self._levels(pattern)
            p = between(np.concatenate(levels), self._is_high, self._seed)
            more, less = int((above > 0).sum()), int((below > 0).sum())
        elif self.sides.paired:
            splits, more, less = self._splits(a, b, above - below)
            p = sign_test(splits, more - less)
        else:
            p = between(np.concatenate([above, below]), self._is_high, self._seed) if len(above) and len(below) else 1.0
            more, less = int((above > 0).sum()), int((below > 0).sum())
        return self._contrast(above, below, more, less, p, levels)

    def _splits(self, a: Places, b: Places, differences: NDArray[np.float64]) -> tuple[list[Split], int, int]:
        rows = np.stack([(a + b)[self._in_high], self._n_high[self._in_high], self._n_low[self._in_high]], axis=1)
        splits: list[Split] = [(int(k), int(n), int(m)) for k, n, m in rows]
        return splits, int((differences > 0).sum()), int((differences < 0).sum())

    def _contrast(
        self, above: NDArray[Any], below: NDArray[Any], more: int, less: int, p: float, levels: Any
    ) -> Contrast:
        high, low = (float(side.mean()) if len(side) else 0.0 for side in (above, below))
        return Contrast(
            against=self.sides.against,
            prompts=self.prompts,
            high=high,
            low=low,
            more=more,
            less=less,
            rates=None if levels is None else (float(levels[0].mean()), float(levels[1].mean())),
            lift=high / low if low else None,
            log_odds=log_odds(high, len(above), low, len(below)),
            p=p,
        )

    def pooled(self, pattern: Pattern) -> float:
        """Return the share of all prompts, on whichever side, whose responses have the pattern."""
        above, below, _, _ = self._shares(pattern)
        have = int((above > 0).sum() + (below > 0).sum())
        return have / max(1, len(above) + len(below))

    def together(self, one: Pattern, other: Pattern) -> float:
        """Return how two patterns go together over all responses, whichever side they are on: the phi coefficient."""
        has = np.zeros((2, len(self._units)))
        has[0, one.places], has[1, other.places] = 1, 1
        return float(np.asarray(np.corrcoef(has))[0, 1]) if has.std(axis=1).all() else 0.0

    def best(self, pattern: Pattern) -> float:
        """Return the smallest p that the pattern could have reached, whichever responses are on which side."""
        if pattern.rates is not None:
            return 0.0
        above, below, a, b = self._shares(pattern)
        if self.sides.paired:
            return best_sign_test(self._splits(a, b, above - below)[0])
        have = int((above > 0).sum() + (below > 0).sum())
        return fisher(min(have, len(above)), len(above), have - min(have, len(above)), len(below))


def words_pattern(said: Sequence[str | None], before: str = "", after: str = "") -> str:
    """Return a regular expression for words in a row, as folded words are; None stands for any one word.

    What stands between words is white space and punctuation, at most eight characters of it; whole words only.
    Everything is escaped and bounded.
    """
    parts = [r"[^\W_]{1,30}" if word is None else re.escape(word).replace("'", _APOSTROPHE) for word in said]
    body = parts[0]
    for one, other, part in zip(said, said[1:], parts[1:], strict=False):
        joined = _spaceless((one or "a")[-1]) or _spaceless((other or "a")[0])
        body += rf"[\W_]{{{0 if joined else 1},8}}{part}"
    first, last = said[0] or "a", said[-1] or "a"
    start = "" if _spaceless(first[0]) else rf"(?<!{_LETTER})(?<!{_LETTER}{_APOSTROPHE})"
    end = "" if _spaceless(last[-1]) else rf"(?!{_APOSTROPHE}?{_LETTER})"
    return f"{before}{start}{body}{end}{after}"


def _spaceless(letter: str) -> bool:
    """Return whether a character is of a script that puts no spaces between words: then it is a word by itself."""
    return "\u3040" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff"


def regex_check(pattern: str, at_least: int = 1, *flags: str) -> Check:
    """Return the check that a regular expression matches so often."""
    amount = {"at_least": at_least} if at_least > 1 else {}
    return {"regex_match": {"pattern": pattern, "flags": ["ignorecase", *flags], **amount}}
