"""A proxy on loopback between `rlra judge` and a live server: it keeps what was said, and can make calls fail.

What fails is decided by the question and by how often it came, from nothing else; so a test can know it. Most faults
hold a well-formed verdict, which must not count: in an error's body, in half a reply, beside a `finish_reason` that
says that the answer is none.
"""

import asyncio
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import log
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from schemas.judged import FailureClass
from tests.stages.judge_server import asked_for, verdicts

TRANSPORT = ("http 500", "http 429", "cut", "hang", "no json")
OF: dict[str, FailureClass] = {
    **dict.fromkeys((*TRANSPORT, "no probabilities", "lost"), "transport"),
    "empty": "empty",
    "declined": "refusal",
    "withheld": "content filter",
    "cut off": "truncated",
    "refused in words": "refusal",
    "garbage": "unreadable",
    "two verdicts": "contradiction",
    "impossible": "unreadable",
    "elsewhere": "uncertain",
}
"""What has to become of a question whose last reply was such a fault."""
COMMON = (*TRANSPORT, "declined", "withheld")
IN_WORDS = (*COMMON, "empty", "cut off", "refused in words", "garbage", "two verdicts")
IN_A_TOKEN = (*COMMON, "no probabilities", "impossible", "elsewhere")
RARE = {"hang": 0.1}
"""A hanging call costs as long as a client waits."""


@dataclass(frozen=True)
class Said:
    """One reply that a client got."""

    kind: str
    """`live`, the fault, or `lost`: the client was gone before the live server had answered."""
    moment: float
    reply: dict[str, Any] | None = None
    """What the live server said."""


@dataclass
class Proxy:
    """What went through, by question: the first message of a payload."""

    upstream: str
    faults: tuple[str, ...] = ()
    lasting: float = 0.0
    """The share of questions that fail whenever they are asked, always in the same way."""
    passing: float = 0.0
    """The share of the other calls that fail."""
    log: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    url: str = ""

    @property
    def calls(self) -> int:
        """How many requests came."""
        return sum(map(len, self.log.values()))

    def fault(self, question: str, number: int) -> str | None:
        """Return how call `number` about a question fails, or None."""
        if not self.faults:
            return None
        chance = random.Random(question)
        weights = [RARE.get(name, 1.0) for name in self.faults]
        lasting = chance.choices(self.faults, weights)[0]
        if chance.random() < self.lasting:
            return lasting
        chance = random.Random(f"{number} {question}")
        return chance.choices(self.faults, weights)[0] if chance.random() < self.passing else None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, by the live server or by a fault."""
        payload = orjson.loads(await request.read())
        question = payload["messages"][0]["content"]
        said = self.log[question]
        fault = self.fault(question, len(said))
        if fault:
            said.append(Said(fault, time.monotonic()))
            return await FAULTS[fault](request, payload)
        said.append(Said("lost", time.monotonic()))
        index = len(said) - 1
        async with self.session.post(f"{self.upstream}/v1/chat/completions", json=payload) as reply:
            body = await reply.read()
            assert reply.status == 200, body
        if request.transport is not None and not request.transport.is_closing():
            said[index] = Said("live", time.monotonic(), orjson.loads(body))
        return web.Response(body=body, content_type="application/json")

    async def start(self) -> web.AppRunner:
        """Listen on a free port."""
        timeout, every = aiohttp.ClientTimeout(total=None), aiohttp.TCPConnector(limit=0)
        self.session = aiohttp.ClientSession(connector=every, timeout=timeout)
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", self.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner


def _body(payload: dict[str, Any], finish: str = "stop", **message: Any) -> bytes:
    """Return a chat answer that says "met", in the way that the prompt asks for."""
    text = verdicts(payload["messages"][0]["content"], lambda name: "met")
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    if payload.get("logprobs"):
        choice["logprobs"] = _first_token({"Yes": 0.9, "No": 0.05})
    return orjson.dumps({"choices": [choice], "usage": {"prompt_tokens": 0, "completion_tokens": 0}})


def _first_token(chances: dict[str, float]) -> dict[str, Any]:
    """Return the `logprobs` of a choice whose first token has these probabilities, the likeliest first."""
    top = [{"token": token, "logprob": log(chance)} for token, chance in chances.items()]
    return {"content": [{**top[0], "top_logprobs": top}]}


def _ok(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def _http_500(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return web.Response(status=500, body=_body(payload), content_type="application/json")


async def _http_429(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return web.Response(status=429, body=_body(payload), headers={"Retry-After": "0.1"})


async def _cut(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    """Send less than was promised, though it is all of a reply."""
    body = _body(payload)
    reply = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body) + 9)})
    await reply.prepare(request)
    await reply.write(body)
    assert request.transport is not None
    request.transport.close()
    return reply


async def _hang(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.2)
    return web.Response(status=500)


async def _no_json(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload) + b"}")


async def _empty(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload, content=""))


async def _declined(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload, content=None, refusal="I will not judge this."))


async def _withheld(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload, finish="content_filter"))


async def _cut_off(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload, finish="length"))


async def _refused_in_words(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload, content="I'm sorry, but I can't help with that."))


async def _garbage(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    return _ok(_body(payload, content="Rating: 7/10. All criteria are met: met, met, met."))


async def _two_verdicts(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    prompt = payload["messages"][0]["content"]
    first = asked_for(prompt)[0][0]
    other = verdicts(prompt, lambda name: "not met" if name == first else "met")
    return _ok(_body(payload, content=f"{verdicts(prompt, lambda name: 'met')}\n{other}"))


async def _no_probabilities(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    reply = orjson.loads(_body(payload))
    reply["choices"][0]["logprobs"] = None
    return _ok(orjson.dumps(reply))


async def _impossible(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    """Tell probabilities that add up to more than 1."""
    reply = orjson.loads(_body(payload))
    reply["choices"][0]["logprobs"] = _first_token({"Yes": 0.9, "No": 0.8})
    return _ok(orjson.dumps(reply))


async def _elsewhere(request: web.Request, payload: dict[str, Any]) -> web.StreamResponse:
    reply = orjson.loads(_body(payload))
    reply["choices"][0]["logprobs"] = _first_token({"The": 0.95, "Yes": 0.004, "No": 0.001})
    return _ok(orjson.dumps(reply))


Fault = Callable[[web.Request, dict[str, Any]], Any]
FAULTS: dict[str, Fault] = {
    "http 500": _http_500,
    "http 429": _http_429,
    "cut": _cut,
    "hang": _hang,
    "no json": _no_json,
    "empty": _empty,
    "declined": _declined,
    "withheld": _withheld,
    "cut off": _cut_off,
    "refused in words": _refused_in_words,
    "garbage": _garbage,
    "two verdicts": _two_verdicts,
    "no probabilities": _no_probabilities,
    "impossible": _impossible,
    "elsewhere": _elsewhere,
}


@contextmanager
def proxied(upstream: str, **more: Any) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own."""
    proxy, loop = Proxy(upstream, **more), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(_end(proxy, runner), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _end(proxy: Proxy, runner: web.AppRunner) -> None:
    await proxy.session.close()
    await runner.cleanup()
