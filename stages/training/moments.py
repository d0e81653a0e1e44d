"""The optimizer's moments, handed on from one run to the next.

An optimizer that begins anew takes steps of full size in whatever direction the first few gradients have, noise for the
most part, until its averages are there again. Short runs that follow each other would consist of little else.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import TrainerCallback

from schemas.errors import RlraError
from stages.train import MOMENTS, moments_in


class HandedOn(TrainerCallback):
    """Gives the optimizer of `trainer` the moments in a file before the first step, and not where a run goes on."""

    def __init__(self, trainer: Any, file: Path) -> None:
        self._trainer, self._file = trainer, file

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Take the moments over. Raises RlraError where they are another optimizer's, or another model's."""
        if state.global_step:
            return
        optimizer = self._trainer.optimizer
        held = [weight for group in optimizer.param_groups for weight in group["params"]]
        found = read_moments(self._file)
        if sorted(found) != list(range(len(held))) or any(not _fits(found[n], one) for n, one in enumerate(held)):
            raise RlraError(f"{self._file}: moments of another model or optimizer", hint="leave out --keep-optimizer")
        optimizer.load_state_dict({"state": found, "param_groups": optimizer.state_dict()["param_groups"]})


def _fits(state: dict[str, Any], weight: torch.Tensor) -> bool:
    return all(value.shape == weight.shape for value in state.values() if torch.is_tensor(value) and value.dim())


def hand_on(trainer: Any, weights: str) -> None:
    """Let `trainer` go on with the moments that lie beside the weights that it begins with, where there are some.

    Then there is no warm-up: the averages are there. Raises RlraError where every process holds a part of them.
    """
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        raise RlraError("--keep-optimizer: every process holds a part of the moments", hint="leave it out")
    if file := moments_in(weights):
        trainer.args.warmup_steps = 0
        trainer.add_callback(HandedOn(trainer, file))


def save_moments(trainer: Any, folder: Path) -> None:
    """Write the optimizer's moments below `folder`, as one file that is renamed into place; the first process calls it.

    Nothing is written of an optimizer that holds anything but tensors and numbers.
    """
    states = trainer.optimizer.state_dict()["state"]
    named = {f"{index}.{name}": value for index, state in states.items() for name, value in state.items()}
    tensors = {name: value.contiguous() for name, value in named.items() if torch.is_tensor(value)}
    numbers = {name: value for name, value in named.items() if name not in tensors}
    if not (tensors and all(isinstance(value, int | float | None) for value in numbers.values())):
        return
    place = folder / MOMENTS
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name("saving")
    save_file(tensors, partial, metadata={name: json.dumps(value) for name, value in numbers.items()})
    partial.replace(place)


def read_moments(file: Path) -> dict[int, dict[str, Any]]:
    """Return what `save_moments` wrote: by the number of the weight, what the optimizer knew of it."""
    found: dict[int, dict[str, Any]] = {}
    with safe_open(file, framework="pt") as held:
        values = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118  (it is no mapping)
        values |= {name: json.loads(text) for name, text in (held.metadata() or {}).items()}
    for name, value in values.items():
        index, _, what = name.partition(".")
        found.setdefault(int(index), {})[what] = value
    return found
