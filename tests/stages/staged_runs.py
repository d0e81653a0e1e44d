"""Staged runs on a tiny model, exact enough to compare, for tests of training."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.train import TrainSpec
from stages.training.advantages import Scored, scored_groups
from stages.training.staged import train_staged
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

EXACT = TrainSpec(bf16=False, learning_rate=1e-3, prompts_per_step=3, micro_batch=4, save_every=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model."""
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def groups(folder: Path) -> list[Judged]:
    """Return judged groups that this model sampled."""
    return sampled(folder, 6)


def changed(spec: TrainSpec, **fields: Any) -> TrainSpec:
    """Return the spec with other fields."""
    return spec.model_copy(update=fields)


def scored(groups: Sequence[Judged], spec: TrainSpec = EXACT) -> list[Scored]:
    """Return the groups with the advantages that `spec` gives them."""
    return scored_groups(groups, spec.scale_rewards, spec.responses_per_prompt, Counter())


class Run:
    """What a staged run did."""

    def __init__(self, groups: Sequence[Judged], weights: Path, spec: TrainSpec, folder: Path) -> None:
        self.log: list[TrainLog] = []
        work = scored(groups, spec)
        self.trainer, self.reason = train_staged(work, str(weights), spec, folder, 1, self.log.append)

    def measured(self, name: str) -> list[float]:
        return [line.metrics[name] for line in self.log if name in line.metrics]


def forward(policy: Any, prompt: list[int], response: list[int], temperature: float) -> list[float]:
    """Return the log-probabilities of a response in a plain forward pass."""
    with torch.no_grad():
        logits = policy(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1].float()
    return torch.log_softmax(logits / temperature, -1).gather(-1, torch.tensor(response)[:, None])[:, 0].tolist()
