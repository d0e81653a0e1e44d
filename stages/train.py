"""`train`: what a training run is told, and the arithmetic of its batches."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import Field, field_validator, model_validator

from schemas.base import Own, Part
from schemas.errors import RlraError

MOMENTS = "optimizer/moments.safetensors"
"""Where a run leaves the optimizer's moments, in a folder that nothing takes for weights."""


class TrainSpec(Part):
    """Every option that decides what a training run learns."""

    learning_rate: float = Field(default=1e-6, gt=0)
    """Peak learning rate, constant after the warm-up unless --set lr_scheduler_type=NAME says otherwise."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises from 0."""
    prompts_per_step: int = Field(default=8, ge=1)
    """Groups per optimizer step."""
    responses_per_prompt: int = Field(default=0, ge=0)
    """Staged: train on the so many responses of each group that differ most in reward; 0 is all."""
    epochs: int = Field(default=1, ge=1)
    """Staged: passes over the file. More than one goes ever further off policy."""
    steps: int = Field(default=100, ge=1)
    """Online: optimizer steps."""
    group_size: int = Field(default=8, ge=2)
    """Online: responses per prompt."""
    max_tokens: int = Field(default=96, ge=1)
    """Online: the longest response, in tokens."""
    temperature: float = Field(default=1.0, gt=0)
    """Online: sampling temperature. Staged runs take it from the file."""
    micro_batch: int = Field(default=4, ge=1)
    """Responses per forward and backward pass of one process."""
    loss_type: Literal["dapo", "grpo", "dr_grpo", "bnpo", "cispo", "sapo", "luspo", "vespo"] = "dapo"
    """TRL's loss. `cispo` has its ratios bounded at 5, and `luspo` has one ratio per response, as in their papers."""
    stale_safe: bool = False
    """For responses of an older policy: one importance ratio per response (with `grpo` in place of `dapo`), and nothing
    is learned from those below average that have become unlikely since, by 0.5 nats a token or more."""
    scale_rewards: Literal["group", "none", "batch"] = "group"
    """What advantages are divided by: the spread of their group, nothing, or that of the whole batch."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the KL term to the model of --kl-reference."""
    kl_reference: str = "stage-start"
    """With --beta: the model that KL is to: `stage-start`, where this training begins (with --rounds, the first round);
    `base`, where the first of the runs began that led to it, as their manifests say; smollm2 or hf:ID_OR_DIR."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are clipped to this norm."""
    lora_rank: int = Field(default=0, ge=0)
    """Train a LoRA of this rank and merge it at the end; 0 trains all weights."""
    bf16: bool = True
    """Compute in bfloat16 (autocast) over float32 weights."""
    max_kl: float = Field(default=0.2, gt=0)
    """Staged: stop when the policy is further than this from the sampler (k3 estimate)."""
    min_ess: float = Field(default=0.2, ge=0, le=1)
    """Staged: stop when the effective share of the responses falls below this."""
    max_clip: float = Field(default=0.3, gt=0, le=1)
    """Staged: stop when more than this share of tokens is clipped."""
    allow_stale: bool = False
    """Staged: learn from responses of another policy than --model."""
    keep_optimizer: bool = False
    """Keep the optimizer's moments beside the model, and begin with those that lie beside the model to train, without
    another warm-up: runs that follow each other are as one. Rounds do so by themselves."""
    save_every: int = Field(default=25, ge=0)
    """Steps between checkpoints, from which an interrupted run goes on; 0 keeps none."""
    seed: int = 0
    """Decides every random number of the run."""
    mix: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}
    """A kind of tasks and its share of every step, as KIND=SHARE; repeated, the shares are to each other as they say.
    Without it, tasks are taken as they come."""
    mix_by: str = "reward"
    """With --mix: the field that names a task's kind, such as meta.kind, or `reward`: `verifiable` where checks alone
    decide, `judged` where a model is asked."""
    set: Own[dict[str, Any]] = {}
    """Any other option of TRL's GRPOConfig, as KEY=VALUE with the value in JSON or plain text; may be repeated."""

    @field_validator("set", "mix", mode="before")
    @classmethod
    def _as_mapping(cls, given: Any) -> Any:
        return given if isinstance(given, dict) else _named_values(given)

    @field_validator("kl_reference")
    @classmethod
    def _names_a_model(cls, name: str) -> str:
        if name not in ("stage-start", "base", "smollm2") and not re.match("hf:.", name):
            raise ValueError(f"'{name}' is none of stage-start, base, smollm2 and hf:ID_OR_DIR")
        return name

    @model_validator(mode="after")
    def _kinds_apart(self) -> Self:
        if self.mix and self.scale_rewards == "batch":
            raise ValueError("--scale-rewards batch is by the spread of all kinds: with --mix use group or none")
        if self.mix_by != "reward" and not self.mix:
            raise ValueError("--mix-by goes with --mix")
        return self

    @model_validator(mode="after")
    def _one_loss(self) -> Self:
        if self.stale_safe and self.loss_type not in ("dapo", "grpo"):
            raise ValueError(f"--stale-safe is a form of grpo, and does not go with --loss-type {self.loss_type}")
        if self.keep_optimizer and self.lora_rank:
            raise ValueError("--keep-optimizer is for training all weights: an adapter begins anew in every run")
        if self.kl_reference != "stage-start" and not self.beta:
            raise ValueError(f"--kl-reference {self.kl_reference} goes with --beta")
        if self.kl_reference != "stage-start" and self.lora_rank:
            raise ValueError("with --lora-rank KL is to the model below the adapter: --kl-reference stage-start")
        return self


def _named_values(given: Iterable[str]) -> dict[str, Any]:
    """Return what `KEY=VALUE` texts say. Raises ValueError for one that says nothing, or again."""
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise ValueError(f"'{text}' is not KEY=VALUE")
        if key in found:
            raise ValueError(f"{key} is given twice")
        found[key] = _plain(value)
    return found


def _plain(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return text


def moments_in(weights: str) -> Path | None:
    """Return the file of moments that lies beside weights, or None where there is none."""
    file = Path(weights) / MOMENTS
    return file if file.is_file() else None


@dataclass(frozen=True)
class Batches:
    """How the rows of one optimizer step are laid out."""

    micro: int
    """Rows per pass of one process."""
    accumulation: int
    """Passes per step."""
    rows: int
    """Rows per step over all processes; a short step is filled up with rows that carry no loss."""


def staged_batches(spec: TrainSpec, responses: int, processes: int) -> Batches:
    """Return the layout for steps of `prompts_per_step` groups with `responses` rows each."""
    wanted = spec.prompts_per_step * responses
    micro = min(spec.micro_batch, -(-wanted // processes))
    accumulation = -(-wanted // (micro * processes))
    # TRL wants a generation batch that a group size of at least 2 divides.
    accumulation += (micro * processes * accumulation) % 2
    return Batches(micro, accumulation, micro * processes * accumulation)


def online_batches(spec: TrainSpec, processes: int) -> Batches:
    """Return the layout for sampling `prompts_per_step × group_size` responses per step.

    Raises RlraError, with sizes that would do, when groups cannot be spread whole over the processes.
    """
    if spec.prompts_per_step % processes:
        up = -(-spec.prompts_per_step // processes) * processes
        raise RlraError(
            f"--prompts-per-step {spec.prompts_per_step} groups cannot be shared whole by {processes} processes",
            hint=f"use --prompts-per-step {up}, or --processes 1",
        )
    rows = spec.prompts_per_step * spec.group_size
    local = rows // processes
    micro = max(size for size in range(1, min(spec.micro_batch, local) + 1) if local % size == 0)
    return Batches(micro, local // micro, rows)
