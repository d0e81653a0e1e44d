"""A bare loop over the openai client. It asks, reads the JSON, and writes nothing but a count."""

import asyncio
import json

import httpx
from material import IN_FLIGHT, Work, work
from openai import AsyncOpenAI


async def judge(given: Work) -> int:
    """Return how many judgements were read, 64 in flight."""
    questions, read = given.questions(), 0

    async def worker() -> None:
        nonlocal read
        for prompt in questions:
            reply = await client.chat.completions.create(
                model="judge", messages=[{"role": "user", "content": prompt}], max_tokens=1024
            )
            read += json.loads(reply.choices[0].message.content)["criterion_status"] in ("MET", "UNMET")

    async with AsyncOpenAI(base_url=given.url, api_key="none", max_retries=2, timeout=httpx.Timeout(120)) as client:
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return read


if __name__ == "__main__":
    print(asyncio.run(judge(work())))
