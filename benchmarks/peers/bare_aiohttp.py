"""A bare loop over aiohttp: the limit. It asks, reads the JSON, and writes nothing but a count."""

import asyncio
import json

import aiohttp
from material import IN_FLIGHT, Work, work


async def judge(given: Work) -> int:
    """Return how many judgements were read, 64 in flight."""
    questions, read = given.questions(), 0
    connector, cookies = aiohttp.TCPConnector(limit=IN_FLIGHT), aiohttp.DummyCookieJar()

    async def worker() -> None:
        nonlocal read
        for prompt in questions:
            payload = {"model": "judge", "messages": [{"role": "user", "content": prompt}], "max_tokens": 1024}
            async with session.post(f"{given.url}/chat/completions", json=payload) as response:
                reply = await response.json()
            read += json.loads(reply["choices"][0]["message"]["content"])["criterion_status"] in ("MET", "UNMET")

    async with aiohttp.ClientSession(connector=connector, cookie_jar=cookies) as session:
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return read


if __name__ == "__main__":
    print(asyncio.run(judge(work())))
