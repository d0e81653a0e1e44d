"""One training process per core: the same command line, started once per rank."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

RANK = "RANK"
LAUNCHER = "RLRA_LAUNCHED_BY"
STARTER = "RLRA_STARTED_BY"
"""The process that started this one, where it is a launcher of another kind, or started by one."""
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait leave the core to others."""


def inside() -> bool:
    """Return whether this process is one rank of a run, started by `launch` or by torchrun."""
    return RANK in os.environ


def started() -> bool:
    """Return whether this process is a part of a run that was started: it starts no others."""
    return inside() or STARTER in os.environ


def world() -> tuple[int, int]:
    """Return (rank, number of ranks) of this process; (0, 1) outside a run."""
    return int(os.environ.get(RANK, "0")), int(os.environ.get("WORLD_SIZE", "1"))


def owns_run() -> bool:
    """Return whether this process makes the run's folder ready and writes its manifest.

    That is the launcher, or the first rank of a run that torchrun started.
    """
    return not inside() or (LAUNCHER not in os.environ and world()[0] == 0)


def leave_with_launcher() -> None:
    """Let this rank end when the process that launched it is gone, even by SIGKILL: its folder may be in use again."""
    launcher = int(os.environ.get(LAUNCHER) or os.environ.get(STARTER) or 0)
    if LAUNCHER in os.environ or os.getppid() == launcher:  # between mpirun's ranks and us there are others
        threading.Thread(target=_leave_after, args=(launcher,), daemon=True).start()


def leave_group() -> None:
    """Take leave of the other ranks, where this one has joined them: the threads that talk to them end here.

    Those that are left to the end of the interpreter may ask it for a lock that is gone, and then the whole process
    ends with "terminate called without an active exception" and exit code -6, after all its work is done.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def stand_between() -> None:
    """Let this process end with the one that started it, and those that it starts with this one."""
    leave_with_launcher()
    os.environ[STARTER] = str(os.getpid())


def follow_starter() -> None:
    """Let this process, when a run of rounds started it, end as soon as that is gone, and those it starts with it."""
    if LAUNCHER in os.environ and not inside():
        leave_with_launcher()
        del os.environ[LAUNCHER]


def _leave_after(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(0.5)
    os._exit(1)


def launch(processes: int) -> int:
    """Run this very command line as `processes` ranks and return the worst exit code.

    When one rank ends badly, or this process is interrupted, the others are ended too. Ranks talk over
    loopback alone.
    """
    port = _free_port()
    return _watched([_start(rank, processes, port) for rank in range(processes)])


def launch_with(command: Sequence[str]) -> int:
    """Run a launcher that starts the ranks, and return its exit code. It ends when this process is interrupted."""
    return _watched([subprocess.Popen(command, env={**os.environ, STARTER: str(os.getpid()), **PASSIVE})])


def _watched(ranks: list[subprocess.Popen[bytes]]) -> int:
    try:
        return _wait(ranks)
    except KeyboardInterrupt:
        for rank in ranks:
            rank.send_signal(signal.SIGTERM)
        for rank in ranks:
            rank.wait()
        raise
    finally:
        for rank in ranks:
            if rank.poll() is None:
                rank.kill()


def _start(rank: int, processes: int, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rlra_cli.main", *sys.argv[1:]], env=_environment(rank, processes, port)
    )


def _environment(rank: int, processes: int, port: int) -> Mapping[str, str]:
    own = {
        RANK: str(rank),
        LAUNCHER: str(os.getpid()),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        **PASSIVE,
    }
    return {**os.environ, **own}


def _wait(ranks: list[subprocess.Popen[bytes]]) -> int:
    running, worst = list(ranks), 0
    while running:
        for rank in list(running):
            try:
                code = rank.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            running.remove(rank)
            if code and not worst:
                worst = code if code > 0 else 1
                for other in running:
                    other.send_signal(signal.SIGTERM)
    return worst


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
