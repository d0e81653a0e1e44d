"""What the optimizer remembers is handed on: runs that follow each other are as one."""

from pathlib import Path

import pytest
import torch

from schemas.errors import RlraError
from schemas.judged import Judged
from stages.models.weights import weights_of
from stages.train import MOMENTS, TrainSpec
from stages.training.moments import read_moments, save_moments
from stages.training.save import save_policy
from stages.training.staged import steps
from tests.stages import staged_runs
from tests.stages.staged_runs import EXACT, Run, changed, scored
from tests.tiny_model import tiny_model

folder, groups = staged_runs.folder, staged_runs.groups
KEPT = changed(EXACT, keep_optimizer=True, allow_stale=True, max_kl=1e9, min_ess=0.0, max_clip=1.0)


def chained(parts: list[list[Judged]], begin: Path, spec: TrainSpec, place: Path) -> list[Run]:
    """Learn from one part after the other, each time with the model of the time before."""
    runs, model = [], begin
    for number, part in enumerate(parts):
        runs.append(Run(part, model, spec, place / f"{number}-steps"))
        model = place / str(number)
        save_policy(runs[-1].trainer, model, spec.keep_optimizer)
    return runs


@pytest.fixture(scope="module")
def parts(groups: list[Judged]) -> list[list[Judged]]:
    """Return the groups of each step of a run over all groups."""
    return [[one.group for one in part] for part in steps(scored(groups), EXACT)]


@pytest.mark.parametrize("warmup", [0, 1])
def test_runs_that_hand_on_their_moments_are_as_one(
    groups: list[Judged], parts: list[list[Judged]], folder: Path, tmp_path: Path, warmup: int
) -> None:
    """To the bit: averages, their counts, and a warm-up that was done."""
    spec = changed(KEPT, warmup_steps=warmup)
    whole = Run(groups, folder, spec, tmp_path / "steps")
    save_policy(whole.trainer, tmp_path / "whole", moments=True)
    runs = chained(parts, folder, spec, tmp_path)
    assert [len(run.log) for run in runs] == [1, 1] and len(whole.log) == 2
    assert weights_of(f"hf:{tmp_path / '1'}")[1] == weights_of(f"hf:{tmp_path / 'whole'}")[1]
    ends = [read_moments(tmp_path / name / MOMENTS) for name in ("1", "whole")]
    assert all(torch.equal(ends[0][n][key], ends[1][n][key]) for n in ends[1] for key in ends[1][n])
    anew = chained(parts, folder, changed(spec, keep_optimizer=False), tmp_path / "anew")
    assert not (tmp_path / "anew" / "1" / MOMENTS).exists()
    assert weights_of(f"hf:{tmp_path / 'anew' / '1'}")[1] != weights_of(f"hf:{tmp_path / '1'}")[1]
    assert len(anew) == 2


def test_a_run_that_was_interrupted_goes_on_with_its_own_moments(
    groups: list[Judged], parts: list[list[Judged]], folder: Path, tmp_path: Path
) -> None:
    """And does not take those that it began with once more."""
    chained(parts[:1], folder, KEPT, tmp_path)
    spec = changed(KEPT, prompts_per_step=2, save_every=1)
    ends = []
    for name in ("straight", "resumed"):
        Run(groups, tmp_path / "0", spec, tmp_path / name / "steps")
        last = tmp_path / name / "steps" / "checkpoint-3"
        if name == "resumed":
            assert last.exists()
            last.rename(tmp_path / "gone")
        ends.append(Run(groups, tmp_path / "0", spec, tmp_path / name / "steps").trainer.model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_moments_of_another_model_are_refused(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    run = chained([groups], folder, KEPT, tmp_path)[0]
    other = tiny_model(tmp_path / "other", seed=1)
    state = run.trainer.optimizer.state_dict()["state"]
    state[0]["exp_avg"] = state[0]["exp_avg"][:-1]
    save_moments(run.trainer, other)
    with pytest.raises(RlraError, match="moments of another model or optimizer"):
        Run(groups, other, KEPT, tmp_path / "steps")


def test_numbers_among_the_moments_come_back_as_they_were(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    trainer = Run(groups, folder, KEPT, tmp_path / "steps").trainer
    trainer.optimizer.state_dict()["state"][0].update(step=3, RMS=0.25, nothing=None)
    save_moments(trainer, tmp_path)
    assert {name: read_moments(tmp_path / MOMENTS)[0][name] for name in ("step", "RMS", "nothing")} == {
        "step": 3,
        "RMS": 0.25,
        "nothing": None,
    }
