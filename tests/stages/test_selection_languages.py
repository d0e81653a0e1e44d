"""The language of a prompt is named only where it is likely enough."""

import pytest

from stages.checks.languages import NAMES
from stages.selection.languages import UNKNOWN, language
from tests.stages.shared_texts import needs_shared, rows


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Write a short letter to the neighbours about the noise on Sunday.", "en"),
        ("Schreibe einen kurzen Brief an die Nachbarn über den Lärm am Sonntag.", "de"),
        ("Écris une courte lettre aux voisins au sujet du bruit de dimanche.", "fr"),
        ("给邻居写一封关于周日噪音的短信。", "zh"),
        ("ok", UNKNOWN),
        ("```\nfor each in range(10): print(each)\n```", UNKNOWN),
        ("\ud800", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_languages(text: str, code: str) -> None:
    assert language(text) == code


def test_no_language_is_named_unknown() -> None:
    assert UNKNOWN not in NAMES


@needs_shared
def test_prompts_of_public_sets() -> None:
    """All but one of WritingBench's English requests and all of HeartBench's Chinese questions are told."""
    english = [language(row["query"]) for row in rows("writingbench/en.jsonl")]
    chinese = [language(row["dialogue"][-1]["content"]) for row in rows("heartbench/questions_40.jsonl")]
    assert english.count("en") >= len(english) - 1
    assert set(chinese) == {"zh"}
