"""Draws follow the distribution, and a row's draws are its own."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from stages.models.sampler import BLOCK
from tests.stages.sampler_draws import chances, drawn, forced_uniform, noise, request, sampler_of, told


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("vocabulary", [7, BLOCK, 2 * BLOCK + 19])
def test_draws_follow_the_tempered_softmax(vocabulary: int, temperature: float) -> None:
    rows = 20_000
    logits = noise(1, vocabulary)[0]
    sampler = sampler_of([request(seed, temperature) for seed in range(rows)])
    counts = np.bincount(drawn(sampler, logits.expand(rows, -1)), minlength=vocabulary)
    expected = rows * chances(logits, temperature)
    common = expected >= 5
    observed = np.append(counts[common], counts[~common].sum())
    awaited = np.append(expected[common], expected[~common].sum())
    observed, awaited = observed[awaited > 0], awaited[awaited > 0]
    square = float(((observed - awaited) ** 2 / awaited).sum())
    degrees = len(awaited) - 1
    # Five standard deviations of the chi-square distribution; seeds are fixed, so it passes always or never.
    assert square < degrees + 5 * np.sqrt(2 * degrees)


def test_each_step_draws_anew() -> None:
    rows, steps = 400, 3
    sampler = sampler_of([request(seed, max_tokens=steps) for seed in range(rows)])
    logits = torch.zeros(rows, 1000)
    first, second, third = (np.array(drawn(sampler, logits)) for _ in range(steps))
    assert np.mean(first == second) < 0.02
    assert np.mean(second == third) < 0.02


def test_a_rows_draws_do_not_depend_on_its_neighbours_or_its_place() -> None:
    steps, vocabulary = 6, 600
    logits = noise(9, vocabulary)
    requests = [request(seed, 1.0 if seed % 3 else 0.7, steps) for seed in range(9)]

    def tokens(places: Sequence[int]) -> dict[int, list[int]]:
        sampler = sampler_of([requests[place] for place in places])
        taken = [drawn(sampler, logits[list(places)]) for _ in range(steps)]
        return {place: [step[row] for step in taken] for row, place in enumerate(places)}

    together = tokens(range(9))
    assert tokens([8, 3, 5, 0, 1, 2, 4, 7, 6]) == together
    assert all(tokens([place])[place] == together[place] for place in range(9))
    assert len({tuple(row) for row in together.values()}) == 9


def test_a_longer_neighbour_does_not_change_the_draws() -> None:
    logits = torch.zeros(2, 500)
    short = sampler_of([request(3, max_tokens=2), request(4, max_tokens=2)])
    long = sampler_of([request(3, max_tokens=2), request(4, max_tokens=50)])
    assert [drawn(short, logits) for _ in range(2)] == [drawn(long, logits) for _ in range(2)]


def test_equal_seeds_draw_equally_and_others_do_not() -> None:
    logits = torch.zeros(3, 4096)
    first, same, other = drawn(sampler_of([request(1), request(1), request(2)]), logits)
    assert first == same != other


def test_temperature_0_takes_the_most_likely_token_whatever_the_seed() -> None:
    logits = noise(50, 700)
    sampler = sampler_of([request(seed, temperature=0) for seed in range(50)])
    assert drawn(sampler, logits) == logits.argmax(-1).tolist()


def test_greedy_and_sampling_rows_share_a_batch() -> None:
    logits = noise(1, 700, scale=0.5).expand(40, -1)
    sampler = sampler_of([request(seed, temperature=seed % 2) for seed in range(40)])
    tokens = drawn(sampler, logits)
    assert set(tokens[::2]) == {int(logits[0].argmax())}
    assert len(set(tokens[1::2])) > 10


@pytest.mark.parametrize("temperature", [0.0, 0.6, 1.0, 2.0])
def test_logprobs_are_the_log_softmax_at_the_drawn_token(temperature: float) -> None:
    logits = noise(30, 777)
    sampler = sampler_of([request(seed, temperature) for seed in range(30)])
    tokens = torch.tensor(drawn(sampler, logits))
    expected = torch.log_softmax(logits.double() / (temperature or 1.0), -1).gather(-1, tokens[:, None])[:, 0]
    assert torch.allclose(told(sampler), expected, atol=1e-5, rtol=0)


def test_half_precision_scores_are_normalised_in_single_precision() -> None:
    logits = noise(4, 900).bfloat16()
    sampler = sampler_of([request(seed) for seed in range(4)])
    tokens = torch.tensor(drawn(sampler, logits))
    expected = torch.log_softmax(logits.float(), -1).gather(-1, tokens[:, None])[:, 0]
    assert torch.allclose(told(sampler).float(), expected, atol=1e-5, rtol=0)


ENDS = [0.0, 1e-300, 0.5, 1 - 1e-9, 1 - 2**-53]


@pytest.mark.parametrize("uniform", ENDS)
@pytest.mark.parametrize("vocabulary", [3, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_a_certain_token_is_drawn_wherever_it_stands(vocabulary: int, uniform: float) -> None:
    for place in sorted({0, 1, vocabulary // 2, vocabulary - 1}):
        one_hot = torch.full((1, vocabulary), float("-inf"))
        one_hot[0, place] = 3.0
        sampler = forced_uniform(uniform)
        assert drawn(sampler, one_hot) == [place]
        assert sampler.logprobs == [[0.0]]


@pytest.mark.parametrize("uniform", ENDS)
@pytest.mark.parametrize("vocabulary", [2, BLOCK - 1, BLOCK, 2 * BLOCK + 7, 50_000])
def test_impossible_tokens_are_never_drawn(vocabulary: int, uniform: float) -> None:
    logits = noise(40, vocabulary)
    banned = torch.rand(40, vocabulary, generator=torch.Generator().manual_seed(1)) < 0.7
    banned[:, vocabulary // 2] = False
    banned[:, -1] = vocabulary > 2
    banned[:, 0] = True
    logits = logits.masked_fill(banned, float("-inf"))
    tokens = torch.tensor(drawn(forced_uniform(uniform, rows=40), logits))
    assert not banned.gather(-1, tokens[:, None]).any()


def test_uniforms_at_the_ends_draw_the_first_and_the_last_token() -> None:
    for vocabulary in (5, BLOCK, 4 * BLOCK + 3):
        level = torch.zeros(1, vocabulary)
        assert drawn(forced_uniform(0.0), level) == [0]
        assert drawn(forced_uniform(1 - 2**-53), level) == [vocabulary - 1]


def test_the_draw_inverts_the_cumulative_distribution() -> None:
    logits = noise(1, 3 * BLOCK + 11)
    cumulative = np.cumsum(chances(logits[0]))
    for uniform in np.linspace(0.0005, 0.9995, 400):
        near = np.abs(cumulative - uniform).min() < 1e-6
        token = drawn(forced_uniform(float(uniform)), logits)[0]
        assert near or token == int(np.searchsorted(cumulative, uniform, side="right"))


def test_rare_tokens_keep_their_share_in_a_large_vocabulary() -> None:
    """A running sum in single precision over 50,000 tokens would be off by more than a rare token weighs."""
    logits = torch.zeros(1, 50_000)
    logits[0, :25_000] = 16.0
    share = float(chances(logits[0])[25_000:].sum())
    edge = 1 - share
    assert drawn(forced_uniform(edge - share / 100), logits)[0] < 25_000
    assert drawn(forced_uniform(edge + share / 100), logits)[0] >= 25_000


def test_rows_that_left_are_not_drawn_for() -> None:
    logits = noise(4, 300)
    whole, fewer = (sampler_of([request(seed, max_tokens=3) for seed in range(4)]) for _ in range(2))
    for sampler in (whole, fewer):
        drawn(sampler, logits)
    drawn(whole, logits)
    assert fewer.draw(logits[[1, 3]], [1, 3]).tolist() == [whole.said[1][1], whole.said[3][1]]
    assert [len(said) for said in fewer.said] == [1, 2, 1, 2]
