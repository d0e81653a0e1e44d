"""A request as the OpenAI chat protocol writes it, and a reply as a completion."""

from typing import Any

import orjson

from stages.models.base import Completion, Request
from stages.models.replies import NoLogprobsError, cached, used

LONGEST_SAID = 200


def payload(request: Request, model: str, length_field: str) -> bytes:
    """Return the body of a chat request; `length_field` is the server's name for the limit on tokens."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": turn.role, "content": turn.content} for turn in request.messages],
        "temperature": request.temperature,
        length_field: request.max_tokens,
        # Some servers keep the seed in 32 bits.
        "seed": request.seed & 0x7FFFFFFF,
    }
    if request.schema is not None:
        schema = {"name": "verdicts", "strict": True, "schema": orjson.Fragment(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.top:
        body["logprobs"] = True
        body["top_logprobs"] = request.top
    return orjson.dumps(body)


def completion(reply: dict[str, Any], request: Request) -> Completion:
    """Return what a reply of the right shape says: how it ended comes before what it holds.

    What was withheld, refused or left empty is a failed completion, with the tokens that it took.
    Raises NoLogprobsError where log-probabilities were asked for and are not told.
    """
    choice = reply["choices"][0]
    said = choice["message"]
    text = said.get("content") or ""
    error = _error(choice, text, bool(request.top))
    top = _top(choice) if request.top and error is None else None
    return Completion(
        text="" if error else text,
        finish="failed" if error else choice["finish_reason"],
        length=used(reply, "completion_tokens"),
        error=error,
        thinking=_text(said, "reasoning_content") or _text(said, "reasoning"),
        top=top,
        prompt_length=used(reply, "prompt_tokens"),
        cached=cached(reply),
    )


def _error(choice: dict[str, Any], text: str, only_top: bool) -> str | None:
    if choice["finish_reason"] == "content_filter":
        return "content filter"
    if refusal := _text(choice["message"], "refusal"):
        return f"refusal: {bounded_line(refusal)}"
    # Of an answer that is read off its first token the text is of no interest.
    is_empty = choice["finish_reason"] == "stop" and not text.strip() and not only_top
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
