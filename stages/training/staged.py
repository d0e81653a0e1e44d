"""Staged training: learns from a judged file, with importance ratios from the stored log-probabilities."""

import math
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from datasets import Dataset

from schemas.errors import RlraError
from schemas.rollouts import Sampling, unpack
from schemas.train_log import TrainLog
from stages.measures import rubric_of
from stages.seeds import derive
from stages.train import Batches, TrainSpec, staged_batches
from stages.training.advantages import Scored
from stages.training.config import grpo_config, loaded, lora_config
from stages.training.hybrid import mixed_steps, rewards_by_kind
from stages.training.log import Guard, attach
from stages.training.moments import hand_on
from stages.training.step_measures import shared_criteria, step_measures
from stages.training.trl_private import MismatchError, StagedTrainer


def train_staged(
    groups: Sequence[Scored],
    weights: str,
    spec: TrainSpec,
    folder: Path,
    processes: int,
    write: Callable[[TrainLog], None],
    reference: str = "",
) -> tuple[StagedTrainer, str | None]:
    """Train the model at `weights` on scored groups; return the trainer and why it stopped early, if it did.

    Checkpoints go to `folder`, and the run goes on from the last one there. `write` gets a record per step. KL is to
    the model at `reference` or `weights`. Raises RlraError when the trainer's log-probabilities are not the sampler's.
    """
    responses = max(len(scored.responses) for scored in groups)
    batches = staged_batches(spec, responses, processes)
    sampling = _sampling(groups[0])
    config = grpo_config(
        spec,
        batches,
        folder,
        num_generations=2,
        max_steps=-(-len(groups) // spec.prompts_per_step) * spec.epochs,
        temperature=sampling.temperature,
        max_completion_length=sampling.max_tokens,
    )
    guard = Guard(spec)
    model, tokenizer = loaded(weights, reference)
    trainer = StagedTrainer(
        model=model,
        reward_funcs=_no_reward,
        args=config,
        train_dataset=Dataset.from_list(rows(groups, spec, batches, processes)),
        processing_class=tokenizer,
        peft_config=lora_config(spec),
    )
    if spec.keep_optimizer:
        hand_on(trainer, weights)
    attach(trainer, write, guard, measured(groups, spec))
    trainer.worst_start = math.inf if spec.allow_stale else worst_start(groups)
    _train(trainer, folder)
    return trainer, guard.reason


def _train(trainer: StagedTrainer, folder: Path) -> None:
    try:
        trainer.train(resume_from_checkpoint=last_checkpoint(folder))
    except MismatchError as error:
        raise RlraError(
            f"the trainer's log-probabilities differ from the stored ones by {error.difference:.3f} per token",
            hint="were the responses sampled from --model, at one temperature, with this chat template?",
        ) from None


def measured(groups: Sequence[Scored], spec: TrainSpec) -> list[dict[str, float]]:
    """Return for each step what its groups measure, whatever part of them is trained on."""
    shared = shared_criteria(rubric_of(scored.group) for scored in groups)
    learned = [[scored.group for scored in part] for part in steps(groups, spec)]
    return [step_measures(part, shared) | rewards_by_kind(part, spec) for part in learned]


def worst_start(groups: Sequence[Scored]) -> float:
    """Return the mean |Δ log-probability| per token above which a run must not start.

    A sampler in float32 agrees with the trainer to 1e-4. In bfloat16 rounding alone gave 0.05 on the embedded
    model, and a wrong temperature or template gives several times that.
    """
    exact = all(scored.group.policy.dtype == "float32" for scored in groups)
    return 0.05 if exact else 0.15


def _no_reward(**given: Any) -> list[float | None]:
    raise RuntimeError("a staged run has its rewards already")


def last_checkpoint(folder: Path) -> str | None:
    """Return the newest whole checkpoint in `folder`, or None."""
    whole = [path for path in folder.glob("checkpoint-*") if _is_whole(path)]
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


def drop_torn(folder: Path) -> None:
    """Remove half-written checkpoints: the trainer keeps the newest one and would keep it in place of a whole one."""
    for path in folder.glob("checkpoint-*"):
        if not _is_whole(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_whole(checkpoint: Path) -> bool:
    # The trainer writes its state last; a run that was killed in between leaves a folder without a readable one.
    try:
        return "global_step" in orjson.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False


def rows(groups: Sequence[Scored], spec: TrainSpec, batches: Batches, processes: int) -> list[dict[str, Any]]:
    """Return the rows of all `steps` in the order in which they are learned, each step filled up to whole batches.

    Every row of every group is there.
    """
    ordered: list[dict[str, Any]] = []
    for part in steps(groups, spec):
        step = [row for scored in part for row in _group_rows(scored)]
        ordered += _dealt(step + [FILLER] * (batches.rows - len(step)), processes)
    return ordered


def steps(groups: Sequence[Scored], spec: TrainSpec) -> Iterator[list[Scored]]:
    """Yield the groups of each step: all of them in each epoch, shuffled anew by the seed."""
    for epoch in range(spec.epochs):
        shuffled = list(groups)
        random.Random(derive(spec.seed, "order", epoch)).shuffle(shuffled)
        if spec.mix:
            yield from mixed_steps(shuffled, spec)
            continue
        for start in range(0, len(shuffled), spec.prompts_per_step):
            yield shuffled[start : start + spec.prompts_per_step]


FILLER: dict[str, Any] = {
    "prompt": "",
    "prompt_ids": [],
    "response_ids": [],
    "logprobs": [],
    "advantage": 0.0,
    "reward": 0.0,
}


def _dealt(step: list[dict[str, Any]], processes: int) -> list[dict[str, Any]]:
    """Give every process its share of a step, one behind the other: rows of like length, and equal work for all."""
    longest_first = sorted(step, key=lambda row: -len(row["prompt_ids"]) - len(row["response_ids"]))
    return [row for process in range(processes) for row in longest_first[process::processes]]


def _group_rows(scored: Scored) -> list[dict[str, Any]]:
    shared = unpack(scored.group.prompt_tokens or "", "i")
    return [
        {
            "prompt": scored.group.id,
            "prompt_ids": unpack(response.prompt_tokens, "i") if response.prompt_tokens else shared,
            "response_ids": unpack(response.tokens.ids, "i"),
            "logprobs": unpack(response.tokens.logprobs, "f"),
            "advantage": advantage,
            "reward": scored.reward,
        }
        for response, advantage in zip(scored.responses, scored.advantages, strict=True)
        if response.tokens is not None
    ]


def _sampling(scored: Scored) -> Sampling:
    sampling = scored.group.policy.sampling
    assert sampling is not None  # groups without tokens are refused before, and those with tokens say how
    return sampling
