"""TensorBoard, trackio and W&B get the log's own measures, and none of them can end a run."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from schemas.errors import RlraError
from schemas.train_log import TrainLog
from stages.training import trackers
from stages.training.trackers import Trackers, require, run_name

LINES = [
    TrainLog(id=f"step-{n}", step=n, seconds=n, metrics={"reward": n / 10, "met/short": 0.5, "seconds/step": 2.0})
    for n in (1, 2)
]
END = TrainLog(id="end", step=2, seconds=3, event="finished")


def report(names: list[Any], folder: Path) -> list[str]:
    said: list[str] = []
    open_ones = Trackers(names, folder, {"learning_rate": 1e-5}, said.append)
    for line in (*LINES, END):
        open_ones.write(line)
    open_ones.close()
    return said


class Stand(ModuleType):
    """A stand-in for trackio or wandb that keeps what it is given."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple[str, Any]] = []

    def init(self, **given: Any) -> "Stand":
        print(f"{self.__name__} greets")
        self.calls.append(("init", given))
        return self

    def log(self, metrics: dict[str, float], step: int) -> None:
        self.calls.append(("log", (metrics, step)))

    def finish(self) -> None:
        self.calls.append(("finish", None))


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_every_step_reaches_the_tracker_under_the_names_of_the_log(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand = Stand(name)
    monkeypatch.setitem(sys.modules, name, stand)
    assert report([name], tmp_path / "run-7") == []
    assert capsys.readouterr() == ("", f"{name} greets\n")  # stdout is for records
    (begun, given), *logged, (ended, _) = stand.calls
    assert (begun, ended) == ("init", "finish")
    assert given["name"] == "run-7" and given["config"] == {"learning_rate": 1e-5}
    assert logged == [("log", (line.metrics, line.step)) for line in LINES]


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_reads_back_the_log(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert report(["tensorboard"], tmp_path) == []
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert set(found.Tags()["scalars"]) == set(LINES[0].metrics)
    assert [(event.step, round(event.value, 6)) for event in found.Scalars("reward")] == [(1, 0.1), (2, 0.2)]


@pytest.mark.parametrize("fails_at", ["init", "log", "finish"])
def test_a_tracker_that_fails_is_told_of_once_and_left_out(
    fails_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any, **more: Any) -> None:
        raise ConnectionError("no way to the server\nand much more")

    bad, good = Stand("wandb"), Stand("trackio")
    monkeypatch.setattr(bad, fails_at, fail)
    monkeypatch.setitem(sys.modules, "wandb", bad)
    monkeypatch.setitem(sys.modules, "trackio", good)
    said = report(["wandb", "trackio"], tmp_path)
    assert said == ["train: wandb failed, and the run goes on without it: no way to the server"]
    assert [call for call, _ in good.calls] == ["init", "log", "log", "finish"]


@pytest.mark.parametrize(
    ("name", "install"), [("tensorboard", "tensorboard"), ("trackio", "'rlra[trackio]'"), ("wandb", "wandb")]
)
def test_a_tracker_that_is_not_installed_is_refused_with_what_to_install(
    name: Any, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda found: None)
    with pytest.raises(RlraError) as refused:
        require([name])
    assert refused.value.message == f"--report-to {name}: not installed"
    assert refused.value.hint == f"pip install {install}"


def test_an_unknown_tracker_is_refused() -> None:
    with pytest.raises(RlraError, match=r"--report-to tesnor: is not one of tensorboard, trackio, wandb"):
        require(["tesnor"])


def test_a_folder_that_a_tracker_left_behind_is_no_tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trackio").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    if importlib.util.find_spec("trackio").origin:  # type: ignore[union-attr]
        pytest.skip("trackio is installed")
    with pytest.raises(RlraError):
        require(["trackio"])


def test_the_rounds_of_a_run_are_runs_of_their_own(tmp_path: Path) -> None:
    """All are in a folder `model`, and trackio would write the steps of one over those of another."""
    names = [run_name(tmp_path / "run" / f"round-{number}" / "model") for number in (1, 2)]
    assert names == ["run-round-1", "run-round-2"]
    assert run_name(tmp_path / "run") == "run"
