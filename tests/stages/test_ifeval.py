"""IFEval's instructions: the published results, and every quirk."""

import time
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import RlraError
from stages.checks.base import REGISTRY, Outcome, bind, bound_arguments, described
from stages.checks.ifeval import detection
from tests.stages.checking import LONG
from tests.stages.ifeval_pairs import DATA, NAMES, READINGS, needs_data, pairs, run

# Each asks for the frequency of a sign that is no letter. The code behind the published results drew a letter instead,
# anew for each reading: of the two, one was followed in the strict and none in the loose. Ours counts the sign, as
# google-research's present code does.
DRAWN = {1122: "#", 1129: "!"}


@needs_data
def test_every_instruction_is_a_check_under_its_own_name() -> None:
    listed = (DATA / "ifeval" / "instruction_ids.txt").read_text(encoding="utf-8").split("\n")
    assert sorted(filter(None, listed)) == NAMES and len(NAMES) == 25


@needs_data
@pytest.mark.parametrize(
    ("reading", "prompts", "instructions", "drawn"), [("strict", 416, 697, 1), ("loose", 429, 712, 0)]
)
def test_the_published_results(reading: str, prompts: int, instructions: int, drawn: int) -> None:
    """Instruction by instruction; `drawn` is how many of the two drawn letters the published results take as met."""
    found: dict[int, list[bool | None]] = {}
    signs = []
    for pair in pairs():
        met = run(pair.name, pair.text, **pair.kwargs, reading=reading).met
        found.setdefault(pair.key, []).append(met)
        if pair.kwargs.get("letter") == DRAWN.get(pair.key, ""):
            signs.append(met)
    assert len(found) == 541 and sum(map(len, found.values())) == 834
    assert signs == [True, True], "# stands there 4 times of 4, ! stands there 10 times of 6"
    # All else that these two prompts ask for is met, so that each letter decides a prompt as well.
    assert sum(met is True for each in found.values() for met in each) == instructions + (len(signs) - drawn)
    assert sum(all(each) for each in found.values()) == prompts + (len(signs) - drawn)
    certain = [each for key, each in found.items() if key not in DRAWN]
    others = sum(len(each) - 1 for key, each in found.items() if key in DRAWN)
    assert sum(met is True for each in certain for met in each) == instructions - drawn - others
    assert sum(all(each) for each in certain) == prompts - drawn


@needs_data
def test_every_prompt_of_the_data_binds_and_can_be_said() -> None:
    everything = {name: None for pair in pairs() for name in pair.kwargs}
    for pair in pairs():
        line = described({pair.name: pair.kwargs})
        assert line[0].isupper() and "\n" not in line
        assert bound_arguments({pair.name: {**everything, **pair.kwargs}}) == bound_arguments({pair.name: pair.kwargs})


QUIRKS: list[tuple[str, dict[str, Any], str, bool]] = [
    ("keywords:existence", {"keywords": ["LAMP"]}, "Two lamps.", True),
    ("keywords:forbidden_words", {"forbidden_words": ["lamp"]}, "Two lamps.", True),
    ("keywords:forbidden_words", {"forbidden_words": ["lamp"]}, "A lamp's glow", False),
    ("keywords:frequency", {"keyword": " lamp ", "frequency": 2, "relation": "at least"}, "lamplamp", True),
    ("keywords:letter_frequency", {"letter": "A", "let_frequency": 2, "let_relation": "less than"}, "Aha", False),
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "well-known it's", True),
    ("length_constraints:number_words", {"num_words": 2, "relation": "less than"}, "我很好", True),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "हिन्दी भाषा", True),
    ("length_constraints:number_words", {"num_words": 2, "relation": "less than"}, "½ cup", True),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "Wow!!!", True),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "1. Moss", True),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "- a\n- b\n\nc", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 1}, "***\na\n\nb\n***", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\n***\nb", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "**moss**", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "2 * 3 * 4", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 3}, "a\n---\n*\n* b\n- c", True),
    ("detectable_format:multiple_sections", {"section_spliter": "Day", "num_sections": 2}, "aDay1Day 2", True),
    ("detectable_format:json_format", {}, "```json [1]", True),
    ("detectable_format:json_format", {}, "{}", True),
    ("detectable_format:json_format", {}, "Here it is: {}", False),
    ("detectable_format:title", {}, "<<a> b>> c", True),
    ("detectable_format:title", {}, "<<a\nb>>", False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "lips. p.s. and on it goes", True),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P.Sand", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[] [a [b]", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "[a\nb]", False),
    ("combination:two_responses", {}, "******a******b******", True),
    ("combination:two_responses", {}, "a****** ******b", False),
    ("startend:end_checker", {"end_phrase": "Yes."}, 'Oh "yes.""', True),
    ("startend:quotation", {}, ' "a" and "b" ', True),
    ("punctuation:no_comma", {}, "a、b，c", True),
    ("change_case:english_capital", {}, "ÄÖ", False),
    ("change_case:capital_word_frequency", {"capital_frequency": 3, "capital_relation": "at least"}, "I CAN'T", True),
]
FIRST_WORDS = [
    ("One.\n\n'Two' is here", 2, True),
    ("One\n\nTwo,three", 2, True),
    ("One\n\nTwo-three", 2, False),
    ("One\n\n\n\nTwo", 2, False),
    ("One\n\nTwo\n\nThree", 3, True),
    ("One\n\nTwo\n\nThree", 2, False),
]


@pytest.mark.parametrize(("name", "kwargs", "text", "met"), QUIRKS)
def test_quirks(name: str, kwargs: dict[str, Any], text: str, met: bool) -> None:
    """What google-research's code takes as followed, or not, though a reader might not."""
    assert run(name, text, **kwargs).met is met


@pytest.mark.parametrize(("text", "count", "met"), FIRST_WORDS)
def test_first_words(text: str, count: int, met: bool) -> None:
    """Blank paragraphs are not counted, but they are when the nth is looked for."""
    name = "length_constraints:nth_paragraph_first_word"
    assert run(name, text, num_paragraphs=count, nth_paragraph=2, first_word="TWO").met is met


def test_the_loose_reading_forgives_a_first_line_a_last_line_and_asterisks() -> None:
    name = "punctuation:no_comma"
    for text in ("Sure, here:\nMoss", "Moss\nBye, then", "Sure, so\nMoss\nBye, then"):
        assert (run(name, text).met, run(name, text, reading="loose").met) == (False, True)
    assert not run(name, "Moss, thyme\nMoss, thyme", reading="loose").met
    assert run("startend:quotation", 'Sure:\n*"Moss"*', reading="loose").met
    assert run("startend:end_checker", "**That is all.**", end_phrase="That is all.", reading="loose").met
    missed = run("length_constraints:number_words", "one\ntwo three", num_words=2, relation="less than")
    assert missed == Outcome(False, "3 words, less than 2", 2 / 4)
    assert run("detectable_format:number_bullet_lists", "- a\n- b\n- c", num_bullets=2, reading="loose").met


def test_an_empty_response_fails_in_both_readings() -> None:
    for name, text, reading in product(NAMES, ("", " \n\n ", "\n", "..."), READINGS):
        assert run(name, text, **REGISTRY[name].passes[0], reading=reading) == Outcome(False, "empty answer", 0.0)


def test_reasons_count_and_misses_are_graded() -> None:
    words = {"num_words": 300, "relation": "at least"}
    assert run("length_constraints:number_words", "moss " * 183, **words) == Outcome(
        False, "183 words, at least 300", 183 / 300
    )
    assert run("detectable_format:number_bullet_lists", "* a", num_bullets=2).closeness == 0.5
    assert run("keywords:existence", "moss", keywords=["moss", "lamp"]) == Outcome(False, "missing: 'lamp'", 0.5)
    assert run("punctuation:no_comma", "a, b, c") == Outcome(False, "2 commas, none wanted", 1 / 3)
    assert run("change_case:english_lowercase", "abcD").closeness == 0.75
    assert run("combination:repeat_prompt", "Why m", prompt_to_repeat="Why me?").closeness == 5 / 7
    first = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "b"}
    halves = [run("length_constraints:nth_paragraph_first_word", text, **first) for text in ("a\n\nc", "a")]
    assert [half.closeness for half in halves] == [0.5, 0.25]
    assert [half.reason for half in halves] == [
        "2 paragraphs, exactly 2; paragraph 2 begins with 'c'",
        "1 paragraph, exactly 2; paragraph 2 missing",
    ]


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("keywords:existence", {}),
        ("keywords:existence", {"keywords": []}),
        ("keywords:existence", {"keywords": ["("]}),
        ("keywords:existence", {"keywords": [" "]}),
        ("keywords:forbidden_words", {"forbidden_words": ["C++"]}),
        ("keywords:forbidden_words", {"forbidden_words": ["(?i)moss"]}),
        ("keywords:frequency", {"keyword": "(a{2}){9}", "frequency": 1, "relation": "at least"}),
        ("keywords:letter_frequency", {"letter": "ab", "let_frequency": 1, "let_relation": "at least"}),
        ("keywords:letter_frequency", {"letter": "a", "let_frequency": 1}),
        ("language:response_language", {"language": "xx"}),
        ("language:response_language", {"language": None}),
        ("length_constraints:number_words", {"num_words": 3, "relation": "at most"}),
        ("length_constraints:number_words", {"num_words": -1, "relation": "at least"}),
        (
            "length_constraints:nth_paragraph_first_word",
            {"num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"},
        ),
        ("combination:repeat_prompt", {"prompt_to_repeat": " "}),
        ("punctuation:no_comma", {"num_words": 3}),
        ("punctuation:no_comma", {"reading": "lenient"}),
    ],
)
def test_kwargs_that_ifeval_would_draw_or_refuse_are_user_errors(name: str, kwargs: dict[str, Any]) -> None:
    with pytest.raises(RlraError, match=name):
        bind({name: kwargs})
    with pytest.raises(ValidationError):
        REGISTRY[name].arguments.model_validate(kwargs)


def test_a_plus_can_be_looked_for() -> None:
    assert not run("keywords:existence", "C", keywords=[r"C\+\+"]).met
    assert run("keywords:existence", "c++", keywords=[r"C\+\+"]).met


def test_detection_is_settled_and_leaves_langdetect_alone() -> None:
    import langdetect

    before = langdetect.DetectorFactory.seed
    close = "MOSS IN DER GARTEN IS IN THE HOUSE"
    assert len({detection.language(close) for _ in range(5)}) == 1
    assert detection.language("1 + 1 = 2") is None
    assert langdetect.DetectorFactory.seed == before


@pytest.mark.parametrize("name", NAMES)
def test_the_loose_reading_takes_linear_time(name: str) -> None:
    start = time.process_time()
    for text in LONG.values():
        run(name, text[:20_000], **REGISTRY[name].passes[0], reading="loose")
    assert time.process_time() - start < 4
