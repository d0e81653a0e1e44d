"""`--set KEY=VALUE`: which options of TRL's GRPOConfig may be set by name, and what their values may be."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from trl import GRPOConfig

from schemas.errors import RlraError
from schemas.files import without_secrets
from schemas.yaml_file import nearest

OWNED = {
    "output_dir": "use --output",
    "learning_rate": "use --learning-rate",
    "warmup_steps": "use --warmup-steps",
    "max_grad_norm": "use --max-grad-norm",
    "beta": "use --beta",
    "loss_type": "use --loss-type",
    "scale_rewards": "use --scale-rewards",
    "bf16": "use --bf16 or --no-bf16",
    "seed": "use --seed",
    "temperature": "use --temperature, and staged that of `rlra rollout`",
    "max_completion_length": "use --max-tokens, and staged that of `rlra rollout`",
    "num_generations": "use --group-size, and staged that of `rlra rollout`",
    "max_steps": "use --steps online, and --epochs staged",
    "num_train_epochs": "use --epochs staged, and --steps online",
    "num_iterations": "use --epochs on a judged file: every pass is exact there",
    "save_strategy": "use --save-every",
    "save_steps": "use --save-every",
    "save_total_limit": "the newest whole checkpoint is kept, and none when the run is done",
    "resume_from_checkpoint": "use --resume or --no-resume",
    "report_to": "use --report-to",
    "model_init_kwargs": "use --model; its weights are loaded in float32",
    **dict.fromkeys(
        ("per_device_train_batch_size", "gradient_accumulation_steps", "steps_per_generation", "generation_batch_size"),
        "use --prompts-per-step and --micro-batch: the passes of a step follow from them",
    ),
    **dict.fromkeys(
        ("logging_strategy", "logging_steps", "logging_first_step", "logging_nan_inf_filter", "disable_tqdm"),
        "every step is logged, with what is no number, since the guards read it",
    ),
    **dict.fromkeys(
        ("save_only_model", "ignore_data_skip", "shuffle_dataset", "remove_unused_columns", "auto_find_batch_size"),
        "an interrupted run could not go on exactly",
    ),
    **dict.fromkeys(
        ("do_train", "do_eval", "do_predict", "eval_strategy", "eval_steps", "eval_on_start", "load_best_model_at_end"),
        "evaluate with `rlra eval`",
    ),
    **dict.fromkeys(("reward_weights", "multi_objective_aggregation"), "the rubric is the one reward"),
    **dict.fromkeys(("log_completions", "log_completions_hub_repo"), "stdout carries records alone"),
    "trust_remote_code": "no code of a model is run",
    **dict.fromkeys(
        ("push_to_hub", "hub_token", "hub_model_id", "hub_revision", "hub_strategy", "hub_always_push"),
        "nothing is uploaded, and a token would stand in the manifest: upload the folder when the run is done",
    ),
    "hub_private_repo": "nothing is uploaded",
    **dict.fromkeys(
        ("trackio_space_id", "trackio_bucket_id", "trackio_static_space_id"),
        "nothing is sent to a server: trackio keeps its data here, with --report-to",
    ),
}
"""Options of TRL's that rlra sets itself, and what to do instead."""

SAMPLING = {
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "generation_kwargs",
    "chat_template_kwargs",
    "cache_implementation",
    "use_transformers_continuous_batching",
    "transformers_continuous_batching_config",
    "use_transformers_paged",
    "mask_truncated_completions",
    "max_tool_calling_iterations",
    "ds3_gather_for_generation",
    "use_vllm",
}
"""Options of how TRL samples, besides those that begin with `vllm_`: a staged run samples nothing."""

WORDS = {
    "importance_sampling_level": ("token", "sequence"),
    "vllm_mode": ("colocate", "server"),
    "vllm_importance_sampling_mode": ("token_truncate", "token_mask", "sequence_truncate", "sequence_mask"),
}
"""Values that TRL would refuse only after the weights are loaded."""


WITHOUT_KWARGS = ("constant", "constant_with_warmup")
"""Schedulers that `lr_scheduler_kwargs` says nothing to; the second one is the default."""


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `--set` as GRPOConfig takes them.

    Raises RlraError for a name that it does not have, with the nearest one; for one that rlra sets itself; and
    for a value of another type, or one that holds a password.
    """
    known = {field.name for field in fields(GRPOConfig) if field.init}
    hints = get_type_hints(GRPOConfig)
    for name in given:
        if name not in known:
            raise RlraError(f"--set {name}: TRL's GRPOConfig has no such option", hint=nearest(name, known))
        if name in OWNED:
            raise RlraError(f"--set {name}: rlra sets this itself", hint=OWNED[name])
    return {name: _typed(name, value, hints[name]) for name, value in given.items()}


def _typed(name: str, value: Any, hint: Any) -> Any:
    if isinstance(value, str) and value != without_secrets(value):
        raise RlraError(f"--set {name}: a URL with a password or a query would stand in the manifest")
    if value not in WORDS.get(name, (value,)):
        raise RlraError(f"--set {name}: '{value}' is not one of {', '.join(WORDS[name])}")
    needed = _needed(name, value)
    if needed and importlib.util.find_spec(needed) is None:
        hint = f"pip install 'rlra[{needed}]'" if needed == "vllm" else f"pip install {needed}"
        raise RlraError(f"--set {name}: {needed} is not installed", hint=hint)
    try:
        return TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError:
        wanted = getattr(hint, "__name__", None) or str(hint).replace("typing.", "")
        raise RlraError(f"--set {name}: {value!r} is not of type {wanted}") from None


def _needed(name: str, value: Any) -> str:
    """Return the package that an option needs and that TRL would miss only after the weights are loaded, else ''."""
    if name == "optim" and re.search("bnb|paged|lion|(?<!torch_)8bit", str(value)):
        return "bitsandbytes"
    return {"use_vllm": "vllm", "use_liger_kernel": "liger_kernel"}.get(name, "") if value is True else ""


def without_effect(given: Mapping[str, Any]) -> None:
    """Raise RlraError for an option of sampling in a run that samples nothing."""
    for name in given:
        if name in SAMPLING or name.startswith("vllm_"):
            raise RlraError(
                f"--set {name}: goes with --online", hint="a staged run learns from what `rlra rollout` sampled"
            )


def contradicting(given: Mapping[str, Any], stale_safe: bool) -> None:
    """Raise RlraError for an option that undoes half of `--stale-safe`, or that the scheduler takes no notice of."""
    if stale_safe and given.get("importance_sampling_level", "sequence") != "sequence":
        raise RlraError("--set importance_sampling_level: --stale-safe is one ratio per response", hint=_EITHER)
    if stale_safe and given.get("off_policy_mask_threshold", 0.0) is None:
        raise RlraError("--set off_policy_mask_threshold: --stale-safe masks what is off policy", hint=_EITHER)
    scheduler = given.get("lr_scheduler_type", WITHOUT_KWARGS[-1])
    if given.get("lr_scheduler_kwargs") and scheduler in WITHOUT_KWARGS:
        raise RlraError(
            f"--set lr_scheduler_kwargs: the scheduler {scheduler} takes none",
            hint="name another one, as --set lr_scheduler_type=cosine_with_min_lr",
        )


_EITHER = "leave out one of the two"
