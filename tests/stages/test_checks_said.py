"""The lines that say what a check asks for, with its arguments filled in."""

import pytest

import stages.checks  # noqa: F401
from stages.checks.base import REGISTRY, described

SAID: list[tuple[str, dict[str, object], str]] = [
    ("word_count", {"at_least": 300}, "Use at least 300 words."),
    ("word_count", {"exactly": 1}, "Use exactly 1 word."),
    ("sentence_count", {"at_least": 2, "at_most": 4}, "Use 2 to 4 sentences."),
    ("paragraph_count", {"exactly": 3}, "Write exactly 3 paragraphs, parted by blank lines."),
    ("letter_case", {"case": "lower"}, "Write every letter in lower case."),
    (
        "character_count",
        {"characters": "zZ", "at_least": 3},
        "Use at least 3 of these characters, all of them together: zZ",
    ),
    ("absent_characters", {"characters": ";:"}, "Use none of these characters: ;:"),
    ("no_commas", {}, "Use no commas."),
    ("no_exclamations", {}, "Use no exclamation marks."),
    (
        "talks_about_instruction",
        {},
        "Talks about its instructions, its limits or about being an AI, instead of doing the task.",
    ),
    (
        "opening_praise",
        {"within": 90},
        "Praises the question or the person who asked before answering, in the first 90 characters.",
    ),
    ("self_evaluation", {}, "Praises itself or claims to have met its requirements."),
    ("starts_with", {"phrase": "In  short"}, 'Begin with "In short".'),
    ("ends_with", {"phrase": "That is all"}, 'End with "That is all".'),
    ("quoted", {}, "Put the whole response in double quotation marks."),
    ("ends_with_question", {}, "End with a question."),
    ("json_object", {}, "Answer with one JSON object and nothing else."),
    ("json_object", {"keys": ["a"]}, 'Answer with one JSON object that has the key "a" and nothing else.'),
    (
        "json_object",
        {"keys": ["a", "b"]},
        'Answer with one JSON object that has the keys "a" and "b" and nothing else.',
    ),
    ("bullet_count", {"exactly": 0}, 'Use no bullet points, lines that begin with "- " or "* ".'),
    ("numbered_count", {"at_most": 5}, 'Use at most 5 numbered points, lines that begin like "1. " or "1) ".'),
    ("title", {}, "Give it a title in double angle brackets."),
    ("placeholders", {"at_least": 1}, "Use at least 1 different placeholder in square brackets."),
    ("highlights", {"at_least": 2}, "Emphasise at least 2 different parts with asterisks."),
    ("postscript", {}, 'End with a postscript, a line that begins with "P.S." and says something.'),
    (
        "repetition",
        {},
        "Repeats itself: one line or sentence 3 times or more, or more than 30% of its runs of three words.",
    ),
    ("on_topic", {"at_least": 2}, "Stay on the topic: share at least 2 content words with the request."),
    (
        "unasked_format",
        {"marks": ["heading", "bracket"]},
        "Opens with a heading or a bracket that the prompt does not ask for.",
    ),
    ("forbidden_words", {"words": ["art", "very", "so"]}, 'Do not say "art", "very" or "so".'),
    ("includes_words", {"words": ["river"]}, 'Say "river".'),
    (
        "echoes_prompt",
        {},
        "Repeats the prompt instead of answering it: more than 50% of its four-word runs stand there.",
    ),
    (
        "echoes_example",
        {},
        "Gives the instruction's own example back: what stands there in brackets, angle brackets or asterisks.",
    ),
    ("copies_prompt", {}, "Copies the prompt: more than 40% of it are runs of 8 words or more from there."),
    (
        "copies_reference",
        {"share": 0.5},
        "Copies the reference answer: more than 50% of it are runs of 8 words or more from there.",
    ),
    ("reference_overlap", {}, "Agrees with the reference answer: ROUGE-L F1 of at least 0.5."),
    ("distinct_n", {"at_least": 0.6}, "Vary your words: at least 60% of the runs of 2 words must differ."),
    ("heading_count", {"at_least": 2, "levels": [2, 3]}, "Use at least 2 Markdown headings that begin with ## or ###."),
    ("table", {}, "Give a Markdown table."),
    (
        "table",
        {"rows": {"at_least": 3}, "columns": {"exactly": 1}},
        "Give a Markdown table with exactly 1 column and at least 3 rows, the header not counted.",
    ),
    ("code_block_count", {"exactly": 1, "language": "python"}, "Use exactly 1 fenced code block marked as python."),
    (
        "json_schema",
        {"schema": {"type": "array"}},
        'Answer with JSON that fits this JSON Schema and nothing else: {"type":"array"}',
    ),
    (
        "regex_match",
        {"pattern": "a\nb"},
        r"Write a text in which the regular expression a\nb matches at least 1 time.",
    ),
    ("language", {"is": ["de", "pt", "zh"]}, "Write in German, Portuguese or Chinese."),
    ("script", {"is": "Cyrillic"}, "Write in the Cyrillic script."),
    (
        "readability",
        {"ease": {"at_least": 60, "at_most": 70}, "grade": {"at_most": 8}},
        "Write with a Flesch reading ease of 60 to 70 and a Flesch–Kincaid grade of at most 8.",
    ),
    (
        "quotation_count",
        {"exactly": 1, "words": 4},
        "Quote exactly 1 passage of 4 words or more in double quotation marks.",
    ),
    (
        "quotes_source",
        {"at_least": 2},
        "Quote only what stands word for word in the text that was given, and at least 2 passages of it.",
    ),
    ("citation_count", {"at_least": 3, "kinds": ["number"]}, "Give at least 3 citations, written like [1]."),
    ("slop", {}, "Avoid the phrases that language models over-use: at most 5 per 1,000 words."),
    ("refusal", {}, "Declines to do what was asked, or claims to be unable to, in the first 400 characters."),
    (
        "addresses_judge",
        {},
        "Speaks to whoever grades it, gives itself a score or a verdict, or hides instructions in a comment.",
    ),
    ("truncated", {}, "Ends in the middle of a sentence, a list, a block of code, a bracket or a quotation."),
]


@pytest.mark.parametrize(("name", "args", "line"), SAID)
def test_the_line_has_the_arguments_in_it(name: str, args: dict[str, object], line: str) -> None:
    assert described({name: args}) == line


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_check_says_what_it_asks_for_in_one_line(name: str) -> None:
    for args, _ in (REGISTRY[name].passes, REGISTRY[name].fails):
        line = described({name: args})
        assert line.strip() == line and line
        assert len(line.splitlines()) == 1
