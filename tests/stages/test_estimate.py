"""Estimates: counted from the prompts themselves, and bounds where only answers would tell."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judged import Judged, JudgedResponse, Usage, Verdict, Vote
from schemas.prices import Price
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.estimate import AROUND, SPOKEN, Asking, Calls, Estimate, Spoken, estimated, shared_prefix, tokens_in
from stages.models.base import Request
from stages.models.embedded import cache_folder
from tests.judged_lines import policy
from tests.stages import shared_texts
from tests.stages.shared_texts import SHARED, needs_shared

PRICES = {"a": Price(**{"in": 1.0, "cached": 0.1, "out": 4.0}), "b": Price(**{"in": 10.0, "out": 40.0})}


def asking(text: str, judgements: int = 1, max_tokens: int = 100, model: str = "openai:a") -> Asking:
    """Return one call."""
    return Asking(model, Request((Message(role="user", content=text),), 1, 0.0, max_tokens), judgements)


def test_what_a_run_would_take() -> None:
    shared = "The rubric, and then the conversation. " * 10
    one, two, other = (asking(f"{shared}{end}", 2) for end in ("Response one.", "Another response.", "Z"))
    found = estimated([one, asking("Alone.", model="openai:b", max_tokens=1), two, other], spoken=30)
    lengths = [tokens_in(each.request.messages[0].content) + AROUND for each in (one, two, other)]
    assert found.models == {
        "openai:a": Calls(3, 6, sum(lengths), 2 * tokens_in(shared), 180, 300),
        "openai:b": Calls(1, 1, tokens_in("Alone.") + AROUND, 0, 1, 1),
    }
    total = found.total
    assert (total.calls, total.judgements, total.most_out, total.expected_out) == (4, 7, 301, 181)
    assert total.tokens_in == sum(calls.tokens_in for calls in found.models.values())


def test_nothing_to_ask_is_nothing() -> None:
    assert estimated([]).total == Calls()
    assert Estimate().price({}) == (0, 0)


def test_the_price_is_between_the_least_and_the_most() -> None:
    found = Estimate({"openai:a": Calls(1, 1, 1000, 400, 50, 100), "b": Calls(1, 1, 10, 5, 1, 1)})
    low, high = found.price(PRICES)
    assert low == pytest.approx((600 + 40 + 200 + 100 + 40) / 1e6)
    assert high == pytest.approx((1000 + 400 + 100 + 40) / 1e6)


texts = st.text(st.sampled_from("ab \n1.é你😀"), max_size=60)


@given(texts, texts)
def test_a_shared_prefix_is_the_longest(one: str, other: str) -> None:
    length = shared_prefix(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or length == len(one) == len(other)


@given(st.lists(st.tuples(texts, st.integers(1, 5), st.integers(1, 99), st.sampled_from(["a", "b"])), max_size=8))
def test_bounds_hold_for_any_questions(asked: list[tuple[str, int, int, str]]) -> None:
    found = estimated(asking(text, judgements, most, model) for text, judgements, most, model in asked)
    total = found.total
    assert total.calls == len(asked) and total.judgements == sum(judgements for _, judgements, _, _ in asked)
    assert 0 <= total.shared <= total.tokens_in
    assert 0 <= total.expected_out <= total.most_out == sum(most for _, _, most, _ in asked)
    low, high = found.price(PRICES)
    assert 0 <= low <= high


@given(texts, texts)
def test_a_longer_text_is_not_fewer_tokens(one: str, other: str) -> None:
    assert 0 <= tokens_in(one) <= tokens_in(f"{one} {other}")
    assert tokens_in("\ud800") >= 0


def line(verdicts: tuple[Verdict, ...], usage: Usage | None) -> Judged:
    """Return a judged line with one response."""
    response = JudgedResponse(text="Hi", finish="stop", length=1, verdicts=verdicts, reward=None)
    rubric = Rubric(rubric="r", criteria=tuple(Criterion(id=v.criterion, text="Is warm.") for v in verdicts))
    prompt = (Message(role="user", content="Hello?"),)
    return Judged(id="g", messages=prompt, policy=policy(), rubric=rubric, responses=(response,), usage=usage)


def test_earlier_runs_say_how_long_answers_are() -> None:
    def verdict(name: str, judge: str, status: Any = "scored", **more: Any) -> Verdict:
        score = 1.0 if status == "scored" else None
        return Verdict(criterion=name, status=status, score=score, judge=judge, key=name, **more)

    vote = Vote(judge="openai:a", key="v", status="scored", label="met")
    panel = verdict("p", "mean of openai:a", votes=(vote, vote.model_copy(update={"key": "w"})))
    rest = (verdict("c", "check"), verdict("s", "openai:a", "skipped"), verdict("f", "openai:a", "failed"))
    spoken = Spoken()
    assert spoken.mean == SPOKEN
    spoken.see(line((panel, *rest), None))
    assert spoken.mean == SPOKEN
    spoken.see(line((panel, *rest), Usage(calls=3, tokens_in=900, tokens_out=120)))
    assert spoken.mean == 120 / 3
    spoken.see(line((verdict("one", "openai:a"),), Usage(calls=1, tokens_in=9, tokens_out=0)))
    assert spoken.mean == 120 / 4


def test_known_counts() -> None:
    """As many as the tokenizer of the embedded model makes of them."""
    assert tokens_in("") == 0
    assert tokens_in("How does the response name the feeling?") == 8
    assert tokens_in("def f(x):\n    return x + 1\n") == 12
    assert tokens_in("你好") == 4


@cache
def chinese() -> list[str]:
    """Return the strings of the Chinese counselling dialogues."""
    lines = (SHARED / "heartbench/questions_40.jsonl").read_text(encoding="utf-8").split("\n")
    return [text for each in lines if each.strip() for text in _strings(json.loads(each)) if len(text) > 15]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inside for text in _strings(each)]


def english(name: str) -> list[str]:
    """Return the prompts and answers of a shared set, each once."""
    return list(dict.fromkeys(text for pair in shared_texts.TEXTS[name]() for text in pair))


@needs_shared
@pytest.mark.parametrize("name", ["gpt4", "people", "llmbar", "queries", "chinese"])
def test_estimates_are_near_what_a_tokenizer_counts(name: str) -> None:
    """Mean error against the embedded model's own tokenizer, where that model was converted before."""
    from tokenizers import Tokenizer

    found = sorted(cache_folder().glob("smollm2-*/tokenizer.json"))
    if not found:
        pytest.skip("the embedded model was not used on this machine yet")
    texts = chinese() if name == "chinese" else english(name)
    encoded = Tokenizer.from_file(str(found[0])).encode_batch(texts)
    pairs = [(tokens_in(text), len(each.ids)) for text, each in zip(texts, encoded, strict=True) if len(each.ids) >= 20]
    assert len(pairs) > 100
    assert sum(abs(said - real) / real for said, real in pairs) / len(pairs) < 0.065
    assert sum(said for said, _ in pairs) == pytest.approx(sum(real for _, real in pairs), rel=0.06)
