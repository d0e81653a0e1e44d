"""Draws tokens so that each row depends on its own seed alone, and keeps their log-probabilities."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor

from stages.models.base import Request

BLOCK = 256


class Sampler(LogitsProcessor):
    """A logits processor that leaves one token possible per row: the one that was drawn.

    A token is drawn by inverting the cumulative distribution of `softmax(logits / temperature)` at
    the row's next uniform number, so a row's draws do not depend on its neighbours in the batch.
    Temperature 0 takes the most likely token. `logprobs` collects one (batch,) float32 tensor per
    step, of the tempered distribution that was drawn from (at temperature 0: of the plain one).
    `likeliest` holds, where a request asks for it, the ids and the plain log-probabilities of each
    row's likeliest first tokens, best first.
    """

    def __init__(self, requests: Sequence[Request]) -> None:
        steps = max(request.max_tokens for request in requests)
        drawn = [np.random.Generator(np.random.Philox(key=r.seed)).random(steps) for r in requests]
        self._uniforms = torch.from_numpy(np.stack(drawn))
        self._greedy = torch.tensor([r.temperature == 0 for r in requests])
        self._temperature = torch.tensor([[r.temperature or 1.0] for r in requests])
        self._most = max(request.top for request in requests)
        self.logprobs: list[torch.Tensor] = []
        self.likeliest: tuple[torch.Tensor, torch.Tensor] | None = None

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return scores of 0 for the drawn token and −inf for every other one; (batch, vocabulary)."""
        if self._most and not self.logprobs:
            chances, tokens = torch.log_softmax(scores.float(), dim=-1).topk(min(self._most, scores.shape[-1]))
            self.likeliest = (tokens.cpu(), chances.cpu())
        logprobs = torch.log_softmax(scores.float() / self._temperature.to(scores.device), dim=-1)
        token = torch.where(self._greedy.to(scores.device), scores.argmax(-1), self._draw(logprobs))[:, None]
        self.logprobs.append(logprobs.gather(-1, token)[:, 0].cpu())
        forced = torch.full_like(scores, float("-inf"))
        return forced.scatter_(-1, token, 0.0)  # type: ignore[return-value]

    def _draw(self, logprobs: torch.Tensor) -> torch.Tensor:
        if bool(self._greedy.all()):
            return torch.zeros(len(logprobs), dtype=torch.long, device=logprobs.device)
        # Two levels, in double precision: a running sum over 50,000 tokens is slow, and in float32 off by
        # more than rare tokens weigh.
        padded = torch.nn.functional.pad(logprobs.exp(), (0, -logprobs.shape[-1] % BLOCK))
        blocks = padded.view(len(padded), -1, BLOCK)
        target = self._uniforms[:, len(self.logprobs)].to(logprobs.device)[:, None]
        block, rest = _pick(blocks.sum(-1, dtype=torch.float64), target)
        inside = blocks[torch.arange(len(blocks)), block[:, 0]].double()
        within = inside.cumsum(-1)
        token = torch.searchsorted(within, torch.minimum(rest, within[:, -1:] * (1 - 1e-12)), right=True)
        return (block * BLOCK + token)[:, 0].clamp_(max=logprobs.shape[-1] - 1)


def _pick(weights: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (index of the weight at the share `target` of their sum, what is left inside it)."""
    cumulative = weights.cumsum(-1)
    at = target * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, at, right=True).clamp_(max=weights.shape[-1] - 1)
    return index, at - (cumulative - weights).gather(-1, index)
