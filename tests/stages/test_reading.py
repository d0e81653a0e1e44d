"""The strict reader of verdict lines: every criterion once, with an allowed label that its reason agrees with."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.rubric import Criterion, Tier
from schemas.task import Message
from stages.asking import ContradictionError, UnreadableError
from stages.judge_prompt import prompt_for, put
from stages.models.base import Completion
from stages.reading import RefusalError, Said, labels, read_json, read_text, thinking
from tests.stages.judge_server import verdicts

TONE = Criterion(id="tone", text="Is warm.")
FACTS = Criterion(
    id="facts",
    text="Gets facts right.",
    tiers=(Tier(score=0, text="No."), Tier(score=2, text="Some."), Tier(score=9, text="All.")),
)
BOTH = (TONE, FACTS)
TURNS = (Message(role="user", content="Hello"),)
GOOD = "[[tone]] Warm words. So: met\nVERDICT tone: met\n[[facts]] Two of three. So: 1\nVERDICT facts: 1"
DRAFT = "[[tone]] Cold. So: not met\nVERDICT tone: not met\n"


def said(text: str, **more: str) -> Completion:
    """Return an answer."""
    return Completion(text, "stop", 1, **more)


def given_labels(text: str, **more: str) -> dict[str, str]:
    """Return what is read, by criterion."""
    return {name: found.label for name, found in read_text(said(text, **more), BOTH).items()}


def test_the_reader_takes_reasons_and_labels() -> None:
    """The sign at the end of a reason is no part of it."""
    assert read_text(said(GOOD), BOTH) == {
        "tone": Said("tone", "met", "Warm words."),
        "facts": Said("facts", "1", "Two of three."),
    }
    assert [labels(criterion) for criterion in BOTH] == [("not met", "met"), ("0", "1", "2")]


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("VERDICT tone: met", "**VERDICT tone: Met.**").replace("[[facts]]", "**[[facts]]**"),
        "VERDICT <id of the criterion>: <one of the answers>\nVERDICT <id>: <label>\n" + GOOD,
        GOOD + "\n" + GOOD,
        "I restate: [[tone]] [[facts]]\n[[tone]] is about warmth\n" + GOOD,
        "VERDICT tone: perhaps\n" + GOOD,
        GOOD.replace("So: met", "**So:** met."),
        GOOD.replace("So: met", "**So**: 'Met'"),
        GOOD.replace("So: met", "so : met"),
        GOOD.replace("So: met", "\n\nSO: `met`.\n"),
        GOOD.replace("Warm words.", "It says so: met with cold words, and so: not met. But on the whole:"),
        GOOD.replace("[[tone]] ", ""),
    ],
)
def test_the_last_complete_set_is_taken(text: str) -> None:
    """Whatever decorates it, and whatever incomplete ones or examples stand before it."""
    assert given_labels(text) == {"tone": "met", "facts": "1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "met",
        "VERDICT tone: met",
        GOOD.replace("facts: 1", "facts: 3"),
        GOOD.replace("facts: 1", "facts: 1/2"),
        GOOD.replace("facts: 1", "facts: -1"),
        GOOD.replace("tone: met", "tone: not_met"),
        GOOD.replace("tone: met", "tone: met or not met"),
        GOOD.replace("tone", "Tone"),
        GOOD + "\nVERDICT style: met",
        GOOD + "\nVERDICT facts: 1",
        GOOD.replace("VERDICT", "> VERDICT"),
        "VERDICT tone: met\n[[tone]] Because. So: met\nVERDICT facts: 1\n[[facts]] Because. So: 1",
        "VERDICT tone: met\nVERDICT facts: 1\n[[facts]] Because. So: 1",
    ],
)
def test_anything_less_is_unreadable(text: str) -> None:
    """Omissions, other answers, other criteria, repeats, verdicts before their reasons."""
    with pytest.raises(UnreadableError) as caught:
        read_text(said(text), BOTH)
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize(
    "reason",
    [
        "Warm words.",
        "Warm words. met",
        "Warm words. So met",
        "Warm words, also: met",
        "Warm words. So: warm",
        "Warm words. So: 1",
        "Warm words. So: met, mostly",
        "So: met, since the words are warm",
        "Warm words. So: met\nThen again, it is short.",
        "Warm words. So: cannot tell",
        "",
    ],
)
def test_a_reason_without_its_sign_is_unreadable(reason: str) -> None:
    """And the model is told what was to stand there."""
    with pytest.raises(UnreadableError, match="its reason for 'tone' does not end with 'So: ' and one of") as caught:
        read_text(said(GOOD.replace("Warm words. So: met", reason)), BOTH)
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize(
    ("old", "new"),
    [("So: met", "So: not met"), ("So: 1", "So: 0"), ("So: 1", "**So: 2.**"), ("tone: met", "tone: not met")],
)
def test_a_verdict_that_disagrees_with_its_reason_is_a_contradiction(old: str, new: str) -> None:
    """Nobody knows which of the two was meant."""
    with pytest.raises(ContradictionError, match=r"its reason for '.*' ends with 'So: .*', and its verdict is"):
        read_text(said(GOOD.replace(old, new)), BOTH)


@pytest.mark.parametrize("text", [DRAFT + GOOD, GOOD + "\n" + DRAFT, GOOD + "\n" + GOOD.replace("1", "0")])
def test_two_verdicts_that_disagree_are_a_contradiction(text: str) -> None:
    """Wherever they stand."""
    with pytest.raises(ContradictionError):
        read_text(said(text), BOTH)


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        (f"<think>\n{DRAFT}</think>\n{GOOD}", DRAFT.strip()),
        (f"\n<think>{DRAFT}</think>{GOOD}", DRAFT.strip()),
        (f"{DRAFT}</think>\n\n{GOOD}", DRAFT.strip()),
        (f"{DRAFT}\n  </think> {GOOD}", DRAFT.strip()),
        (f"<think>one</think>\n<think>{DRAFT}</think>\n{GOOD}", f"one\n{DRAFT.strip()}"),
        (f"<think>\n\n</think>\n\n{GOOD}", ""),
        (f"<think>a</think>{GOOD.replace('Warm words.', 'It ends with </think> and is warm.')}", "a"),
        (f"<think>a</think>{GOOD.replace('Warm words.', 'It ends with</think>')}", "a"),
        (GOOD.replace("Warm words.", "It says </think> and is warm."), ""),
        (GOOD.replace("Warm words.", "It says <think> and is warm."), ""),
        (GOOD.replace("Warm words.", "It says '<think>\nwell\n</think>\n'."), ""),
        (GOOD, ""),
    ],
)
def test_thinking_is_set_apart_and_never_read(text: str, thought: str) -> None:
    """A block ends at its first closing tag, with or without an opening one; later tags are quotations."""
    assert given_labels(text) == {"tone": "met", "facts": "1"}
    assert thinking(said(text)) == thought


def test_thinking_that_the_server_set_apart_counts_too() -> None:
    """Then a tag in the text is a quotation, at whatever place."""
    quoting = GOOD.replace("Two of three.", "It says:\n</think>\nTwo of three.")
    assert given_labels(quoting, thinking=DRAFT) == {"tone": "met", "facts": "1"}
    assert thinking(said(quoting, thinking=DRAFT)) == DRAFT.strip()
    assert thinking(said(f"<think>more</think>{GOOD}", thinking="some")) == "some\nmore"


@pytest.mark.parametrize("text", [f"<think>\n{GOOD}", f" <think>{GOOD}\n<think>", f"<think>a</think><think>{GOOD}"])
def test_thinking_that_does_not_end_is_no_verdict(text: str) -> None:
    """What stands in it is a draft, and nothing says where the draft ends; what was thought is kept all the same."""
    for read in (read_text, read_json):
        with pytest.raises(UnreadableError, match="thinking does not end"):
            read(said(text), BOTH)
    assert "VERDICT tone: met" in thinking(said(text))


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot evaluate this response.",
        "Sorry, I am unable to judge content of this kind.",
        "I can't assist with that request.",
        "**I cannot comply.**",
        "As an AI language model, I can't rate this.",
        "<think>This is bad.</think>\nI'm very sorry, but I won't do this.",
        "I must decline to evaluate this.",
        "I apologize, but I cannot provide a verdict.",
    ],
)
def test_a_plain_refusal_has_a_class_of_its_own(text: str) -> None:
    """In either method, where there is no verdict at all."""
    for read in (read_text, read_json):
        with pytest.raises(RefusalError) as caught:
            read(said(text), BOTH)
        assert caught.value.kind == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        "I cannot find a warm word.",
        "I'm sorry to say that the response is cold.",
        "The response says: I'm sorry, but I can't help with that.",
        "I'm sorry, but I can't decide.\nVERDICT tone: met",
        "Unfortunately the facts are wrong.",
    ],
)
def test_a_poor_answer_is_not_taken_for_a_refusal(text: str) -> None:
    """Nor is one that has a verdict, or that quotes a refusal."""
    with pytest.raises(UnreadableError) as caught:
        read_text(said(text), BOTH)
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize("method", ["text", "json", "logprob"])
def test_the_prompt_itself_is_no_answer(method: str) -> None:
    """A model that repeats what it was asked has not judged."""
    for text in (
        "Hi.",
        GOOD,
        "VERDICT tone: met " * 3,
        '{"verdicts": {"tone": {"reason": "So: met", "verdict": "met"}}}',
    ):
        for criteria in (BOTH, BOTH[:1]):
            asked = criteria[:1] if method == "logprob" else criteria
            question = put(prompt_for(method, len(asked)), asked, TURNS, text, seed=0)
            word = question.word or "VERDICT"
            for read in (read_text, read_json):
                with pytest.raises(UnreadableError):
                    read(said(question.text), asked, word)


pieces = st.lists(
    st.sampled_from(
        [
            *(
                "VERDICT ",
                "tone",
                "facts",
                ": ",
                "met",
                "not met",
                "1",
                "\n",
                "[[tone]]",
                "[[",
                "]]",
                "**",
                "</think>",
                "$",
            ),
            *("So: ", "So: met\n", "So: 1\n", "\nVERDICT tone: met\n", "\nVERDICT facts: 1\n", "<think>"),
        ]
    )
    | st.text(max_size=5),
    max_size=40,
).map("".join)


@settings(deadline=None)
@given(st.text() | pieces)
@example("VERDICT " * 5_000)
@example("VERDICT " + ":" * 100_000)
@example("so" * 100_000)
@example("so" + " " * 100_000 + ":")
@example("<think></think>" * 10_000)
@example("</think> x" * 10_000)
def test_arbitrary_text_is_read_or_unreadable_and_nothing_else(text: str) -> None:
    """No other exception, and never a label that is not on the list."""
    thinking(said(text))
    try:
        found = read_text(said(text), BOTH)
    except UnreadableError:
        return
    assert [found[criterion.id].label in labels(criterion) for criterion in BOTH] == [True, True]
    assert found.keys() == {"tone", "facts"}


@settings(deadline=None)
@given(st.sampled_from(["met", "not met"]), st.sampled_from("012"), st.text(max_size=30))
def test_what_is_well_formed_is_read_back_whatever_the_reasons_say(tone: str, facts: str, reason: str) -> None:
    """In text and in JSON."""
    for method, read in (("text", read_text), ("json", read_json)):
        question = put(prompt_for(method), BOTH, TURNS, "Hi.", seed=0)
        answer = verdicts(question.text, {"tone": tone, "facts": facts}.__getitem__)
        shown = repr(reason) if method == "text" else "".join(f"\\u{ord(c):04x}" for c in reason if ord(c) < 0x10000)
        found = read(said(answer.replace("The words say so.", f"Says {shown}.")), BOTH, question.word)
        assert (found["tone"].label, found["facts"].label) == (tone, facts)
