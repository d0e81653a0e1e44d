"""Programmatic checks: the cases that are easy to get wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.checks.base import bind
from stages.checks.text import words
from tests.stages.checking import BEES, met, run, task


def test_misses_are_graded() -> None:
    outcome = run("word_count", "word " * 41, at_most=30)
    assert (outcome.reason, outcome.closeness) == ("41 words, at most 30", 31 / 42)
    assert run("word_count", "word " * 15, at_least=30).closeness == 0.5
    over = [run("bullet_count", "- a\n" * n, exactly=2).closeness for n in (3, 4, 9)]
    assert over == sorted(over, key=lambda closeness: -(closeness or 0)) and None not in over
    commas = [run("no_commas", "a" + "," * n).closeness for n in (1, 2, 9)]
    assert commas == [1 / 2, 1 / 3, 1 / 10]
    assert run("includes_words", "one two", words=["one", "two", "three", "four"]).closeness == 0.5
    assert run("letter_case", "abC", case="lower").closeness == pytest.approx(2 / 3)
    assert run("ends_with_question", "Is it? It is so.").closeness == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("don't stop", 2),
        ("It’s the students’ room", 4),
        ("well-known", 2),
        ("naïve cafe\u0301", 2),
        ("हिन्दी भाषा", 2),
        ("我很好", 3),
        ("a_b c__d", 4),
        ("one\u2028two\u00a0three", 3),
        ("— * 3 *", 1),
    ],
)
def test_words(text: str, count: int) -> None:
    assert met("word_count", text, exactly=count)


@given(st.text(st.characters(codec="ascii")))
def test_plain_text_has_the_words_of_any_other(text: str) -> None:
    """A text of ASCII alone is read in a shorter way, to the same words."""
    assert [*words(text), "é"] == words(f"{text} é")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Wu met Mrs. Lee at 5 p.m. in the U.S. They ate.", 2),
        ("It cost 3.50. Fine.", 2),
        ("Bring fruit, e.g. apples, i.e. something sweet.", 1),
        ("lower case works. so it does! right?", 3),
        ("What?! No way... Yes.", 3),
        ('"Go." She left. (He stayed.)', 3),
        ("First\n\nSecond without stops", 2),
        ("1. Boil it.\n2. Pour it.\n3. Drink it.", 3),
        ("- a kettle\n- a cup", 2),
        ("One line\nthe same sentence.", 1),
        ("Come early.\n\nP.S. Bring a coat.", 2),
        ("我很好。你呢？", 2),
        ("A link (https://example.org/" + "a" * 300 + "). Then more.", 2),
        ("Yes. ... !!! No.", 2),
        ("We win. they rest in bed. No. I read code. ok", 5),
        ("See No. 5 and Fig. 2 by J. R. Moss et al. in Plan B. Then rest.", 2),
        ('"Stop!" he said. "Wait..." and (why not?) left…', 2),
        ("Is it so?Yes. it is.so", 2),
        ("I. Water\nII. Light\nB) Soil", 3),
        ("Mix it, etc. The rest, etc. and so on.", 2),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert run("sentence_count", text, exactly=count).reason.startswith(f"{count} ")
    assert met("sentence_count", text, exactly=count)


def test_paragraphs_need_a_blank_line_and_a_word() -> None:
    assert met("paragraph_count", "a\n \t\nb\r\n\r\nc\n\n\n***\n\nd", exactly=4)
    assert met("paragraph_count", "a\nb\u2028c", exactly=1)


def test_bullets_and_highlights_do_not_mix() -> None:
    starred = "* first *bold* thing\n* second"
    assert met("bullet_count", starred, exactly=2)
    assert met("highlights", starred, exactly=1)
    assert met("highlights", "*whole line*\n**strong** and ***both***", exactly=3)
    assert met("highlights", "2*3*4 and a*b*c and * spaced * and **", exactly=0)
    assert met("bullet_count", "**Bold** start\n*emphasis*\n-5 degrees\n* * *\n  - nested", exactly=1)
    assert met("highlights", "Some *like this* and *more*", exactly=1, echoes=["Like this"])


def test_numbered_points() -> None:
    assert met("numbered_count", "1. a\n 2) b\n10. c\n1.5 litres\n2024 was good\n3.", exactly=3)


def test_forbidden_and_included_words_are_whole_words_in_any_case() -> None:
    assert met("forbidden_words", "The island is islamic; don't.", words=["isl", "don", "land"])
    assert run("forbidden_words", "Is it? IS it. is", words=["is"]).closeness == 1 / 4
    assert run("forbidden_words", "very very", words=["very"]).reason == "forbidden: 'very' (2)"
    assert met("includes_words", "I can’t WAIT for high-speed rail", words=["can't", "wait", "high speed"])
    assert not met("includes_words", "waiting", words=["wait"])
    assert met("includes_words", "The river’s bed", words=["river"]) and met("includes_words", "It's", words=["it's"])
    assert met("forbidden_words", "It's fine", words=["it"])


def test_openings_and_endings() -> None:
    assert met("starts_with", '"In short," she said', phrase="in short")
    assert not met("starts_with", "Inshort", phrase="In")
    assert not met("starts_with", "In sum yes", phrase="In short")
    assert run("starts_with", "In sum yes", phrase="In short").closeness == 0.45
    assert run("starts_with", "Yes, in short", phrase="In short").closeness == 0.5
    for ending in ("Bye now", "bye  now.", "*Bye now!*", "“Bye\nnow.”"):
        assert met("ends_with", "So long. " + ending, phrase="Bye now")
    assert not met("ends_with", "Goodbye now", phrase="bye now")
    assert not met("ends_with", "Bye now. And more", phrase="Bye now")
    assert met("ends_with", "Really", phrase="Really.") is False


def test_questions_at_the_end() -> None:
    for text in ("Why?", 'He asked "why?"', "**Why?**  \n", "为什么？", "Why?"):
        assert met("ends_with_question", text)
    assert not met("ends_with_question", "Why? P.S. ok")


@pytest.mark.parametrize(
    "text",
    [
        "P.S. Bring a coat.",
        "p.s. bring a coat",
        "P. S. Bring a coat",
        "PS: Bring a coat",
        "**P.S.** Bring a coat",
        "P.S.\nBring a coat",
    ],
)
def test_postscript_forms(text: str) -> None:
    assert met("postscript", "Come early.\n\n" + text)
    assert met("postscript", "Come early.\n" + text)
    assert run("postscript", text).closeness == 0.5


def test_postscript_misses() -> None:
    assert run("postscript", "Come.\n\nP.S. Bring a coat.\n\nYours, Al").closeness == 0.7
    assert run("postscript", "Come. P.S. bring a coat").closeness == 0.4
    assert run("postscript", "Come.\n\nP.S. ...").closeness == 0.5
    assert run("postscript", "Come.\n\nPS5 games are fun").closeness == 0.0
    assert run("postscript", "Come.\n\nPsst, a secret word").closeness == 0.0


def test_titles_and_placeholders_that_echo_the_instruction_do_not_count() -> None:
    for echo in ("<<title>>", "<< Your Title >>", "<<>>", "<<...>>"):
        assert run("title", echo + " text").closeness == 0.0
    assert met("title", "<<title>> no, <<The moss>>")
    assert run("title", "<<The moss").closeness == 0.5
    assert met("placeholders", "[name], [Name], [date]", exactly=2)
    assert (
        run("placeholders", "[Address] [placeholder]", at_least=1, echoes=["address", "placeholder"]).closeness == 0.0
    )
    assert met("placeholders", "[1] [x] [link](http://a.b) [a\nb]", exactly=0)


def test_letter_case_needs_letters() -> None:
    assert met("letter_case", "SHOUT 3 TIMES, ÉMILE", case="upper")
    assert run("letter_case", "42", case="lower").closeness == 0.0


def test_json_objects() -> None:
    for text in ("{}", ' {"a": 1}\n', '```\n{"a": 1}\n```'):
        assert met("json_object", text)
    for text in ("[1]", '{"a": NaN}', '{"a": 1} ok', "{'a': 1}", '{"a":' * 50_000, "1" * 5000):
        assert met("json_object", text) is False
    assert run("json_object", '{"a": 1}', keys=["a", "b"]).closeness == 0.5


def test_on_topic_compares_with_the_request_before_constraints() -> None:
    rewritten = task(BEES + " Never mention umbrellas.", rewritten_from=BEES)
    assert met("on_topic", "Umbrellas!", on=rewritten) is False
    assert met("on_topic", "Umbrellas!", on=task(BEES + " Never mention umbrellas."))
    assert met("on_topic", "Gardening and planned gardens", on=rewritten, at_least=2)
    assert run("on_topic", "A bee", on=rewritten, at_least=2).closeness == 0.5
    assert met("on_topic", "Moss", on=task("Moss?"), at_least=5), "no more is wanted than the request has"
    assert met("on_topic", "Well", on=task("What should I do?")) is None


def test_repetition_leaves_ordinary_text_alone() -> None:
    assert not met("repetition", "Plant thyme in May. Water it in June. Cut it back when the first frost comes.")
    assert met("repetition", "the cat sat on " * 6)
    assert met("repetition", "Plant it now. Yes. Plant it now! No. PLANT IT NOW?")
    assert met("repetition", "Plant it now. Yes. Plant it now!", times=2)
    assert not met("repetition", "no no no")


def test_talk_about_the_instruction_is_not_held_against_a_request_that_has_it() -> None:
    for text in ("As an AI, I like moss.", "The word limit is 30.", "Your instructions were clear.", "Avoid commas."):
        assert met("talks_about_instruction", text)
    recipe = "Read the instructions on the box."
    assert met("talks_about_instruction", recipe)
    assert not met("talks_about_instruction", recipe, on=task("Summarise the instructions on a box."))
    assert not met("talks_about_instruction", "Task lists and sentences are useful in prompt replies.")


def test_opening_praise() -> None:
    for text in (
        "Great question! Plant thyme.",
        "Wow, what a fantastic idea.",
        "That's an excellent question.",
        "I love this question.",
        "Thank you for your thoughtful question.",
        "You're absolutely right",
    ):
        assert met("opening_praise", text)
    for text in (
        "Thank you for telling me.",
        "A good idea of the size helps.",
        "Good ideas",
        "x" * 300 + " Great question!",
    ):
        assert not met("opening_praise", text)
    assert not met("opening_praise", "Plant thyme. Great question!", within=10)


def test_self_evaluation() -> None:
    for text in (
        "This response satisfies all your needs.",
        "I have followed all of the instructions.",
        "Moss, as requested.",
        "(30 words)",
        "This answer is clear and concise.",
    ):
        assert met("self_evaluation", text)
    assert not met("self_evaluation", "The list meets on Friday. Moss is clear.")


def test_unasked_format_reads_the_whole_prompt() -> None:
    asked = {
        '"Moss"': "in quotation marks",
        "# Moss": "with a heading",
        "<<Moss>>": "as <<x>>",
        "[Moss]": "in brackets",
    }
    for text, wish in asked.items():
        assert met("unasked_format", text)
        assert not met("unasked_format", text, on=task(f"{BEES} Answer {wish}."))
    assert not met("unasked_format", "# Moss", marks=["quotation"])
    assert not met("unasked_format", "#moss is a tag")


IFEVAL = Path(__file__).parents[3] / "shared" / "data" / "ifeval"
SAME_AS_IFEVAL: dict[str, Callable[[dict[str, Any]], dict[str, dict[str, Any]]]] = {
    "punctuation:no_comma": lambda given: {"no_commas": {}},
    "keywords:forbidden_words": lambda given: {"forbidden_words": {"words": given["forbidden_words"]}},
    "detectable_format:title": lambda given: {"title": {"echoes": []}},
    "detectable_format:number_bullet_lists": lambda given: {"bullet_count": {"exactly": given["num_bullets"]}},
    "detectable_format:json_format": lambda given: {"json_object": {}},
    "startend:quotation": lambda given: {"quoted": {}},
    "startend:end_checker": lambda given: {"ends_with": {"phrase": given["end_phrase"]}},
}


@pytest.mark.skipif(not IFEVAL.is_dir(), reason="needs ../shared/data/ifeval, which is not part of the project")
def test_agreement_with_ifeval_where_the_promise_is_the_same() -> None:
    registry = pytest.importorskip("if_verifiable.ifeval.instructions_registry").INSTRUCTION_DICT
    rows, answers = (
        [json.loads(line) for line in (IFEVAL / name).read_text(encoding="utf-8").split("\n") if line]
        for name in ("prompts.jsonl", "gpt4_responses.jsonl")
    )
    compared = 0
    for row, answer in zip(rows, answers, strict=True):
        for name, kwargs in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            if name in SAME_AS_IFEVAL:
                theirs = registry[name](name)
                theirs.build_description(**kwargs)
                ours = bind(SAME_AS_IFEVAL[name](kwargs))(answer["response"], task(row["prompt"]))
                assert ours.met == bool(theirs.check_following(answer["response"])), (name, kwargs, ours.reason)
                compared += 1
    assert compared > 200
