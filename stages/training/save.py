"""The trained policy, saved as `hf:DIR` and transformers load it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from schemas.errors import RlraError
from stages.training.moments import save_moments

NO_ROOM = r"inline_container\.cc|I/O error: .*\(os error (\d+)\)"
"""How the writers of torch and safetensors speak of a disk that takes no more; the former do not say why."""


def save_policy(trainer: Any, folder: Path, moments: bool = False) -> None:
    """Write weights (safetensors, float32), config and tokenizer to `folder`; a LoRA is merged first.

    With `moments`, what the optimizer remembers goes beside them. Only the first process writes. Weights are renamed
    into place last, so that a folder with weights is whole.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    in_parts = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    if hasattr(model, "merge_and_unload"):
        model, in_parts = model.merge_and_unload(), False
    weights = _gathered(trainer, model) if in_parts else None
    if trainer.accelerator.is_main_process:
        if moments:
            save_moments(trainer, folder)
        making = folder / "saving"
        model.save_pretrained(making, state_dict=weights)
        trainer.processing_class.save_pretrained(making)
        files = sorted(making.iterdir(), key=lambda file: file.suffix == ".safetensors")
        for file in files:
            file.replace(folder / file.name)
        making.rmdir()
    trainer.accelerator.wait_for_everyone()


def _gathered(trainer: Any, model: Any) -> dict[str, Any]:
    """Return the weights whole and in float32, a tied one once, on the first process; all give their parts."""
    if trainer.is_deepspeed_enabled:
        return _optimized(model, trainer.accelerator.is_main_process)
    whole = trainer.accelerator.get_state_dict(trainer.model)
    return {name: weight for name, weight in whole.items() if name not in model.all_tied_weights_keys}


def _optimized(model: Any, keep: bool) -> dict[str, Any]:
    """Return what DeepSpeed's optimizer moves, in float32: with bf16 the weights of the model are a rounded copy."""
    from deepspeed.utils import safe_get_full_fp32_param

    whole, moved = {}, dict(model.named_parameters())
    for name, value in model.state_dict().items():
        if name not in model.all_tied_weights_keys:
            full = safe_get_full_fp32_param(moved[name]) if name in moved else value
            whole.update({name: full.cpu()} if keep else {})
    return whole


def is_finite(trainer: Any) -> bool:
    """Return whether every weight is a finite number; all processes ask, and get the same answer."""
    odd = torch.tensor(float(not holds_finite(trainer)), device=trainer.accelerator.device)
    return not trainer.accelerator.reduce(odd, reduction="sum").item()


def holds_finite(trainer: Any) -> bool:
    """Return whether what this process holds of the weights is finite: a step on a NaN gradient leaves none that is."""
    held = (_held(weight) for weight in trainer.model.parameters())
    return all(bool(weight.isfinite().all()) for weight in held)


def _held(weight: Any) -> Any:
    """Return the part of a weight that is here, of FSDP2 or of ZeRO-3, or the whole."""
    return weight.to_local() if hasattr(weight, "to_local") else getattr(weight, "ds_tensor", weight)


@contextmanager
def explained_writing(folder: Path) -> Iterator[None]:
    """Raise RlraError where weights or a checkpoint could not be written: their writers raise errors of their own."""
    try:
        yield
    except Exception as error:
        found = re.search(NO_ROOM, str(error))
        if isinstance(error, OSError | RlraError) or not found:
            raise
        why = os.strerror(int(found[1])).lower() if found[1] else "the disk takes no more"
        raise RlraError(
            f"{folder}: the model cannot be written: {why}",
            hint="make room, then repeat the command: it goes on from the last whole checkpoint",
        ) from None
