"""Thinking kept apart from what is said."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.jsonl import parse, to_data, to_line
from schemas.rollouts import Rollouts, unpack
from stages.asking import UnreadableError
from stages.conversation import parted
from stages.models.base import Completion, Request
from stages.models.pool import PooledModel
from stages.reading.thoughts import answer
from stages.rollout import RolloutSpec, rollout
from tests.stages.scripted import Scripted, task
from tests.tiny_model import SENTENCES, TEMPLATE, tiny_model

OPENED = "<|assistant|>\n<think>\n"
"""How the prompt of a template ends that opens the block of thinking itself."""


def said(text: str, finish: Any = "stop", **more: Any) -> Completion:
    return Completion(text, finish, 3, **more)


@pytest.mark.parametrize(
    ("completion", "text", "thought"),
    [
        (said("Hello."), "Hello.", ""),
        (said(" Hello.\n"), " Hello.\n", ""),
        (said("<think>\nA greeting.\n</think>\n\nHello."), "Hello.", "A greeting."),
        (said("<think></think>\n\nHello."), "Hello.", ""),
        (said("A greeting.\n</think>\n\nHello."), "Hello.", "A greeting."),
        (said("Hello.", thinking="A greeting."), "Hello.", "A greeting."),
        (said("<think>a</think><think>b</think>Hello.", thinking="0"), "Hello.", "0\na\nb"),
        (said("<think>A greeting, and", "length"), "", "A greeting, and"),
        (
            said("<think>It closes with </think>, they say.</think>Hello."),
            ", they say.</think>Hello.",
            "It closes with",
        ),
        (said("A block ends with `</think>`, and begins with <think>."), None, ""),
        (said("Thoughts stand between <think> and\n</think>\nin some models."), None, ""),
        (said("", "failed", error="engine"), "", ""),
    ],
)
def test_thinking_is_kept_apart(completion: Completion, text: str | None, thought: str) -> None:
    assert parted(completion) == (completion.text if text is None else text, thought)


PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "\n", " ", "a", "`", "Two words.", "\u2028", "é"]), max_size=12
)


def bare(*texts: str) -> str:
    """Return what texts hold besides tags and space."""
    return re.sub(r"</?think>|\s", "", "".join(texts))


@given(PIECES.map("".join), st.sampled_from(["", "set apart"]))
@example("<think>x</think>\u2028</think>y", "")
def test_nothing_is_lost_but_tags_and_the_space_around_them(raw: str, apart: str) -> None:
    text, thought = parted(said(raw, thinking=apart))
    assert bare(thought, text) == bare(apart, raw)
    assert raw.endswith(text)
    if not thought:
        assert bare(text) == bare(raw)


def test_a_line_holds_thinking_beside_the_text_and_all_of_its_tokens() -> None:
    class Thinker(Scripted):
        def answer(self, request: Request) -> Completion:
            return Completion("<think>Hm.</think>\nYes.", "stop", 3, None, (5,), (7, 8, 1), (-1.0, -2.0, -3.0))

    (group,) = rollout([task("a")], RolloutSpec(group_size=1), Thinker())
    (response,) = group.responses
    assert (response.text, response.thinking, response.length) == ("Yes.", "Hm.", 3)
    assert response.tokens is not None
    assert unpack(response.tokens.ids, "i") == [7, 8, 1]
    assert to_data(parse(to_line(group).rstrip(), Rollouts, "here")) == to_data(group)


# A block that the template opens.


@pytest.mark.parametrize(
    ("completion", "text", "thought"),
    [
        (said("A greeting, and", "length", prompt_end=OPENED), "", "A greeting, and"),
        (said("A greeting.", prompt_end="<think>"), "", "A greeting."),
        (said("A greeting.</think>\n\nHello.", prompt_end=OPENED), "Hello.", "A greeting."),
        (said("It ends: </think> Hello </think>", prompt_end=OPENED), "Hello </think>", "It ends:"),
        (said("a</think><think>b</think>Hello.", prompt_end=OPENED), "Hello.", "a\nb"),
        (said("a</think><think>b", "length", prompt_end=OPENED), "", "a\nb"),
        (said("<think>A greeting.</think>Hello.", prompt_end=OPENED), "Hello.", "A greeting."),
        (said("Hello.", prompt_end="<think>\n\n</think>\n\n"), "Hello.", ""),
        (said("Hello.", prompt_end="Is <think> a tag?\n"), "Hello.", ""),
    ],
)
def test_an_answer_begins_inside_the_block_that_its_prompt_opened(
    completion: Completion, text: str, thought: str
) -> None:
    assert parted(completion) == (text, thought)


def test_a_judge_that_was_cut_off_in_the_block_of_its_template_has_said_nothing() -> None:
    draft = said("VERDICT kind: met", prompt_end=OPENED)
    with pytest.raises(UnreadableError, match="thinking does not end"):
        answer(draft)
    assert answer(said("VERDICT kind: met")) == draft.text


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PooledModel]:
    """Open a tiny model whose template opens the block unless it is told otherwise."""
    opens = "{% if add_generation_prompt and thinks is not defined %}<think>\n{% endif %}"
    folder = tiny_model(tmp_path_factory.mktemp("thinker"), template=TEMPLATE + opens)
    model = PooledModel(f"hf:{folder}", processes=1, batch_size=8, dtype="float32")
    yield model
    model.close()


def test_transformers_tell_whether_the_prompt_opened_the_block(thinker: PooledModel) -> None:
    """The tiny model never closes it: all that it says is thinking, and all of its tokens are kept."""
    given = [task(f"t{n}", text) for n, text in enumerate(SENTENCES)]
    spec = RolloutSpec(group_size=1, max_tokens=8)
    inside = [group.responses[0] for group in rollout(given, spec, thinker)]
    assert {response.text for response in inside} == {""}
    assert {"length"} <= {response.finish for response in inside}
    assert all(response.thinking and response.tokens and response.length for response in inside)
    outside = [
        group.responses[0]
        for group in rollout(given, spec.model_copy(update={"template_arg": ("thinks=false",)}), thinker)
    ]
    assert all(response.text and not response.thinking for response in outside)
