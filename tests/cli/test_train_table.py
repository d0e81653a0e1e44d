"""A training run as people see it: a table on a terminal, lines elsewhere, and a word on a loss of 0."""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from rlra_cli.train_table import ROWS, Lines, LiveTable, step_table, zero_is_normal
from schemas.jsonl import to_line
from schemas.train_log import TrainLog
from tests.running import environment
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

STAGED = {"loss": 0.1, "grad_norm": 0.5, "reward": 0.25, "reward_spread": 0.5, "sampler_kl": 0.001, "entropy": 12.5}
ONLINE = {**STAGED, "veto_rate": 0.125, "seconds/step": 9.0, "seconds/sampling": 4.0, "seconds/judging": 2.0}


def step(number: int, steps: int | None = 40, **metrics: float) -> TrainLog:
    return TrainLog(id=f"step-{number}", step=number, steps=steps, seconds=10.0 * number, metrics={**STAGED, **metrics})


def seen(lines: list[TrainLog], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(step_table(lines))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_step_is_a_row_under_what_was_measured_and_the_time_left_stands_below() -> None:
    text = seen([step(1), step(2), step(3, reward=0.5)])
    heading, *rows = [line.split() for line in text.splitlines() if re.search(r"\w", line)]
    assert heading == ["step", "reward", "spread", "KL", "entropy"]
    assert rows[0] == ["1", "0.250", "0.500", "0.001", "12.5"] and rows[2][:2] == ["3", "0.500"]
    assert text.rstrip().endswith("step 3 of 40, 30 s, 6 min 10 s left")  # 37 steps of 10 s


def test_the_time_of_an_only_step_is_what_it_took() -> None:
    assert "step 1 of 3, 10 s, 18 s left" in seen([step(1, 3, **{"seconds/step": 9.0})])
    assert seen([step(4, None)]).rstrip().endswith("step 4, 40 s")


def test_a_measure_that_one_step_lacks_is_no_zero_there() -> None:
    text = seen([step(1, veto_rate=0.5), step(2)])
    assert re.search(r"veto\s", text) and re.search(r"12\.5 +– *$", text, re.MULTILINE)


def test_every_column_fits_a_terminal_of_80_columns() -> None:
    full = step(123, 1000, **ONLINE, sampler_ess=0.91, kl=0.01, length=312.5, **{"seconds/learning": 3.0})
    text = seen([full, full])
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    headings = "step reward spread KL ref ESS entropy length veto s sample judge learn"
    assert text.splitlines()[1].split() == headings.split()


def test_the_live_table_shows_the_last_steps_alone_and_gives_the_terminal_back() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    table = LiveTable(console)
    for number in range(1, ROWS + 4):
        table.add(step(number))
    table.close()
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue()
    last = written[written.rindex("reward") :]
    assert re.findall(r"^ +(\d+) ", re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", last), re.MULTILINE) == [
        str(number) for number in range(4, ROWS + 4)
    ]
    assert written.split("\x1b[?25l")[1].startswith("\x1b[?25h")  # whoever ends the run, the cursor is there


def test_a_loss_of_0_is_explained_where_there_is_a_gradient() -> None:
    why = zero_is_normal(step(1, loss=1e-9, grad_norm=0.312))
    assert why and "a loss of 0 is normal" in why and "norm 0.312" in why
    assert zero_is_normal(step(1, loss=1e-9, grad_norm=0.0)) is None  # nothing is learned: that is not normal
    assert zero_is_normal(step(1, loss=0.02)) is None
    assert zero_is_normal(TrainLog(id="x", step=1, seconds=1, metrics={"held_out": 0.5})) is None


def test_lines_are_told_one_by_one_and_the_explanation_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(quiet=False)
    for number in (1, 2):
        lines.add(step(number, loss=0.0))
    lines.add(TrainLog(id="end", step=2, seconds=1, event="stopped: KL 0.31 > 0.2"))
    first, why, second, end = capsys.readouterr().err.splitlines()
    assert first == "train: step 1: loss 0, grad_norm 0.5, reward 0.25, sampler_kl 0.001, entropy 12.5"
    assert "normal" in why and second.startswith("train: step 2: loss 0,")
    assert end == "train: step 2: stopped: KL 0.31 > 0.2"
    Lines(quiet=True).add(step(1, loss=0.0))
    assert capsys.readouterr().err == ""


def test_a_run_in_a_terminal_shows_the_table_and_no_line_per_step(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    (tmp_path / "judged.jsonl").write_bytes(b"".join(map(to_line, sampled(folder, 4))))
    words = "train judged.jsonl -o out --model hf:tiny --prompts-per-step 2 --loss-type grpo --scale-rewards none"
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "rlra_cli.main", *words.split(), "--learning-rate", "1e-3", "--no-bf16"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env=environment(TERM="xterm", PYTHONPATH=str(Path(__file__).parents[2])),
    ) as process:
        os.close(slave)
        screen = b"".join(iter(lambda: _read(master), b"")).decode()
    os.close(master)
    assert process.returncode == 0, screen
    plain = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", screen)
    assert re.search(r"step +reward +spread +KL +ESS +entropy +length +s +learn", plain), plain
    assert "step 2 of 2" in plain and "step 1: loss" not in plain
    assert plain.count("a loss of 0 is normal") == 1  # the first step is on policy, and grpo's loss is 0 there
    assert screen.rindex("\x1b[?25h") > screen.rindex("\x1b[?25l")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""
