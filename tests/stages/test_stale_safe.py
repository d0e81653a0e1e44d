"""`--stale-safe`: one ratio per response, and nothing learned from bad responses that the policy has since left."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM

from schemas.judged import Judged
from stages.train import Batches, TrainSpec
from stages.training.config import grpo_config
from stages.training.staged import rows
from stages.training.trl_private import StagedTrainer
from tests.stages.staged_runs import EXACT, Run, changed, forward, scored
from tests.stages.test_train_loss import first_step, trained_staged
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

SAFE = changed(EXACT, stale_safe=True, prompts_per_step=2, max_grad_norm=1e9, max_tokens=12)
ONE_STEP = Batches(4, 2, 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def groups(folder: Path) -> list[Judged]:
    return sampled(folder, 4)


@pytest.fixture
def given(groups: Sequence[Judged], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the rows of one step, in a run that starts however far off they are."""
    monkeypatch.setattr(StagedTrainer, "worst_start", float("inf"))
    return rows(scored(groups[:2], SAFE), SAFE, ONE_STEP, 1)


def shifted(row: dict[str, Any], by: float, **fields: Any) -> dict[str, Any]:
    """Return a row that its sampler gave e^by times the probability per token."""
    return {**row, "logprobs": [value + by for value in row["logprobs"]], **fields}


def stepped(folder: Path, given: list[dict[str, Any]], output: Path, spec: TrainSpec = SAFE) -> Any:
    return trained_staged(folder, given, spec, output, ONE_STEP)


def test_a_bad_response_far_off_policy_is_learned_from_as_if_it_had_no_advantage(
    folder: Path, given: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The clip range is wide here: at 0.2, one ratio per response clips whatever the mask would leave out."""
    wide = changed(SAFE, set={"epsilon": 0.9})
    bad = min(range(8), key=lambda place: given[place]["advantage"])
    off = [shifted(row, 1.0) if place == bad else row for place, row in enumerate(given)]
    without = [shifted(row, 1.0, advantage=0.0) if place == bad else row for place, row in enumerate(given)]
    masked, absent, unmasked = (
        stepped(folder, off, tmp_path / "a", wide),
        stepped(folder, without, tmp_path / "b", wide),
        stepped(folder, off, tmp_path / "c", changed(SAFE, set={"epsilon": 0.9, "off_policy_mask_threshold": 2.0})),
    )
    assert masked.state.log_history[0]["off_policy_masked"] == pytest.approx(1 / 8)
    assert first_step(masked) == pytest.approx(first_step(absent), rel=1e-6, abs=1e-9)
    assert unmasked.state.log_history[0]["off_policy_masked"] == 0
    assert first_step(unmasked)[1] != pytest.approx(first_step(masked)[1], rel=1e-3)


@pytest.mark.parametrize("by", [0.45, -1.0])
def test_what_is_near_or_has_become_likelier_is_not_masked(
    by: float, folder: Path, given: list[dict[str, Any]], tmp_path: Path
) -> None:
    trainer = stepped(folder, [shifted(row, by) for row in given], tmp_path)
    assert trainer.state.log_history[0]["off_policy_masked"] == 0


def test_a_good_response_is_never_masked(folder: Path, given: list[dict[str, Any]], tmp_path: Path) -> None:
    trainer = stepped(folder, [shifted(row, 3.0) for row in given], tmp_path)
    below = sum(row["advantage"] < 0 for row in given)
    assert 0 < below < 8
    assert trainer.state.log_history[0]["off_policy_masked"] == pytest.approx(below / 8)


def test_the_ratio_is_one_per_response_and_clipped(folder: Path, given: list[dict[str, Any]], tmp_path: Path) -> None:
    """The formula of GSPO (arXiv 2507.18071, eq. 5 to 7), written out over plain forward passes."""
    policy = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    off = [shifted(row, 0.08 * place - 0.3) for place, row in enumerate(given)]
    expected = 0.0
    for row in off:
        now = torch.tensor(forward(policy, row["prompt_ids"], row["response_ids"], 1.0))
        ratio = float((now - torch.tensor(row["logprobs"])).mean().exp())
        clipped = min(max(ratio, 0.8), 1.2)
        expected -= min(ratio * row["advantage"], clipped * row["advantage"]) / len(off)
    trainer = stepped(folder, off, tmp_path)
    assert abs(expected) > 1e-2
    assert first_step(trainer)[0] == pytest.approx(expected, rel=1e-4)
    assert trainer.state.log_history[0]["clip_ratio/region_mean"] > 0


def test_on_policy_it_masks_nothing_and_the_guards_stay(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    spec = changed(EXACT, stale_safe=True, prompts_per_step=1, learning_rate=2e-2, epochs=3, max_kl=1e-4)
    run = Run(groups, folder, spec, tmp_path)
    assert run.measured("off_policy_masked")[0] == 0
    assert run.reason is not None and run.reason.startswith("KL to the sampler")
    assert run.trainer.state.global_step < 12


def test_it_is_a_form_of_grpo_and_goes_with_no_other_loss(tmp_path: Path) -> None:
    for loss in ("dapo", "grpo"):
        config = grpo_config(changed(SAFE, loss_type=loss), Batches(2, 1, 2), tmp_path, num_generations=2)
        assert (config.loss_type, config.importance_sampling_level) == ("grpo", "sequence")
        assert config.off_policy_mask_threshold == 0.5
    with pytest.raises(ValidationError, match="does not go with --loss-type cispo"):
        TrainSpec(stale_safe=True, loss_type="cispo")
