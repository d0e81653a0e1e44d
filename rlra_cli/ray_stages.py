"""What an actor opens for `--engine ray`: a command's stage with its models, on the lines of a block."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlra_cli.judge_panel import PanelOptions, opened_panel
from rlra_cli.judge_work import Judging, taken
from rlra_cli.models import opened_model
from rlra_cli.options import EndpointOptions, ModelOptions
from schemas.jsonl import parse
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.rubric import Rubric
from schemas.task import Task
from stages.judge import judge
from stages.models.endpoint import parted
from stages.ray_engine import Work
from stages.rollout import RolloutSpec, rollout

if TYPE_CHECKING:
    from stages.models.base import Model


@dataclass(frozen=True)
class About:
    """What a manifest says of a model, known without loading it."""

    dtype: str
    revision: str


@contextlib.contextmanager
def described(reference: str, endpoint: EndpointOptions, run: ModelOptions, dtype: str) -> "Iterator[Model | About]":
    """Yield what `opened_model` would say of a model that actors open, without its weights. Raises what that raises."""
    if reference != "smollm2" and not reference.startswith(("hf:", "vllm:")):
        with opened_model(reference, endpoint, run, dtype) as server:
            yield server
        return
    from stages.models.weights import weights_of

    yield About(dtype, weights_of(reference)[1])


@dataclass(frozen=True)
class Sampling:
    """`rollout` in an actor, with one model that answers in one process."""

    spec: RolloutSpec
    reference: str
    endpoint: EndpointOptions
    model: ModelOptions
    dtype: str
    rubrics: tuple[Rubric, ...] = ()
    add: bool = False

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Work]:
        """Open the model, and close it at the end. Raises what that raises."""
        alone = self.model.model_copy(update={"processes": 1})
        with opened_model(self.reference, self.endpoint, alone, self.dtype) as policy:

            def work(lines: list[bytes], counts: Counter[str]) -> Iterator[Rollouts]:
                tasks = (parse(line, Task, "rollout") for line in lines)
                return rollout(tasks, self.spec, policy, self.rubrics, self.add)

            yield work


@dataclass(frozen=True)
class Bench:
    """`judge` in an actor, with a panel of its own."""

    judging: Judging
    models: tuple[str, ...]
    panel: PanelOptions
    endpoint: EndpointOptions

    @property
    def judges(self) -> list[str]:
        """The references of all who judge."""
        return [parted(model)[0] for model in (*self.models, *filter(None, [self.panel.strong]))]

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Work]:
        """Open the panel, and close it at the end. Raises what that raises."""
        judging, spec = self.judging, self.judging.spec
        with opened_panel(list(self.models), self.panel, self.endpoint, spec.method) as panel:

            def work(lines: list[bytes], counts: Counter[str]) -> Iterator[Judged]:
                before = taken(panel)
                groups = (_group(line) for line in lines)
                yield from judge(groups, spec, panel, judging.rubrics, judging.add, counts)
                counts.update(taken(panel) - before)

            yield work


def _group(line: bytes) -> Rollouts:
    return parse(line, Judged if line.startswith(b'{"schema":"judged/') else Rollouts, "judge")
