"""`python -m tests.stages.fsdp_ranks JUDGED MODEL FOLDER`: a staged run under FSDP2, in two processes on a CPU.

The run is stopped after two steps, goes on from its checkpoint, and is saved to FOLDER. Each process writes what it
saw to `FOLDER/rank-N.json`. FSDP itself runs over gloo, but accelerate leaves it out unless it finds a GPU: it is told
that it found one.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import torch
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.train import TrainSpec
from stages.training.save import is_finite, save_policy
from stages.training.staged import train_staged
from tests.stages.staged_runs import EXACT, changed, scored

RANKS = 2
SPEC = changed(EXACT, prompts_per_step=2, micro_batch=3, max_kl=1e9, max_clip=1.0, min_ess=0.0, beta=0.1)


def main(judged: str, model: str, folder: str) -> None:
    """Run both processes to their end; fails when one of them does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    torch.multiprocessing.start_processes(_rank, (judged, model, Path(folder), port), RANKS, start_method="fork")


def _rank(rank: int, judged: str, model: str, folder: Path, port: str) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(RANKS), LOCAL_WORLD_SIZE=str(RANKS))
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, ACCELERATE_TORCH_DEVICE="cpu")
    torch.set_num_threads(1)
    with patch.object(PartialState, "_prepare_backend", return_value=("gloo", DistributedType.MULTI_GPU)):
        seen = _stopped_and_gone_on(list(Source(judged).read(Judged)), model, folder, rank)
    (folder / f"rank-{rank}.json").write_bytes(orjson.dumps(seen))


def _stopped_and_gone_on(groups: list[Judged], model: str, folder: Path, rank: int) -> dict[str, Any]:
    log: list[TrainLog] = []

    def trained(spec: TrainSpec) -> Any:
        own = changed(spec, set={"use_cpu": False}, save_every=2)
        return train_staged(scored(groups, SPEC), model, own, folder / "checkpoints", RANKS, log.append)

    _, why = trained(changed(SPEC, max_kl=1e-3))
    stopped = len(log)
    trainer, _ = trained(SPEC)
    parts = [weight.to_local() for weight in trainer.model.parameters()]
    held, whole = sum(part.numel() for part in parts), sum(weight.numel() for weight in trainer.model.parameters())
    finite = is_finite(trainer)
    save_policy(trainer, folder)
    if rank == 1:
        parts[0].detach().fill_(float("nan"))
    seen = {"why": why, "stopped": stopped, "held": held, "whole": whole, "finite": [finite, is_finite(trainer)]}
    return {**seen, "log": [line.metrics for line in log]}


if __name__ == "__main__":
    main(*sys.argv[1:])
