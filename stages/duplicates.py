"""Texts and rubrics that say nearly the same, found in time that grows with their number and not with its square.

Two texts are near when one becomes the other by adding or leaving out a word or two, or by spelling, endings and little
words. Where another word stands in the same place they are not: "states the price" and "states the date" share all but
what matters. Numbers, names, compounds,
negations and what is quoted must be equal.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from sys import intern
from typing import Any
from zlib import crc32

from schemas.base import digest
from schemas.criterion import tidied
from schemas.rubric import Rubric
from stages.checks.text import fold, words

_BANDS = (12, 5)
"""Bands of hashes, and rows in each. Two texts are compared where a band agrees: at a share of 0.7 of words and pairs
of words in common nine times in ten, at 0.4 one time in ten. One word more among eight leaves a share of 0.78."""
_PERMUTATIONS = 64
_SEED = 1
_MOST_CANDIDATES = 24
_FEW = 60
"""So many texts are compared pair by pair; more are hashed, since loading what hashes takes longer."""
_ADDED = ((20, 0.1), (10, 2), (4, 1))
"""From so many words on, so many may be added: a share of them, or a number."""
_ALIKE = 0.75
_MOST_ALIKE = 2
"""So many words may be spelled in two ways."""
_LONG = 500
_LONGEST_WORD = 30
_PLAIN = """
    a an the is are be been being was were do does did has have had of to in on at by for from with as and or that this
    these those it its which who there their they any very really also clearly should must response gives offers
    provides states says user user's
    """
_LITTLE = frozenset(_PLAIN.split())
_TURNS = """
    no not never none nothing without neither nor cannot avoid avoids fail fails lack lacks more less fewer least most
    before after above below only except all each some any
    """
_NEGATIONS = frozenset(_TURNS.split())
_SAME = {"every": "each"}
_QUOTED = re.compile(r'"[^"]*"|`[^`]*`|\$[^$]*\$|(?<!\w)\'[^\']+\'(?!\w)')
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w-]*|\b\w+(?:-\w+)+|\b\w*\d[\w.,%-]*\w|\b\d|[$\\]\S+")
_ENDING = re.compile(r"(?:ing|edly|ed|ly|es|s|e)$")


@dataclass(frozen=True)
class Reading:
    """A text as it is compared."""

    stems: tuple[str, ...]
    """Its words without endings, and without little words."""
    mark: str
    """Equal for texts with the same numbers, names, negations and quotations."""

    def shingles(self) -> frozenset[str]:
        """Return the words and the neighbouring pairs; texts with different marks share none."""
        pairs = {f"{self.mark} {one} {two}" for one, two in zip(self.stems, self.stems[1:], strict=False)}
        return frozenset(pairs | {f"{self.mark} {stem}" for stem in self.stems} or {self.mark})


_DENIES = "no not never without avoid fail omit lack nothing refrain"
_NEGATORS = frozenset(_DENIES.split())


@lru_cache(maxsize=4096)
def reading(text: str) -> Reading:
    """Return the text as it is compared."""
    bare = fold(text).replace("n't", " not")
    found = [_SAME.get(word, word) for word in words(bare)]
    telling = (
        sorted(word for word in found if word in _NEGATIONS),
        sorted(_QUOTED.findall(bare)),
        sorted(fold(name) for name in _NAME.findall(text.strip())),
    )
    stems = tuple(intern(_ENDING.sub("", word)) if len(word) > 4 else word for word in found if word not in _LITTLE)
    return Reading(stems, f"{crc32(repr(telling).encode(errors='replace')):x}")


def unsigned(text: str) -> tuple[tuple[str, ...], bool]:
    """Return the words of a text without those that turn it round, and whether they do: "does not name" is "names"."""
    stems = reading(text).stems
    kept = tuple(stem for stem in stems if stem not in _NEGATORS)
    return kept, (len(stems) - len(kept)) % 2 == 1


def near(one: str, other: str) -> bool:
    """Return whether two texts say nearly the same."""
    return _near(reading(one), reading(other))


def _near(one: Reading, other: Reading) -> bool:
    return one.mark == other.mark and (one.stems == other.stems or _differ_little(one.stems, other.stems))


def _differ_little(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter, longer = sorted((len(one), len(other)))
    left = next((most if most >= 1 else most * shorter for least, most in _ADDED if shorter >= least), 0)
    if longer - shorter > left or _too_strange(set(one), set(other), left):
        return False
    if longer > _LONG:  # aligning takes the square of the length
        return sum(((Counter(one) - Counter(other)) + (Counter(other) - Counter(one))).values()) <= left
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "replace" and not (b - a == d - c and all(map(_alike, one[a:b], other[c:d]))):
            return False
        if kind in ("insert", "delete"):
            left -= max(b - a, d - c)
    return left >= 0


def _too_strange(one: set[str], other: set[str], most: float) -> bool:
    """Return whether more than `most` words of the two texts have no likeness in the other one."""
    mine, yours = one - other, other - one
    if len(mine) + len(yours) > most + 2 * _MOST_ALIKE:
        return True
    lonely = 0
    for some, others in (mine, yours), (yours, mine):
        for word in some:
            lonely += not any(_alike(word, each) for each in others)
            if lonely > most:
                return True
    return False


def _alike(one: str, other: str) -> bool:
    """Return whether two words are one in two spellings, which begin with the same letter."""
    shorter, longer = sorted((len(one), len(other)))
    return one[:1] == other[:1] and shorter > 3 and longer <= _LONGEST_WORD and _one_word(one, other)


@lru_cache(maxsize=65536)
def _one_word(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


class NearTexts:
    """Texts, each told as it comes which earlier one says nearly the same."""

    def __init__(self) -> None:
        self._leaders: list[Reading] = []
        self._lsh: Any = None

    def add(self, text: str) -> int | None:
        """Return the number of an earlier text that is near, or None and remember this one.

        Numbers count the texts that were remembered, from 0. Of several near ones the first is taken.
        """
        mine = reading(text)
        hashed = self._hashed(mine)
        found = self._first(mine, hashed)
        if found is None:
            if self._lsh is not None:
                self._lsh.insert(len(self._leaders), hashed, check_duplication=False)
            self._leaders.append(mine)
        return found

    def find(self, text: str) -> int | None:
        """Return the number of a remembered text that is near, or None; this one is not remembered."""
        mine = reading(text)
        return self._first(mine, self._hashed(mine))

    def _hashed(self, mine: Reading) -> Any:
        return _minhash(mine) if len(self._leaders) >= _FEW else None

    def _first(self, mine: Reading, hashed: Any) -> int | None:
        return next((number for number in self._candidates(hashed) if _near(mine, self._leaders[number])), None)

    def _candidates(self, hashed: Any) -> Iterable[int]:
        if hashed is None:
            return range(len(self._leaders))
        if self._lsh is None:
            from datasketch import MinHashLSH

            self._lsh = MinHashLSH(num_perm=_PERMUTATIONS, params=_BANDS)
            for number, leader in enumerate(self._leaders):
                self._lsh.insert(number, _minhash(leader), check_duplication=False)
        return sorted(self._lsh.query(hashed))[:_MOST_CANDIDATES]


@cache
def _blank() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=_PERMUTATIONS, seed=_SEED, hashfunc=crc32)


def _minhash(text: Reading) -> Any:
    made = _blank().copy()  # drawing its permutations anew takes ten times as long
    made.update_batch([shingle.encode(errors="replace") for shingle in text.shingles()])
    return made


def clusters(texts: Sequence[str]) -> list[list[int]]:
    """Return the places of texts that are equal or near, two or more together, each list in order."""
    index, homes = NearTexts(), dict[int, list[int]]()
    exact: dict[str, int] = {}
    remembered = 0
    for place, text in enumerate(texts):
        key = " ".join(fold(text).split())
        if key not in exact:
            leader = index.add(text)
            exact[key], remembered = (remembered, remembered + 1) if leader is None else (leader, remembered)
        homes.setdefault(exact[key], []).append(place)
    return [places for places in homes.values() if len(places) > 1]


def content(rubric: Rubric) -> str:
    """Return the digest of what a rubric judges and how it counts it: without its id, title, source and the like."""
    about = {
        "rubric",
        "version",
        "title",
        "source",
        "author",
        "review",
        "inherits",
        "silence",
        "tags",
        "meta",
        "applies_to",
        "scope",
        "kind",
    }
    return digest(tidied(rubric.model_dump(mode="json", exclude_defaults=True, exclude=about)))


def wording(rubric: Rubric) -> str:
    """Return what a rubric says as one text: what each criterion judges, its levels, and its check as it stands."""
    parts: list[str] = []
    for leaf in rubric.leaves:
        parts += [leaf.text, *(tier.text for tier in leaf.tiers)]
        if leaf.check is not None or leaf.python is not None:
            parts.append(f"`{digest([leaf.check, leaf.python])}`")
    return "\n".join(part for part in parts if part)
