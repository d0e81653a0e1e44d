"""Our spec → TRL's configuration."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, get_scheduler
from trl import GRPOConfig

from schemas.errors import RlraError
from stages.train import Batches, TrainSpec
from stages.training.knobs import checked, contradicting, without_effect
from stages.training.trl_private import refer

PAPERS: dict[str, dict[str, Any]] = {
    "cispo": {"epsilon_high": 5.0},  # arXiv 2510.13786; TRL's default of 0.2 would cut every ratio to a fifth
    "luspo": {"importance_sampling_level": "sequence"},
}
"""What a loss needs besides its name to be that of its paper."""
STALE_SAFE = {"loss_type": "grpo", "importance_sampling_level": "sequence", "off_policy_mask_threshold": 0.5}
"""A ratio per response (GSPO, arXiv 2507.18071) and the mask of DeepSeek-V3.2 (arXiv 2512.02556)."""


def preflight(spec: TrainSpec, online: bool, alone: bool) -> None:
    """Raise RlraError for `--set` options that cannot be, before weights are loaded or a folder is made.

    Not `alone`, TRL's own checks are left to the run: they would wait for the other ranks.
    """
    checked(spec.set)
    contradicting(spec.set, spec.stale_safe)
    if not online:
        without_effect(spec.set)
    if alone:
        _try_out(grpo_config(spec, Batches(2, 1, 2), Path(), num_generations=2, use_cpu=True), spec)


def _try_out(config: GRPOConfig, spec: TrainSpec) -> None:
    """Make the optimizer and its schedule for a model of one weight: their libraries refuse some options only then."""
    model: Any = torch.nn.Linear(1, 1)
    try:
        kind, options = Trainer.get_optimizer_cls_and_kwargs(config, model)
        if config.optim_target_modules is None and "model" not in options:  # those are made for the policy itself
            get_scheduler(
                config.lr_scheduler_type,
                kind(model.parameters(), **options),
                num_warmup_steps=spec.warmup_steps,
                num_training_steps=max(spec.steps, spec.warmup_steps + 1),
                scheduler_specific_kwargs=cast("dict[str, Any] | None", config.lr_scheduler_kwargs),
            )
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError) as error:
        raise _refused(spec.set, error) from None


def _refused(options: Iterable[str], error: Exception) -> RlraError:
    return RlraError(f"--set {', '.join(options)}: refused by TRL: {' '.join(str(error).split())}")


def grpo_config(spec: TrainSpec, batches: Batches, folder: Path, **more: Any) -> GRPOConfig:
    """Return the configuration of a run whose checkpoints go to `folder`; `more` are GRPOConfig's own fields.

    The options of `--set` go before all others. Raises RlraError when TRL refuses them.
    """
    cpu = not torch.cuda.is_available()
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "per_device_train_batch_size": batches.micro,
        "gradient_accumulation_steps": batches.accumulation,
        "steps_per_generation": batches.accumulation,
        "num_iterations": 1,
        "learning_rate": spec.learning_rate,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": spec.warmup_steps,
        "max_grad_norm": spec.max_grad_norm,
        "beta": spec.beta,
        "loss_type": spec.loss_type,
        "scale_rewards": spec.scale_rewards,
        "bf16": spec.bf16,
        "seed": spec.seed,
        "use_cpu": cpu,
        "gradient_checkpointing": not cpu,
        "dataloader_pin_memory": not cpu,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "steps" if spec.save_every else "no",
        "save_steps": spec.save_every or 500,
        "save_total_limit": 1,
        "shuffle_dataset": False,
        "remove_unused_columns": True,
        "ddp_find_unused_parameters": False,
    }
    loss = STALE_SAFE if spec.stale_safe else PAPERS.get(spec.loss_type, {})
    own = checked(spec.set)
    try:
        return GRPOConfig(**{**values, **loss, **more, **own})
    except (ValueError, TypeError, ImportError, NotImplementedError) as error:
        if not own:
            raise
        raise _refused(own, error) from None


def loaded(weights: str, reference: str = "") -> tuple[Any, Any]:
    """Return the model at `weights`, in float32, and its tokenizer: only safetensors are read, remote code stays off.

    KL, where there is one, will be to the model at `reference`, or at `weights`. Raises RlraError when they cannot be
    loaded.
    """
    try:
        model = AutoModelForCausalLM.from_pretrained(
            weights, dtype="float32", use_safetensors=True, trust_remote_code=False
        )
        refer(model, reference or weights)
        return model, AutoTokenizer.from_pretrained(weights, trust_remote_code=False)
    except (OSError, ValueError, SafetensorError) as error:
        raise RlraError(f"{weights}: cannot load the model: {str(error).partition(chr(10))[0]}") from None


def lora_config(spec: TrainSpec) -> Any:
    """Return peft's configuration for `--lora-rank`, or None for full fine-tuning."""
    if not spec.lora_rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=spec.lora_rank, lora_alpha=2 * spec.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
