"""Penalties and truncation are those that others document, and a row's rules are its own."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from stages.models.base import Request
from tests.stages.sampler_draws import drawn, noise, request, sampler_of

PLAIN = request(0, max_tokens=9)
CHOSEN = [
    {"top_k": 1},
    {"top_k": 7},
    {"top_k": 10**6},
    {"top_p": 0.02},
    {"top_p": 0.5},
    {"top_p": 0.999},
    {"top_k": 40, "top_p": 0.8},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.7},
    {"repetition_penalty": 1.2, "top_k": 20, "top_p": 0.9},
]


def warped(logits: torch.Tensor, seen: list[int], one: Request) -> torch.Tensor:
    """Return the log-probabilities that the processors of transformers lead to; (1, vocabulary)."""
    processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(one.repetition_penalty)])
    processors.append(TemperatureLogitsWarper(one.temperature))
    if one.top_k:
        processors.append(TopKLogitsWarper(one.top_k))
    if one.top_p < 1:
        processors.append(TopPLogitsWarper(one.top_p))
    return torch.log_softmax(processors(torch.tensor([seen]), logits.clone()), -1)  # type: ignore[arg-type]


@pytest.mark.parametrize("vocabulary", [50, 3000])
@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
def test_truncation_and_repetition_are_those_of_transformers(
    chosen: dict[str, Any], temperature: float, vocabulary: int
) -> None:
    """At every step of 40 rows, each with prompt and answer of its own."""
    rows, prompt = 40, [3, 9, 9, 21]
    one = request(0, temperature, max_tokens=6, **chosen)
    sampler = sampler_of([replace(one, seed=seed) for seed in range(rows)], [prompt] * rows)
    for step in range(6):
        logits = noise(rows, vocabulary) + step
        seen = [[*prompt, *said] for said in sampler.said]
        tokens = drawn(sampler, logits)
        for row, token in enumerate(tokens):
            expected = warped(logits[row : row + 1], seen[row], one)[0, token]
            assert sampler.logprobs[row][step] == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.parametrize("chosen", CHOSEN[:7], ids=str)
def test_every_token_that_transformers_leaves_can_be_drawn(chosen: dict[str, Any]) -> None:
    """So that a draw from too few tokens would not pass for one from all of them."""
    logits, rows = noise(1, 30), 4000
    one = request(0, **chosen)
    sampler = sampler_of([replace(one, seed=seed) for seed in range(rows)])
    left = warped(logits, [0], one)[0]
    counts = np.bincount(drawn(sampler, logits.expand(rows, -1)), minlength=30)
    assert not counts[~left.isfinite().numpy()].any()
    expected = left.exp().numpy() * rows
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected) + 1e-9).all()


@settings(deadline=None)
@given(
    st.floats(-2, 2), st.floats(-2, 2), st.floats(0.5, 2), st.lists(st.integers(0, 19)), st.lists(st.integers(0, 19))
)
def test_penalties_are_those_that_vllm_documents(
    presence: float, frequency: float, repetition: float, prompt: list[int], answer: list[int]
) -> None:
    """Repetition over prompt and answer; then, over the answer: frequency by the count, presence once."""
    one = replace(
        PLAIN,
        temperature=0.0,
        presence_penalty=presence,
        frequency_penalty=frequency,
        repetition_penalty=repetition,
        max_tokens=len(answer) + 1,
    )
    logits = noise(1, 20)
    sampler = sampler_of([one], [prompt])
    sampler.said, sampler.logprobs = [list(answer)], [[0.0] * len(answer)]
    times, expected = Counter(answer), logits[0].double()
    for token in range(20):
        if token in prompt or token in answer:
            expected[token] *= 1 / repetition if expected[token] > 0 else repetition
        expected[token] -= frequency * times[token] + presence * (times[token] > 0)
    token = drawn(sampler, logits)[0]
    assert float(expected[token]) == pytest.approx(float(expected.max()), abs=1e-5)
    assert sampler.logprobs[0][-1] == pytest.approx(float(torch.log_softmax(expected, -1)[token]), abs=1e-4)


def test_a_row_with_rules_of_its_own_does_not_change_its_neighbours_by_a_bit() -> None:
    logits = noise(6, 5000).bfloat16()
    plain = [request(seed, 1.0, 4) for seed in range(6)]
    mixed = [replace(one, top_p=0.5, presence_penalty=1.0) if one.seed % 2 else one for one in plain]
    alone, beside = sampler_of(plain), sampler_of(mixed)
    before = logits.clone()
    for _ in range(4):
        drawn(alone, logits)
        drawn(beside, logits)
    assert torch.equal(logits, before)
    for row in (0, 2, 4):
        assert (beside.said[row], beside.logprobs[row]) == (alone.said[row], alone.logprobs[row])
    assert all(beside.logprobs[row] != alone.logprobs[row] for row in (1, 3, 5))


def test_rules_of_its_own_depend_on_the_row_alone() -> None:
    rows = [request(seed, 0.9, 5, top_k=9 * seed, top_p=1 - seed / 20, frequency_penalty=seed / 5) for seed in range(8)]
    logits = noise(8, 2000)
    together = sampler_of(rows, [[row] for row in range(8)])
    for _ in range(5):
        drawn(together, logits)
    for place in range(8):
        alone = sampler_of([rows[place]], [[place]])
        for _ in range(5):
            drawn(alone, logits[place : place + 1])
        assert alone.said[0] == together.said[place]


@pytest.mark.parametrize("chosen", [{"top_k": 3}, {"top_p": 0.5}], ids=str)
def test_equal_scores_stay_together(chosen: dict[str, Any]) -> None:
    """Which of equally likely tokens could be drawn must not hang on how a sort breaks ties."""
    logits = torch.zeros(400, 64)
    logits[:, 10] = 1.0
    sampler = sampler_of([request(seed, **chosen) for seed in range(400)])
    assert set(drawn(sampler, logits)) > {0, 10, 63}


def test_temperature_0_takes_the_best_whatever_is_truncated() -> None:
    logits = noise(20, 3000)
    rows = [request(seed, 0.0, top_k=5, top_p=0.3) for seed in range(20)]
    sampler = sampler_of(rows)
    plain = sampler_of([request(seed, 0.0) for seed in range(20)])
    assert drawn(sampler, logits) == drawn(plain, logits)
    assert sampler.logprobs == plain.logprobs
