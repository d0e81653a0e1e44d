"""What a run says while it learns: one `train_log/1` record per step, and the guards that end it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from schemas.train_log import TrainLog
from stages.train import TrainSpec

NOT_FINITE = "loss or gradient is not a finite number"


class StepLog(TrainerCallback):
    """Hands every step's measures to `write`, on the first process alone.

    `measured` has what was known of each step before the run began. `seconds/step` is the wall time of a step of the
    first process, checkpoints apart; `seconds/learning` is what sampling and judging leave of it.
    """

    def __init__(self, write: Callable[[TrainLog], None], measured: Sequence[Mapping[str, float]] = ()) -> None:
        self._write, self._measured = write, measured
        self._started = self._step_began = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Start the clock of a step."""
        self._step_began = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **more: Any) -> None:
        """Write one record; values that are not finite numbers are left out."""
        if not state.is_world_process_zero or not logs or "loss" not in logs:
            return
        known = self._measured[state.global_step - 1] if self._measured else {}
        metrics = {name: float(value) for name, value in {**logs, **known}.items() if _finite(value)}
        metrics["seconds/step"] = now = round(time.monotonic() - self._step_began, 3)
        others = sum(metrics.get(f"seconds/{part}", 0.0) for part in ("sampling", "judging"))
        metrics["seconds/learning"] = round(max(now - others, 0.0), 3)
        self._write(
            TrainLog(
                id=f"step-{state.global_step:06d}",
                step=state.global_step,
                steps=state.max_steps,
                seconds=round(time.monotonic() - self._started, 2),
                metrics=metrics,
            )
        )


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


class Guard(TrainerCallback):
    """Ends a run that no longer learns from what was sampled, and keeps the reason."""

    def __init__(self, spec: TrainSpec) -> None:
        self._spec = spec
        self.reason: str | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **more: Any) -> None:
        """Stop after this step when a measure has crossed its bar."""
        if logs and "loss" in logs and self.reason is None:
            self.reason = self._crossed(logs)
            control.should_training_stop = control.should_training_stop or self.reason is not None
            if self.reason == NOT_FINITE:
                control.should_save = False  # the checkpoint before this step is worth more

    def _crossed(self, logs: dict[str, Any]) -> str | None:
        spec = self._spec
        if not _finite(logs["loss"]) or not _finite(logs.get("grad_norm", 0.0)):
            return NOT_FINITE
        if (kl := logs.get("sampler_kl") or 0.0) > spec.max_kl:
            return f"KL to the sampler {kl:.3f} > {spec.max_kl}"
        if (ess := logs.get("sampler_ess", 1.0)) is not None and ess < spec.min_ess:
            return f"effective share of responses {ess:.3f} < {spec.min_ess}"
        if (clip := logs.get("clip_ratio/region_mean") or 0.0) > spec.max_clip:
            return f"clipped share of tokens {clip:.3f} > {spec.max_clip}"
        return None


def attach(
    trainer: Any, write: Callable[[TrainLog], None], guard: Guard, measured: Sequence[Mapping[str, float]] = ()
) -> None:
    """Let the step log and the guard follow `trainer`, in place of the printer that would write to stdout."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(StepLog(write, measured))
    trainer.add_callback(guard)
