"""FSDP2, with the weights in parts on two processes: it learns, goes on and saves what one process does."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import torch
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env
from safetensors.torch import load_file

from rlra_cli import accelerate_launch
from rlra_cli.accelerate_launch import launcher_of
from schemas.jsonl import to_line
from schemas.judged import Judged
from stages.models.weights import weights_of
from tests.running import PATIENCE_S
from tests.stages.fsdp_ranks import RANKS, SPEC
from tests.stages.staged_runs import Run, folder, groups

__all__ = ["folder", "groups"]  # fixtures


def of_accelerate(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment in which accelerate starts processes with the file `fsdp2`."""
    monkeypatch.setattr(accelerate_launch, "has_gpu", lambda: True)
    command = launcher_of("fsdp2", ("main_process_port=0",), "judged.jsonl", 0, SPEC)
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(command[3:]))
    return {**os.environ, **prepare_multi_gpu_env(args)}


def test_weights_in_parts_learn_go_on_and_are_saved_as_whole_ones(
    folder: Path, groups: list[Judged], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, saved = tmp_path / "judged.jsonl", tmp_path / "saved"
    judged.write_bytes(b"".join(map(to_line, groups)))
    saved.mkdir()
    command = [sys.executable, "-m", "tests.stages.fsdp_ranks", str(judged), str(folder), str(saved)]
    done = subprocess.run(
        command, env=of_accelerate(monkeypatch), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    ranks = [orjson.loads((saved / f"rank-{rank}.json").read_bytes()) for rank in range(RANKS)]
    assert sum(rank["held"] for rank in ranks) == ranks[0]["whole"] > max(rank["held"] for rank in ranks)
    assert all(rank["why"].startswith("KL to the sampler") for rank in ranks)
    assert [rank["stopped"] for rank in ranks] == [2, 0]  # the first process alone logs
    assert [rank["finite"] for rank in ranks] == [[True, False]] * RANKS  # whichever holds the weight that is none

    alone = Run(groups, folder, SPEC, tmp_path / "alone")
    for name in ("loss", "grad_norm", "sampler_kl"):
        assert [step[name] for step in ranks[0]["log"]] == pytest.approx(alone.measured(name), rel=1e-4, abs=1e-5)
    learned = dict(alone.trainer.model.named_parameters())
    found, before = load_file(saved / "model.safetensors"), load_file(folder / "model.safetensors")
    assert found.keys() == before.keys()
    assert {weight.dtype for weight in found.values()} == {torch.float32}
    assert max(float((found[name] - learned[name]).abs().max()) for name in found) < 2e-5
    assert max(float((found[name] - before[name]).abs().max()) for name in found) > 1e-3
    assert weights_of(f"hf:{saved}")[1] != weights_of(f"hf:{folder}")[1]
