"""Questions that the tests put to vLLM and to transformers."""

from pathlib import Path
from typing import Any

import orjson
import torch
from transformers import AutoModelForCausalLM

from schemas.task import Message
from stages.models.base import Completion, Request

PROMPTS = Path(__file__).parents[2] / "examples" / "quickstart" / "prompts.jsonl"
QUESTIONS = ("Name a colour.", "Write two lines about rain.", "What is 2 + 2?", "Why is the sky blue?")


def question(text: str, seed: int = 1, temperature: float = 0.0, max_tokens: int = 24, **more: Any) -> Request:
    """Return one question of a user."""
    return Request((Message(role="user", content=text),), seed, temperature, max_tokens, **more)


def prompts(count: int) -> list[str]:
    """Return the first prompts of the quickstart."""
    with PROMPTS.open("rb") as file:
        return [orjson.loads(next(file))["prompt"] for _ in range(count)]


class Pencil:
    """The embedded model by a plain forward pass, and the arithmetic of sampling written out."""

    def __init__(self, weights: Path) -> None:
        self._model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32, use_safetensors=True).eval()

    def logprobs(self, request: Request, answer: Completion) -> list[float]:
        """Return the log-probability of each token of an answer under the distribution that the request asks for."""
        assert answer.prompt_ids and answer.ids
        with torch.inference_mode():
            logits = self._model(torch.tensor([[*answer.prompt_ids, *answer.ids]])).logits[0]
        rows = logits[len(answer.prompt_ids) - 1 : -1]
        told = []
        for place, (row, token) in enumerate(zip(rows, answer.ids, strict=True)):
            scores = _penalised(row, request, answer.prompt_ids, answer.ids[:place]) / (request.temperature or 1)
            told.append(float(torch.log_softmax(_cut(scores, request), -1)[token]))
        return told


def _penalised(row: torch.Tensor, request: Request, prompt: tuple[int, ...], said: tuple[int, ...]) -> torch.Tensor:
    row = row.clone()
    seen = torch.tensor(sorted({*prompt, *said}))
    penalty = request.repetition_penalty
    row[seen] = torch.where(row[seen] > 0, row[seen] / penalty, row[seen] * penalty)
    counts = torch.bincount(torch.tensor(said, dtype=torch.long), minlength=len(row)).float()
    return row - request.frequency_penalty * counts - request.presence_penalty * (counts > 0)


def _cut(scores: torch.Tensor, request: Request) -> torch.Tensor:
    ordered, places = scores.sort(descending=True)
    if request.top_k:
        ordered[request.top_k :] = -torch.inf
    chances = torch.softmax(ordered, -1)
    before = chances.cumsum(-1) - chances
    ordered[before >= request.top_p] = -torch.inf
    return torch.empty_like(scores).scatter_(0, places, ordered)
