"""All use of TRL's private API. Written for TRL 1.16; `tests/stages/test_trl_private.py` holds its contract."""

import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils.data import Sampler
from trl import GRPOTrainer
from trl.trainer.utils import RepeatSampler, pad, split_tensor_dict

TOKEN_MEAN = ("dapo", "cispo", "vespo")
"""Losses that TRL divides by the response tokens of the whole step. `bnpo` is a mean over those of a pass, and all
others are means over the rows of a pass."""
COLUMNS = ["prompt", "prompt_ids", "response_ids", "logprobs", "advantage", "reward"]


class OnlineTrainer(GRPOTrainer):
    """GRPO as TRL does it, but with weights cast to bfloat16 once for all tokens that are sampled, and not for each.

    The same is sampled. A cast is kept as long as the outermost autocast lasts, which without this is one forward pass.
    """

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        with self._kept_casts():
            return super()._generate_single_turn(*args, **kwargs)

    def _kept_casts(self) -> AbstractContextManager[Any]:
        """Return the autocast to sample in. Weights in parts come and go, and vLLM's are handed over as they are."""
        elsewhere = self.use_vllm or self.is_fsdp_enabled or self.is_deepspeed_enabled
        return nullcontext() if elsewhere else self.accelerator.autocast()


class StagedTrainer(GRPOTrainer):
    """GRPO on stored responses: TRL's losses, checkpoints and logging, with nothing sampled.

    A data set row is one scored response: `prompt_ids`, `response_ids`, `logprobs` (the sampler's),
    `advantage`, and for the log the mean `reward` of its group. A row without `response_ids` fills a
    batch and carries no loss. The stored log-probabilities are the old ones of the importance
    ratio, so ratios are exact.
    """

    first_difference: float | None = None
    """Mean |Δ log-probability| between trainer and sampler on the first batch, per response token."""
    worst_start: float = 0.05
    """Above this first difference the run is refused: something does not match."""

    _diluted_by: float = 1.0

    # TRL leaves these without a type that says what they hold.
    args: Any
    train_dataset: Any
    _signature_columns: Any
    _buffered_inputs: Any

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = COLUMNS

    def _get_train_sampler(self, dataset: Any = None) -> Sampler:
        return RepeatSampler(
            data_source=self.train_dataset if dataset is None else dataset,
            mini_repeat_count=1,
            batch_size=self.args.generation_batch_size,
            repeat_count=self.args.steps_per_generation,
            shuffle=False,
            seed=self.args.seed,
        )

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, torch.Tensor]:
        """Return the next pass of the step. Unlike TRL's, rows stay in order: those of like length share a pass."""
        passes = self.args.steps_per_generation
        if self._step % passes == 0 or self._buffered_inputs is None:
            batch: Any = self._generate_and_score_completions(generation_batch)
            self._buffered_inputs = split_tensor_dict(batch, passes)
        return self._buffered_inputs[self._step % passes]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        device = self.accelerator.device
        filler = int(self._tokenizer.pad_token_id)
        prompts = [torch.tensor(row["prompt_ids"] or [filler]) for row in inputs]
        responses = [torch.tensor(row["response_ids"] or [filler]) for row in inputs]
        masks = [
            torch.full((len(ids),), int(bool(row["response_ids"]))) for ids, row in zip(responses, inputs, strict=True)
        ]
        stored = [torch.tensor(row["logprobs"] or [0.0], dtype=torch.float32) for row in inputs]
        mask = pad(masks, padding_value=0, padding_side="right").to(device)
        batch = {
            "prompt_ids": pad(prompts, padding_value=filler, padding_side="left").to(device),
            "prompt_mask": pad([torch.ones_like(ids) for ids in prompts], padding_value=0, padding_side="left").to(
                device
            ),
            "completion_ids": pad(responses, padding_value=filler, padding_side="right").to(device),
            "completion_mask": mask,
            "advantages": torch.tensor([row["advantage"] for row in inputs], dtype=torch.float32, device=device),
            "num_items_in_batch": self.accelerator.gather(mask.sum()).sum(),
            "old_per_token_logps": pad(stored, padding_value=0, padding_side="right").to(device),
        }
        self._diluted_by = self._dilution(mask)
        self._record_reward([float(row["reward"]) for row in inputs if row["response_ids"]])
        batch["sampling_per_token_logps"] = batch["old_per_token_logps"]
        if self.beta != 0.0:
            batch["ref_per_token_logps"] = self._reference(batch)
        return batch

    def _dilution(self, mask: torch.Tensor) -> float:
        """Return by how much rows that only fill make the loss of a step too small.

        A division by response tokens is by what is there; the other losses average over rows or passes.
        """
        if self.loss_type in TOKEN_MEAN:
            return 1.0
        real = mask.any(dim=1)
        if self.loss_type == "bnpo":
            real = real.view(self.args.steps_per_generation, -1).any(dim=1)
        return 1.0 / max(float(self.accelerator.gather(real.float()).mean()), 1e-9)

    def _reference(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the log-probabilities under the model that training started from."""
        from trl.trainer.utils import use_adapter

        with torch.no_grad():
            if self.ref_model is not None:
                return self._logprobs(self.ref_model, batch)
            with use_adapter(self.accelerator.unwrap_model(self.model), adapter_name=None):
                return self._logprobs(self.model, batch)

    def _logprobs(self, model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
        mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
        width = batch["completion_ids"].size(1)
        return self._get_per_token_logps_and_entropies(
            model, ids, mask, width, batch_size=self.args.per_device_train_batch_size
        )[0]

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._last_logprobs = result[0].detach()
        return result

    def _compute_loss(self, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        real = without_fillers(trimmed(inputs))
        recorded = {name: len(values) for name, values in self._metrics["train"].items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # means over rows that carry no loss
            loss = super()._compute_loss(model, real)
        self._measure(real, recorded)
        if self.loss_type not in (*TOKEN_MEAN, "bnpo"):
            loss = loss * len(real["advantages"]) / len(inputs["advantages"])
        return loss * self._diluted_by

    def _measure(self, inputs: dict[str, torch.Tensor], recorded: dict[str, int]) -> None:
        """Record how far the policy is from the sampler, over the tokens of all processes.

        `sampler_kl` is the k3 estimate `E[r − 1 − ln r]` of KL(sampler ‖ policy), `sampler_difference` mean
        |ln r|, `sampler_ess` the effective share `(Σ r)² / (n Σ r²)` of sequence ratios, `off_policy_masked`
        the share of responses that the off-policy mask leaves out. `recorded` is how many values TRL had
        recorded before this pass: one without a response token adds none.
        """
        mask = inputs["completion_mask"].float()
        log_ratio = (self._last_logprobs - inputs["old_per_token_logps"]) * mask
        whole = torch.exp(log_ratio.sum(-1).clamp(-20, 20)) * (mask.sum(-1) > 0)
        sums = torch.stack(
            [
                mask.sum(),
                ((log_ratio.exp() - 1 - log_ratio) * mask).sum(),
                (log_ratio.abs() * mask).sum(),
                (mask.sum(-1) > 0).sum().float(),
                whole.sum(),
                (whole**2).sum(),
                self._masked(inputs, mask),
            ]
        )
        total: Any = self.accelerator.reduce(sums, reduction="sum")
        if not total[0]:
            self._forget_pass(recorded)
        self._sums = total + getattr(self, "_sums", 0)
        if self.accelerator.sync_gradients:
            tokens, k3, difference, rows, ratios, squares, masked = self._sums.tolist()
            self._sums = torch.zeros_like(sums)
            self._record("sampler_kl", k3 / max(tokens, 1.0))
            self._record("sampler_difference", difference / max(tokens, 1.0))
            self._record("sampler_ess", ratios**2 / max(rows * squares, 1e-9))
            if self.off_policy_mask_threshold is not None:
                self._record("off_policy_masked", masked / max(rows, 1.0))
            self._check_start(difference / max(tokens, 1.0))

    def _masked(self, inputs: dict[str, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        """Return how many responses of a pass the off-policy mask leaves out."""
        if self.off_policy_mask_threshold is None:
            return mask.new_zeros(())
        kept = self.get_off_policy_mask(
            advantages=inputs["advantages"].unsqueeze(1),
            per_token_logps=self._last_logprobs,
            sampling_per_token_logps=inputs["old_per_token_logps"],
            mask=mask,
            off_policy_threshold=self.off_policy_mask_threshold,
        )
        return (kept == 0).sum().float()

    def _forget_pass(self, recorded: dict[str, int]) -> None:
        """Take back the zeros that TRL recorded for a pass without a response token: they are no measures."""
        for name, values in self._metrics["train"].items():
            del values[recorded.get(name, 0) :]

    def _record(self, name: str, value: float) -> None:
        self._metrics["train"][name].append(value)

    def _record_reward(self, rewards: list[float]) -> None:
        """Record the mean group reward over the step's rows, of all processes."""
        sums = torch.tensor([sum(rewards), len(rewards)], device=self.accelerator.device)
        total, count = self.accelerator.reduce(sums, reduction="sum").tolist()
        self._record("reward", total / max(count, 1.0))

    def _check_start(self, difference: float) -> None:
        if self.first_difference is None:
            self.first_difference = difference
            if not difference <= self.worst_start and self.state.global_step == 0:  # NaN is no agreement either
                raise MismatchError(difference)


class MismatchError(Exception):
    """The trainer computes other log-probabilities than the sampler stored."""

    def __init__(self, difference: float) -> None:
        super().__init__(difference)
        self.difference = difference


def refer(model: Any, weights: str) -> None:
    """Let the reference of KL be the model at `weights`: a trainer of all weights loads it from where this one says."""
    model.config.name_or_path = weights


def save_checkpoint(trainer: Any) -> None:
    """Write a checkpoint of the last whole step, as the trainer does by itself now and then. All processes call it."""
    trainer._save_checkpoint(trainer.model, None)


def trimmed(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the batch without columns that are padding in every row; no loss changes by it."""
    prompt = int(inputs["prompt_mask"].sum(1).max())
    response = max(int(inputs["completion_mask"].sum(1).max()), 1)
    cut = dict(inputs)
    for name, value in inputs.items():
        if name in ("prompt_ids", "prompt_mask"):
            cut[name] = value[:, value.size(1) - prompt :]
        elif name not in ("advantages", "num_items_in_batch"):
            cut[name] = value[:, :response]
    return cut


def without_fillers(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the batch without the rows that have no response, or with one of them where there are no others."""
    real = inputs["completion_mask"].any(dim=1)
    real[0] |= ~real.any()
    return {name: value[real] if value.dim() else value for name, value in inputs.items()}
