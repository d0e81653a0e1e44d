"""A staged run: it starts from its sampler, stops when it has left it, and what it saves is what it trained."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.rollouts import Tokens, pack, unpack
from stages.models.weights import weights_of
from stages.train import Batches
from stages.training.save import save_policy
from stages.training.staged import last_checkpoint, rows
from stages.training.trl_private import StagedTrainer
from tests.stages import staged_runs
from tests.stages.staged_runs import EXACT, Run, changed, forward, scored
from tests.stages.training_groups import SPEC, sampled
from tests.tiny_model import tiny_model

folder, groups = staged_runs.folder, staged_runs.groups


# Fresh rollouts of our own.


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_on_fresh_rollouts_the_trainer_agrees_with_the_sampler(
    temperature: float, folder: Path, tmp_path: Path
) -> None:
    fresh = sampled(folder, 6, SPEC.model_copy(update={"temperature": temperature}))
    run = Run(fresh, folder, EXACT, tmp_path)
    print(f"mean |Δ logp| {run.trainer.first_difference:.3g}")
    assert run.trainer.first_difference is not None
    assert 0 < run.trainer.first_difference < 1e-4
    assert run.measured("sampler_difference")[0] == run.trainer.first_difference
    assert run.measured("sampler_kl")[0] == pytest.approx(0, abs=1e-6)
    assert run.measured("sampler_ess")[0] == pytest.approx(1, abs=1e-4)
    assert run.measured("sampler_difference")[1] > 1e-4  # the policy has moved since
    assert run.reason is None


def test_the_log_has_one_record_per_step_with_its_measures(
    groups: list[Judged], folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = Run(groups, folder, changed(EXACT, epochs=2, learning_rate=1e-4), tmp_path)
    assert run.reason is None
    assert [line.step for line in run.log] == [1, 2, 3, 4]
    assert [line.id for line in run.log] == ["step-000001", "step-000002", "step-000003", "step-000004"]
    for line in run.log:
        assert {"loss", "grad_norm", "learning_rate", "sampler_kl", "sampler_ess", "entropy"} <= set(line.metrics)
    assert capfd.readouterr().out == ""


def test_a_step_raises_the_chance_of_what_was_rewarded(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    run = Run(groups, folder, changed(EXACT, prompts_per_step=6), tmp_path)
    before = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    after = run.trainer.model.eval()
    gain = 0.0
    for one in scored(groups):
        prompt = unpack(one.group.prompt_tokens or "", "i")
        for response, advantage in zip(one.responses, one.advantages, strict=True):
            ids = unpack(response.tokens.ids, "i") if response.tokens else []
            was, now = (sum(forward(model, prompt, ids, 1.0)) for model in (before, after))
            gain += advantage * (now - was)
    assert gain > 0.1


def test_equal_runs_end_with_equal_weights(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "other"):
        spec = changed(EXACT, seed=int(name == "other"), prompts_per_step=2)
        save_policy(Run(groups, folder, spec, tmp_path / name / "steps").trainer, tmp_path / name)
    a, b, other = (weights_of(f"hf:{tmp_path / name}")[1] for name in ("a", "b", "other"))
    assert a == b != weights_of(f"hf:{folder}")[1]
    assert other != a  # another order of groups


# What must not start, and what must stop.


def with_logprobs(group: Judged, change: Callable[[list[float]], list[float]]) -> Judged:
    """Return the group with other stored log-probabilities."""
    responses = []
    for response in group.responses:
        assert response.tokens is not None
        stored = pack(change(unpack(response.tokens.logprobs, "f")), "f")
        responses.append(response.model_copy(update={"tokens": Tokens(ids=response.tokens.ids, logprobs=stored)}))
    return group.model_copy(update={"responses": tuple(responses)})


def at_temperature(group: Judged, temperature: float) -> Judged:
    sampling = group.policy.sampling.model_copy(update={"temperature": temperature})
    return group.model_copy(update={"policy": group.policy.model_copy(update={"sampling": sampling})})


def test_a_wrong_temperature_is_refused(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RlraError, match="log-probabilities differ from the stored ones by") as caught:
        Run([at_temperature(group, 0.8) for group in groups], folder, EXACT, tmp_path)
    assert caught.value.hint


def test_log_probabilities_of_other_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    other = sampled(tiny_model(tmp_path / "other", seed=1), 6)
    with pytest.raises(RlraError, match="log-probabilities differ from the stored ones by"):
        Run(other, folder, EXACT, tmp_path / "run")


def test_log_probabilities_that_are_no_numbers_are_refused(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RlraError, match="log-probabilities differ"):
        Run(
            [with_logprobs(group, lambda stored: [math.nan] * len(stored)) for group in groups], folder, EXACT, tmp_path
        )


def test_a_loss_that_is_no_number_stops_the_run_and_says_why(
    groups: list[Judged], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = StagedTrainer._compute_loss

    def spoiled(self: Any, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return real(self, model, inputs) * (math.nan if self.state.global_step == 1 else 1.0)

    monkeypatch.setattr(StagedTrainer, "_compute_loss", spoiled)
    run = Run(groups, folder, changed(EXACT, prompts_per_step=1), tmp_path)
    assert run.reason == "loss or gradient is not a finite number"
    assert run.trainer.state.global_step == 2
    assert "loss" not in run.log[-1].metrics
    assert all(math.isfinite(value) for line in run.log for value in line.metrics.values())


@pytest.mark.parametrize(
    ("bars", "words"),
    [
        ({"max_kl": 1e-4, "min_ess": 0.0, "max_clip": 1.0}, "KL to the sampler"),
        ({"max_kl": 99.0, "min_ess": 0.9, "max_clip": 1.0}, "effective share of responses"),
        ({"max_kl": 99.0, "min_ess": 0.0, "max_clip": 0.01}, "clipped share of tokens"),
    ],
)
def test_a_policy_that_left_its_sampler_stops_and_says_why(
    bars: dict[str, float], words: str, groups: list[Judged], folder: Path, tmp_path: Path
) -> None:
    spec = changed(EXACT, prompts_per_step=1, learning_rate=2e-2, epochs=3, **bars)
    run = Run(groups, folder, spec, tmp_path)
    assert run.reason is not None and run.reason.startswith(words)
    assert 1 < run.trainer.state.global_step < 18
    assert len(run.log) == run.trainer.state.global_step


def test_the_same_run_with_wide_bars_goes_on_to_its_end(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    wide = {"max_kl": 1e9, "min_ess": 0.0, "max_clip": 1.0}
    run = Run(groups, folder, changed(EXACT, prompts_per_step=1, learning_rate=2e-2, epochs=2, **wide), tmp_path)
    assert run.reason is None
    assert run.trainer.state.global_step == 12


# Reference, LoRA, padding.


@pytest.mark.parametrize("rank", [0, 4])
def test_the_reference_is_the_model_that_training_starts_from(
    rank: int, groups: list[Judged], folder: Path, tmp_path: Path
) -> None:
    spec = changed(EXACT, beta=0.5, prompts_per_step=2, lora_rank=rank, learning_rate=1e-2 if rank else 1e-3)
    run = Run(groups, folder, spec, tmp_path)
    assert run.measured("kl")[0] == pytest.approx(0, abs=1e-6)
    assert run.measured("kl")[-1] > 1e-4
    row = rows(scored(groups), spec, Batches(1, 24, 24), 1)[0]
    trainer = run.trainer
    reference = trainer._generate_and_score_completions([row])["ref_per_token_logps"][0].tolist()
    start = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    assert reference == pytest.approx(forward(start, row["prompt_ids"], row["response_ids"], 1.0), abs=1e-4)
    now = forward(trainer.model.eval(), row["prompt_ids"], row["response_ids"], 1.0)
    assert reference != pytest.approx(now, abs=1e-2)


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_a_lora_is_merged_when_saved(beta: float, groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    spec = changed(EXACT, lora_rank=4, learning_rate=1e-2, beta=beta, prompts_per_step=2)
    run = Run(groups, folder, spec, tmp_path / "steps")
    assert run.trainer.first_difference is not None and run.trainer.first_difference < 1e-4
    if beta:
        assert run.measured("kl")[0] == pytest.approx(0, abs=1e-6)
        assert run.measured("kl")[-1] > 1e-6
    live = run.trainer.model.eval()
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        expected = live(ids).logits
    save_policy(run.trainer, tmp_path / "out")
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    before = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert type(saved).__name__ == "LlamaForCausalLM"
    assert {name for name, _ in saved.named_parameters()} == {name for name, _ in before.named_parameters()}
    assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template
    assert sorted(file.name for file in (tmp_path / "out").iterdir() if "adapter" in file.name) == []
    with torch.no_grad():
        assert torch.allclose(saved(ids).logits, expected, atol=1e-4)
        assert not torch.allclose(before(ids).logits, expected, atol=1e-2)


def test_a_saved_policy_samples_as_the_trained_one(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    run = Run(groups, folder, EXACT, tmp_path / "steps")
    save_policy(run.trainer, tmp_path / "out")
    again = Run(sampled(tmp_path / "out", 6), tmp_path / "out", EXACT, tmp_path / "again")
    assert again.trainer.first_difference is not None and again.trainer.first_difference < 1e-4


# Checkpoints.


def test_a_checkpoint_that_was_being_written_is_passed_over(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    spec = changed(EXACT, prompts_per_step=2, save_every=1)
    Run(groups, folder, spec, tmp_path)
    whole = last_checkpoint(tmp_path)
    assert whole is not None and whole.endswith("checkpoint-3")
    torn = tmp_path / "checkpoint-4"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    assert last_checkpoint(tmp_path) == whole
    (torn / "trainer_state.json").write_text('{"epoch": 0.5, "glob')
    assert last_checkpoint(tmp_path) == whole
    assert last_checkpoint(tmp_path / "nowhere") is None
