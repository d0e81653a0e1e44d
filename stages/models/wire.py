"""A request as the OpenAI chat protocol writes it, and a reply as a completion."""

import re
from typing import Any, NamedTuple

import orjson

from stages.models.base import Completion, Request
from stages.models.replies import NoLogprobsError, cached, used

LONGEST_SAID = 200
ALTERED = ("top_p", "top_k", "repetition_penalty", "presence_penalty", "frequency_penalty")
NEUTRAL = {"top_p": 1, "top_k": -1, "min_p": 0, "repetition_penalty": 1}
"""What a server would else take from the model's generation config, or from habits of its own."""
ABOUT_CHOICES = re.compile(r"\b(n|n_cmpl|choices?)\b")


class Answered(NamedTuple):
    """What one reply holds: an answer for each of its choices, and the tokens that they took together."""

    answers: list[Completion]
    tokens_in: int
    tokens_out: int
    cached: int


def payload(
    request: Request, model: str, length_field: str, choices: int = 1, refused: frozenset[str] = frozenset()
) -> bytes:
    """Return the body of a chat request for so many answers, without the optional fields that are `refused`.

    `length_field` is the server's name for the limit on tokens.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": turn.role, "content": turn.content} for turn in request.messages],
        "temperature": request.temperature,
        length_field: request.max_tokens,
        # Some servers keep the seed in 32 bits.
        "seed": request.seed & 0x7FFFFFFF,
        **_altered(request),
    }
    if request.stop:
        body["stop"] = request.stop
    if request.template_args != Request.template_args:
        body["chat_template_kwargs"] = orjson.Fragment(request.template_args)
    if request.schema is not None:
        schema = {"name": "verdicts", "strict": True, "schema": orjson.Fragment(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.top:
        body["logprobs"] = True
        body["top_logprobs"] = request.top
    body |= {name: value for name, value in _optional(request, choices).items() if name not in refused}
    return orjson.dumps(body)


def refusals(said: str, request: Request, choices: int) -> frozenset[str]:
    """Return the fields that an error message names and that the request can do without."""
    names = frozenset(name for name in _optional(request, choices) if re.search(rf"\b{name}\b", said))
    return names or frozenset({"n"} if choices > 1 and ABOUT_CHOICES.search(said) else ())


def _altered(request: Request) -> dict[str, float]:
    """Return what is not plain about how tokens are drawn; a server that lacks it has to refuse, and not to guess."""
    return {name: getattr(request, name) for name in ALTERED if getattr(request, name) != getattr(Request, name)}


def _optional(request: Request, choices: int) -> dict[str, Any]:
    """Return the fields that a policy's answers are asked for with, and that a server may not know.

    `return_token_ids` is vLLM's. Of several answers only tokens or log-probabilities tell how long each is.
    """
    if choices == 1 and not request.exact:
        return {}
    several = {"n": choices} if choices > 1 else {}
    neutral = {name: value for name, value in NEUTRAL.items() if name not in _altered(request)}
    return {**several, "return_token_ids": True, "logprobs": True, **neutral}


def answered(reply: dict[str, Any], request: Request, choices: int = 1) -> Answered:
    """Return what a reply of the right shape says, at most so many answers of it.

    Raises NoLogprobsError where log-probabilities of the first token were asked for and are not told.
    """
    tokens_in, tokens_out = used(reply, "prompt_tokens"), used(reply, "completion_tokens")
    found = reply["choices"]
    length = tokens_out if len(found) == 1 else 0
    common = {"prompt_ids": _ids(reply.get("prompt_token_ids")), "prompt_length": tokens_in, "cached": cached(reply)}
    answers = [_completion(choice, request, length, common) for choice in found[:choices]]
    return Answered(answers, tokens_in, tokens_out, cached(reply))


def _completion(choice: dict[str, Any], request: Request, length: int, common: dict[str, Any]) -> Completion:
    """Return what a choice says: how it ended comes before what it holds.

    What was withheld, refused or left empty is a failed completion, with the tokens that it took.
    """
    said = choice["message"]
    text = said.get("content") or ""
    ids, logprobs = _ids(choice.get("token_ids")), _logprobs(choice)
    agree = ids is not None and len(ids) == len(logprobs)
    # Of an answer that is read off its first token, or learned from, the text may be empty.
    error = _error(choice, text, may_be_empty=bool(request.top or ids))
    # Servers tell the log-probabilities of the model, which are those of the draw only where it was plain.
    is_plain = request.temperature == 1 and not _altered(request)
    return Completion(
        text="" if error else text,
        finish="failed" if error else choice["finish_reason"],
        length=length or len(ids or logprobs),
        error=error,
        ids=ids if agree else None,
        logprobs=logprobs if agree and is_plain else None,
        thinking=_text(said, "reasoning_content") or _text(said, "reasoning"),
        top=_top(choice) if request.top and error is None else None,
        **common,
    )


def _ids(told: Any) -> tuple[int, ...] | None:
    is_one = isinstance(told, list) and all(type(token) is int and 0 <= token < 1 << 31 for token in told)
    return tuple(told) if told and is_one else None


def _logprobs(choice: dict[str, Any]) -> tuple[float, ...]:
    """Return the log-probability of each token of the answer; nothing where the server does not tell them all."""
    try:
        told = [entry["logprob"] for entry in choice["logprobs"]["content"]]
    except (LookupError, TypeError):
        return ()
    return tuple(map(float, told)) if all(isinstance(chance, int | float) for chance in told) else ()


def _error(choice: dict[str, Any], text: str, may_be_empty: bool) -> str | None:
    if choice["finish_reason"] == "content_filter":
        return "content filter"
    if refusal := _text(choice["message"], "refusal"):
        return f"refusal: {bounded_line(refusal)}"
    is_empty = choice["finish_reason"] == "stop" and not text.strip() and not may_be_empty
    return "empty" if is_empty else None


def _text(message: dict[str, Any], field: str) -> str:
    said = message.get(field)
    return said if isinstance(said, str) else ""


def _top(choice: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    try:
        told = [(entry["token"], entry["logprob"]) for entry in choice["logprobs"]["content"][0]["top_logprobs"]]
    except (LookupError, TypeError):
        told = []
    # Some servers give null for a probability of zero.
    top = [(str(token), float(chance)) for token, chance in told if isinstance(chance, int | float)]
    if not top:
        raise NoLogprobsError("transport: the server tells no log-probabilities")
    return tuple(sorted(top, key=lambda entry: -entry[1]))


def bounded_line(text: str) -> str:
    """Return `text` as one line of bounded length, without control characters."""
    line = " ".join(text[: 4 * LONGEST_SAID].split())
    return "".join(mark if mark.isprintable() else "?" for mark in line)[:LONGEST_SAID]
