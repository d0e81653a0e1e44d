"""Draws tokens so that each row depends on its own seed alone, and keeps their log-probabilities."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor

from stages.models.base import Request

BLOCK = 256
HEAD = 1024
"""Tokens among which the share `top_p` is looked for before all are sorted, which takes eight times as long."""


class Sampler:
    """Draws the next token of each row, by the rules of its own request.

    A token is drawn by inverting the cumulative distribution of `softmax(logits / temperature)` at
    the row's next uniform number, so a row's draws do not depend on its neighbours in the batch.
    Temperature 0 takes the most likely token. Penalties come before the temperature, `top_k` and then
    `top_p` after it, and equal scores stay or go together.

    `said` and `logprobs` collect the tokens of each row and their log-probabilities, of the very
    distribution that was drawn from: penalised, tempered, truncated and made to sum to 1 again. (At
    temperature 0 nothing is tempered or truncated.) `likeliest` holds, where a request asks for it, the ids and
    the plain log-probabilities of each row's likeliest first tokens, best first.
    """

    def __init__(self, requests: Sequence[Request], prompts: Sequence[Sequence[int]]) -> None:
        steps = max(request.max_tokens for request in requests)
        drawn = [np.random.Generator(np.random.Philox(key=r.seed)).random(steps) for r in requests]
        self._uniforms = torch.from_numpy(np.stack(drawn))
        self._greedy = torch.tensor([r.temperature == 0 for r in requests])
        self._temperature = torch.tensor([[r.temperature or 1.0] for r in requests])
        self.requests = requests
        self.prompts = prompts
        self.said: list[list[int]] = [[] for _ in requests]
        self.logprobs: list[list[float]] = [[] for _ in requests]
        self.likeliest: tuple[torch.Tensor, torch.Tensor] | None = None

    def draw(self, scores: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """Return the next token, (rows,), of each of `rows`, whose scores are (rows, vocabulary).

        The first call is for all rows in order; whoever has ended may be left out of later ones.
        """
        self._note_likeliest(scores)
        places = list(rows)
        scores = self._shaped(scores, places)
        logprobs = torch.log_softmax(scores, dim=-1, dtype=torch.float32)
        greedy = self._greedy[places].to(scores.device)
        token = scores.float().argmax(-1) if greedy.any() else None
        if token is None or not greedy.all():
            drawn = _drawn(logprobs, self._uniforms[places, len(self.said[places[0]])].to(scores.device)[:, None])
            token = drawn if token is None else torch.where(greedy, token, drawn)
        chances = logprobs.gather(-1, token[:, None])[:, 0]
        for row, one, chance in zip(places, token.tolist(), chances.tolist(), strict=True):
            self.said[row].append(one)
            self.logprobs[row].append(chance)
        return token

    def _note_likeliest(self, scores: torch.Tensor) -> None:
        most = max(request.top for request in self.requests)
        if most and not self.said[0]:
            chances, tokens = torch.log_softmax(scores.float(), dim=-1).topk(min(most, scores.shape[-1]))
            self.likeliest = (tokens.cpu(), chances.cpu())

    def _shaped(self, scores: torch.Tensor, places: list[int]) -> torch.Tensor:
        """Return the scores as the requests want them; the very same ones where nothing is wanted."""
        temperature = self._temperature[places].to(scores.device)
        special = [at for at, row in enumerate(places) if _is_special(self.requests[row])]
        if not special and bool((temperature == 1).all()):
            return scores
        shaped = scores.float() / temperature
        for at in special:
            row = places[at]
            request, one = self.requests[row], scores[at].float()
            one = _penalised(one, request, self.prompts[row], self.said[row])
            shaped[at] = _truncated(one / request.temperature, request) if request.temperature else one
        return shaped


class Forced(LogitsProcessor):
    """Lets `generate` take the tokens that a sampler draws: no other one stays possible."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return scores of 0 for the drawn token and −inf for every other one; (batch, vocabulary)."""
        token = self._sampler.draw(scores, range(len(scores)))
        forced = torch.full_like(scores, float("-inf"))
        return forced.scatter_(-1, token[:, None], 0.0)  # type: ignore[return-value]


def _is_special(request: Request) -> bool:
    penalties = (request.repetition_penalty, request.presence_penalty, request.frequency_penalty)
    return penalties != (1, 0, 0) or request.top_k > 0 or request.top_p < 1


def _penalised(scores: torch.Tensor, request: Request, prompt: Sequence[int], said: Sequence[int]) -> torch.Tensor:
    """Return the scores of one row: first the penalty for all that stands there, then for what was answered."""
    scores = scores.clone()
    seen = torch.tensor(sorted({*prompt, *said}), dtype=torch.long, device=scores.device)
    found, penalty = scores[seen], request.repetition_penalty
    scores[seen] = torch.where(found > 0, found / penalty, found * penalty)
    if said:
        times = Counter(said)
        counts = torch.tensor(list(times.values()), device=scores.device)
        scores[list(times)] -= request.frequency_penalty * counts + request.presence_penalty
    return scores


def _truncated(scores: torch.Tensor, request: Request) -> torch.Tensor:
    """Return the scores of one row, −inf for what is not among the likeliest, `top_k` of them and `top_p` of them."""
    if request.top_k:
        least = scores.topk(min(request.top_k, len(scores))).values[-1]
        scores = scores.masked_fill(scores < least, float("-inf"))
    if request.top_p < 1:
        scores = scores.masked_fill(scores < _least(scores, request.top_p), float("-inf"))
    return scores


def _least(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Return the least score that is needed for the likeliest to have the share `top_p`."""
    whole = scores.double().logsumexp(-1)
    for most in (HEAD, len(scores)):
        best = scores.topk(min(most, len(scores))).values
        share = (best.double() - whole).exp().cumsum(-1)
        if share[-1] >= top_p:
            break
    return best[torch.searchsorted(share, top_p).clamp_(max=len(best) - 1)]


def _drawn(logprobs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    # Two levels, in double precision: a running sum over 50,000 tokens is slow, and in float32 off by
    # more than rare tokens weigh.
    padded = torch.nn.functional.pad(logprobs.exp(), (0, -logprobs.shape[-1] % BLOCK))
    blocks = padded.view(len(padded), -1, BLOCK)
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
