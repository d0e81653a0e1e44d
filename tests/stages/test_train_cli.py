"""`rlra train` as its users run it: a folder with a model, a log and a manifest; interrupted and gone on with."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.running import PATIENCE_S, Done, Runner, interrupt, wait_until
from tests.stages import train_folders
from tests.stages.train_folders import EXACT, ONE, WIDE, digest_of, log_of

groups, run = train_folders.groups, train_folders.run
STEPS = 6


@pytest.fixture(scope="module")
def whole(run: Runner) -> tuple[Path, Done]:
    """Train once, undisturbed."""
    done = run("train", "judged.jsonl", "-o", "whole", "--model", "hf:tiny", *ONE)
    assert done.code == 0, done.err
    return run.folder / "whole", done


def metrics_of(folder: Path) -> list[dict[str, float]]:
    """Return each step's measures without the clocks."""
    timed = ("runtime", "per_second", "step_time", "seconds/")
    return [
        {name: value for name, value in line.metrics.items() if not any(word in name for word in timed)}
        for line in log_of(folder)
    ]


def test_a_run_leaves_a_model_a_log_and_a_manifest(whole: tuple[Path, Done], run: Runner) -> None:
    folder, done = whole
    assert done.out == b""
    assert "Traceback" not in done.err
    assert not {"checkpoints", "recipe.json", "saving"} & {path.name for path in folder.iterdir()}
    log = log_of(folder)
    assert [line.step for line in log] == [*range(1, STEPS + 1), STEPS]
    assert [line.event for line in log] == [None] * STEPS + ["finished"]
    for line in log[:-1]:
        assert {"loss", "grad_norm", "learning_rate", "sampler_kl", "sampler_ess"} <= set(line.metrics)
    assert log[0].metrics["sampler_difference"] < 1e-4
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["recipe"]["stage"] == "train"
    assert manifest["recipe"]["sha256"] == digest_of(folder)
    assert manifest["recipe"]["spec"]["revision"] == digest_of(run.folder / "tiny")
    assert manifest["recipe"]["spec"]["learning_rate"] == 1e-3
    assert manifest["recipe"]["inputs"]["input"]["records"] == 6
    assert manifest["run"]["counts"]["steps"] == STEPS


def test_what_is_said_is_one_line_per_step_and_no_library_speaks(whole: tuple[Path, Done]) -> None:
    said = whole[1].err.splitlines()
    assert said[0] == "train: 6 of 6 groups can be learned from"
    assert all(line.startswith("train: ") for line in said), said
    assert sum(": loss " in line for line in said) == STEPS
    assert said[-1].startswith("train: ") and said[-1].endswith("→ whole")


def test_the_trained_model_loads_and_has_moved(whole: tuple[Path, Done], run: Runner) -> None:
    trained = AutoModelForCausalLM.from_pretrained(whole[0])
    assert AutoTokenizer.from_pretrained(whole[0]).chat_template
    ids = torch.arange(5, 20)[None]
    with torch.no_grad():
        logits = trained(ids).logits
        before = AutoModelForCausalLM.from_pretrained(run.folder / "tiny")(ids).logits
    assert torch.isfinite(logits).all()
    assert not torch.allclose(logits, before, atol=1e-2)
    assert digest_of(whole[0]) != digest_of(run.folder / "tiny")


def test_two_processes_learn_what_one_learns(whole: tuple[Path, Done], run: Runner) -> None:
    done = run.inside(
        "train",
        "judged.jsonl",
        "-o",
        "two",
        "--model",
        "hf:tiny",
        "--processes",
        "2",
        "--save-every",
        "0",
        *EXACT,
        *WIDE,
    )
    assert done.code == 0, done.err
    assert done.out == b""
    assert "Traceback" not in done.err
    one, two = metrics_of(whole[0]), metrics_of(run.folder / "two")
    print(f"loss {one[0]['loss']:.9g} {two[0]['loss']:.9g}; norm {one[0]['grad_norm']:.9g} {two[0]['grad_norm']:.9g}")
    assert two[0]["loss"] == pytest.approx(one[0]["loss"], abs=1e-4)
    assert two[0]["grad_norm"] == pytest.approx(one[0]["grad_norm"], rel=1e-4)
    assert two[0]["reward"] == pytest.approx(one[0]["reward"], abs=1e-6)
    assert two[STEPS - 1]["sampler_kl"] == pytest.approx(one[STEPS - 1]["sampler_kl"], rel=0.05)
    assert [line.step for line in log_of(run.folder / "two")] == [*range(1, STEPS + 1), STEPS]
    assert done.err.count("groups can be learned from") == 1
    assert done.err.count("train: step 1: loss") == 1
    assert AutoModelForCausalLM.from_pretrained(run.folder / "two").num_parameters() > 0


def checkpointed(folder: Path, step: int) -> Callable[[], bool]:
    """Return whether a whole checkpoint of `step`, or a later one, is there."""
    return lambda: any(
        int(path.parent.name.rpartition("-")[2]) >= step
        for path in (folder / "checkpoints").glob("checkpoint-*/trainer_state.json")
    )


def test_an_interrupted_run_goes_on_and_ends_with_the_same_weights(whole: tuple[Path, Done], run: Runner) -> None:
    """SIGTERM after one checkpoint, SIGKILL after a later one; half a line stands in the log."""
    words = ["train", "judged.jsonl", "-o", "again", "--model", "hf:tiny", *ONE]
    folder = run.folder / "again"
    first = run.start(*words)
    wait_until(checkpointed(folder, 1), "the first checkpoint")
    ended = interrupt(first)
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert not (folder / "manifest.json").exists()
    taken = orjson.loads((folder / "taken.json").read_bytes())
    assert taken["seconds"] > 0 and taken["counts"] == {}
    other = run.inside(*words, "--seed", "9")
    assert other.code == 1
    assert "again: begun with another recipe; these differ: spec.seed" in other.err
    assert "--no-resume" in other.err
    second = run.start(*words)
    wait_until(checkpointed(folder, 3), "the third checkpoint")
    second.kill()
    second.communicate(timeout=PATIENCE_S)
    assert not (folder / "manifest.json").exists()
    with (folder / "train_log.jsonl").open("ab") as log:
        log.write(b'{"schema":"train_log/1","id":"step-0000')
    done = run.inside(*words)
    assert done.code == 0, done.err
    assert digest_of(folder) == digest_of(whole[0])
    assert metrics_of(folder) == metrics_of(whole[0])
    assert [line.step for line in log_of(folder)] == [*range(1, STEPS + 1), STEPS]
    assert done.err.count(": loss ") <= STEPS - 3
    told = orjson.loads((folder / "manifest.json").read_bytes())["run"]
    assert told["seconds"] > taken["seconds"] and told["counts"]["resumed_after"] >= 1  # the killed one kept nothing
    assert not (folder / "taken.json").exists()
    recipes = [orjson.loads((path / "manifest.json").read_bytes())["recipe"] for path in (folder, whole[0])]
    assert recipes[0] == recipes[1]


def descendants(pid: int) -> list[int]:
    asked = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in asked.stdout.split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_process_of_a_run_outlives_its_kill(run: Runner) -> None:
    """Otherwise the run that goes on would share its folder with the one that was killed."""
    words = ["train", "judged.jsonl", "-o", "lost", "--model", "hf:tiny", *ONE, "--processes", "2", "--epochs", "500"]
    parent = run.start(*words)
    wait_until(lambda: len(descendants(parent.pid)) >= 2, "two ranks")
    wait_until(lambda: (run.folder / "lost" / "train_log.jsonl").exists(), "the first step")
    ranks = descendants(parent.pid)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while any(map(alive, ranks)) and time.monotonic() < end:
        time.sleep(0.05)
    left = [rank for rank in ranks if alive(rank)]
    for rank in left:
        os.kill(rank, signal.SIGKILL)
    parent.communicate(timeout=PATIENCE_S)
    assert left == []


def test_a_run_that_diverges_saves_no_model(run: Runner) -> None:
    wild = [
        "--no-bf16",
        "--learning-rate",
        "1e38",
        "--prompts-per-step",
        "2",
        "--micro-batch",
        "3",
        "--max-grad-norm",
        "1e9",
    ]
    words = ["train", "judged.jsonl", "-o", "wild", "--model", "hf:tiny", "--processes", "1", "--save-every", "0"]
    done = run.inside(*words, *wild, *WIDE)
    assert done.code == 1
    assert "diverged" in done.err and "Traceback" not in done.err
    assert not list((run.folder / "wild").glob("*.safetensors"))
    assert not (run.folder / "wild" / "manifest.json").exists()
    assert log_of(run.folder / "wild")[-1].event == "stopped: loss or gradient is not a finite number"
