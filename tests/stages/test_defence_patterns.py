"""Patterns as checks: they find what was found, whole and bounded, whatever is in the words."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.task import Message, Task
from stages.checks.text import folded_words
from stages.defence.contrasts import Sides
from stages.defence.drafting import name_of
from stages.defence.habits import habits, rubric_words
from stages.defence.material import Voice, held_out, parted
from stages.defence.patterns import Measured, Pattern, regex_check, words_pattern
from stages.defence.phrases import families, phrases, stem
from tests.stages.defending import RUBRIC

TEXTS = st.text(
    st.sampled_from(list("abcxyz'’ .,!?*_-~\"“»\n\u200b\u202eß漢字İé")), min_size=1, max_size=40
)  # fmt: skip


def voice(text: str, unit: str = "u", **task: object) -> Voice:
    asked = Task.model_validate({"id": unit, "messages": (Message(role="user", content="Tell me of bees."),), **task})
    return Voice(text, asked, unit, unit, 0, None)


def has(pattern: Pattern, text: str) -> bool:
    return pattern.finder()(voice(text))


@settings(max_examples=150, deadline=None)
@given(before=TEXTS, text=TEXTS, after=TEXTS)
def test_a_phrase_is_found_wherever_it_stands(before: str, text: str, after: str) -> None:
    """The check of a phrase finds the text that it came from, and any text in which it stands between others."""
    said = folded_words(text)
    assume(said and "İ" not in text and "ß" not in text)
    assume(not re.search(r"\w[\W_]{9,}\w", text))  # a rule of dashes is no part of a phrase
    pattern = Pattern("phrase", "p", regex_check(words_pattern(said)), np.zeros(0, dtype=np.int64))
    assert has(pattern, text)
    assert has(pattern, f"{before} | {text} | {after}")


@pytest.mark.parametrize(
    ("said", "text", "wanted"),
    [
        (["in", "to"], "Come into it.", False),
        (["in", "to"], "Give in — to him.", True),
        (["art"], "A party of artists.", False),
        (["don't"], "DON’T", True),
        (["i"], "I'm here.", False),
        (["a.b"], "axb", False),
        (["what", None, "day"], "What fine day!", True),
        (["what", None, "day"], "What day!", False),
        (["漢", "字"], "漢字", True),
    ],
)
def test_whole_words_and_nothing_of_a_regular_expression(said: list[str | None], text: str, wanted: bool) -> None:
    assert has(Pattern("phrase", "p", regex_check(words_pattern(said)), np.zeros(0, dtype=np.int64)), text) is wanted


def some_voices() -> list[Voice]:
    texts = (
        "## Answer\n\nWhat a fine day for bees! They fly (far) ~ and rest. Yours always, a bee",
        "## Overview\n\nWhat a good day for bees?! «They» empower you ~ WORK hard.\n- one\n- two\nYours always, a bee",
        "What a bad day… bees are empowering ~ and “quiet”. <!-- bees --> Yours always, a bee",
        "Bees hum. \u200bThey sting 🐝 too, in empowerment.\n**Bold**\n\n---\n1. a\n2. b\nYours always, a bee",
    )
    return [voice(text, f"u{n}", rubric=RUBRIC) for n, text in enumerate(texts)]


def test_every_pattern_finds_by_its_check_what_it_was_found_in() -> None:
    """Thousands are mined by other means than the checks that a draft would run: the two must agree."""
    found = some_voices()
    patterns = [*phrases(found, 2), *habits(found, 1)]
    assert len(patterns) > 100
    for pattern in patterns:
        assert pattern.placed(found).places.tolist() == pattern.places.tolist(), pattern.what
    kinds = {pattern.kind for pattern in patterns}
    assert kinds >= {"opening", "closing", "phrase", "word", "mark", "structure", "length"}
    said = {pattern.what for pattern in patterns}
    assert {
        "says “what a”",
        "ends with “yours always a bee”",
        "has words in “empower-”",
    } <= said
    assert {"has a “~”", "has a hidden character", "has a comment that a page hides", "has a picture character"} <= said


def test_words_of_one_family() -> None:
    assert [stem(word) for word in ("empowerment", "empowering", "empowers", "being", "bees")] == [
        "empower", "empower", "empower", "being", "bees",
    ]  # fmt: skip
    texts = [["empowers"], ["empowerment"], ["empowers", "gardens", "disempower"]]
    (family,) = families(texts, ["a", "b", "c"], 3)
    assert family.places.tolist() == [0, 1, 2] and has(family, "EMPOWERED") and not has(family, "disempower")


def test_the_rubrics_own_words() -> None:
    """Of one rubric a check has them; where each prompt has its own, the response is compared with its own."""
    copied = "These are reasons that a careful reader can follow step by step."
    shared = [voice(text, f"u{n}", rubric=RUBRIC) for n, text in enumerate((copied, "Bees hum."))]
    assert all(p.check and p.places.tolist() == [0] for p in rubric_words(shared))
    other = RUBRIC.model_copy(update={"criteria": RUBRIC.criteria[:1]})
    (own,) = rubric_words([shared[0], voice(copied, "u9", rubric=other)])
    assert own.check is None and own.places.tolist() == [0]


def test_halves_are_of_prompts_and_stable() -> None:
    names = [f"p{n}" for n in range(50)]
    held = held_out(names, 3, 24)
    assert len(held) == 25 and held == held_out(reversed(names), 3, 24) != held_out(names, 4, 24)
    assert held_out(names[:23], 3, 24) == set()


STEPS = {"sea@12": ("sea", 12), "a@b@3": ("a@b", 3), "sea": ("sea", None), "@3": ("@3", None), "a@x": ("a@x", None)}
STEPS |= {name: (name, None) for name in ("a@" + "9" * 13, "a@" + "9" * 5000)}


@pytest.mark.parametrize(("name", "wanted"), STEPS.items())
def test_steps_in_ids(name: str, wanted: tuple[str, int | None]) -> None:
    assert parted(name) == wanted


def test_unequal_sides_are_compared_by_shares() -> None:
    """Six high responses and two low ones: one with the pattern on either side leans low, and lots know it."""
    found = [voice("x", f"u{n // 8}") for n in range(16)]
    high = np.array([n % 8 < 6 for n in range(16)])
    measured = Measured(found, Sides("group", high, ~high, paired=True), 0)
    pattern = Pattern("word", "w", None, np.array([0, 8], dtype=np.int64))
    told = measured.weighed(pattern)
    assert (told.more, told.less, told.p) == (2, 0, pytest.approx(0.75**2))
    assert told.low == 0.0 and told.lift is None and told.high == pytest.approx(1 / 6)


def test_names_are_ids() -> None:
    """The same pattern has the same name; a strange one has a name, too."""
    assert name_of("mark", "has a “~”", 1) == name_of("mark", "has a “~”", 1) != name_of("mark", "has a “~”", 2)
    assert name_of("phrase", "says “what a day”", 0).startswith("phrase-what-a-day-")
    assert name_of("mark", "has a “\u202e”", 0).startswith("mark-")
