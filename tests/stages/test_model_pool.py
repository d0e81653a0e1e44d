"""Worker processes answer as one process does, whatever their number, and none of them outlives its parent."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from schemas.errors import RlraError
from stages.models import pool
from stages.models.base import Completion, Request
from stages.models.hf import HFModel
from stages.models.pool import PooledModel
from stages.models.weights import weights_of
from tests.stages import tiny_requests
from tests.stages.tiny_requests import many, request, said
from tests.tiny_model import CONTEXT, tiny_model

folder, model = tiny_requests.folder, tiny_requests.model


@pytest.fixture(scope="module")
def pooled(folder: Path) -> Iterator[PooledModel]:
    opened = PooledModel(f"hf:{folder}", processes=2, batch_size=4, dtype="float32")
    yield opened
    opened.close()


def test_the_number_of_workers_changes_no_answer(pooled: PooledModel, folder: Path, model: HFModel) -> None:
    requests = [*many(), *many(temperature=0, each=1), request("word " * CONTEXT)]
    before = set(threading.enumerate())
    one = PooledModel(f"hf:{folder}", processes=1, batch_size=4, dtype="float32")
    try:
        answers = one.complete(requests)
    finally:
        one.close()
    assert set(threading.enumerate()) <= before, "a thread of the pool may meet the interpreter's end"
    assert pooled.complete(requests) == answers
    assert said(answers) == said(model.complete(requests))
    assert answers[-1].finish == "failed"


def test_a_pooled_model_says_what_it_is(pooled: PooledModel, model: HFModel, folder: Path) -> None:
    assert pooled.engine == model.engine
    assert pooled.template == model.template
    assert (pooled.reference, pooled.revision) == (f"hf:{folder}", weights_of(f"hf:{folder}")[1])


def test_batches_hold_prompts_of_like_length_and_the_longest_come_first(
    pooled: PooledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[list[int]] = []

    def spy(function: object, batches: list[list[Request]]) -> Iterator[list[Completion]]:
        cut.extend([len(one.messages[0].content) for one in batch] for batch in batches)
        return iter([[Completion(one.messages[0].content, "stop", 1) for one in batch] for batch in batches])

    monkeypatch.setattr(pooled._pool, "map", spy)
    texts = ["x" * (7 * n % 10) for n in range(10)]
    assert [c.text for c in pooled.complete([request(text) for text in texts])] == texts
    assert cut == [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]]


class Exhausted:
    """A model that breaks down on batches of more than `most`, and notes how many were asked for at a time."""

    def __init__(self, error: Exception, most: int) -> None:
        self.error, self.most = error, most
        self.sizes: list[int] = []

    def complete(self, requests: list[Request]) -> list[Completion]:
        self.sizes.append(len(requests))
        if len(requests) > self.most:
            raise self.error
        return [Completion(one.messages[0].content, "stop", 1) for one in requests]


NO_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


def test_an_engine_error_belongs_to_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its batch are answered without it."""

    class Picky(Exhausted):
        def complete(self, requests: list[Request]) -> list[Completion]:
            if asked[1] in requests:
                raise IndexError("index out of range\nand much more")
            return super().complete(requests)

    asked = many(each=1)[:7]
    monkeypatch.setattr(pool, "_model", Picky(MemoryError(), most=7))
    answers = pool._answer(asked)
    expected = [one.messages[0].content for one in asked]
    expected[1] = ""
    assert [c.text for c in answers] == expected
    assert [c.error for c in answers if c.finish == "failed"] == ["engine: index out of range"]


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
def test_a_batch_that_memory_does_not_hold_is_tried_in_halves(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Exhausted(error, most=3)
    monkeypatch.setattr(pool, "_model", narrow)
    requests = many(each=1)[:7]
    assert [c.text for c in pool._answer(requests)] == [one.messages[0].content for one in requests]
    assert narrow.sizes == [7, 4, 2, 2, 3]


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
def test_what_not_even_one_can_have_is_a_failure(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_model", Exhausted(error, most=0))
    answers = pool._answer(many(each=1)[:3])
    assert [(c.finish, c.error) for c in answers] == [("failed", f"engine: {str(error) or 'MemoryError'}")] * 3


def children(parent: int) -> list[int]:
    """Return the pids of the worker processes below `parent`; the resource tracker is none."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        state, ppid = stat.rpartition(")")[2].split()[:2]
        if int(ppid) == parent and state != "Z" and b"spawn_main" in line:
            found.append(int(entry.name))
    return found


def test_a_worker_that_is_killed_is_an_error_and_not_a_hang(folder: Path) -> None:
    doomed = PooledModel(f"hf:{folder}", processes=1, batch_size=4, dtype="float32")
    workers = list(doomed._pool._processes)
    assert workers
    os.kill(workers[0], signal.SIGKILL)
    started = time.monotonic()
    try:
        with pytest.raises(RlraError, match="a worker process died") as caught:
            doomed.complete(many())
    finally:
        doomed.close()
    assert time.monotonic() - started < 10
    assert caught.value.hint and "--processes" in caught.value.hint


def test_a_worker_that_cannot_load_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tiny_model(tmp_path / "m", template=None)
    capfd.readouterr()
    with pytest.raises(RlraError, match="no chat template"):
        PooledModel(f"hf:{folder}", processes=1, batch_size=4, dtype="float32")
    assert "Traceback" not in capfd.readouterr().err


PARENT = """
import os, sys, time
from stages.models.pool import PooledModel
if __name__ == "__main__":
    model = PooledModel(sys.argv[1], 1, 4, "float32")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("loaded_first", [True, False], ids=["idle", "starting"])
def test_workers_leave_when_their_parent_is_killed(folder: Path, tmp_path: Path, loaded_first: bool) -> None:
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(PARENT))
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, str(script), f"hf:{folder}"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        if loaded_first:
            assert parent.stdout.readline() == b"ready\n"
        workers = until_there(parent.pid)
        parent.kill()
        parent.wait()
    assert gone(workers, within_s=6.0)


def until_there(parent: int) -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := children(parent):
            return found
        time.sleep(0.005)
    raise AssertionError("no worker appeared")


def gone(pids: list[int], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    for pid in pids:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
