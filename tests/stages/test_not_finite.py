"""A step whose loss is no number: the run ends with exit code 1, without a model or a checkpoint of that step."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rlra_cli.options import RunOptions
from rlra_cli.run import Job
from rlra_cli.training import TrainingRun
from schemas.errors import RlraError
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.judge import JudgeSpec
from stages.training.breaker import JudgeLimits
from stages.training.log import NOT_FINITE
from stages.training.save import is_finite
from stages.training.trl_private import StagedTrainer
from stages.voting import Panel
from tests.stages import staged_runs
from tests.stages.staged_runs import EXACT, Run, changed

folder, groups = staged_runs.folder, staged_runs.groups
SPEC = changed(EXACT, prompts_per_step=1, save_every=1, max_kl=1e9, min_ess=0.0, max_clip=1.0)
JUDGE = (JudgeSpec(), Panel(), JudgeLimits())
FAILS = 3
"""The step without a number."""


def spoil(monkeypatch: pytest.MonkeyPatch, value: float, moves: bool) -> None:
    """Let the loss of one step be `value`, and its gradient too, unless the weights are not to move by it."""
    real = StagedTrainer._compute_loss

    def loss(trainer: Any, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        found = real(trainer, model, inputs)
        if trainer.state.global_step != FAILS - 1:
            return found
        return found * value if moves else found * 0 + value

    monkeypatch.setattr(StagedTrainer, "_compute_loss", loss)


@pytest.mark.parametrize(
    ("value", "moves"), [(float("nan"), True), (float("inf"), False)], ids=["NaN in the weights", "in the loss alone"]
)
def test_a_loss_that_is_no_number_ends_the_run_without_a_model(
    value: float, moves: bool, groups: list[Judged], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("judged.jsonl").write_bytes(b"".join(map(to_line, groups)))
    source = Source("judged.jsonl")
    job = Job("train", SPEC.model_dump(mode="json"), "run", RunOptions(quiet=True), {"input": source})
    run = TrainingRun(job, SPEC, Path("run"), f"hf:{folder}", [])
    work = run.groups(source)
    run.begin(resume=True)
    spoil(monkeypatch, value, moves)
    with pytest.raises(RlraError, match=f"diverged at step {FAILS}: no model was saved") as caught:
        run.learn(work, JUDGE, online=False)
    assert caught.value.exit_code == 1
    log = list(Source("run/train_log.jsonl").read(TrainLog))
    assert [line.step for line in log] == [*range(1, FAILS + 1), FAILS]
    assert log[-1].event == f"stopped: {NOT_FINITE}"
    assert [path.name for path in Path("run/checkpoints").glob("checkpoint-*")] == [f"checkpoint-{FAILS - 1}"]
    assert not list(Path("run").glob("*.safetensors")) and not Path("run/manifest.json").exists()


def test_weights_are_looked_at_one_by_one(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    trainer = Run(groups[:2], folder, changed(EXACT, prompts_per_step=2), tmp_path).trainer
    assert is_finite(trainer)
    with torch.no_grad():
        list(trainer.model.parameters())[-1].view(-1)[-1] = float("inf")
    assert not is_finite(trainer)
