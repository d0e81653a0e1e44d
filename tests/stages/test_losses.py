"""Every loss that TRL computes is on offer, set up as its paper says, and learns nothing from rows that only fill."""

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from trl import GRPOTrainer

from stages.train import Batches, TrainSpec
from stages.training.config import grpo_config
from stages.training.staged import FILLER, rows
from tests.stages.staged_runs import EXACT, changed, scored
from tests.stages.test_train_loss import first_step, trained_staged
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

LOSSES = get_args(TrainSpec.model_fields["loss_type"].annotation)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


def test_the_losses_on_offer_are_those_that_the_trainer_computes() -> None:
    source = inspect.getsource(GRPOTrainer._compute_loss)
    branches = re.findall(r"self\.loss_type (?:==|in) (\[[^]]*\]|\"\w+\")", source)
    assert {name for branch in branches for name in re.findall(r"\"(\w+)\"", branch)} == set(LOSSES)


def configured(tmp_path: Path, **fields: Any) -> Any:
    return grpo_config(changed(EXACT, **fields), Batches(2, 1, 2), tmp_path, num_generations=2)


def test_a_loss_is_set_up_as_in_its_paper_unless_told_otherwise(tmp_path: Path) -> None:
    assert configured(tmp_path, loss_type="cispo").epsilon_high == 5.0
    assert configured(tmp_path, loss_type="luspo").importance_sampling_level == "sequence"
    assert configured(tmp_path, loss_type="cispo", set={"epsilon_high": 3.0}).epsilon_high == 3.0
    for loss in set(LOSSES) - {"cispo", "luspo"}:
        plain = configured(tmp_path, loss_type=loss)
        assert (plain.epsilon_high, plain.importance_sampling_level) == (None, "token")


CLOCKS = ("time", "per_second", "runtime")


def measures(trainer: Any) -> dict[str, float]:
    logged = trainer.state.log_history[0]
    return {name: value for name, value in logged.items() if not any(word in name for word in CLOCKS)}


@pytest.mark.parametrize("loss", [*LOSSES, "stale-safe"])
@pytest.mark.parametrize("micro", [5, 7])
def test_passes_that_are_filled_in_part_change_neither_loss_nor_gradient_nor_measures(
    loss: str, micro: int, folder: Path, tmp_path: Path
) -> None:
    """The same rows in the same passes of 4, 1 or 3 fillers behind each, and a pass of fillers alone at the end."""
    form: dict[str, Any] = {"stale_safe": True} if loss == "stale-safe" else {"loss_type": loss}
    spec = changed(EXACT, **form, beta=0.1, prompts_per_step=2, max_grad_norm=1e9, max_tokens=12)
    given = rows(scored(sampled(folder, 2), spec), spec, Batches(4, 2, 8), 1)
    filled = [*given[:4], *[FILLER] * (micro - 4), *given[4:], *[FILLER] * (micro - 4), *[FILLER] * micro]
    # The odd number of rows would be refused for a group size of 2, so there is one more pass of fillers.
    a = trained_staged(folder, given, spec, tmp_path / "a", Batches(4, 2, 8))
    b = trained_staged(folder, filled + [FILLER] * micro, spec, tmp_path / "b", Batches(micro, 4, 4 * micro))
    (loss_a, norm_a), (loss_b, norm_b) = first_step(a), first_step(b)
    assert norm_a > 1e-3
    assert loss_b == pytest.approx(loss_a, abs=1e-6, rel=1e-5)
    assert norm_b == pytest.approx(norm_a, rel=1e-5)
    plain, with_fillers = measures(a), measures(b)
    assert set(plain) == set(with_fillers)
    assert {name: with_fillers[name] for name in plain} == pytest.approx(plain, rel=1e-4, abs=1e-5)
