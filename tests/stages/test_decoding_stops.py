"""A stop text ends an answer where it is complete, and its row leaves the batch."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from stages.models.base import Completion
from stages.models.decoding import decode, generate
from stages.models.hf import HFModel
from tests.stages import decoded
from tests.stages.decoded import generated, groups, request
from tests.tiny_model import SENTENCES

folder, model, steps = decoded.folder, decoded.model, decoded.steps


def cut_by_hand(plain: Completion, model: HFModel, stop: tuple[str, ...]) -> tuple[str, int, str]:
    """Return (text, tokens, finish) by decoding every beginning of the answer."""
    ids = list(plain.ids or ())
    for length in range(len(ids) + 1):
        text = model._tokenizer.decode(ids[:length], skip_special_tokens=True)
        found = [text.index(one) for one in stop if one in text]
        if found:
            return text[: min(found)], length, "stop"
    return plain.text, plain.length, plain.finish


def stops_of(plain: list[Completion]) -> Iterator[tuple[str, ...]]:
    """Yield stop texts: parts of the answers of several lengths, some over the edges of tokens, and others."""
    for n, answer in enumerate(plain):
        middle = len(answer.text) // 2
        yield (answer.text[middle : middle + 1 + n % 9] or "never", "no such text")[: 1 + n % 2]


@pytest.mark.parametrize("route", [decode, generate], ids=["decode", "generate"])
def test_a_stop_text_ends_the_answer_where_it_is_complete(model: HFModel, route: Any) -> None:
    requests = groups()
    plain = model.complete(requests)
    stopped = [replace(one, stop=stop) for one, stop in zip(requests, stops_of(plain), strict=True)]
    answers = model.complete(stopped) if route is decode else generated(model, stopped)
    hits = 0
    for one, before, after in zip(stopped, plain, answers, strict=True):
        assert before.ids and after.ids and after.logprobs
        assert (after.text, after.length, after.finish) == cut_by_hand(before, model, one.stop)
        assert after.ids == before.ids[: after.length]
        assert len(after.logprobs) == after.length
        assert not any(stop in after.text for stop in one.stop)
        hits += after.length < before.length
    assert hits > len(requests) / 2


def test_a_row_leaves_when_its_stop_text_is_there(model: HFModel, steps: list[tuple[int, int]]) -> None:
    requests = [request(SENTENCES[0], seed, stop=tuple("aeioustnr ")) for seed in range(8)]
    longest = max(answer.length for answer in model.complete(requests))
    assert len(steps) == longest < 16


def test_a_row_leaves_when_a_stop_text_of_many_tokens_is_there(model: HFModel, steps: list[tuple[int, int]]) -> None:
    answers = zip(groups(), model.complete(groups()), strict=True)
    one, plain = next(pair for pair in answers if pair[1].length > 18 and pair[1].text[:18].isascii())
    steps.clear()
    answer = model.complete([replace(one, stop=(plain.text[9:18],))])[0]
    assert (answer.text, answer.finish) == (plain.text[:9], "stop")
    assert len(steps) == answer.length < plain.length


def test_the_first_of_several_stop_texts_counts(model: HFModel) -> None:
    one = request(SENTENCES[0], 3, 0.0, 24)
    text = model.complete([one])[0].text
    early, late = text[3:5], text[8:12]
    assert early not in text[:4] and late not in text[:11]
    assert model.complete([replace(one, stop=(late, early))])[0].text == text[:3]


def test_a_stop_text_that_the_prompt_holds_does_not_end_the_answer(model: HFModel) -> None:
    plain = model.complete([request("xyzzy and more")])[0]
    assert model.complete([request("xyzzy and more", stop=("xyzzy",))])[0] == plain
