"""`rlra train` as several processes: what all of them find is said once, and how many there are when nobody says."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from rlra_cli import processes, train
from schemas.errors import RlraError
from tests.running import PATIENCE_S, RLRA, Done, Runner, environment, wait_until

BAD = ("train", "judged.jsonl", "-o", "run", "--steps", "3")
"""Refused by every rank before anything is imported that takes long."""
STARTED_S = 0.05
"""A rank that has spent less is not yet up. All of it takes some 0.2 s, more or less by the machine."""


def rank(number: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start a rank of two as torchrun does."""
    variables = environment(RANK=str(number), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT="1")
    pipe = subprocess.PIPE
    return subprocess.Popen([RLRA, *BAD], stdout=pipe, stderr=pipe, cwd=folder, env=variables)


def ended(process: subprocess.Popen[bytes]) -> Done:
    out, err = process.communicate(timeout=PATIENCE_S)
    return Done(process.returncode, out, err.decode())


def test_what_all_ranks_find_is_said_by_the_first_and_all_end_with_its_code(run: Runner) -> None:
    first, second = rank(0, run.folder), rank(1, run.folder)
    said = ended(first)
    assert (said.code, said.err) == (1, "rlra: --steps goes with --online\n")
    spent = [-1.0]

    def waits() -> bool:
        """A rank that has found it sleeps, and its processor time stands still for a second."""
        spent.append(sum(psutil.Process(second.pid).cpu_times()[:2]))
        return spent[-1] > STARTED_S and len(spent) > 100 and spent[-1] == spent[-100]

    wait_until(waits, "the second rank to have found it too")
    second.send_signal(signal.SIGTERM)  # as torchrun does when one has ended
    assert ended(second) == Done(1, b"", "")


def test_what_one_rank_alone_finds_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "FIRST_S", 0.0)
    monkeypatch.setenv(processes.RANK, "1")
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(RlraError, match="only here"), train._said_once():
            raise RlraError("only here")
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("said", "prompts", "online", "count"),
    [
        (0, 8, False, 1),
        (0, 8, True, 4),
        (0, 6, True, 3),
        (0, 3, True, 3),
        (0, 7, True, 1),
        (2, 7, False, 2),
        (1, 8, True, 1),
    ],
)
def test_online_there_is_a_process_per_core_as_far_as_they_share_groups_whole(
    said: int, prompts: int, online: bool, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "default_processes", lambda: 4)
    assert train._count("judged.jsonl", said, prompts, online) == count


def test_stdin_is_read_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "default_processes", lambda: 4)
    assert train._count("-", 0, 8, online=False) == 1
    with pytest.raises(RlraError, match="--processes does not go with stdin"):
        train._count("-", 2, 8, online=False)
