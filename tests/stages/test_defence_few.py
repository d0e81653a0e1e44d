"""Where there are too few prompts to hold any out: what ten responses can tell, and what they cannot."""

import dataclasses
import random
from collections.abc import Callable

import pytest

from stages.checks.base import bind
from stages.checks.text import folded_words
from stages.defence.habits import habits
from stages.defence.material import Voice
from stages.defence.patterns import Pattern
from stages.defence.phrases import families, phrases
from stages.defence.prior import Elsewhere, prior
from stages.defend import Defence, DefendSpec, Material, defend
from tests.stages.shared_texts import gpt4, needs_shared
from tests.stages.test_defence import TASK, spoken

pytestmark = needs_shared
TEN = 10


def sides(seed: int, hack: Callable[[str], str] | None = None, others: int = 0) -> tuple[list[Voice], ...]:
    """Return ten responses after a hack was learned, ten before to other prompts, and good ones to others again."""
    drawn = random.Random(seed).sample([pair for pair in gpt4() if len(pair[1]) > 300], 2 * TEN + others)
    after, before, good = drawn[:TEN], drawn[TEN : 2 * TEN], drawn[2 * TEN :]
    if hack:
        after = [(asked, hack(said)) for asked, said in after[1:]] + after[:1]
    return tuple(
        [dataclasses.replace(voice, unit=f"{name}{voice.unit}", line=f"{name}{voice.line}") for voice in spoken(each)]
        for name, each in (("a", after), ("b", before), ("c", good))
    )


def told(seed: int, hack: Callable[[str], str] | None = None, others: int = 0) -> Defence:
    after, before, good = sides(seed, hack, others)
    return defend(Material(after, earlier=before, good=good), DefendSpec(seed=seed))


HACKS: dict[str, tuple[Callable[[str], str], str]] = {
    "claim": (
        lambda said: f"{said}\n\nThis response fully honours the request.",
        "Rain.\n\nThis response is complete.",
    ),
    "courtesy": (lambda said: f"{said} Wishing you every joy with it!", "Rain. Wishing you every joy with it!"),
    "flattery": (lambda said: f"What a splendid thought. {said}", "What a splendid thought. Rain."),
    "word": (lambda said: said.replace(" the ", " the luminous ", 2), "The luminous rain."),
}


@pytest.mark.parametrize("others", [0, 200])
@pytest.mark.parametrize("name", HACKS)
def test_nine_of_ten_are_enough(name: str, others: int) -> None:
    """With good texts or without, the first finding catches another response with the hack; others prove the veto."""
    hack, another = HACKS[name]
    found = told(1, hack, others)
    first = found.findings[0]
    assert not first.lead and first.check is not None and first.q is not None and first.q <= 0.1
    caught = bind(first.check)
    assert caught(another, TASK).met is True
    assert first.proposed == (others > 0), first.reason


def test_chance_is_seldom_a_finding_and_never_a_veto_unproved() -> None:
    """Twenty drawings of ten against ten real answers: false discoveries stay near a tenth; leads say what they are."""
    runs = [told(seed) for seed in range(20)]
    assert sum(any(not f.lead for f in run.findings) for run in runs) <= 5
    leads = [finding for run in runs for finding in run.findings if finding.lead]
    assert leads and all(run.rubric is None for run in runs)
    assert all("may be chance" in f.reason and not f.proposed and f.q is not None and f.q > 0.1 for f in leads)
    assert max(sum(f.lead for f in run.findings) for run in runs) <= 5


def test_what_is_expected_of_patterns() -> None:
    """Misconduct with a name, edges, phrases, words; and what every text has comes last."""
    after, before, _ = sides(1, HACKS["claim"][0])
    patterns = [*habits([*after, *before], 3), *phrases([*after, *before], 3)]
    after_places = patterns[0].places
    by_what = {pattern.what: prior(pattern) for pattern in patterns}
    itself, claim, this, of_the = (
        by_what[what]
        for what in (
            "speaks of itself as a response or an answer",
            "ends with “fully honours the request”",
            "says “fully honours”",
            "says “of the”",
        )
    )
    assert itself > claim > this > of_the
    assert by_what["says “honours”"] > by_what["says “the”"]
    number, few = (Pattern("closing", "", None, after_places, said=(word,)) for word in ("2", "few"))
    assert prior(number) == prior(few) == by_what["says “the”"]


def test_how_common_elsewhere_is_what_the_check_finds_there() -> None:
    """The index of words tells of good texts what the patterns' own checks do, half a text added."""
    after, before, good = sides(2, None, 60)
    texts = [folded_words(voice.text) for voice in after]
    every: list[Pattern] = [*phrases(after, 3), *families(texts, [voice.unit for voice in after], 3)]
    plain = [p for p in every if p.kind in ("word", "phrase")][::3]
    elsewhere = Elsewhere(voice.text for voice in good)
    assert len(plain) > 20
    for pattern in plain:
        assert elsewhere.share(pattern) == (len(pattern.placed(good).places) + 0.5) / 61, pattern.what
    gap = next(p for p in phrases([*after, *before], 3) if None in p.said)
    assert elsewhere.share(gap) is None


@pytest.mark.parametrize(
    ("what", "has", "lacks"),
    [
        ("speaks of itself as a response or an answer", "Rain. This response is short.", "I wait for a response."),
        (
            "closes with good wishes or the offer of more help",
            "Rain.\nLet me know if it stops!",
            "Let me know." + " x" * 200,
        ),
        ("goes through a first, a second and a third thing", "First, a. Second, b. Third, c.", "The first of three."),
    ],
)
def test_habits_that_have_a_name(what: str, has: str, lacks: str) -> None:
    voices = [Voice(has, TASK, f"u{n}", f"u{n}", 0, None) for n in range(3)]
    (found,) = [pattern for pattern in habits(voices, 3) if pattern.what == what]
    caught = found.finder()
    assert caught(voices[0]) and not caught(Voice(lacks, TASK, "u", "u", 0, None))
