"""Online training: TRL samples and learns, and the rubric is its one reward.

TRL calls the reward once a step in each process, when all of its responses are sampled, and learns only when the reward
has answered, be it asynchronous or not: judging does not overlap with sampling. All groups of the step are judged at
the same time, and while one process still samples another may judge. `seconds/sampling` and `seconds/judging` of the
log say what that costs.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import torch
import trl
from accelerate import PartialState
from accelerate.utils import gather_object
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOTrainer

from schemas.judged import Judged
from schemas.rollouts import Policy, Response, Rollouts, Sampling
from schemas.rubric import Rubric
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.judge import JudgeSpec, judge, rubric_of
from stages.models.base import LiveModel, Model
from stages.train import TrainSpec, online_batches
from stages.training.breaker import BoundedModel, Breaker, JudgeFailedError, JudgeLimits
from stages.training.config import grpo_config, loaded, lora_config
from stages.training.hybrid import kind_of, rewards_by_kind, sampled_steps
from stages.training.log import Guard, attach
from stages.training.moments import hand_on
from stages.training.save import holds_finite
from stages.training.staged import last_checkpoint
from stages.training.step_measures import shared_criteria, step_measures
from stages.training.trl_private import OnlineTrainer, save_checkpoint
from stages.voting import Panel

Keep = Callable[[Judged], None]


@dataclass(frozen=True)
class Judging:
    """How an online run judges, and who."""

    spec: JudgeSpec
    panel: Panel
    limits: JudgeLimits
    rubrics: Sequence[Rubric] = ()
    """They replace the tasks' own, or join them with `add`."""
    add: bool = False

    def rubric(self, task: Task) -> Rubric:
        """Return the rubric that a task is judged against."""
        return rubric_of(task, self.rubrics, self.add)


class RubricReward:
    """TRL's reward function: judges whole groups exactly as `rlra judge` does.

    A response whose judgement failed gets None, which TRL keeps out of the group's statistics, and which moves
    nothing. Judge servers are waited for as long as `JudgeLimits` says; checks, and models in this process, are run to
    their end.
    """

    __name__ = "rubric"

    def __init__(self, tasks: Sequence[Task], judging: Judging, spec: TrainSpec, policy: Policy, keep: Keep) -> None:
        """Keep what every call needs.

        `keep` gets every judged group of all processes, in the first one, step by step. `policy` is the model that the
        run began from; a group's revision is that one's and how many updates came since.
        """
        self._tasks, self._spec, self._policy, self._keep = {task.id: task for task in tasks}, spec, policy, keep
        models = [_bounded(model) for model in (*judging.panel.models, *filter(None, [judging.panel.strong]))]
        self._bounded = [model for model in models if isinstance(model, BoundedModel)]
        seats = len(judging.panel.models)
        panel = replace(judging.panel, models=tuple(models[:seats]), strong=models[seats] if models[seats:] else None)
        self.judging = replace(judging, panel=panel)
        self._shared = shared_criteria(map(judging.rubric, tasks))
        self._breaker = Breaker(judging.limits)
        self.step_start = StepStart()
        self._ends: frozenset[int] = frozenset()

    def follow(self, trainer: Any) -> None:
        """Learn from `trainer` how it samples, which tokens end an answer, and when its steps begin."""
        args = trainer.args
        self._ends = frozenset([*trainer.eos_token_ids, trainer.processing_class.pad_token_id])
        sampling = Sampling(
            temperature=args.temperature,
            max_tokens=args.max_completion_length,
            top_p=args.top_p,
            top_k=args.top_k or 0,
            repetition_penalty=args.repetition_penalty,
        )
        self._policy = self._policy.model_copy(update={"sampling": sampling})
        trainer.add_callback(self.step_start)

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
        """Return one reward, or None, per response. Neighbours with the same task are one group.

        Raises JudgeFailedError, in all processes together, where the judge is of no use any more.
        """
        now = time.monotonic()
        rows = zip(task, completions, completion_ids, strict=True)
        groups = [
            self._group(name, [(_text(answer), ids) for _, answer, ids in same], trainer_state.global_step)
            for name, same in groupby(rows, key=lambda row: row[0])
        ]
        judged, trouble = self._judged(groups)
        seconds = {"seconds/sampling": now - self.step_start.began, "seconds/judging": time.monotonic() - now}
        self._share(judged, trouble)
        measures = step_measures(judged, self._shared) | rewards_by_kind(judged, self._spec)
        for name, value in (measures | seconds).items():
            log_metric(name, value)
        return [response.reward for group in judged for response in group.responses]

    def _group(self, name: str, answers: Sequence[tuple[str, list[int]]], updates: int) -> Rollouts:
        task = self._tasks[name]
        responses = tuple(
            Response(text=text, finish="stop" if ids and ids[-1] in self._ends else "length", length=len(ids))
            for text, ids in answers
        )
        policy = self._policy.model_copy(update={"revision": f"{self._policy.revision}+{updates}"})
        fields = {field: getattr(task, field) for field in Task.model_fields if field not in ("tag", "id")}
        return Rollouts(**fields, id=f"{name}@{updates + 1:06d}", policy=policy, responses=responses)

    def _judged(self, groups: Sequence[Rollouts]) -> tuple[list[Judged], JudgeFailedError | None]:
        """Return the judged groups, and what kept the judge from judging them all."""
        of = self.judging
        for model in self._bounded:
            model.until = time.monotonic() + of.limits.judge_seconds
        found: list[Judged] = []
        try:
            with closing(judge(groups, of.spec, of.panel, of.rubrics, of.add)) as lines:
                for line in lines:
                    found.append(line)
                    if PartialState().is_main_process:
                        self._keep(line)
        except JudgeFailedError as error:
            return found, error
        return found, None

    def _share(self, judged: Sequence[Judged], trouble: JudgeFailedError | None) -> None:
        """Tell the other processes what was judged: whether to go on is decided alike in all of them."""
        said = (trouble.message, trouble.hint) if trouble else None
        shared: list[tuple[Sequence[Judged], tuple[str, str | None] | None]] = gather_object([(judged, said)])
        if PartialState().is_main_process:
            for lines, _ in shared[1:]:
                for line in lines:
                    self._keep(line)
        for _, said in shared:
            if said:
                raise JudgeFailedError(*said)
        everyone = [response for lines, _ in shared for group in lines for response in group.responses]
        self._breaker.see([response.reward is None for response in everyone])


def start_of(model: str, revision: str, template: str, seed: int) -> Policy:
    """Return the policy that a run begins with; how it samples is known when there is a trainer."""
    engine = f"trl {trl.__version__}"
    return Policy(model=model, revision=revision, template=template, engine=engine, dtype="float32", seed=seed)


class StepStart(TrainerCallback):
    """Keeps when a step began, and the state of the random numbers then."""

    began = 0.0
    """When, of `time.monotonic`."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Note the moment, and what sampling changes."""
        self.began = time.monotonic()
        self._seen = state.num_input_tokens_seen
        self._random = torch.get_rng_state()
        self._random_of_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def go_back(self, state: Any) -> None:
        """Let the random numbers be as they were: a run that goes on from here samples the same once more."""
        state.num_input_tokens_seen = self._seen
        torch.set_rng_state(self._random)
        if self._random_of_gpus:
            torch.cuda.set_rng_state_all(self._random_of_gpus)


def _bounded(model: Model) -> Model:
    return BoundedModel(cast(LiveModel, model)) if hasattr(model, "answer") else model


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else str(answer[-1]["content"])


def train_online(
    tasks: Sequence[Task],
    weights: str,
    spec: TrainSpec,
    reward: RubricReward,
    folder: Path,
    processes: int,
    write: Callable[[TrainLog], None],
    reference: str = "",
) -> tuple[GRPOTrainer, str | None]:
    """Train the model at `weights` on tasks; return the trainer and why it stopped early, if it did.

    Checkpoints go to `folder`, and the run goes on from the last one there. KL is to the model at `reference`, or to
    that at `weights`. Raises RlraError when the steps cannot be laid out, and JudgeFailedError when the judge is of no
    use any more; what was learned until then is in a checkpoint.
    """
    config = grpo_config(
        spec,
        online_batches(spec, processes),
        folder,
        num_generations=spec.group_size,
        max_steps=spec.steps,
        temperature=spec.temperature,
        max_completion_length=spec.max_tokens,
        remove_unused_columns=False,
        ddp_timeout=1800 + round(reward.judging.limits.judge_seconds),  # a process may judge that long alone
    )
    guard = Guard(spec)
    prompts = prompts_of(tasks, reward.judging, spec)
    model, tokenizer = loaded(weights, reference)
    trainer = OnlineTrainer(
        model=model,
        reward_funcs=reward,
        args=config,
        train_dataset=Dataset.from_list(prompts),
        processing_class=tokenizer,
        peft_config=lora_config(spec),
    )
    if spec.keep_optimizer:
        hand_on(trainer, weights)
    attach(trainer, write, guard)
    reward.follow(trainer)
    _learn(trainer, reward, guard, folder)
    return trainer, guard.reason


def _learn(trainer: Any, reward: RubricReward, guard: Guard, folder: Path) -> None:
    """Train to the end, or to where the judge or the weights allow no further step."""
    try:
        trainer.train(resume_from_checkpoint=last_checkpoint(folder))
    except JudgeFailedError as error:
        raise _saved(trainer, reward.step_start, folder, error) from None
    except RuntimeError:
        if holds_finite(trainer):
            raise
        guard.reason = "the weights are no finite numbers any more, and nothing can be sampled from them"


def prompts_of(tasks: Sequence[Task], judging: Judging, spec: TrainSpec) -> list[dict[str, Any]]:
    """Return a row for every prompt of the run, in the order of its steps: what TRL is to sample from, and for whom."""
    kinds = [kind_of(task, judging.rubric(task), spec.mix_by) for task in tasks]
    ordered = [task for step in sampled_steps(tasks, kinds, spec) for task in step]
    return [{"prompt": [m.model_dump() for m in task.messages], "task": task.id} for task in ordered]


def _saved(trainer: Any, start: StepStart, folder: Path, error: JudgeFailedError) -> JudgeFailedError:
    """Return the error to end the run with, when a checkpoint is there from which it goes on at this very step."""
    done = trainer.state.global_step
    if done and last_checkpoint(folder) != str(folder / f"checkpoint-{done}"):
        start.go_back(trainer.state)
        save_checkpoint(trainer)
    trainer.accelerator.wait_for_everyone()
    going_on = f"when it is well, the same command goes on after step {done}" if done else "nothing was learned yet"
    hint = f"{going_on}; {error.hint}" if error.hint else going_on
    return JudgeFailedError(f"step {done + 1}: {error.message}", hint=hint)
