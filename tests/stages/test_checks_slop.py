"""Over-used phrases: our list, the lists that a user has, and how ours compares with others'."""

import json
from functools import cache
from pathlib import Path

import pytest

from schemas.errors import RlraError
from stages.checks.base import bind
from stages.checks.slop import Lexicon, phrases_of
from stages.checks.slop_phrases import PHRASES
from stages.checks.text import folded_words
from tests.stages.checking import met, run
from tests.stages.shared_texts import SHARED, Pairs, gpt4, needs_shared, people

FORMS = [form for entry in PHRASES for form in entry]


def test_the_list_is_well_formed() -> None:
    folded = [" ".join(folded_words(form)) for form in FORMS]
    assert 80 <= len(PHRASES) <= 130
    assert len(set(folded)) == len(folded)
    assert all(folded)


def test_phrases_are_found_whole_and_once() -> None:
    found = Lexicon(["deep", "deep breath", "Don't  STOP"]).found(
        folded_words("A deep, deep breath. Don’t stop! Deeper.")
    )
    assert found == {"deep": 1, "deep breath": 1, "don't stop": 1}


def test_the_index_is_per_thousand_words() -> None:
    text = "Delve. " + "word " * 399
    assert run("slop", text).reason == "2.5 over-used phrases per 1,000 words, at most 5: 'delve'"
    outcome = run("slop", "delve " * 3 + "word " * 10, at_most=5)
    assert (outcome.met, outcome.closeness) == (False, pytest.approx(6 / 16))
    assert met("slop", "Delve into it."), "one phrase does not condemn a short text"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.txt", "moss wall\n\nGREEN barn\n"),
        ("mine.txt", "\ufeffmoss wall\r\nGREEN barn"),
        ("mine.json", json.dumps([["moss wall"], ["green barn"]])),
        ("mine.json", json.dumps([["moss wall", 28671], ["green barn", 1.5]])),
        ("mine.json", json.dumps(["moss wall", "green barn"])),
    ],
)
def test_lists_of_the_user(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    lists = [str(tmp_path / name)]
    text = "A moss wall, a green barn and a vibrant tapestry."
    assert run("slop", text, lists=lists, builtin=False).reason.startswith("10.0 over-used")
    assert run("slop", text, lists=lists).reason.startswith("20.0 over-used")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("none.txt", None, "cannot read the list"),
        ("empty.txt", "\n \n...", "no phrase in the list"),
        ("bad.json", "{", "is not JSON"),
        ("bad.json", '{"a": 1}', "not a list of phrases"),
        ("bad.json", '[["moss"], [3], null]', "not a list of phrases: 3"),
        ("bad.json", '["moss", null]', "not a list of phrases: None"),
        ("bad.txt", b"\xff\xfe\xff", "cannot read the list"),
    ],
)
def test_a_wrong_list_is_refused_at_once(tmp_path: Path, name: str, content: str | bytes | None, what: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RlraError, match=what):
        bind({"slop": {"lists": [str(tmp_path / name)]}})


def test_some_list_is_needed() -> None:
    with pytest.raises(RlraError, match="name a file in `lists`"):
        bind({"slop": {"builtin": False}})


@cache
def counts(lexicon: Lexicon, pairs: Pairs) -> list[tuple[int, int]]:
    """Return (phrases, words) of each text."""
    tokens = [folded_words(text) for _, text in pairs]
    return [(lexicon.found(said).total(), len(said)) for said in tokens]


def rate(lexicon: Lexicon, pairs: Pairs) -> float:
    """Return the phrases per 1,000 words of all texts together."""
    phrases, words = map(sum, zip(*counts(lexicon, pairs), strict=True))
    return 1_000 * phrases / words


def rank_correlation(ours: Lexicon, theirs: Lexicon, pairs: Pairs) -> float:
    stats = pytest.importorskip("scipy.stats")
    indices = [[found / max(words, 200) for found, words in counts(lexicon, pairs)] for lexicon in (ours, theirs)]
    return float(stats.spearmanr(*indices).statistic)


@needs_shared
def test_our_list_beside_the_lists_of_others() -> None:
    """Ours tells GPT-4 from people more sharply than the long list of words, and ranks GPT-4's texts much alike."""
    ours = Lexicon(FORMS)
    folded = {" ".join(folded_words(form)) for form in FORMS}
    told = {}
    for name in ("slop_list", "slop_list_bigrams", "slop_list_trigrams", "antislop_phrases"):
        phrases = phrases_of(str(SHARED / "slop" / f"{name}.json"))
        theirs = Lexicon(phrases)
        shared = sum(" ".join(folded_words(phrase)) in folded for phrase in phrases)
        ranks = [rank_correlation(ours, theirs, pairs) for pairs in (gpt4(), people())]
        rates = [rate(theirs, pairs) for pairs in (gpt4(), people())]
        told[name] = (shared, ranks[0], rates[0] / rates[1])
        print(f"{name}: {len(theirs)} phrases, {shared} of our {len(ours)}; rank correlation of the index", end=" ")
        print(
            f"{ranks[0]:.2f} over GPT-4, {ranks[1]:.2f} over people; {rates[0]:.2f} and {rates[1]:.2f} per 1,000 words"
        )
    print(f"ours: {rate(ours, gpt4()):.2f} and {rate(ours, people()):.2f} per 1,000 words")
    assert told["slop_list"][0] >= 40
    assert told["slop_list"][1] > 0.6
    assert rate(ours, gpt4()) > 6 * rate(ours, people())
    assert rate(ours, gpt4()) / rate(ours, people()) > told["slop_list"][2]


@needs_shared
def test_people_seldom_fail() -> None:
    failed = sum(met("slop", text) is False for _, text in people())
    print(f"slop above 5: {failed} of {len(people())} texts by people")
    assert failed < 0.02 * len(people())
