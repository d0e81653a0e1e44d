"""Any causal language model that transformers loads, in this process."""

from collections.abc import Sequence
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from schemas.base import digest
from schemas.errors import RlraError
from schemas.task import Message
from stages.models.base import Completion, Request
from stages.models.sampler import Sampler

Top = tuple[tuple[str, float], ...]


class HFModel:
    """A transformers model as a `Model`: one call of `complete` is one batch."""

    def __init__(self, reference: str, name: str, revision: str, dtype: str) -> None:
        """Load weights and tokenizer of the folder or hub name `name`.

        Remote code stays off and only safetensors are read. Raises RlraError when there is no such model.
        """
        self.reference = reference
        self.revision = revision
        self.dtype = dtype
        self.engine = f"transformers {transformers.__version__}"
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name, padding_side="left", trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                name, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise RlraError(f"{reference}: cannot load the model: {str(error).splitlines()[0]}") from None
        if self._tokenizer.chat_template is None:
            raise RlraError(f"{reference}: the tokenizer has no chat template", hint="use an instruction-tuned model")
        self._model = model.to(self._device).eval()
        self._context = int(getattr(model.config, "max_position_embeddings", 0) or 1 << 30)
        self._stops = _stop_ids(model.generation_config.eos_token_id, self._tokenizer.eos_token_id)
        # `generate` fills whatever our own config leaves open from the model's: top_k and penalties would slip in.
        self._model.generation_config = GenerationConfig()
        self.template = digest(self._tokenizer.chat_template)

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return one completion per request, in order. A prompt that cannot be answered is a failed one.

        Raises RlraError for a request with a JSON schema, which transformers cannot follow.
        """
        if any(request.schema is not None for request in requests):
            raise RlraError(
                f"{self.reference}: transformers follows no JSON schemas",
                hint="--method text works with every model; --method json needs vllm:ID_OR_DIR or a server",
            )
        encoded = [self._encode(request) for request in requests]
        able = {index: prompt for index, prompt in enumerate(encoded) if not isinstance(prompt, str)}
        answers: dict[int, Completion] = {}
        if able:
            batch = [requests[index] for index in able]
            answers = dict(zip(able, self._generate(batch, list(able.values())), strict=True))
        return [answers.get(index) or _failed(str(prompt)) for index, prompt in enumerate(encoded)]

    def likelihood(self, messages: Sequence[Message], text: str) -> float:
        """Return the mean log-probability (nats) per token of `text` as the answer to `messages`.

        Without a temperature, and without the end of the turn: how natural the words are to the model.
        """
        prompt = self._encode(Request(tuple(messages), seed=0, temperature=0.0, max_tokens=1))
        answer: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if isinstance(prompt, str) or not answer:
            raise RlraError(f"{self.reference}: no likelihood: {prompt if isinstance(prompt, str) else 'no text'}")
        ids = torch.tensor([[*prompt, *answer]], device=self._device)
        with torch.inference_mode():
            logits = self._model(ids).logits[0, len(prompt) - 1 : -1].float()
        chosen = torch.log_softmax(logits, dim=-1).gather(-1, ids[0, len(prompt) :, None])
        return float(chosen.mean())

    def _encode(self, request: Request) -> list[int] | str:
        turns = [message.model_dump() for message in request.messages]
        try:
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except Exception as error:  # a template is a program of the model's author and may raise anything
            return f"template: {error}"
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) + request.max_tokens > self._context:
            return f"too long: {len(ids)} prompt tokens and {request.max_tokens} more, the model takes {self._context}"
        return ids

    def _generate(self, requests: Sequence[Request], prompts: list[list[int]]) -> list[Completion]:
        width = max(map(len, prompts))
        pad = self._stops[0]
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=self._device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self._device)
        sampler = Sampler(requests)
        config = GenerationConfig(
            do_sample=False,
            max_new_tokens=max(request.max_tokens for request in requests),
            eos_token_id=self._stops,
            pad_token_id=pad,
        )
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=ids, attention_mask=mask, generation_config=config, logits_processor=[sampler]
            )
        tokens = output[:, width:].tolist()
        logprobs = torch.stack(sampler.logprobs, dim=1).tolist()
        tops = [self._top(sampler, row, request.top) for row, request in enumerate(requests)]
        return [
            self._completion(request, *found)
            for request, *found in zip(requests, prompts, tokens, logprobs, tops, strict=True)
        ]

    def _top(self, sampler: Sampler, row: int, most: int) -> Top | None:
        """Return the likeliest first tokens of a row, as text, and their log-probabilities at temperature 1."""
        if not most or sampler.likeliest is None:
            return None
        tokens, chances = (part[row, :most].tolist() for part in sampler.likeliest)
        return tuple((self._tokenizer.decode([token]), chance) for token, chance in zip(tokens, chances, strict=True))

    def _completion(
        self, request: Request, prompt: list[int], row: list[int], chances: list[float], top: Top | None
    ) -> Completion:
        row = row[: request.max_tokens]
        end = next((place for place, token in enumerate(row) if token in self._stops), None)
        ids = row if end is None else row[: end + 1]
        return Completion(
            text=self._tokenizer.decode(ids, skip_special_tokens=True),
            finish="length" if end is None else "stop",
            length=len(ids),
            prompt_ids=tuple(prompt),
            ids=tuple(ids),
            logprobs=tuple(chances[: len(ids)]),
            top=top,
            prompt_length=len(prompt),
        )


def _failed(error: str) -> Completion:
    return Completion(text="", finish="failed", length=0, error=error)


def _stop_ids(*given: int | list[int] | None) -> list[int]:
    ids: list[int] = []
    for entry in given:
        ids += entry if isinstance(entry, list) else [] if entry is None else [entry]
    if not ids:
        raise RlraError("the model has no end-of-turn token, so its answers would never end")
    return list(dict.fromkeys(ids))
