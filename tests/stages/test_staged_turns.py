"""Staged training on conversations: each response is learned behind the prompt that it answered."""

from collections import Counter
from pathlib import Path

import pytest

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.rollouts import unpack
from stages.models.hf import HFModel
from stages.models.weights import weights_of
from stages.rollout import RolloutSpec, rollout
from stages.train import Batches, TrainSpec
from stages.training.advantages import Scored, scored_groups
from stages.training.staged import rows, train_staged
from tests.stages.training_groups import tasks, with_rewards
from tests.tiny_model import tiny_model

SPEC = TrainSpec(bf16=False, learning_rate=1e-3, prompts_per_step=2, micro_batch=4, save_every=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def groups(folder: Path) -> list[Judged]:
    """Return one group of two turns and one of a single turn, with rewards that differ."""
    model = HFModel(f"hf:{folder}", str(folder), weights_of(f"hf:{folder}")[1], "float32")
    one, two = tasks(2)
    two = two.model_copy(update={"follow_ups": ("Why?",)})
    sampled = rollout([one, two], RolloutSpec(group_size=4, max_tokens=12, seed=5), model)
    return [with_rewards(group, [0.0, 0.25, 0.5, 1.0]) for group in sampled]


def scored(groups: list[Judged]) -> list[Scored]:
    return scored_groups(groups, SPEC.scale_rewards, 0, Counter())


def test_each_row_has_the_prompt_of_its_response(groups: list[Judged]) -> None:
    given = rows(scored(groups), SPEC, Batches(8, 1, 8), 1)
    wanted = [
        (group.id, unpack(response.prompt_tokens or group.prompt_tokens or "", "i"), unpack(response.tokens.ids, "i"))
        for group in groups
        for response in group.responses
        if response.tokens
    ]
    assert sorted((row["prompt"], row["prompt_ids"], row["response_ids"]) for row in given) == sorted(wanted)
    assert len({tuple(prompt) for _, prompt, _ in wanted}) == 1 + 4


def test_the_trainer_agrees_with_the_sampler_on_conversations(
    groups: list[Judged], folder: Path, tmp_path: Path
) -> None:
    trainer, reason = train_staged(scored(groups), str(folder), SPEC, tmp_path / "right", 1, lambda line: None)
    assert (trainer.state.global_step, reason) == (1, None)
    torn = [
        group.model_copy(
            update={
                "responses": tuple(one.model_copy(update={"prompt_tokens": None}) for one in group.responses),
            }
        )
        for group in groups
    ]
    with pytest.raises(RlraError, match="log-probabilities differ from the stored ones"):
        train_staged(scored(torn), str(folder), SPEC, tmp_path / "wrong", 1, lambda line: None)
