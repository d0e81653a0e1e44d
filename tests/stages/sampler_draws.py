"""Draws from a sampler, its uniform numbers forced where a test says so."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from schemas.task import Message
from stages.models.base import Request
from stages.models.sampler import Sampler


def request(seed: int, temperature: float = 1.0, max_tokens: int = 1, **more: Any) -> Request:
    """Return a request."""
    return Request((Message(role="user", content="x"),), seed, temperature, max_tokens, **more)


def sampler_of(requests: Sequence[Request], prompts: Sequence[Sequence[int]] = ()) -> Sampler:
    """Return the sampler of a batch, its prompts empty where none are given."""
    return Sampler(requests, prompts or [[]] * len(requests))


def drawn(sampler: Sampler, logits: torch.Tensor) -> list[int]:
    """Return the next token of every row."""
    return sampler.draw(logits, range(len(logits))).tolist()


def told(sampler: Sampler) -> torch.Tensor:
    """Return the log-probability of each row's first token."""
    return torch.tensor([row[0] for row in sampler.logprobs], dtype=torch.float64)


def forced_uniform(value: float, rows: int = 1, temperature: float = 1.0) -> Sampler:
    """Return a sampler whose next uniform number is `value` in every row."""
    sampler = sampler_of([request(0, temperature)] * rows)
    sampler._uniforms = torch.full((rows, 1), value, dtype=torch.float64)
    return sampler


def noise(rows: int, vocabulary: int, scale: float = 2.0) -> torch.Tensor:
    """Return random scores, the same in every run."""
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(5)) * scale


def chances(logits: torch.Tensor, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the tempered softmax in double precision."""
    tempered = logits.double().numpy() / temperature
    weights = np.exp(tempered - tempered.max())
    return weights / weights.sum()
