"""A judge's server in a process of its own: 30 % of all questions fail, in every class, by a fate that a test knows.

`python -m tests.contract.storm_server` prints its port. GET /asked returns how often each question came, and how
often it was answered well.
"""

import asyncio
import hashlib
from collections import Counter
from typing import Any

import orjson
from aiohttp import web

from tests.stages.judge_server import asked_for, under_judgement, verdicts

PASSING = ("HTTP 500", "HTTP 429", "cut", "late", "garbled once", "contradicts once")
"""Faults of the first request alone: asked again, the question is answered."""
LASTING = {
    "HTTP 400": "transport",
    "truncated": "truncated",
    "empty": "empty",
    "refusal": "refusal",
    "content filter": "content filter",
    "garbled": "unreadable",
    "contradicts": "contradiction",
    "leaves out": "unreadable",
    "off the menu": "unreadable",
}
"""Faults that never end, and the class of failure that they are."""
FAULTS = (*PASSING, *LASTING)
LATE_S = 3.0


def draw(*words: str) -> int:
    """Return a number that follows from `words`."""
    return int.from_bytes(hashlib.sha256("\n".join(words).encode()).digest()[:6], "big")


def fate(response: str, criterion: str) -> str:
    """Return what happens to a question: 30 % meet one of the faults, all of them equally often."""
    drawn = draw("fate", response, criterion) % 1000
    return FAULTS[drawn % len(FAULTS)] if drawn < 300 else ""


def truth(response: str, criterion: str) -> str:
    """Return what an honest judge says."""
    return "met" if draw("truth", response, criterion) % 2 else "not met"


def reply(text: str | None, finish: str = "stop", **more: Any) -> web.Response:
    """Return a chat answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}
    usage = {"prompt_tokens": 300, "completion_tokens": 30}
    return web.json_response({"choices": [choice], "usage": usage}, dumps=lambda data: orjson.dumps(data).decode())


class Storm:
    """The server, and what it was asked."""

    def __init__(self) -> None:
        self.came: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer a question, or fail it as its fate says."""
        payload = orjson.loads(await request.read())
        prompt = payload["messages"][0]["content"]
        (criterion,), _ = asked_for(prompt)
        response = under_judgement(prompt)
        question = f"{response}\n{criterion}"
        self.came[question] += 1
        happens = fate(response, criterion)
        honest = verdicts(prompt, lambda name: truth(response, name))
        is_first = self.came[question] == 1
        is_first_turn = len(payload["messages"]) == 1
        if happens in ("HTTP 500", "HTTP 429") and is_first:
            return web.json_response({"error": "busy"}, status=int(happens[5:]), headers={"Retry-After": "0"})
        if happens == "cut" and is_first and request.transport:
            request.transport.close()
            return web.Response()
        if happens == "late" and is_first:
            await asyncio.sleep(LATE_S)
            return web.Response()  # nobody waits for it any more
        if happens == "HTTP 400":
            return web.json_response({"error": {"message": "no"}}, status=400)
        if happens in ("garbled once", "contradicts once") and is_first_turn:
            return reply(self.spoiled(happens.removesuffix(" once"), honest, criterion))
        if happens in LASTING:
            finish = {"truncated": "length", "content filter": "content_filter"}.get(happens, "stop")
            if happens == "refusal":
                return reply(None, refusal="I cannot help with that.")
            return reply(self.spoiled(happens, honest, criterion), finish)
        self.answered[question] += 1
        return reply(honest)

    def spoiled(self, how: str, honest: str, criterion: str) -> str:
        """Return an answer that must not be read as a verdict."""
        other = honest.replace(": not met", ": ~").replace(": met", ": not met").replace(": ~", ": met")
        return {
            "garbled": "I would say 7/10, score: 10, met or not met.",
            "contradicts": f"{honest}\n{other}",
            "leaves out": honest.rpartition("\n")[0],
            "off the menu": honest.replace("met", "mostly met"),
            "empty": "",
        }.get(how, honest)

    async def asked(self, request: web.Request) -> web.Response:
        """Return what was asked and answered so far."""
        return web.Response(body=orjson.dumps([self.came, self.answered]))


async def main() -> None:
    """Serve on a free port of loopback, for ever."""
    storm = Storm()
    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.post("/v1/chat/completions", storm.chat), web.get("/asked", storm.asked)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
