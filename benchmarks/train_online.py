"""Seconds per step and peak memory of `rlra train --online` beside a bare TRL script, in one run.

Both train the embedded model on the quickstart's prompts with one or two constraints written in, in two processes of a
thread each: 4 prompts × 8 responses of at most 64 tokens a step, 8 responses a pass. The bare script gives the same
settings to `GRPOTrainer`, gets the same prompts in the same order, and its reward is written by hand for the two checks
(at most so many words, no commas). With the same seed both sample the same, and so their figures of what was learned
agree: the benchmark says by how much they differ.

Both are watched from outside: a step is what lies between two lines of a log, the first step is left out, and memory is
the sum of the peaks of all processes, of `rlra` also the one that starts the two. They take turns; told are medians
over all steps, with the range, and those of the rounds' ratios. `python benchmarks/train_online.py [ROUNDS [STEPS]]`.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import psutil

from schemas.jsonl import Source
from schemas.task import Task
from stages.train import TrainSpec
from stages.training.hybrid import sampled_steps

PROMPTS = Path(__file__).parent.parent / "examples" / "quickstart" / "prompts.jsonl"
FAMILIES = ["--families", "at_most_words", "--families", "no_commas"]
OURS, BARE = "rlra train --online", "bare TRL"
LEARNED = ("loss", "grad_norm", "reward", "completions/mean_length")
ALONE = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
SCRIPT = """
import json, re, sys, warnings
warnings.filterwarnings("ignore")
import transformers
from datasets import Dataset
from transformers import AutoTokenizer, PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from stages.models.embedded import model_folder
file, log, steps, scratch = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
weights = str(model_folder())
transformers.utils.logging.disable_progress_bar()
class Log(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **more):
        if state.is_world_process_zero and "loss" in logs:
            with open(log, "a") as out:
                out.write(json.dumps({"metrics": logs}) + "\\n")
def reward(completions, most, commas, **others):
    rewards = []
    for [message], words, without in zip(completions, most, commas):
        text, parts = message["content"], []
        said = bool(re.search(r"[^\\W_]", text))
        if words:
            count = len(re.findall(r"[^\\W_]+(?:['’][^\\W_]+)*", text))
            parts.append((1 if count <= words else 0.3 * (words + 1) / (count + 1)) if said else 0)
        if without:
            count = sum(text.count(comma) for comma in ",，、،﹐﹑")
            parts.append((0.3 / (1 + count) if count else 1) if said else 0)
        rewards.append(sum(parts) / len(parts))
    return rewards
rows = [json.loads(line) for line in open(file, encoding="utf-8")]
config = GRPOConfig(
    output_dir=scratch, max_steps=steps, num_generations=8, max_completion_length=64, temperature=1.0,
    per_device_train_batch_size=8, gradient_accumulation_steps=2, steps_per_generation=2, num_iterations=1,
    learning_rate=5e-5, lr_scheduler_type="constant_with_warmup", warmup_steps=2, max_grad_norm=1.0, beta=0.0,
    loss_type="dapo", scale_rewards="group", bf16=True, seed=0, use_cpu=True, gradient_checkpointing=False,
    dataloader_pin_memory=False, logging_steps=1, report_to="none", disable_tqdm=True, save_strategy="no",
    shuffle_dataset=False, remove_unused_columns=False, ddp_find_unused_parameters=False)
trainer = GRPOTrainer(
    model=weights, reward_funcs=reward, args=config, train_dataset=Dataset.from_list(rows),
    processing_class=AutoTokenizer.from_pretrained(weights), callbacks=[Log()])
trainer.remove_callback(PrinterCallback)
trainer.train()
trainer.save_model(scratch)
"""


@dataclass(frozen=True)
class Run:
    """What one run of one contender took, and what it learned."""

    seconds: list[float]
    """Of each step after the first."""
    worked: list[float]
    """Seconds that cores worked for it."""
    peak_mb: float
    learned: list[dict[str, float]]
    """What the log says of each step."""


def make_tasks(folder: Path, steps: int) -> tuple[Path, Path]:
    """Write the tasks, and for the bare script the same in the order of the run."""
    tasks, rows = folder / "tasks.jsonl", folder / "rows.jsonl"
    words = ["rlra", "generate-rubrics", str(PROMPTS), "-o", str(tasks), *FAMILIES, "--seed", "0", "--quiet"]
    subprocess.run(words, check=True)
    found = list(Source(str(tasks)).read(Task))
    ordered = sampled_steps(found, [""] * len(found), TrainSpec(prompts_per_step=4, steps=steps))
    with rows.open("w", encoding="utf-8") as out:
        for task in (task for step in ordered for task in step):
            out.write(json.dumps(row(task)) + "\n")
    return tasks, rows


def row(task: Task) -> dict[str, object]:
    """Return a task as a user of TRL would write it: the prompt, and what the reward has to know."""
    leaves = task.rubric.leaves if task.rubric else ()
    checks = {name: args for leaf in leaves for name, args in (leaf.check or {}).items()}
    prompt = [message.model_dump() for message in task.messages]
    return {"prompt": prompt, "most": checks.get("word_count", {}).get("at_most", 0), "commas": "no_commas" in checks}


def options(steps: int) -> list[str]:
    """Return what `rlra train --online` is told of its steps."""
    shape = ["--steps", str(steps), "--prompts-per-step", "4", "--group-size", "8", "--max-tokens", "64"]
    return [*shape, "--micro-batch", "8", "--learning-rate", "5e-5", "--warmup-steps", "2", "--save-every", "0"]


def ours(tasks: Path, folder: Path, steps: int) -> Run:
    """Run `rlra train --online`."""
    words = ["rlra", "train", "--online", str(tasks), "-o", str(folder), *options(steps), "--processes", "2", "--quiet"]
    return watched([subprocess.Popen(words)], folder / "train_log.jsonl", steps)


def bare(rows: Path, folder: Path, steps: int) -> Run:
    """Run the script in two processes."""
    folder.mkdir()
    words = [sys.executable, "-c", SCRIPT, str(rows), str(folder / "log.jsonl"), str(steps), str(folder)]
    return watched(two_ranks(words), folder / "log.jsonl", steps)


def two_ranks(words: list[str]) -> list[subprocess.Popen[bytes]]:
    """Start a command twice, of one thread each, as torchrun does: the two find each other by the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1]), "WORLD_SIZE": "2", **ALONE}
    ranks = [{"RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": "2"} for rank in "01"]
    return [subprocess.Popen(words, env={**os.environ, **world, **rank}) for rank in ranks]


def watched(running: list[subprocess.Popen[bytes]], log: Path, steps: int) -> Run:
    """Follow a contender to its end, looking at its log and its processes ten times a second."""
    peaks: dict[int, int] = {}
    marks: list[tuple[float, float]] = []
    while any(process.poll() is None for process in running):
        time.sleep(0.1)
        if any(process.returncode for process in running):  # the other would wait for it
            for process in running:
                process.kill()
        cpu = sum(spent(one, peaks) for one in psutil.Process().children(recursive=True))
        if log.exists() and len(marks) < min(steps, log.read_bytes().count(b"\n")):
            marks.append((time.perf_counter(), cpu))
    if any(process.returncode for process in running) or len(marks) < steps:
        raise SystemExit(f"ended with {[process.returncode for process in running]} after {len(marks)} steps")
    lines = [json.loads(line).get("metrics", {}) for line in log.read_text(encoding="utf-8").splitlines()[:steps]]
    seconds, worked = ([after[k] - before[k] for before, after in pairwise(marks)] for k in (0, 1))
    learned = [{name: line[name] for name in LEARNED} for line in lines]
    return Run(seconds, worked, sum(peaks.values()) / 1024, learned)


def spent(process: psutil.Process, peaks: dict[int, int]) -> float:
    """Return the seconds that cores worked for a process, and keep its peak of memory so far, in KB."""
    with suppress(psutil.Error, OSError):
        told = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()
        peaks[process.pid] = int(told[0]) if told else peaks.get(process.pid, 0)
        used = process.cpu_times()
        return used.user + used.system
    return 0.0


def table(runs: dict[str, list[Run]]) -> Iterator[str]:
    """Yield a line for each contender, what ours takes of the other, and how far they learned the same."""
    for name, found in runs.items():
        seconds = [second for run in found for second in run.seconds]
        length = median(step["completions/mean_length"] for run in found for step in run.learned)
        yield (
            f"{name:20} {median(seconds):5.1f} s a step ({min(seconds):.1f} to {max(seconds):.1f})"
            f"  {median(second for run in found for second in run.worked):5.1f} CPU s"
            f"  {median(run.peak_mb for run in found):,.0f} MB  {32 * length:,.0f} tokens a step"
        )
    told = {"clock": lambda r: median(r.seconds), "CPU": lambda r: median(r.worked), "memory": lambda r: r.peak_mb}
    yield "rlra takes " + ", ".join(f"{ratio(runs, of):.3f} of the {name}" for name, of in told.items())
    pairs = [
        (mine, theirs)
        for one, other in zip(runs[OURS], runs[BARE], strict=True)
        for mine, theirs in zip(one.learned, other.learned, strict=True)
    ]
    apart = (f"{name} {max(abs(mine[name] - theirs[name]) for mine, theirs in pairs):.2g}" for name in LEARNED)
    yield "greatest difference in a step: " + ", ".join(apart)


def ratio(runs: dict[str, list[Run]], of: Callable[[Run], float]) -> float:
    """Return the median over the rounds of what ours takes of the other's figure."""
    return median(of(one) / of(other) for one, other in zip(runs[OURS], runs[BARE], strict=True))


def main(rounds: int = 3, steps: int = 5) -> None:
    """Print the table."""
    runs: dict[str, list[Run]] = {OURS: [], BARE: []}
    for number in range(rounds):
        print(f"round {number + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tasks, rows = make_tasks(folder, steps)
            for turn in (OURS, BARE) if number % 2 == 0 else (BARE, OURS):
                run = ours(tasks, folder / "rlra", steps) if turn == OURS else bare(rows, folder / "bare", steps)
                runs[turn].append(run)
    print("\n".join(table(runs)), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
