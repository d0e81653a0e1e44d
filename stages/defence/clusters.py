"""Patterns that stand in the same responses are one finding: a sentence that is said often has many n-grams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from schemas.findings import Contrast, Kind
from stages.defence.patterns import Measured, Pattern

ALIKE = 0.6
"""The share of the responses with either of two patterns that have both, from which on they are one finding."""
MOST_FORMS = 1_000
_MOST_TRIED, _AS_WELL, _LUCK, _FINE = 80, 0.25, 0.3, 20
_CLEARER, _NEARLY = 0.1, 0.85
_PLAIN: Sequence[Kind] = (
    "check",
    "rubric_words",
    "phrase",
    "opening",
    "closing",
    "mark",
    "structure",
    "word",
    "length",
)
"""Of equally sure ones the kind that says most goes first."""


@dataclass(frozen=True, eq=False)
class Suspect:
    """A pattern and the contrast that it is clearest in."""

    pattern: Pattern
    measured: Measured
    contrast: Contrast


Without = Callable[[tuple[Suspect, ...]], Mapping[str, Measured]]
"""Gives the contrasts among the responses that have none of some patterns."""


def suspects(patterns: Sequence[Pattern], contrasts: Sequence[Measured], level: float) -> list[Suspect]:
    """Return the patterns whose p is at most `level` in a contrast, each in its clearest, the clearest first."""
    found: list[Suspect] = []
    for pattern in patterns:
        told = [
            Suspect(pattern, measured, measured.weighed(pattern))
            for measured in contrasts
            if not (pattern.rates is not None and measured.sides.paired) and measured.promises(pattern)
        ]
        if told:
            found.append(min(told, key=lambda suspect: suspect.contrast.p))
    return sorted((s for s in found if s.contrast.p <= level), key=_order)


def _order(suspect: Suspect) -> tuple[float | int | str, ...]:
    contrast = suspect.contrast
    return (contrast.p, contrast.low - contrast.high, *_speaking(suspect.pattern))


def _speaking(pattern: Pattern) -> tuple[int, int, str]:
    """Return an order in which what says most goes first: of phrases the longest, of marks and layouts the simplest."""
    size = len(pattern.what)
    return _rank(pattern), size if pattern.kind in ("mark", "structure", "rubric_words") else -size, pattern.what


def _rank(pattern: Pattern) -> int:
    return _PLAIN.index(pattern.kind) if pattern.kind in _PLAIN else len(_PLAIN)


def clustered(found: Sequence[Suspect], without: Without, level: float, most: int) -> list[list[Suspect]]:
    """Return at most `most` clusters, each led by the form that tells most.

    Forms that stand in the same responses are one cluster. What has nothing left when the responses with rarer finds
    are taken out is none: "says with" is part of a sentence that was found. Misconduct that has a name is not taken for
    a part of what has none: brackets may be found because examples are given back in them. `without` gives the
    contrasts among the responses that are left. Where there are very many forms, only the surest take part.
    """
    homes: list[list[Suspect]] = []
    rest = list(found[:MOST_FORMS])
    while rest and len(homes) < most:
        forms = _telling(rest[0], rest, without, level)
        own = set(forms[0].pattern.places.tolist())
        akin = [s for s in rest if s not in forms and alike(own, set(s.pattern.places.tolist()))]
        homes.append([*forms, *akin])
        heads = [home[0] for home in homes]
        rest = [s for s in rest if s not in forms and s not in akin]
        rest = [s for s in rest if is_named(s) or _is_left(s, rarer(s, heads), without, level)]
    return homes


def is_named(suspect: Suspect) -> bool:
    """Return whether a form is misconduct that has a name of its own."""
    return suspect.pattern.kind == "check"


def _telling(surest: Suspect, rest: Sequence[Suspect], without: Without, level: float) -> list[Suspect]:
    """Return the forms that the surest one is nothing without, those that tell most first, and then itself.

    The surest is often a plain word, which stands in the sentence that matters, and elsewhere by chance.
    """
    if is_named(surest):
        return [surest]
    able = [s for s in rest if s.contrast.against == surest.contrast.against and _tells_more(s, surest)]
    able.sort(key=lambda s: (-round(_FINE * (s.contrast.high - s.contrast.low)), *_speaking(s.pattern)))
    return [*(s for s in able[:_MOST_TRIED] if not _is_left(surest, [s], without, level)), surest]


def _tells_more(suspect: Suspect, than: Suspect) -> bool:
    """Return whether a form parts high from low more clearly: much so, or while it finds nearly as much."""
    gain = _blur(than) - _blur(suspect)
    return gain > _CLEARER or (gain > 0 and suspect.contrast.high >= _NEARLY * than.contrast.high)


def rarer(suspect: Suspect, heads: Sequence[Suspect]) -> list[Suspect]:
    """Return the heads that tell high from low about as well as a suspect, or better: those that may explain it.

    A form that half of all responses have explains nothing that is rarer.
    """
    return [head for head in heads if _blur(head) <= _blur(suspect) + _AS_WELL]


def _blur(suspect: Suspect) -> float:
    return suspect.contrast.low / suspect.contrast.high if suspect.contrast.high else 1.0


def _is_left(suspect: Suspect, heads: Sequence[Suspect], without: Without, level: float) -> bool:
    if not heads:
        return True
    measured = without(tuple(heads))[suspect.contrast.against]
    # What was the surest of many was lucky too, and some of that is left in any case.
    level = min(level, suspect.contrast.p**_LUCK)
    return measured.promises(suspect.pattern) and measured.weighed(suspect.pattern).p <= level


def alike(one: set[int], other: set[int]) -> bool:
    """Return whether two patterns stand in the same responses, by the numbers of these."""
    return len(one & other) >= ALIKE * len(one | other)
