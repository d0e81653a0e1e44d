"""Where the time of a step of `rlra train --online` goes on a CPU, and what TRL's own options make of it.

The run is that of `benchmarks/train_online.py`, by the command itself, with clocks around what TRL and torch do:
sampling, judging, forward and backward passes, clipping, the optimizer, and waiting for the other process in
collectives. A part's seconds are its own, without those of parts within it; the all-reduce of gradients overlaps the
last backward pass, and is what that one takes longer than the others. Told are the parts for two processes of a thread
each and for one of two threads, as medians over the first process's steps after the first.

Then each option is tried alone, in two processes, with the ratio of its step to that without it, by the clock and by
the seconds that a core worked; one that cannot run says so. `python benchmarks/train_step.py [STEPS [OPTION …]]`, with
options as the command takes them, such as "--set cast_lm_head_to_fp32=true".
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, median

from benchmarks.train_online import make_tasks, options, two_ranks

OPTIONS = (
    "--micro-batch 4",
    "--micro-batch 16",
    "--no-bf16",
    "--set cast_lm_head_to_fp32=true",
    "--set cache_implementation=static",
    "--set optim=adamw_torch",
    "--set optim=adafactor",
    "--set gradient_checkpointing=true",
    "--set ddp_bucket_cap_mb=100",
    "--set ddp_broadcast_buffers=false",
)
RATIOS = {"a step": "clock", "worked": "CPU", "sampling": "sampling", "forward": "forward", "backward": "backward"}
Step = dict[str, float]
CLOCKED = """
import json, os, sys, time
import torch.distributed
steps, within = [], []
def clocked(owner, name, part):
    inner = getattr(owner, name)
    def outer(*args, **more):
        began = time.perf_counter()
        within.append(0.0)
        try:
            return inner(*args, **more)
        finally:
            took = time.perf_counter() - began
            own = took - within.pop()
            if within:
                within[-1] += took
            if steps:
                steps[-1].setdefault(part(*args) if callable(part) else part, []).append(own)
    setattr(owner, name, outer)
for name in ("all_reduce", "all_gather", "all_gather_into_tensor", "all_gather_object", "broadcast", "barrier"):
    clocked(torch.distributed, name, "waiting in collectives")
import accelerate.optimizer, trl
from stages.training.log import StepLog
clocked(trl.GRPOTrainer, "_generate_single_turn", "sampling")
clocked(trl.GRPOTrainer, "_calculate_rewards", "judging")
clocked(trl.GRPOTrainer, "compute_loss", "forward")
clocked(accelerate.Accelerator, "backward", lambda self, *_: "backward, last" if self.sync_gradients else "backward")
clocked(accelerate.Accelerator, "clip_grad_norm_", "clipping")
clocked(accelerate.optimizer.AcceleratedOptimizer, "step", "optimizer")
begin, log = StepLog.on_step_begin, StepLog.on_log
def on_step_begin(*args, **more):
    steps.append({"began": time.perf_counter(), "worked": time.process_time()})
    begin(*args, **more)
def on_log(*args, logs=None, **more):
    if logs and "loss" in logs:
        for name, now in (("began", time.perf_counter()), ("worked", time.process_time())):
            steps[-1][name] = now - steps[-1][name]
    log(*args, logs=logs, **more)
StepLog.on_step_begin, StepLog.on_log = on_step_begin, on_log
from rlra_cli.main import main
told = sys.argv.pop(1)
try:
    main()
finally:
    if os.environ.get("RANK", "0") == "0":
        json.dump(steps, open(told, "w"))
"""


def run(folder: Path, tasks: Path, steps: int, processes: int, more: str = "") -> list[Step]:
    """Return what each step of a run took in its first process, the first step left out; nothing where it failed."""
    told, out = folder / "steps.json", tempfile.mkdtemp(dir=folder)
    words = [sys.executable, "-c", CLOCKED, str(told), "train", "--online", str(tasks), "-o", out, *options(steps)]
    words += [*more.split(), "--quiet"]
    alone = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    running = two_ranks(words) if processes == 2 else [subprocess.Popen([*words, "--processes", "1"], env=alone)]
    codes = [process.wait() for process in running]
    if any(codes):
        print(f"exit codes {codes}", file=sys.stderr)
        return []
    found = json.loads(told.read_text(encoding="utf-8"))
    return [parts(step.pop("began"), step.pop("worked"), step) for step in found[1:]]


def parts(whole: float, worked: float, calls: dict[str, list[float]]) -> Step:
    """Return the parts of a step from the seconds of every call."""
    usual, last = calls.pop("backward", []), calls["backward, last"][0]
    longer = max(last - mean(usual), 0.0) if usual else 0.0
    named = {name: sum(seconds) for name, seconds in calls.items() if name != "backward, last"}
    named |= {"backward": sum(usual) + last - longer, "all-reduce of gradients": longer}
    return {**named, "the rest": whole - sum(named.values()), "a step": whole, "worked": worked}


def medians(steps: list[Step]) -> Step:
    """Return the median of each part. Ends the program where a run failed."""
    if not steps:
        raise SystemExit("a run failed: what it said stands above")
    return {name: median(step.get(name, 0.0) for step in steps) for name in steps[0]}


def profile(two: Step, one: Step) -> None:
    """Print the parts of a step, the longest first."""
    print(f"{'':26}{'2 processes × 1 thread':>26}{'1 process × 2 threads':>26}")
    for name in sorted(two.keys() - {"worked"}, key=two.__getitem__):
        cells = (f"{step.get(name, 0.0):15.2f} s {step.get(name, 0.0) / step['a step']:7.0%}" for step in (two, one))
        print(f"{name:26}" + " ".join(cells))


def main(steps: int, tried: list[str]) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks, _ = make_tasks(folder, steps)
        usual = medians(run(folder, tasks, steps, 2))
        profile(usual, medians(run(folder, tasks, steps, 1)))
        for option in tried:
            print(f"{option:40}", end="", flush=True)
            if found := run(folder, tasks, steps, 2, option):
                step = medians(found)
                ratios = (f"{step[key] / usual[key]:.2f} of the {of}" for key, of in RATIOS.items())
                print(f"{step['a step']:6.2f} s a step ({', '.join(ratios)})", flush=True)
            else:
                print("  could not run", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:] or list(OPTIONS))
