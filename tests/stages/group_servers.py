"""Chat servers that give several answers to a request, one, or refuse a field; and requests for groups."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from werkzeug import Response

from schemas.task import Message
from stages.models.base import Completion, Request
from stages.models.openai import OpenAIModel
from tests.stages.judge_server import JudgeServer, error

Say = Callable[[dict[str, Any], int], Response]


def model(server: JudgeServer, *more_urls: str, **more: Any) -> OpenAIModel:
    """Return the policy behind `server` and further endpoints."""
    return OpenAIModel("openai:tiny", "tiny", [server.url, *more_urls], None, **{"timeout_s": 5, **more})


def asking(text: str, seed: int, **more: Any) -> Request:
    """Return a request of one turn."""
    return Request((Message(role="user", content=text),), seed, **{"temperature": 1.0, "max_tokens": 10, **more})


def group(text: str, size: int, **more: Any) -> list[Request]:
    """Return the requests for a group of `size` answers."""
    return [asking(text, seed, **more) for seed in range(size)]


def choice(text: str, index: int = 0, tokens: int = 3, **more: Any) -> dict[str, Any]:
    """Return one answer as a server gives it."""
    return {
        "index": index,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": {"content": [{"token": "x", "logprob": -0.5 * n, "bytes": None} for n in range(tokens)]},
        "token_ids": list(range(100, 100 + tokens)),
        **more,
    }


def reply(*choices: dict[str, Any], **more: Any) -> Response:
    """Return a server's reply with these answers."""
    usage = {"prompt_tokens": 7, "completion_tokens": 3 * len(choices), "prompt_tokens_details": {"cached_tokens": 4}}
    body = {"choices": choices, "usage": usage, "prompt_token_ids": [1, 2, 3, 4, 5, 6, 7], **more}
    return Response(orjson.dumps(body), status=200, content_type="application/json")


def able(asked: dict[str, Any], number: int) -> Response:
    """Answer as vLLM does: the seed that each answer was drawn with is its text."""
    return reply(*(choice(f"{asked['seed']}+{index}", index) for index in range(asked.get("n", 1))))


def single(asked: dict[str, Any], number: int) -> Response:
    """Answer as a server that never heard of `n`."""
    return reply(choice(f"{asked['seed']}+0"))


def without(*names: str, status: int = 400, say: Say = able) -> Say:
    """Return a server that refuses the first of the named fields that it meets, by name."""

    def answer(asked: dict[str, Any], number: int) -> Response:
        met = next((name for name in names if name in asked), None)
        return error(status, f"Unrecognized request argument supplied: {met}") if met else say(asked, number)

    return answer


def texts(answers: Sequence[Completion]) -> list[str]:
    """Return the texts of the answers."""
    return [answer.text for answer in answers]
