"""`autorubric`: its EvalRunner, which writes a result per response as it goes, with one call per criterion."""

import asyncio
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices as it starts

from autorubric import LLMConfig, Rubric, RubricDataset
from autorubric.eval import EvalConfig, EvalRunner
from autorubric.graders import CriterionGrader
from material import IN_FLIGHT, Work, work


async def judge(given: Work) -> int:
    """Return how many judgements were scored, 64 in flight."""
    named = [{"name": c["id"], "weight": 1.0, "requirement": c["text"]} for c in given.criteria]
    dataset = RubricDataset(rubric=Rubric.from_dict(named), name="benchmark")
    for number, (prompt, response) in enumerate(given.responses()):
        dataset.add_item(submission=response, description=str(number), prompt=prompt)
    model = LLMConfig(
        model="openai/judge",
        api_base=given.url,
        api_key="none",
        temperature=0.0,
        max_tokens=1024,
        timeout=120,
        max_parallel_requests=IN_FLIGHT,
    )
    config = EvalConfig(
        show_progress=False, experiments_dir=given.out, experiment_name="run", max_concurrent_items=IN_FLIGHT
    )
    result = await EvalRunner(dataset, CriterionGrader(judge_model_config=model), config).run()
    return sum(len(each.report.report or []) for each in result.item_results if each.error is None)


if __name__ == "__main__":
    print(asyncio.run(judge(work())))
