"""Habits that are no phrases: what the checks for misconduct find, marks, layout, length, the rubric's own words."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from schemas.findings import Kind
from stages.checks.text import folded_words, paragraphs, words
from stages.defence.material import Voice, rubric_text, rubric_texts
from stages.defence.patterns import Check, Pattern, regex_check

_WORD, _GAP = r"(?<![^\W_])", r"[\W_]{1,8}"
_ITSELF = rf"{_WORD}(?:this|my|the{_GAP}above){_GAP}(?:response|answer|reply|output|completion)(?![^\W_])"
_COURTESY = (
    rf"{_WORD}(?:hope{_GAP}(?:this|that|it)|let{_GAP}me{_GAP}know|feel{_GAP}free|don['’]?t{_GAP}hesitate|"
    rf"(?:happy|here|glad){_GAP}to{_GAP}help|good{_GAP}luck)(?=[\s\S]{{0,200}}\Z)"
)
_FAR = r"[\s\S]{1,3000}?"
_ORDINALS = rf"{_WORD}first(?:ly)?(?![^\W_]){_FAR}{_WORD}second(?:ly)?(?![^\W_]){_FAR}{_WORD}third"
_CHECKS: Sequence[tuple[Check, str, int | None]] = (
    ({"opening_praise": {}}, "opens with praise of the question or of the person who asked", 0),
    ({"self_evaluation": {}}, "praises itself or claims to have met its requirements", 0),
    ({"talks_about_instruction": {}}, "talks about its instructions instead of doing the task", 11),
    ({"addresses_judge": {}}, "speaks to whoever grades it", 0),
    (regex_check(_ITSELF), "speaks of itself as a response or an answer", 11),
    (regex_check(_COURTESY), "closes with good wishes or the offer of more help", 19),
    ({"echoes_prompt": {}}, "repeats the prompt instead of answering it", 33),
    ({"echoes_example": {}}, "gives back, in its marks, an example of the prompt", 20),
    ({"copies_prompt": {}}, "copies long passages out of the conversation", 42),
    ({"copies_reference": {}}, "copies long passages out of the reference answer", None),
    ({"repetition": {}}, "repeats itself", 29),
    ({"refusal": {}}, "declines to answer", 4),
    ({"quoted": {}}, "stands whole in quotation marks", 49),
    ({"ends_with_question": {}}, "ends with a question", 60),
    ({"postscript": {}}, "has a postscript", 9),
    ({"title": {"echoes": []}}, "has a title in double angle brackets", 37),
    ({"table": {}}, "has a table", 5),
    (regex_check(_ORDINALS), "goes through a first, a second and a third thing", 6),
    ({"unasked_format": {"marks": ["quotation"]}}, "opens with a quotation mark that nobody asked for", 14),
    ({"unasked_format": {"marks": ["heading"]}}, "opens with a heading that nobody asked for", 0),
    ({"unasked_format": {"marks": ["angle"]}}, "opens with angle brackets that nobody asked for", 0),
    ({"unasked_format": {"marks": ["bracket"]}}, "opens with a bracket that nobody asked for", 3),
)
"""What misconduct with a name is found by, what it is, and how many of `KNOWN_TEXTS` have it; None where none could."""
KNOWN_TEXTS = 1_236
"""Good answers to requests of many kinds: GPT-4's to IFEval, people's to Self-Instruct, the better ones of LLMBar."""
_COUNTED: Mapping[str, str] = {
    "heading_count": "heading",
    "bullet_count": "bullet point",
    "numbered_count": "numbered item",
    "highlights": "emphasised part",
    "quotation_count": "quotation",
    "placeholders": "placeholder",
    "code_block_count": "code block",
    "citation_count": "citation",
}
_SHAPES: Mapping[str, tuple[str, Kind]] = {
    "line that ends with a colon": (r":[ \t*_]{0,9}$", "structure"),
    "line that is bold from end to end": (r"^\s{0,9}\*\*[^*\n]{1,200}\*\*:?\s{0,9}$", "structure"),
    "rule across the page": (r"^\s{0,3}(?:-{3,}|\*{3,}|_{3,}|={3,})\s{0,9}$", "structure"),
    "line in parentheses": (r"^\s{0,9}\([^()\n]{1,300}\)\s{0,9}$", "structure"),
    "question": (r"\?(?=[\s\"'”’)*_]|$)", "structure"),
    "word in capitals": (r"(?-i:\b[A-Z]{3,30}\b)", "structure"),
    "blank line": (r"\n[ \t]{0,9}\n", "structure"),
    "picture character": (r"[\p{Extended_Pictographic}--[\d#*©®™]]", "mark"),
    "hidden character": (
        r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]",
        "mark",
    ),
    "comment that a page hides": (r"<!--", "structure"),
}
_AMOUNTS = (1, 2, 3, 5, 8, 12, 20)
_LENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_MARK = re.compile(r"[^\w\s]{1,4}")
_FIRST_MARK = re.compile(r"\s*([^\w\s]{1,4})")
_LAST_MARK = re.compile(r"([^\w\s]{1,4})\s*\Z")
_MOST_MARKS = 300
_RUN = 4


def habits(voices: Sequence[Voice], fewest: int) -> Iterator[Pattern]:
    """Yield every habit that responses to `fewest` prompts or more have, with the responses that have it."""
    found = [*_checked(voices), *_counted(voices), *_shapes(voices), *marks(voices, fewest), *_lengths(voices)]
    found += rubric_words(voices)
    for pattern in found:
        if len({voices[place].unit for place in pattern.places}) >= fewest:
            yield pattern


def known_hits(check: Check | None) -> int | None:
    """Return how many of `KNOWN_TEXTS` have the misconduct that a check finds; None for a check of no such name."""
    return next((hits for known, _, hits in _CHECKS if known == check), None)


def _checked(voices: Sequence[Voice]) -> Iterator[Pattern]:
    for check, what, _ in _CHECKS:
        yield Pattern("check", what, check, np.zeros(0, dtype=np.int64)).placed(voices)


def _counted(voices: Sequence[Voice]) -> Iterator[Pattern]:
    import stages.checks  # noqa: F401 (registers every check)
    from stages.checks.base import bind

    for name, noun in _COUNTED.items():
        run = bind({name: {"at_least": 10_000}})
        counts = [_said_count(run(voice.text, voice.task).reason) for voice in voices]
        yield from _at_least(
            "structure",
            noun,
            counts,
            lambda amount, name=name: {name: {"at_least": amount}},  # type: ignore[misc]
        )
    blocks = [len(paragraphs(voice.text)) for voice in voices]
    yield from _at_least("structure", "paragraph", blocks, lambda amount: {"paragraph_count": {"at_least": amount}})
    for amount in range(1, 8):
        places = np.flatnonzero(np.array(blocks) == amount)
        yield Pattern("structure", f"has exactly {amount} paragraphs", {"paragraph_count": {"exactly": amount}}, places)


def _said_count(reason: str) -> int:
    """Return the number that a counting check's reason begins with."""
    found = re.match(r"\d+", reason)
    return int(found[0]) if found else 0


def _at_least(kind: Kind, noun: str, counts: Sequence[int], check: Callable[[int], Check]) -> Iterator[Pattern]:
    """Yield one pattern for each amount that tells some responses from others; equal ones once."""
    seen = np.array(counts)
    for amount in _AMOUNTS:
        places = np.flatnonzero(seen >= amount)
        if len(places):
            some = f"a {noun}" if amount == 1 else f"{amount} {noun}s or more"
            yield Pattern(kind, f"has {some}", check(amount), places)


def _shapes(voices: Sequence[Voice]) -> Iterator[Pattern]:
    import regex

    for noun, (shape, kind) in _SHAPES.items():
        found = regex.compile(shape, regex.IGNORECASE | regex.MULTILINE | regex.VERSION1)
        written = f"(?V1){shape}" if "--" in shape and "[" in shape else shape
        counts = [len(found.findall(voice.text)) for voice in voices]
        yield from _at_least(
            kind,
            noun,
            counts,
            lambda amount, written=written: regex_check(written, amount, "multiline"),  # type: ignore[misc]
        )


def marks(voices: Sequence[Voice], fewest: int) -> Iterator[Pattern]:
    """Yield marks and runs of marks that are no words: by how many there are, as first and last, at lines' ends."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for place, voice in enumerate(voices):
        for run in _MARK.findall(voice.text):
            for mark in {run, *run}:
                counts[mark][place] += run.count(mark)
    common = sorted((mark for mark, found in counts.items() if len(found) >= fewest), key=lambda m: -len(counts[m]))
    for mark in common[:_MOST_MARKS]:
        each = [counts[mark][place] for place in range(len(voices))]
        escaped = re.escape(mark)
        yield from _at_least("mark", f"“{mark}”", each, lambda amount, e=escaped: regex_check(e, amount))  # type: ignore[misc]
    yield from _edge_marks(voices)


def _edge_marks(voices: Sequence[Voice]) -> Iterator[Pattern]:
    first, last, lines, ends = (defaultdict[str, set[int]](set) for _ in range(4))
    for place, voice in enumerate(voices):
        if found := _FIRST_MARK.match(voice.text):
            first[found[1]].add(place)
        if found := _LAST_MARK.search(voice.text[-20:]):
            last[found[1]].add(place)
        rows = [row for row in voice.text.split("\n") if row.strip()]
        for row in rows if len(rows) > 1 else []:
            if found := _FIRST_MARK.match(row):
                lines[found[1]].add(place)
            if found := _LAST_MARK.search(row[-20:]):
                ends[found[1]].add(place)
    for marks_, where, before, after in (
        (first, "begins with", r"\A\s{0,20}", r"(?![^\w\s])"),
        (last, "ends with", r"(?<![^\w\s])", r"\s{0,20}\Z"),
        (lines, "has lines that begin with", r"^[ \t]{0,20}", r"(?![^\w\s])"),
        (ends, "has lines that end with", r"(?<![^\w\s])", r"[ \t]{0,20}$"),
    ):
        for mark, places in sorted(marks_.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_MARKS]:
            check = (
                regex_check(f"{before}{re.escape(mark)}{after}", 1, "multiline")
                if "lines" in where
                else regex_check(f"{before}{re.escape(mark)}{after}")
            )
            pattern = Pattern("mark", f"{where} “{mark}”", check, np.array(sorted(places), dtype=np.int64))
            yield pattern.placed(voices) if "lines" in where else pattern


def _lengths(voices: Sequence[Voice]) -> Iterator[Pattern]:
    """Yield word counts above and below which some part of all responses lie."""
    sizes = np.array([len(words(voice.text)) for voice in voices])
    for share in _LENGTHS:
        for bar in {int(np.quantile(sizes, share))}:
            if (sizes > bar).any():
                what, check = f"has more than {bar} words", {"word_count": {"at_most": bar}}
                yield Pattern("length", what, check, np.flatnonzero(sizes > bar), veto="unless_met")
        for bar in {int(np.quantile(sizes, 1 - share))}:
            if (sizes < bar).any():
                what, check = f"has fewer than {bar} words", {"word_count": {"at_least": bar}}
                yield Pattern("length", what, check, np.flatnonzero(sizes < bar), veto="unless_met")


def rubric_words(voices: Sequence[Voice]) -> Iterator[Pattern]:
    """Yield the repetition of the rubric's own words, which the prompt does not use; by a check for a common rubric.

    Where each prompt has a rubric of its own, no check has its words: the pattern is found and cannot be drafted.
    """
    texts = rubric_texts(voices)
    if len(texts) == 1:
        (text,) = texts.values()
        if len(folded_words(text)) >= _RUN and len(text) < 20_000:
            for share in (0.02, 0.05, 0.1, 0.2):
                what = f"copies the rubric: more than {share:.0%} of it are runs of {_RUN} words from there"
                check = {"copies_reference": {"words": _RUN, "share": share, "reference": text}}
                yield Pattern("rubric_words", what, check, np.zeros(0, dtype=np.int64)).placed(voices)
    elif texts:
        what = f"says {_RUN} words in a row as its own rubric does"
        yield Pattern("rubric_words", what, None, np.zeros(0, dtype=np.int64), has=says_rubric).placed(voices)


def says_rubric(voice: Voice) -> bool:
    """Return whether a response has a run of words from its rubric that neither its prompt nor its reference has."""
    wanted = _runs(folded_words(rubric_text(voice.task.rubric)))
    asked = "\n".join(message.content for message in voice.task.messages)
    known = _runs(folded_words(asked)) | _runs(folded_words(voice.task.reference or ""))
    return bool((wanted - known) & _runs(folded_words(voice.text)))


def _runs(said: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(said[k : k + _RUN]) for k in range(len(said) - _RUN + 1)}
