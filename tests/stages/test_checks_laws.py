"""Every programmatic check: its own examples, and what holds for any text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stages.checks
from schemas.errors import RlraError
from stages.checks.base import REGISTRY, bind
from tests.stages.checking import LONG, met, run

PRESENCE_OF_BAD = {
    "repetition",
    "echoes_prompt",
    "talks_about_instruction",
    "opening_praise",
    "self_evaluation",
    "unasked_format",
    "copies_prompt",
    "copies_reference",
    "echoes_example",
    "refusal",
    "addresses_judge",
}
NAMES = sorted(REGISTRY)


def test_importing_the_room_registers_every_family() -> None:
    assert {check.run.__module__.split(".")[2] for check in REGISTRY.values()} == set(stages.checks.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_examples_and_description(name: str) -> None:
    check = REGISTRY[name]
    for wanted, (args, text) in ((True, check.passes), (False, check.fails)):
        assert met(name, text, **args) is wanted
    description = check.arguments.__doc__ or ""
    assert description.endswith(".") and "\n" not in description


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300) | st.text(alphabet='aA1 .,!?"*-[]<>{}\n\r\u2028’\u0301P.S中', max_size=200))
def test_any_text_gets_a_sound_outcome(name: str, text: str) -> None:
    for args, _ in (REGISTRY[name].passes, REGISTRY[name].fails):
        outcome = run(name, text, **args)
        assert outcome.reason and outcome == run(name, text, **args)
        if outcome.met:
            assert outcome.closeness is None
        elif outcome.closeness is not None:
            assert 0 <= outcome.closeness < 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", " \n\u2028\t", "...!?", "\u200b", "_**_"])
def test_an_empty_answer_meets_no_check(name: str, text: str) -> None:
    for args, _ in (REGISTRY[name].passes, REGISTRY[name].fails):
        outcome = run(name, text, **args)
        assert outcome.met is False
        assert not outcome.closeness
    if name not in PRESENCE_OF_BAD | {"json_object"}:
        assert outcome.reason == "empty answer"


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_long_texts_take_linear_time(text: str) -> None:
    start = time.process_time()
    for name in NAMES:
        run(name, text, **REGISTRY[name].passes[0])
    assert time.process_time() - start < 8


def test_wrong_names_and_arguments_are_user_errors() -> None:
    with pytest.raises(RlraError, match="no check named 'word_cout'") as caught:
        bind({"word_cout": {}})
    assert caught.value.hint.startswith("did you mean 'word_count'? docs/checks.md")
    wrong: list[dict[str, object]] = [{}, {"exactly": 1, "at_most": 2}, {"at_least": 3, "at_most": 2}, {"at_most": -1}]
    for args in wrong:
        with pytest.raises(RlraError):
            bind({"word_count": args})
    with pytest.raises(RlraError):
        bind({"forbidden_words": {"words": []}})
