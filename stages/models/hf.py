"""Any causal language model that transformers loads, in this process."""

import math
from collections.abc import Sequence
from typing import Any

import orjson
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from schemas.base import digest
from schemas.errors import RlraError
from schemas.task import Message
from stages.models.base import PROMPT_END, Completion, Request
from stages.models.decoding import decode, generate, suits
from stages.models.endings import Endings
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
        self._endings = Endings(
            self._tokenizer, _stop_ids(model.generation_config.eos_token_id, self._tokenizer.eos_token_id)
        )
        self._decode = decode if suits(model) else generate
        # `generate` fills whatever our own config leaves open from the model's: top_k and penalties would slip in.
        self._model.generation_config = GenerationConfig()
        self.template = digest(self._tokenizer.chat_template)

    follows_schemas = False
    """Whether it can be held to a JSON schema."""

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
            text = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True, **orjson.loads(request.template_args)
            )
        except Exception as error:  # a template is a program of the model's author and may raise anything
            return f"template: {str(error).partition(chr(10))[0] or type(error).__name__}"
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if not ids:
            return "template: it makes an empty prompt of the conversation"
        if len(ids) + request.max_tokens > self._context:
            return f"too long: {len(ids)} prompt tokens and {request.max_tokens} more, the model takes {self._context}"
        return ids

    def _generate(self, requests: Sequence[Request], prompts: list[list[int]]) -> list[Completion]:
        sampler = Sampler(requests, prompts)
        with torch.inference_mode():
            self._decode(self._model, sampler, self._endings)
        return [self._completion(request, prompts[row], sampler, row) for row, request in enumerate(requests)]

    def _top(self, sampler: Sampler, row: int, most: int) -> Top | None:
        """Return the likeliest first tokens of a row, as text, and their log-probabilities at temperature 1."""
        if not most or sampler.likeliest is None:
            return None
        tokens, chances = (part[row, :most].tolist() for part in sampler.likeliest)
        return tuple((self._tokenizer.decode([token]), chance) for token, chance in zip(tokens, chances, strict=True))

    def _completion(self, request: Request, prompt: list[int], sampler: Sampler, row: int) -> Completion:
        ids, text, finish = self._endings.cut(request, sampler.said[row])
        chances = sampler.logprobs[row][: len(ids)]
        if not all(map(math.isfinite, chances)):
            return _failed("engine: the model's scores overflow")
        return Completion(
            text=text,
            finish=finish,
            length=len(ids),
            prompt_ids=tuple(prompt),
            ids=tuple(ids),
            logprobs=tuple(chances),
            top=self._top(sampler, row, request.top),
            prompt_end=self._endings.text(prompt[-PROMPT_END:]),
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
