"""Online training: TRL samples and learns, and the rubric is its one reward."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import GRPOTrainer

from schemas.judged import Judged
from schemas.rollouts import Policy, Response, Rollouts, Sampling
from schemas.rubric import Rubric
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.judge import JudgeSpec, judge
from stages.measures import is_best, rubric_of
from stages.train import TrainSpec, online_batches
from stages.training.config import grpo_config, loaded, lora_config
from stages.training.log import Guard, attach
from stages.training.staged import last_checkpoint
from stages.voting import Panel


class RubricReward:
    """TRL's reward function: judges whole groups exactly as `rlra judge` does.

    A response whose judgement failed gets None, which TRL keeps out of the group's statistics.
    """

    __name__ = "rubric"

    def __init__(
        self, tasks: Sequence[Task], spec: JudgeSpec, judges: Panel, rubrics: Sequence[Rubric], add: bool = False
    ) -> None:
        """Keep what every call needs. `rubrics` replace the tasks' own, or join them with `add`."""
        self._tasks = {task.id: task for task in tasks}
        self._spec, self._judges, self._rubrics, self._add = spec, judges, rubrics, add

    def __call__(
        self,
        *,
        completions: list[Any],
        completion_ids: list[list[int]],
        task: list[str],
        log_metric: Callable[[str, float], None],
        trainer_state: Any,
        **others: Any,
    ) -> list[float | None]:
        """Return one reward, or None, per response. Neighbours with the same task are one group."""
        rows = zip(task, completions, completion_ids, strict=True)
        groups = [
            self._group(name, [(_text(answer), len(ids)) for _, answer, ids in same], trainer_state.global_step)
            for name, same in groupby(rows, key=lambda row: row[0])
        ]
        judged = list(judge(groups, self._spec, self._judges, self._rubrics, self._add))
        responses = [response for group in judged for response in group.responses]
        rewards = [response.reward for response in responses]
        log_metric("judge_failed", rewards.count(None) / len(rewards))
        log_metric("vetoed", sum(bool(response.vetoed_by) for response in responses) / len(responses))
        for name, value in met_shares(judged).items():
            log_metric(f"met/{name}", value)
        return rewards

    def _group(self, name: str, answers: list[tuple[str, int]], step: int) -> Rollouts:
        task = self._tasks[name]
        policy = Policy(
            model="online",
            revision=f"step-{step}",
            template="",
            engine="trl",
            dtype="",
            sampling=Sampling(temperature=1.0, max_tokens=max(1, *(length for _, length in answers))),
            seed=0,
        )
        responses = tuple(Response(text=text, finish="stop", length=length) for text, length in answers)
        fields = {field: getattr(task, field) for field in Task.model_fields if field != "tag"}
        return Rollouts(**fields, policy=policy, responses=responses)


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else str(answer[-1]["content"])


def met_shares(judged: Sequence[Judged]) -> dict[str, float]:
    """Return the share of scored verdicts that are met, for the criteria that every group has.

    All processes must report the same names, so instance-level criteria, which differ between
    tasks, are pooled under `instance`.
    """
    common = set.intersection(*({v.criterion for v in group.responses[0].verdicts} for group in judged))
    found: dict[str, list[float]] = {}
    for group in judged:
        for row in (zip(rubric_of(group).leaves, response.verdicts, strict=True) for response in group.responses):
            for criterion, verdict in row:
                met = None if criterion.tiers else is_best(criterion, verdict)
                if met is not None:
                    name = criterion.id if criterion.id in common else "instance"
                    found.setdefault(name, []).append(float(met))
    return {name: sum(values) / len(values) for name, values in found.items()}


def train_online(
    tasks: Sequence[Task],
    weights: str,
    spec: TrainSpec,
    reward: RubricReward,
    folder: Path,
    processes: int,
    write: Callable[[TrainLog], None],
) -> tuple[GRPOTrainer, str | None]:
    """Train the model at `weights` on tasks; return the trainer and why it stopped early, if it did.

    Checkpoints go to `folder`, and the run goes on from the last one there. Raises RlraError when
    the batch sizes cannot be laid out.
    """
    config = grpo_config(
        spec,
        online_batches(spec, processes),
        folder,
        num_generations=spec.group_size,
        max_steps=spec.steps,
        temperature=spec.temperature,
        max_completion_length=spec.max_tokens,
        shuffle_dataset=True,
        remove_unused_columns=False,
    )
    guard = Guard(spec)
    model, tokenizer = loaded(weights)
    prompts = [{"prompt": [m.model_dump() for m in task.messages], "task": task.id} for task in tasks]
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=config,
        train_dataset=Dataset.from_list(prompts),
        processing_class=tokenizer,
        peft_config=lora_config(spec),
    )
    attach(trainer, write, guard)
    trainer.train(resume_from_checkpoint=last_checkpoint(folder))
    return trainer, guard.reason
