"""A staged step has the loss and gradient of TRL's online step, whatever the order, filling or padding of rows."""

import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOTrainer
from trl.trainer import grpo_trainer

from schemas.judged import Judged
from stages.train import Batches, TrainSpec, online_batches, staged_batches
from stages.training.config import grpo_config
from stages.training.staged import FILLER, rows
from stages.training.trl_private import StagedTrainer, trimmed
from tests.stages import staged_runs
from tests.stages.staged_runs import EXACT, changed, forward, scored
from tests.stages.training_groups import sampled, tasks

folder, groups = staged_runs.folder, staged_runs.groups


class Online(GRPOTrainer):
    """TRL's own trainer, which keeps what it sampled and how it scored that."""

    sampled: dict[str, torch.Tensor] | None = None

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        self.sampled = super()._generate_and_score_completions(inputs)
        return self.sampled


def fixed_reward(*, completion_ids: list[list[int]], **others: Any) -> list[float]:
    return [sum(ids) % 17 / 17 for ids in completion_ids]


def trained_online(folder: Path, spec: TrainSpec, output: Path, batches: Batches) -> Online:
    """Train one step with TRL's own trainer, its rows in the order in which they were sampled."""
    config = grpo_config(
        spec,
        batches,
        output,
        num_generations=spec.group_size,
        max_steps=1,
        temperature=spec.temperature,
        max_completion_length=spec.max_tokens,
        remove_unused_columns=False,
    )
    prompts = [{"prompt": [m.model_dump() for m in task.messages]} for task in tasks(spec.prompts_per_step)]
    trainer = Online(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype="float32"),
        reward_funcs=fixed_reward,
        args=config,
        train_dataset=Dataset.from_list(prompts),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    trainer.train()
    return trainer


def trained_staged(folder: Path, given: list[dict[str, Any]], spec: TrainSpec, output: Path, b: Batches) -> Any:
    """Train one step with ours on `given` rows, in their order."""
    config = grpo_config(
        spec,
        b,
        output,
        num_generations=2,
        max_steps=1,
        temperature=spec.temperature,
        max_completion_length=spec.max_tokens,
    )
    trainer = StagedTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype="float32"),
        reward_funcs=fixed_reward,
        args=config,
        train_dataset=Dataset.from_list(given),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    trainer.train()
    return trainer


def as_rows(online: Online, folder: Path) -> list[dict[str, Any]]:
    """Return what the online trainer sampled as staged rows, log-probabilities from a plain forward pass."""
    batch = online.sampled
    assert batch is not None
    policy = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    found = []
    for row in range(len(batch["advantages"])):
        prompt = batch["prompt_ids"][row][batch["prompt_mask"][row].bool()].tolist()
        response = batch["completion_ids"][row][batch["completion_mask"][row].bool()].tolist()
        found.append(
            {
                "prompt": str(row),
                "prompt_ids": prompt,
                "response_ids": response,
                "logprobs": forward(policy, prompt, response, online.temperature),
                "advantage": float(batch["advantages"][row]),
                "reward": 0.0,
            }
        )
    return found


def first_step(trainer: GRPOTrainer) -> tuple[float, float]:
    logged = next(entry for entry in trainer.state.log_history if "loss" in entry)
    return logged["loss"], logged["grad_norm"]


LOSSES = get_args(TrainSpec.model_fields["loss_type"].annotation)


@pytest.mark.parametrize(
    ("loss", "beta", "temperature"),
    [*((loss, 0.0, 1.0) for loss in LOSSES), *((loss, 0.1, 0.8) for loss in ("dapo", "bnpo", "luspo"))],
)
def test_staged_equals_online_in_loss_and_gradient(
    loss: Any, beta: float, temperature: float, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows in the same passes; `bnpo` averages over a pass, so there the order of rows counts."""
    monkeypatch.setattr(grpo_trainer, "shuffle_sequence_dict", lambda batch: batch)
    spec = changed(
        EXACT, loss_type=loss, beta=beta, temperature=temperature, group_size=4, max_tokens=12, max_grad_norm=1e9
    )
    batches = online_batches(spec, 1)
    assert batches.accumulation == 3
    assert batches.micro == 4
    online = trained_online(folder, spec, tmp_path / "online", batches)
    given = as_rows(online, folder)
    staged = trained_staged(folder, given, spec, tmp_path / "staged", batches)
    (loss_a, norm_a), (loss_b, norm_b) = first_step(online), first_step(staged)
    print(f"{loss} beta {beta}: loss {loss_a:.9g} {loss_b:.9g}; gradient norm {norm_a:.9g} {norm_b:.9g}")
    assert len({len(row["response_ids"]) for row in given}) > 2
    assert norm_a > 1e-3
    assert abs(loss_a - loss_b) < 1e-6
    assert norm_b == pytest.approx(norm_a, rel=2e-6)
    assert staged.first_difference < 1e-6
    for (name, a), (_, b) in zip(online.model.named_parameters(), staged.model.named_parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-4), name


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "bnpo"])
def test_our_order_of_rows_changes_neither_loss_nor_gradient(loss: Any, folder: Path, tmp_path: Path) -> None:
    """Rows are dealt by length for speed; only `bnpo` may notice.

    `vespo` weighs whole responses by the sum of log-ratios, in which the rounding of padded passes adds up.
    """
    spec = changed(EXACT, loss_type=loss, max_grad_norm=1e9, prompts_per_step=3)
    work = scored(sampled(folder, 3), spec)
    batches = staged_batches(spec, 4, 1)
    dealt = rows(work, spec, batches, 1)
    assert [len(row["response_ids"]) for row in dealt] != sorted(len(row["response_ids"]) for row in dealt)
    shuffled = [dealt[place] for place in np.random.default_rng(0).permutation(len(dealt))]
    a = first_step(trained_staged(folder, dealt, changed(spec, max_tokens=12), tmp_path / "a", batches))
    b = first_step(trained_staged(folder, shuffled, changed(spec, max_tokens=12), tmp_path / "b", batches))
    assert abs(a[0] - b[0]) < (1e-5 if loss == "vespo" else 1e-6)
    assert b[1] == pytest.approx(a[1], rel=1e-5)


def with_fillers(given: list[dict[str, Any]], fillers: int) -> list[dict[str, Any]]:
    return [*given, *[FILLER] * fillers]


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_that_fill_a_step_change_neither_loss_nor_gradient(loss: Any, folder: Path, tmp_path: Path) -> None:
    spec = changed(EXACT, loss_type=loss, prompts_per_step=2, max_grad_norm=1e9, max_tokens=12, scale_rewards="none")
    given = rows(scored(sampled(folder, 2), spec), spec, Batches(4, 2, 8), 1)
    assert all(row["response_ids"] for row in given)
    plain = first_step(trained_staged(folder, given, spec, tmp_path / "a", Batches(4, 2, 8)))
    filled = first_step(trained_staged(folder, with_fillers(given, 4), spec, tmp_path / "b", Batches(4, 3, 12)))
    assert abs(plain[0] - filled[0]) < 1e-6
    assert filled[1] == pytest.approx(plain[1], rel=1e-5)


def test_rows_that_fill_a_step_change_no_measure(folder: Path, tmp_path: Path) -> None:
    spec = changed(EXACT, prompts_per_step=2, max_tokens=12, beta=0.1)
    given = rows(scored(sampled(folder, 2), spec), spec, Batches(4, 2, 8), 1)
    plain = trained_staged(folder, given, spec, tmp_path / "a", Batches(4, 2, 8)).state.log_history[0]
    filled = trained_staged(folder, with_fillers(given, 8), spec, tmp_path / "b", Batches(4, 4, 16)).state.log_history[
        0
    ]
    assert set(plain) == set(filled)
    for name in ("entropy", "reward", "kl", "sampler_kl", "sampler_ess", "clip_ratio/region_mean", "loss"):
        assert filled[name] == pytest.approx(plain[name], abs=1e-5), name
    assert plain["entropy"] > 1


def test_the_kl_term_has_its_weight_in_the_loss(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    loss = {beta: lone_loss(folder, tmp_path / str(beta), "dapo", beta) for beta in (0.0, 0.1, 0.3)}
    mask, reference = padded_batch()["completion_mask"], padded_batch()["ref_per_token_logps"]
    batch = padded_batch()
    policy = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    total = 0.0
    for row in range(3):
        prompt = batch["prompt_ids"][row][batch["prompt_mask"][row].bool()].tolist()
        response = batch["completion_ids"][row][mask[row].bool()].tolist()
        now = torch.tensor(forward(policy, prompt, response, 1.0))
        log_ratio = reference[row][mask[row].bool()] - now
        ratio = (now - batch["old_per_token_logps"][row][mask[row].bool()]).exp()
        total += float(((log_ratio.exp() - log_ratio - 1) * ratio).sum())  # TRL corrects for the sampler by default
    k3 = total / int(mask.sum())
    assert loss[0.1][0] - loss[0.0][0] == pytest.approx(0.1 * k3, rel=1e-4)
    assert loss[0.3][0] - loss[0.0][0] == pytest.approx(0.3 * k3, rel=1e-4)


def padded_batch() -> dict[str, torch.Tensor]:
    """Return a pass of four rows, one of which only fills, with padding on both sides that no row needs."""
    generator = torch.Generator().manual_seed(2)
    prompt_mask = torch.tensor([[0] * (6 - n) + [1] * n for n in (2, 4, 3, 1)])
    mask = torch.tensor([[1] * n + [0] * (8 - n) for n in (5, 1, 3, 0)])
    return {
        "prompt_ids": torch.randint(3, 400, (4, 6), generator=generator) * prompt_mask + (1 - prompt_mask),
        "prompt_mask": prompt_mask,
        "completion_ids": torch.randint(3, 400, (4, 8), generator=generator) * mask + (1 - mask),
        "completion_mask": mask,
        "advantages": torch.tensor([1.0, -0.5, 0.25, 0.0]),
        "num_items_in_batch": mask.sum(),
        "old_per_token_logps": -torch.rand(4, 8, generator=generator) * 0.1 - 6.0,
        "ref_per_token_logps": -torch.rand(4, 8, generator=generator) * 0.1 - 6.0,
    }


def test_trimming_takes_only_columns_that_are_padding_in_every_row() -> None:
    batch = padded_batch()
    cut = trimmed(batch)
    assert cut["prompt_ids"].tolist() == batch["prompt_ids"][:, 2:].tolist()
    assert cut["prompt_mask"].tolist() == batch["prompt_mask"][:, 2:].tolist()
    for name in ("completion_ids", "completion_mask", "old_per_token_logps", "ref_per_token_logps"):
        assert cut[name].tolist() == batch[name][:, :5].tolist()
    assert cut["advantages"] is batch["advantages"]
    assert cut["num_items_in_batch"] is batch["num_items_in_batch"]
    only_fillers = {name: value[3:] if value.dim() else value for name, value in batch.items()}
    assert trimmed(only_fillers)["completion_ids"].shape == (1, 1)


@pytest.mark.parametrize("loss", LOSSES)
def test_trimming_changes_no_loss(loss: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = lone_loss(folder, tmp_path / "cut", loss, beta=0.1)
    monkeypatch.setattr("stages.training.trl_private.trimmed", lambda batch: batch)
    whole = lone_loss(folder, tmp_path / "whole", loss, beta=0.1)
    assert abs(cut[0]) > 1e-3
    assert cut == pytest.approx(whole, rel=1e-5, abs=1e-6)


def lone_loss(folder: Path, output: Path, loss: Any, beta: float) -> tuple[float, float]:
    """Return loss and gradient norm of one pass over `padded_batch`, the only one of its step."""
    spec = changed(EXACT, loss_type=loss, beta=beta, max_tokens=8)
    config = grpo_config(spec, Batches(4, 1, 4), output, num_generations=2, max_completion_length=8)
    trainer = StagedTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype="float32"),
        reward_funcs=fixed_reward,
        args=config,
        train_dataset=Dataset.from_list([FILLER]),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    trainer.current_gradient_accumulation_steps = 1
    trainer.worst_start = math.inf
    trainer.model.train()
    value = trainer._compute_loss(trainer.model, padded_batch())
    value.backward()
    return float(value.detach()), sum(float(p.grad.norm() ** 2) for p in trainer.model.parameters()) ** 0.5
