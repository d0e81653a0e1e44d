"""Words and phrases that several prompts' responses share: in their openings, in their closings, everywhere."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from schemas.findings import Kind
from stages.checks.text import folded_words
from stages.defence.material import Voice
from stages.defence.patterns import Pattern, Places, per_thousand, regex_check, words_pattern

LONGEST, LONGEST_EDGE = 5, 8
"""Words in the longest phrase anywhere, and at the very beginning or end."""
WINDOW = 12
"""Words that count as opening or closing."""
_MOST_WORDS = 1_500
_SHORTEST_FAMILY = 5
_ENDINGS = ("ments", "ment", "ings", "ing", "ed", "es", "s", "ly", "e")
_NEAR = rf"(?:[^\W_]+(?:['’‘][^\W_]+)*[\W_]{{1,8}}){{0,{WINDOW - 1}}}?"
_BEGIN, _END = r"\A[\W_]{0,20}", r"[\W_]{0,20}\Z"
_TO_END = rf"(?:[\W_]{{1,8}}[^\W_]+(?:['’‘][^\W_]+)*){{0,{WINDOW - 1}}}[\W_]{{0,20}}\Z"

Said = tuple[str | None, ...]
Found = dict[Said, list[int]]


def phrases(voices: Sequence[Voice], fewest: int) -> Iterator[Pattern]:
    """Yield every phrase that responses to `fewest` prompts or more have, with the responses that have it."""
    texts = [_capped(folded_words(voice.text)) for voice in voices]
    units = [voice.unit for voice in voices]
    everywhere = _everywhere(texts, units, fewest)
    for said, places in everywhere.items():
        yield _pattern("word" if len(said) == 1 else "phrase", said, places)
    yield from families(texts, units, fewest)
    for kind, side in (("opening", texts), ("closing", [text[::-1] for text in texts])):
        for said, places in _edges(side, units, fewest).items():
            yield _edge(kind, said, places)  # type: ignore[arg-type]
        for said, places in _windows(side, units, fewest).items():
            yield _near(kind, said, places)  # type: ignore[arg-type]


def _capped(said: list[str]) -> list[str]:
    return said if len(said) <= _MOST_WORDS else said[: _MOST_WORDS // 2] + said[-_MOST_WORDS // 2 :]


def _frequent(found: Found, units: Sequence[str], fewest: int) -> Found:
    return {
        said: places
        for said, places in found.items()
        if len(places) >= fewest and len({units[place] for place in places}) >= fewest
    }


def _everywhere(texts: Sequence[list[str]], units: Sequence[str], fewest: int) -> Found:
    """Return phrases of up to `LONGEST` words; a longer one is looked for only where its two parts are frequent."""
    every: Found = {}
    last: Found = {}
    for size in range(1, LONGEST + 1):
        found: Found = defaultdict(list)
        for place, said in enumerate(texts):
            runs = {tuple(said[k : k + size]) for k in range(len(said) - size + 1)}
            for run in runs:
                if size == 1 or (run[1:] in last and run[:-1] in last):
                    found[run].append(place)
        last = _frequent(found, units, fewest)
        every |= last
        if not last:
            break
    return every


def _edges(texts: Sequence[list[str]], units: Sequence[str], fewest: int) -> Found:
    """Return the words that texts begin with."""
    found: Found = defaultdict(list)
    for place, said in enumerate(texts):
        for size in range(1, min(LONGEST_EDGE, len(said)) + 1):
            found[tuple(said[:size])].append(place)
    return _frequent(found, units, fewest)


def _windows(texts: Sequence[list[str]], units: Sequence[str], fewest: int) -> Found:
    """Return words, and phrases with a gap of one word, that stand somewhere in the first `WINDOW` words."""
    found: Found = defaultdict(list)
    for place, said in enumerate(texts):
        near = said[:WINDOW]
        runs: set[Said] = {(word,) for word in near}
        for k in range(len(near) - 2):
            runs.add((near[k], None, near[k + 2]))
            if k + 3 < len(near):
                runs |= {(near[k], near[k + 1], None, near[k + 3]), (near[k], None, near[k + 2], near[k + 3])}
        for run in runs:
            found[run].append(place)
    return _frequent(found, units, fewest)


def _array(places: Sequence[int]) -> Places:
    return np.array(places, dtype=np.int64)


def spoken(said: Said) -> str:
    """Return a phrase as people read it, with … for any one word."""
    return " ".join(word or "…" for word in said)


def _pattern(kind: Kind, said: Said, places: Sequence[int]) -> Pattern:
    return Pattern(kind, f"says “{spoken(said)}”", regex_check(words_pattern(said)), _array(places), said=said)


def _edge(kind: Kind, said: Said, places: Sequence[int]) -> Pattern:
    if kind == "opening":
        what, check = f"begins with “{spoken(said)}”", regex_check(words_pattern(said, _BEGIN))
    else:
        said = said[::-1]
        what, check = f"ends with “{spoken(said)}”", regex_check(words_pattern(said, after=_END))
    return Pattern(kind, what, check, _array(places), said=said)


def _near(kind: Kind, said: Said, places: Sequence[int]) -> Pattern:
    if kind == "opening":
        what, check = "first", regex_check(words_pattern(said, r"\A[\W_]{0,20}" + _NEAR))
    else:
        said = said[::-1]
        what, check = "last", regex_check(words_pattern(said, after=_TO_END))
    return Pattern(kind, f"says “{spoken(said)}” in its {what} {WINDOW} words", check, _array(places), said=said)


def stem(word: str) -> str:
    """Return a word without a regular ending, so long as five letters are left: "empowerment" is "empower"."""
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _SHORTEST_FAMILY), "")
    return word.removesuffix(ending) if ending else word


def families(texts: Sequence[list[str]], units: Sequence[str], fewest: int) -> Iterator[Pattern]:
    """Yield words that begin alike as one pattern, where there are two of them or more, however rare each is."""
    where: dict[str, set[int]] = defaultdict(set)
    for place, said in enumerate(texts):
        for word in said:
            if word.isascii() and word.isalpha():
                where[word].add(place)
    begins = {begin for word in where if len(begin := stem(word)) >= _SHORTEST_FAMILY}
    forms: dict[str, list[str]] = defaultdict(list)
    for word in where:
        for size in range(_SHORTEST_FAMILY, len(word) + 1):
            if word[:size] in begins:
                forms[word[:size]].append(word)
    kin: Found = {(begin,): sorted(set().union(*(where[w] for w in each))) for begin, each in forms.items() if each[1:]}
    for kind, places in _frequent(kin, units, fewest).items():
        begin = spoken(kind)
        check = regex_check(family_pattern(begin))
        yield Pattern("word", f"has words in “{begin}-”", check, _array(places), said=kind, family=True)


def family_pattern(begin: str) -> str:
    """Return a regular expression for every word that begins so."""
    return rf"(?<![^\W_]){begin}[^\W_]{{0,20}}"


def rates(voices: Sequence[Voice], share: float = 0.4) -> Iterator[Pattern]:
    """Yield the word families that at least this share of all prompts have, to be compared by how often they come.

    A word that was there before and comes twice as often is not found by asking in how many responses it is.
    """
    texts = [{stem(word) for word in _capped(folded_words(voice.text)) if word.isalpha()} for voice in voices]
    prompts: dict[str, set[str]] = defaultdict(set)
    for voice, said in zip(voices, texts, strict=True):
        for word in said:
            if word.isascii() and len(word) >= _SHORTEST_FAMILY:
                prompts[word].add(voice.unit)
    fewest = share * len({voice.unit for voice in voices})
    for begin in sorted(word for word, found in prompts.items() if len(found) >= fewest):
        pattern = family_pattern(begin)
        each = np.array([per_thousand(pattern, voice.text) for voice in voices])
        what = f"has words in “{begin}-” more often"
        places = np.flatnonzero(each > 0)
        yield Pattern("word", what, regex_check(pattern), places, rates=each, said=(begin,), family=True)
