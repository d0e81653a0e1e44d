"""Any causal language model that vLLM runs, in this process."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from schemas.base import digest
from schemas.errors import RlraError
from stages.models.base import Completion, Request
from stages.models.weights import weights_of

INSTALL = "pip install 'rlra[vllm]'"


class VLLMModel:
    """A model in vLLM's engine as a `Model`: one call of `complete` is one batch, scheduled by vLLM.

    Remote code stays off and only safetensors are read. The prefix cache is on. Greedy answers and
    log-probabilities are the same in every batch up to the rounding of vLLM's kernels.
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
        try:
            # `processed_logprobs` are those of the tempered distribution that was drawn from.
            self._llm: Any = vllm.LLM(
                model=name,
                dtype=dtype,
                load_format="safetensors",
                trust_remote_code=False,
                enable_prefix_caching=True,
                generation_config="vllm",
                logprobs_mode="processed_logprobs",
                # On a CPU compiling takes minutes, and answers come no faster for it.
                enforce_eager=current_platform.is_cpu(),
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

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return one completion per request, in order. A prompt that cannot be answered is a failed one."""
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

    def _generate(self, requests: Sequence[Request], prompts: Sequence[Any]) -> list[Completion]:
        if not requests:
            return []
        outputs = self._run(prompts, [self._sampling(request) for request in requests])
        answers = [self._completion(request, output, output) for request, output in zip(requests, outputs, strict=True)]
        # The log-probabilities of a tempered answer are tempered: its first token is asked for once more.
        apart = [index for index, request in enumerate(requests) if request.top and request.temperature not in (0, 1)]
        plain = [self._sampling(replace(requests[index], temperature=0.0, max_tokens=1)) for index in apart]
        for index, output in zip(apart, self._run([prompts[index] for index in apart], plain), strict=True):
            answers[index] = self._completion(requests[index], outputs[index], output)
        return answers

    def _run(self, prompts: Sequence[list[int]], sampling: Sequence[Any]) -> list[Any]:
        if not prompts:
            return []
        given = [{"prompt_token_ids": ids} for ids in prompts]
        try:
            outputs: list[Any] = self._llm.generate(given, list(sampling), use_tqdm=False)
        except (ValueError, RuntimeError) as error:  # such as a schema that its grammar cannot hold
            raise RlraError(f"{self.reference}: vLLM refuses the requests: {_first_line(error)}") from None
        return outputs

    def _sampling(self, request: Request) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        return SamplingParams(
            temperature=request.temperature,
            max_tokens=request.max_tokens,
            seed=request.seed & 0x7FFFFFFF,
            logprobs=request.top,
            stop_token_ids=self._stops,
            structured_outputs=StructuredOutputsParams(json=request.schema) if request.schema is not None else None,
        )

    def _completion(self, request: Request, output: Any, first: Any) -> Completion:
        answer = output.outputs[0]
        ids = tuple(answer.token_ids)
        told = first.outputs[0].logprobs
        top = None
        if request.top and told:
            likeliest = sorted(told[0].items(), key=lambda entry: entry[1].rank)[: request.top]
            top = tuple((str(entry.decoded_token), float(entry.logprob)) for _, entry in likeliest)
        return Completion(
            text=self._tokenizer.decode(ids, skip_special_tokens=True),
            finish="stop" if answer.finish_reason == "stop" else "length",
            length=len(ids),
            prompt_ids=tuple(output.prompt_token_ids),
            ids=ids,
            logprobs=tuple(float(told[token].logprob) for token, told in zip(ids, answer.logprobs, strict=True)),
            top=top,
            prompt_length=len(output.prompt_token_ids),
            cached=int(output.num_cached_tokens or 0),
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
