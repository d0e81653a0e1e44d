"""The private API of TRL that staged training stands on is as it was.

When this fails, TRL changed: read its new trainer before touching `trl_private.py`.
"""

import inspect

import pytest
import trl
from trl import GRPOTrainer
from trl.trainer.utils import RepeatSampler, pad, split_tensor_dict, use_adapter

from stages.training.trl_private import OnlineTrainer, StagedTrainer


def test_trl_is_the_version_that_trl_private_was_written_for() -> None:
    assert trl.__version__.startswith("1.16")


OVERRIDDEN = {
    "_set_signature_columns_if_needed": ["self"],
    "_get_train_sampler": ["self", "dataset"],
    "_prepare_inputs": ["self", "generation_batch"],
    "_generate_and_score_completions": ["self", "inputs"],
    "_compute_loss": ["self", "model", "inputs"],
}


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_an_overridden_method_has_the_parameters_that_it_had(name: str) -> None:
    assert name in GRPOTrainer.__dict__
    assert list(inspect.signature(getattr(GRPOTrainer, name)).parameters) == OVERRIDDEN[name]


def test_the_logprobs_of_a_pass_come_first_and_take_what_is_given() -> None:
    parameters = list(inspect.signature(GRPOTrainer._get_per_token_logps_and_entropies).parameters)
    assert parameters[:6] == ["self", "model", "input_ids", "attention_mask", "logits_to_keep", "batch_size"]
    source = inspect.getsource(GRPOTrainer._compute_loss)
    assert "per_token_logps, entropies, aux_loss = self._get_per_token_logps_and_entropies(" in source


def test_what_staged_training_adds_hides_nothing_of_trls() -> None:
    own = {name for name, value in vars(StagedTrainer).items() if inspect.isfunction(value)}
    overridden = {*OVERRIDDEN, "_get_per_token_logps_and_entropies"}
    assert overridden <= own
    assert not [name for name in own - overridden if hasattr(GRPOTrainer, name)]


def test_what_online_training_overrides_is_how_trl_samples_with_transformers() -> None:
    own = [name for name, value in vars(OnlineTrainer).items() if inspect.isfunction(value)]
    assert [name for name in own if hasattr(GRPOTrainer, name)] == ["_generate_single_turn"]
    assert "unwrapped_model.generate(" in inspect.getsource(GRPOTrainer._generate_single_turn)


def test_the_names_that_staged_training_reads_are_still_trls() -> None:
    source = inspect.getsource(GRPOTrainer)
    for name in ("self._step ", "self._buffered_inputs", "self._metrics[", "self._tokenizer", "self.ref_model"):
        assert name in source, name
    loss = inspect.getsource(GRPOTrainer._compute_loss)
    for name in ("old_per_token_logps", "ref_per_token_logps", "num_items_in_batch", "completion_mask", "advantages"):
        assert f'inputs["{name}"]' in loss or f'inputs.get("{name}")' in loss, name
    assert "self._buffered_inputs[self._step % self.args.steps_per_generation]" in source
    sampler = inspect.signature(RepeatSampler).parameters
    assert {"data_source", "mini_repeat_count", "batch_size", "repeat_count", "shuffle", "seed"} <= set(sampler)
    assert list(inspect.signature(pad).parameters)[:3] == ["tensors", "padding_value", "padding_side"]
    assert list(inspect.signature(split_tensor_dict).parameters) == ["tensor_dict", "num_chunks"]
    assert list(inspect.signature(use_adapter).parameters) == ["model", "adapter_name"]
