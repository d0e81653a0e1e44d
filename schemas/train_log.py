"""`train_log/1`: one line per optimizer step of a training run."""

from typing import Any, ClassVar

from pydantic import Field

from schemas.base import Record


class TrainLog(Record):
    """What one step measured, or why the run ended."""

    KIND: ClassVar[str] = "train_log"

    step: int = Field(ge=0)
    """Optimizer steps done, this one included."""
    steps: int | None = Field(default=None, ge=1)
    """Steps after which the run ends, if nothing ends it before; None on lines that tell of no step."""
    seconds: float = Field(ge=0)
    """Wall time since the run, or its resumption, began."""
    metrics: dict[str, float] = {}
    """Loss, gradient norm, reward, KL to the sampler, lengths and whatever else the trainer measured."""
    event: str | None = None
    """Set on lines that tell of something else than a step: `finished`, `stopped: KL 0.31 > 0.2`, `alarm: …`."""
    meta: dict[str, Any] = {}
    """Counts that belong to an event, such as dropped groups by reason."""
