"""`rubric` (PyPI): its PerCriterionGrader with the generate function of its own README, and a result line per response.

The library sets no limit on calls in flight, so the function that asks has one.
"""

import asyncio

from material import IN_FLIGHT, Work, work
from openai import AsyncOpenAI
from rubric import PerCriterionOutput, Rubric
from rubric.autograders import PerCriterionGrader

SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "criterion_output", "schema": PerCriterionOutput.model_json_schema()},
}


async def judge(given: Work) -> int:
    """Return how many judgements were reported, 64 in flight."""
    rubric = Rubric.from_dict([{"weight": 1.0, "requirement": criterion["text"]} for criterion in given.criteria])
    free, waiting, reported = asyncio.Semaphore(IN_FLIGHT), given.responses(), 0

    async def generate(system_prompt: str, user_prompt: str) -> PerCriterionOutput:
        turns = [{"role": "system", "content": system_prompt}, {"role": "user", "content": user_prompt}]
        async with free:
            reply = await client.chat.completions.create(
                model="judge", messages=turns, response_format=SCHEMA, max_tokens=1024, temperature=0.0
            )
        return PerCriterionOutput.model_validate_json(reply.choices[0].message.content or "{}")

    async def worker() -> None:
        nonlocal reported
        for prompt, response in waiting:
            report = await rubric.grade(query=prompt, to_grade=response, autograder=grader)
            out.write(report.model_dump_json() + "\n")
            reported += len(report.report or [])

    grader = PerCriterionGrader(generate_fn=generate)
    with (given.out / "reports.jsonl").open("w", encoding="utf-8") as out:
        async with AsyncOpenAI(base_url=given.url, api_key="none", timeout=120) as client:
            await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return reported


if __name__ == "__main__":
    print(asyncio.run(judge(work())))
