"""A prompt of the user's own: taken where it serves, and where not, the line and the reason are said."""

from pathlib import Path
from string import Template

import pytest

from schemas.errors import RlraError
from schemas.rubric import Criterion
from schemas.task import Message
from stages import prompt_file
from stages.judge_prompt import prompt_for, put
from stages.prompt_file import Method, load_prompt
from tests.stages.judge_server import under_judgement

PROMPTS = Path(prompt_file.__file__).parent / "prompts"
SHIPPED: dict[str, Method] = {
    "judge.md": "text",
    "judge_one.md": "text",
    "judge_json.md": "json",
    "judge_json_one.md": "json",
    "judge_logprob.md": "logprob",
}
OWN = """Costs $$5. Judge.
$criteria

$conversation_mark begins
${conversation}
$conversation_mark ends
$response_mark begins
$response
${response_mark} ends
For $ids: reason. So: answer
$word id: answer
"""
LEAF = Criterion(id="leaf", text="Is calm.")
TURNS = (Message(role="user", content="Tell me of the $sea."),)


def test_every_shipped_prompt_is_one() -> None:
    """And there is none that no method uses."""
    assert {path.name for path in PROMPTS.glob("judge*.md")} == set(SHIPPED)
    for name, method in SHIPPED.items():
        text = (PROMPTS / name).read_text(encoding="utf-8")
        assert load_prompt(text, name, method) in (prompt_for(method), prompt_for(method, 1), prompt_for(method, 2))
    assert len({prompt_for(method, count).digest for method in ("text", "json") for count in (1, None)}) == 4


def test_the_slots_are_filled_as_the_standard_library_fills_them() -> None:
    """Dollars of the prompt stay what they are, and those of the texts as well."""
    prompt = prompt_for("text", None, OWN)
    question = put(prompt, [LEAF], TURNS, "Calm: $criteria $$ ${response}", 0)
    assert question.text.startswith("Costs $5. Judge.\nCriterion leaf: Is calm.\n")
    assert "turn of the user\nTell me of the $sea.\n" in question.text
    assert under_judgement(question.text) == "Calm: $criteria $$ ${response}"
    assert question.text.endswith(" ends\nFor leaf: reason. So: answer\nVERDICT id: answer\n")
    names = {name for _, name in prompt.parts if name}
    marked = {name: f"<{name}>" for name in names}
    ours = "".join(piece for before, name in prompt.parts for piece in (before, marked[name] if name else ""))
    assert ours == Template(OWN).substitute(marked)


def test_another_text_is_another_digest() -> None:
    """And the same text is the same, wherever it lies."""
    assert load_prompt(OWN, "a", "text").digest == load_prompt(OWN, "b", "text").digest
    assert load_prompt(OWN, "a", "text").digest != load_prompt(OWN + " ", "a", "text").digest


@pytest.mark.parametrize(
    ("old", "new", "method", "said", "hint"),
    [
        ("$criteria\n", "\n", "text", "p.md: the prompt has no slot '$criteria'", "the method text needs $criteria"),
        ("$word", "VERDICT", "text", "p.md: the prompt has no slot '$word'", "needs $criteria"),
        ("$ids", "each", "text", "p.md: the prompt has no slot '$ids'", "needs"),
        ("$$5", "$5", "text", "p.md:1: a '$' that begins no slot", "write '$$' for a dollar sign"),
        ("$criteria", "$critera", "text", "p.md:2: there is no slot '$critera'", "did you mean '$criteria'?"),
        ("$criteria", "$criteria\n\n$zebra", "text", "p.md:4: there is no slot '$zebra'", "needs $criteria"),
        ("$ids", "$ids $answers", "text", "p.md:10: there is no slot '$answers' for the method text", "'$$'"),
        ("$ids", "$", "text", "p.md:10: a '$' that begins no slot", "'$$'"),
        ("", "", "logprob", "p.md:11: there is no slot '$word' for the method logprob", "$answers"),
        ("", "", "json", "p.md: the prompt says nowhere '\"verdicts\"'", "the reader wants"),
        ("So: ", "", "text", "p.md: the prompt says nowhere 'so:'", "end with 'So: ANSWER'"),
        ("$response\n", "$response $response\n", "text", "p.md:8: '$response' stands there again", "shown once"),
        ("$ids", "$ids $response", "text", "p.md:10: '$response' stands there again", "once"),
        ("$ids", "$ids ${response}", "text", "p.md:10: '$response' stands there again", "once"),
        ("$response\n", "> $response\n", "text", "p.md:8: '$response' does not stand alone between", "three lines"),
        ("$response\n", "\n$response\n", "text", "p.md:9: '$response' does not stand alone between", "three lines"),
        ("${response_mark} ends", "end", "text", "p.md:8: '$response' does not stand alone", "'$response_mark ends'"),
        ("$response_mark begins\n$response", "$response", "text", "p.md:7: '$response' does not stand alone", "lines"),
        ("${response_mark}", "$$response_mark", "text", "p.md:8: '$response' does not stand alone", "three lines"),
        ("${conversation}", "${conversation} $$", "text", "p.md:5: '$conversation' does not stand alone", "lines"),
        (
            *(OWN, "$response\n$response_mark ends\n" + OWN.replace("$response\n", "\n"), "text"),
            *("p.md:1: '$response' does not stand alone between", "three lines"),
        ),
        (OWN, "", "text", "p.md: the prompt has no slot '$criteria'", "needs"),
        (OWN, "$response", "text", "p.md: the prompt has no slot '$criteria'", "needs"),
    ],
)
def test_what_cannot_serve_is_said(old: str, new: str, method: Method, said: str, hint: str) -> None:
    """Slots that are missing or unknown, lone dollars, texts that are not set apart, what the reader wants."""
    with pytest.raises(RlraError) as caught:
        load_prompt(OWN.replace(old, new) if old else OWN, "p.md", method)
    assert caught.value.message.startswith(said)
    assert hint in (caught.value.hint or "")


def test_line_ends_of_another_system_are_no_fault() -> None:
    """A file with carriage returns serves as well."""
    prompt = load_prompt(OWN.replace("\n", "\r\n"), "p.md", "text")
    assert "Is calm." in put(prompt, [LEAF], TURNS, "Calm.", 0).text
