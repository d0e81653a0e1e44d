"""A real HTTP server on loopback that plays the far end: a judge whose every reply a test scripts."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import log
from typing import Any

import orjson
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Reply = Callable[[dict[str, Any], int], Response]
TOKENS = {"met": "Yes", "not met": "No", "cannot tell": "X"}
"""The one-token answers of the method `logprob`; a level is its own."""


class JudgeServer:
    """What was asked of the server, and where it is."""

    def __init__(self, http: HTTPServer, reply: Reply, path: str = "/v1") -> None:
        self.url = http.url_for(path)
        self.reply = reply
        self.payloads: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        http.expect_request(f"{path}/chat/completions", method="POST").respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        payload = orjson.loads(request.get_data())
        with self._lock:
            self.payloads.append(payload)
            self.headers.append(dict(request.headers))
            number = len(self.payloads)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.reply(payload, number)
        finally:
            with self._lock:
                self._at_once -= 1

    @property
    def calls(self) -> int:
        """How many requests reached the server."""
        return len(self.payloads)


@contextmanager
def serving(reply: Reply) -> Iterator[JudgeServer]:
    """Serve `reply` on a free port of loopback."""
    http = _listening()
    try:
        yield JudgeServer(http, reply)
    finally:
        http.clear()


@cache
def _listening() -> HTTPServer:
    """Return the one server of this process; stopping one takes half a second, and its thread dies with the process."""
    http = HTTPServer(threaded=True)
    http.start()
    return http


def chat(text: str | None, finish: str = "stop", **more: Any) -> Response:
    """Return a chat answer as a server gives it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    body = {"choices": [choice], "usage": usage, **more}
    return Response(orjson.dumps(body), status=200, content_type="application/json")


def error(status: int, message: str = "no", **headers: str) -> Response:
    """Return an error as a server gives it; `Retry_After` becomes `Retry-After`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = orjson.dumps({"error": {"message": message}})
    return Response(body, status=status, content_type="application/json", headers=named)


def asked_for(prompt: str) -> tuple[list[str], str]:
    """Return the criteria that a judge prompt asks about, and the word of its verdicts; none where a token is asked."""
    end = prompt.rpartition("\nNow judge the response")[2]
    ids = re.findall(r"criteria, in this order: (.+?), (?:write|give) first|this criterion: (\S+)\.", end)[0]
    word = re.findall(r"^(VERDICT\S*) <id of the criterion>|, \"(verdict\S*)\": \"<the same", end, flags=re.MULTILINE)
    return "".join(ids).split(", "), "".join(word[0]) if word else ""


def under_judgement(prompt: str) -> str:
    """Return the response that a judge prompt holds."""
    return re.findall(r"^(=== \S+) begins\n(.*)\n\1 ends$", prompt, flags=re.MULTILINE | re.DOTALL)[-1][1]


def verdicts(prompt: str, label: Callable[[str], str]) -> str:
    """Return a well-formed answer to a judge prompt of any method, with `label(criterion)` for each criterion."""
    ids, word = asked_for(prompt)
    said = {name: label(name) for name in ids}
    if not word:
        return TOKENS.get(said[ids[0]], said[ids[0]])
    if word.startswith("verdict"):
        each = {name: {"reason": f"The words say so. So: {given}", word: given} for name, given in said.items()}
        return orjson.dumps({"verdicts": each}).decode()
    return "\n".join(
        f"[[{name}]] The words say so. So: {given}\n{word} {name}: {given}" for name, given in said.items()
    )


def chat_token(chances: dict[str, float]) -> Response:
    """Return a chat answer of one token with the probabilities that it has and that others would have had."""
    likeliest = sorted(chances, key=lambda token: -chances[token])
    top = [{"token": token, "logprob": log(chances[token]), "bytes": None} for token in likeliest]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": likeliest[0]},
        "logprobs": {"content": [{**top[0], "top_logprobs": top}]},
        "finish_reason": "length",
    }
    body = {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
    return Response(orjson.dumps(body), status=200, content_type="application/json")
