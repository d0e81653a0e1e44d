"""The log of a run as a file: what is done again is forgotten, and everything written is seen."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlra_cli.run_log import RunLog
from rlra_cli.train_table import Lines
from schemas.jsonl import Source, to_line
from schemas.train_log import TrainLog
from stages.training.trackers import Trackers

END = TrainLog(id="end", step=4, seconds=9, event="stopped: KL 0.31 > 0.2")


def step(number: int) -> TrainLog:
    return TrainLog(id=f"step-{number}", step=number, steps=9, seconds=number, metrics={"loss": 0.5})


def log_at(folder: Path) -> RunLog:
    return RunLog(folder / "log.jsonl", Lines(quiet=False), Trackers((), folder, {}, print))


@given(last=st.integers(0, 4), ended=st.booleans(), torn=st.integers(0, 60))
def test_a_resumed_run_keeps_the_steps_up_to_its_checkpoint_and_nothing_else(
    last: int, ended: bool, torn: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("log")
    whole = [to_line(step(number)) for number in range(1, 5)]
    half = to_line(step(5))[:torn] if not ended else b""
    (folder / "log.jsonl").write_bytes(b"".join(whole) + (to_line(END) if ended else half))
    log_at(folder).cut(last)
    assert (folder / "log.jsonl").read_bytes() == b"".join(whole[:last])


def test_a_run_without_a_log_has_nothing_to_forget(tmp_path: Path) -> None:
    log_at(tmp_path).cut(3)
    assert not (tmp_path / "log.jsonl").exists()


def test_the_seconds_go_on_from_the_last_step_that_stays(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"".join(to_line(step(number)) for number in range(1, 5)) + to_line(END))
    log = log_at(tmp_path)
    log.cut(3)
    for line in (step(4).model_copy(update={"seconds": 0.5}), step(5).model_copy(update={"seconds": 1.25}), END):
        log.write(line)
    seconds = [line.seconds for line in Source(str(tmp_path / "log.jsonl")).read(TrainLog)]
    assert seconds == [1, 2, 3, 3.5, 4.25, END.seconds]


def test_a_line_is_written_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = log_at(tmp_path)
    for line in (step(1), END):
        log.write(line)
    log.close()
    assert (tmp_path / "log.jsonl").read_bytes() == to_line(step(1)) + to_line(END)
    assert capsys.readouterr().err == "train: step 1: loss 0.5\ntrain: step 4: stopped: KL 0.31 > 0.2\n"
