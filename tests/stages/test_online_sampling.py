"""Online sampling in bfloat16 casts each weight once a batch, and samples and learns what TRL alone does."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOTrainer

from stages.train import TrainSpec, online_batches
from stages.training.config import grpo_config
from stages.training.trl_private import OnlineTrainer
from tests.stages import staged_runs

folder = staged_runs.folder
SPEC = TrainSpec(learning_rate=1e-2, prompts_per_step=2, group_size=4, max_tokens=12, save_every=0)


class Casts(TorchDispatchMode):
    """Counts how often each tensor is cast to bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        self.of = Counter[int]()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten._to_copy.default and kwargs.get("dtype") is torch.bfloat16:
            self.of[args[0].data_ptr()] += 1
        return function(*args, **(kwargs or {}))


class Watched(GRPOTrainer):
    """Keeps what is sampled in each step, and how often each weight was cast for it."""

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        with Casts() as casts:
            answers = super()._generate_single_turn(*args, **kwargs)
        weights = {weight.data_ptr() for weight in self.model.parameters()}
        seen: list[Any] = self.__dict__.setdefault("seen", [])
        seen.append((answers[0], {casts.of[weight] for weight in weights} - {0}))
        return answers


class WatchedOurs(Watched, OnlineTrainer):
    """Ours, watched from outside."""


def reward(*, completion_ids: list[list[int]], **others: Any) -> list[float]:
    return [sum(ids) % 17 / 17 for ids in completion_ids]


def trained(kind: Any, folder: Path, output: Path) -> Any:
    """Train two steps."""
    trainer = kind(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype="float32"),
        reward_funcs=reward,
        args=grpo_config(
            SPEC, online_batches(SPEC, 1), output, num_generations=4, max_steps=2, max_completion_length=12
        ),
        train_dataset=Dataset.from_list([{"prompt": "Name three birds."}, {"prompt": "Write a letter."}] * 2),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    trainer.train()
    return trainer


@pytest.fixture(scope="module")
def runs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Return a run of TRL's own trainer, and one of ours."""
    own, ours = (trained(kind, folder, tmp_path_factory.mktemp("run")) for kind in (Watched, WatchedOurs))
    return own, ours


def test_every_weight_is_cast_once_for_all_tokens_of_a_batch(runs: tuple[Any, Any]) -> None:
    own, ours = runs
    assert [casts for _, casts in ours.seen] == [{1}, {1}]
    assert all(casts == {max(map(len, answers))} for answers, casts in own.seen)


def test_the_same_is_sampled_and_learned_as_by_trl_alone(runs: tuple[Any, Any]) -> None:
    """In the second step too, whose weights are others: no cast outlives its batch."""
    own, ours = runs
    assert [answers for answers, _ in ours.seen] == [answers for answers, _ in own.seen]
    for mine, theirs in zip(ours.model.parameters(), own.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
