"""Any causal language model that vLLM runs, in this process."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from schemas.base import digest
from schemas.errors import RlraError
from stages.models.base import PROMPT_END, Completion, Request
from stages.models.weights import weights_of

INSTALL = "pip install 'rlra[vllm]'"


class VLLMModel:
    """A model in vLLM's engine as a `Model`: one call of `complete` is one batch, scheduled by vLLM.

    Remote code stays off and only safetensors are read. The prefix cache is on. Greedy answers and
    log-probabilities are the same in every batch up to the rounding of vLLM's kernels. Log-probabilities
    are those of the distribution that was drawn from: tempered, penalised, cut off and made whole again.
    Several may be open in one process; the first one to be closed ends them all.
    """

    def __init__(self, reference: str, dtype: str = "auto") -> None:
        """Load the model that `vllm:ID_OR_DIR` names. Raises RlraError where vLLM or the model is missing."""
        try:
            import vllm
            from vllm.platforms import current_platform
        except ImportError:
            raise RlraError(f"{reference}: vLLM is not installed", hint=f"type: {INSTALL}") from None
        name, self.revision = weights_of(reference)
        self.reference = reference
        self.dtype = dtype
        self.engine = f"vllm {vllm.__version__}"
        is_cpu = current_platform.is_cpu()
        try:
            # `processed_logprobs` are those of the distribution that was drawn from.
            self._llm: Any = vllm.LLM(
                model=name,
                dtype=dtype,
                load_format="safetensors",
                trust_remote_code=False,
                enable_prefix_caching=True,
                generation_config="vllm",
                logprobs_mode="processed_logprobs",
                # Where a schema allows any white space, a small model may write nothing else.
                structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
                # On a CPU compiling takes minutes, and answers come no faster for it; and a prompt that is computed
                # in parts breaks the engine where the answer has a seed ("CPU Generator does not use offset").
                enforce_eager=is_cpu,
                enable_chunked_prefill=False if is_cpu else None,
                seed=0,
                disable_log_stats=True,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise RlraError(f"{reference}: cannot load the model: {_first_line(error)}") from None
        self._tokenizer: Any = self._llm.get_tokenizer()
        if self._tokenizer.chat_template is None:
            self.close()
            raise RlraError(f"{reference}: the tokenizer has no chat template", hint="use an instruction-tuned model")
        self._context = int(self._llm.model_config.max_model_len)
        self._stops = _stop_ids(name, self._tokenizer)
        self.template = digest(self._tokenizer.chat_template)
        self._held: set[str] = set()

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return one completion per request, in order. A prompt that cannot be answered is a failed one.

        Raises RlraError when the engine breaks while it computes, and for a JSON schema that it cannot hold.
        """
        for schema in {request.schema for request in requests if request.schema is not None} - self._held:
            self._hold(schema)
        encoded = [self._encode(request) for request in requests]
        able = [index for index, prompt in enumerate(encoded) if not isinstance(prompt, str)]
        done = self._generate([requests[index] for index in able], [encoded[index] for index in able])
        answers = dict(zip(able, done, strict=True))
        return [
            answers.get(index) or Completion("", "failed", 0, error=str(prompt)) for index, prompt in enumerate(encoded)
        ]

    def close(self) -> None:
        """End vLLM's engine and its processes."""
        self._llm.llm_engine.engine_core.shutdown()

    def _hold(self, schema: str) -> None:
        """Raise RlraError for a JSON schema that no grammar can be made of: in the engine that would be its end."""
        from xgrammar import Grammar

        try:
            Grammar.from_json_schema(schema)
        except Exception as error:  # a compiled library raises what it likes
            raise RlraError(f"{self.reference}: vLLM refuses the JSON schema: {_first_line(error)}") from None
        self._held.add(schema)

    def _encode(self, request: Request) -> list[int] | str:
        turns = [message.model_dump() for message in request.messages]
        try:
            given = orjson.loads(request.template_args)
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **given)
        except Exception as error:  # a template is a program of the model's author and may raise anything
            return f"template: {error}"
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) + request.max_tokens > self._context:
            return f"too long: {len(ids)} prompt tokens and {request.max_tokens} more, the model takes {self._context}"
        return ids

    def _generate(self, requests: Sequence[Request], prompts: Sequence[Any]) -> list[Completion]:
        if not requests:
            return []
        outputs = self._run(prompts, requests)
        answers = [self._completion(request, output, output) for request, output in zip(requests, outputs, strict=True)]
        # The log-probabilities of a tempered answer are tempered: its first token is asked for once more.
        apart = [index for index, request in enumerate(requests) if request.top and request.temperature not in (0, 1)]
        plain = [replace(requests[index], temperature=0.0, max_tokens=1) for index in apart]
        for index, output in zip(apart, self._run([prompts[index] for index in apart], plain), strict=True):
            answers[index] = self._completion(requests[index], outputs[index], output)
        return answers

    def _run(self, prompts: Sequence[list[int]], requests: Sequence[Request]) -> list[Any]:
        """Return vLLM's output for each prompt, or in its place the reason why it refuses this one."""
        from vllm.v1.engine.exceptions import EngineDeadError

        if not prompts:
            return []
        try:
            given = [{"prompt_token_ids": ids} for ids in prompts]
            return list(self._llm.generate(given, [self._sampling(r) for r in requests], use_tqdm=False))
        except Exception as error:  # what vLLM checks of a request it raises for all that came with it
            if isinstance(error, EngineDeadError) or self._llm.llm_engine.has_unfinished_requests():
                hint = "what was written is kept: the same command goes on"
                raise RlraError(f"{self.reference}: vLLM's engine broke: {_first_line(error)}", hint) from None
            if len(prompts) > 1:
                half = len(prompts) // 2
                return self._run(prompts[:half], requests[:half]) + self._run(prompts[half:], requests[half:])
            return [f"engine: {_first_line(error)}"]

    def _sampling(self, request: Request) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        return SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            top_k=request.top_k,
            repetition_penalty=request.repetition_penalty,
            presence_penalty=request.presence_penalty,
            frequency_penalty=request.frequency_penalty,
            stop=list(request.stop),
            max_tokens=request.max_tokens,
            seed=request.seed & 0x7FFFFFFF,
            logprobs=request.top,
            stop_token_ids=self._stops,
            # vLLM needs text for nothing but this, and would write it token by token.
            detokenize=bool(request.stop or request.top),
            structured_outputs=StructuredOutputsParams(json=request.schema) if request.schema is not None else None,
        )

    def _end(self, prompt: Sequence[int]) -> str:
        return str(self._tokenizer.decode(prompt[-PROMPT_END:], skip_special_tokens=True))

    def _completion(self, request: Request, output: Any, first: Any) -> Completion:
        if isinstance(output, str):
            return Completion("", "failed", 0, error=output)
        answer = output.outputs[0]
        ids = tuple(answer.token_ids)
        told = first.outputs[0].logprobs
        top = None
        if request.top and told:
            likeliest = sorted(told[0].items(), key=lambda entry: entry[1].rank)[: request.top]
            top = tuple((str(entry.decoded_token), float(entry.logprob)) for _, entry in likeliest)
        return Completion(
            text=answer.text if request.stop else self._tokenizer.decode(ids, skip_special_tokens=True),
            finish="stop" if answer.finish_reason == "stop" else "length",
            length=len(ids),
            prompt_ids=tuple(output.prompt_token_ids),
            ids=ids,
            logprobs=tuple(float(told[token].logprob) for token, told in zip(ids, answer.logprobs, strict=True)),
            top=top,
            prompt_length=len(output.prompt_token_ids),
            cached=int(output.num_cached_tokens or 0),
            # Under a grammar the answer does not begin inside what the template opened.
            prompt_end="" if request.schema else self._end(output.prompt_token_ids),
        )


def _stop_ids(folder: str, tokenizer: Any) -> list[int]:
    """Return the tokens that end a turn: those of the model's generation config, and the tokenizer's."""
    from transformers import GenerationConfig

    try:
        given = GenerationConfig.from_pretrained(folder).eos_token_id
    except OSError:
        given = None
    listed = given if isinstance(given, list) else [given]
    return [token for token in dict.fromkeys([*listed, tokenizer.eos_token_id]) if token is not None]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
