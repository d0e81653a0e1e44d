"""The processes that run Python from a rubric: started late, replaced when they die, and none outlives us."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from stages.checks import sandbox_workers
from stages.checks.sandbox import PythonChecks, SandboxError
from tests.stages.sandboxed import FINE, TASK, source


def workers() -> set[int]:
    """Return the processes that this one has started and that live."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone in the meantime
            name, _, rest = path.read_text().partition(" (")[2].rpartition(") ")
            state, parent = rest.split()[:2]
            if name == "monty" and state != "Z" and parent == str(os.getpid()):
                found.add(int(path.parent.name))
    return found


def test_workers_are_started_late_used_again_and_ended() -> None:
    before = workers()
    with PythonChecks(workers=1) as own:
        assert workers() == before
        assert own.score(FINE, "fine", TASK).met
        (worker,) = workers() - before
        for _ in range(20):
            own.score(FINE, "", TASK)
        assert workers() - before == {worker}
    assert workers() == before
    assert own.score(FINE, "fine", TASK).met  # starts anew
    own.close()
    own.close()
    assert workers() == before


def test_the_system_limits_a_worker_too() -> None:
    before = workers()
    with PythonChecks(timeout_s=0.5, memory_mb=64, workers=1) as own:
        own.score(FINE, "fine", TASK)
        (worker,) = workers() - before
        assert resource.prlimit(worker, resource.RLIMIT_AS) == (640 << 20, 640 << 20)
        assert resource.prlimit(worker, resource.RLIMIT_CPU) == (85, 85)
        assert resource.prlimit(worker, resource.RLIMIT_CORE)[0] == 0
        assert Path(f"/proc/{worker}/environ").read_bytes().count(b"=") <= 1  # PWD, of the shell's own


def test_a_worker_that_dies_costs_one_verdict() -> None:
    before = workers()
    with PythonChecks(timeout_s=5, workers=1) as own:
        own.score(FINE, "fine", TASK)
        (worker,) = workers() - before
        threading.Timer(0.2, os.kill, (worker, signal.SIGKILL)).start()
        with pytest.raises(SandboxError, match="crashed the sandbox"):
            own.score(source("while True: pass"), "", TASK)
        assert own.score(FINE, "fine", TASK).met
        (worker,) = workers() - before
        os.kill(worker, signal.SIGKILL)  # while it is idle
        time.sleep(0.2)
        assert own.score(FINE, "fine", TASK).met


@pytest.mark.parametrize("launcher", ["#!/nowhere/sh\n", "#!/bin/sh\nexit 1\n", "no script\n"])
def test_without_a_shell_workers_run_bare(monkeypatch: pytest.MonkeyPatch, launcher: str) -> None:
    monkeypatch.setattr(sandbox_workers, "_LAUNCHER", launcher)
    with PythonChecks(workers=1) as own:
        assert own.score(FINE, "fine", TASK).met


def test_without_the_program_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MONTY_BIN", str(tmp_path / "monty"))
    monkeypatch.setattr(sandbox_workers.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sandbox_workers.shutil, "which", lambda name: None)
    with PythonChecks(workers=1) as own, pytest.raises(SandboxError, match="the sandbox could not be started"):
        own.score(FINE, "fine", TASK)


def test_a_swept_temporary_folder_costs_one_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox_workers.tempfile, "tempdir", str(tmp_path))
    before = workers()
    with PythonChecks(workers=1) as own:
        own.score(FINE, "fine", TASK)
        (folder,) = tmp_path.iterdir()
        (folder / "worker").unlink()
        (worker,) = workers() - before
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.1)
        with pytest.raises(SandboxError, match="could not be started"):
            own.score(FINE, "fine", TASK)
        assert own.score(FINE, "fine", TASK).met
    assert list(tmp_path.iterdir()) == []


def run(program: str, *, interrupt: bool = False, prelude: str | None = None, **variables: str) -> tuple[int, str, str]:
    """Run a Python program in a group of its own; return its exit code, stdout and stderr."""
    begun = subprocess.Popen(
        [sys.executable, "-c", (prelude or PRELUDE) + program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **variables},
    )
    if interrupt:
        assert begun.stdout is not None
        begun.stdout.readline()
        time.sleep(0.2)
        os.killpg(begun.pid, signal.SIGINT)
    try:
        out, err = begun.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(begun.pid, signal.SIGKILL)
        raise
    with pytest.raises(ProcessLookupError):  # nobody of the group is left
        _await_end_of_group(begun.pid)
    return begun.returncode, out, err


def _await_end_of_group(group: int) -> None:
    for _ in range(100):
        os.killpg(group, 0)
        time.sleep(0.05)


PRELUDE = f"""
import os, signal, sys
from schemas.task import Message, Task
from stages.checks.sandbox import PythonChecks, SandboxError
from stages.checks import sandbox_workers
TASK = Task(id="t", messages=(Message(role="user", content="x"),))
FINE = {FINE!r}
LOOP = {source("while True: pass")!r}
checks = PythonChecks(workers=1)
assert checks.score(FINE, "fine", TASK).met
"""


def test_exit_without_close_leaves_nothing(tmp_path: Path) -> None:
    assert run("sys.exit(5)", TMPDIR=str(tmp_path)) == (5, "", "")
    busy = (
        "import threading\n"
        "def loop():\n"
        "    try:\n        checks.score(LOOP, '', TASK)\n"
        "    except SandboxError as error:\n        print(error)\n"
        "threading.Thread(target=loop).start()\n"
    )
    code, out, err = run(busy, TMPDIR=str(tmp_path))
    assert (code, err) == (0, "")
    assert out
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_us_and_spares_the_workers() -> None:
    """Ctrl-C reaches every process of the terminal; the worker goes on, and the pool is as good as before."""
    program = (
        "print('ready', flush=True)\n"
        "try:\n"
        "    while True:\n"
        "        try:\n            checks.score(LOOP, '', TASK)\n"
        "        except SandboxError as error:\n            print(error, flush=True)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', checks.score(FINE, 'fine', TASK).met)\n"
    )
    code, out, err = run(program, interrupt=True)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "interrupted True"
    assert "crashed" not in out


@pytest.mark.parametrize("attempt", range(3))
def test_ctrl_c_that_nobody_catches_is_one_traceback(attempt: int) -> None:
    """Whatever is going on when it comes: it is neither lost nor taken for an error of the code."""
    code, out, err = run("print('ready', flush=True)\nwhile True: checks.score(FINE, '', TASK)", interrupt=True)
    assert code == -signal.SIGINT
    assert out == ""
    assert err.count("Traceback") == 1
    assert "monty" not in err.rsplit("KeyboardInterrupt", 1)[-1]


def test_a_forked_process_says_what_to_do() -> None:
    """It neither hangs nor touches the workers of its parent, however it ends; nor does it sweep their launcher."""
    program = (
        "from pathlib import Path\n"
        "launchers = lambda: len(list(Path(os.environ['TMPDIR']).glob('rlra-sandbox-*/worker')))\n"
        "for leave in (os._exit, sys.exit):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n            checks.score(FINE, 'fine', TASK)\n"
        "        except SandboxError as error:\n            print(error, flush=True)\n"
        "        checks.close()\n"
        "        leave(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    assert launchers() == 1\n"
        "    assert checks.score(FINE, 'fine', TASK).met\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        why = "a process forked from one that ran checks cannot run any; spawn it\n"
        assert run(program, TMPDIR=folder) == (0, 2 * why, "")
        assert list(Path(folder).iterdir()) == []


def test_a_process_forked_before_the_first_check_can_check() -> None:
    program = "child = os.fork()\nassert checks.score(FINE, 'fine', TASK).met\nif child: os.waitpid(child, 0)\n"
    assert run(program, prelude=PRELUDE.rpartition("assert")[0]) == (0, "", "")


def _met(text: str) -> bool | None:
    with PythonChecks(workers=1) as own:
        return own.score(FINE, text, TASK).met


def test_a_spawned_process_can_check() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_met, ["fine", "not"]) == [True, False]


@pytest.mark.parametrize("limits", [{"timeout_s": 0}, {"timeout_s": float("inf")}, {"memory_mb": 0}, {"workers": 0}])
def test_limits_must_limit(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        PythonChecks(**limits)  # type: ignore[arg-type]
