"""Tokens per second of `rlra rollout` beside bare transformers loops, in one run on the same prompts.

All sample responses of at most 48 tokens from the embedded model in bfloat16. `rlra rollout` and two bare
`model.generate` scripts (one process with all threads, and one of a single thread for each core) sample 8 to each
prompt, in batches of 64; a naive loop samples one at a time, and a few are enough to know its speed. There are 32
short prompts, those of the quickstart, and 8 long ones of more than 600 tokens. Loading is in no figure: bare loops
watch their own clock, and of `rlra` it is the difference between a longer and a shorter run that counts.

The rounds' medians are told, by the clock and by the seconds that the cores worked for it: other work on the
machine, whose load is told before each round, spoils the first figure and hardly the second.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PROMPTS = Path(__file__).parent.parent / "examples" / "quickstart" / "prompts.jsonl"
CORES = os.cpu_count() or 1
Speed = tuple[float, float]
"""Tokens per second, and per second that a core worked for them."""
BARE = """
import json, sys, time, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from stages.models.embedded import model_folder
file, first, step, each, threads = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
prompts = [json.loads(line)["prompt"] for line in open(file, encoding="utf-8")][first::step]
tokenizer = AutoTokenizer.from_pretrained(model_folder(), padding_side="left")
model = AutoModelForCausalLM.from_pretrained(model_folder(), dtype=torch.bfloat16).eval()
texts = [tokenizer.apply_chat_template([{"role": "user", "content": p}], tokenize=False, add_generation_prompt=True)
         for p in prompts for _ in range(each)]
def run(texts, most=48):
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    with torch.inference_mode():
        out = model.generate(**batch, do_sample=True, temperature=1.0, top_p=1.0, top_k=0, max_new_tokens=most,
                             pad_token_id=tokenizer.pad_token_id)[:, batch.input_ids.shape[1]:]
    ended = (out == tokenizer.eos_token_id).int()
    return int((ended.cumsum(-1) - ended == 0).sum())
run(texts[:2], most=2)
began, worked, batch = time.perf_counter(), time.process_time(), 1 if each == 1 else 64
tokens = sum(run(texts[start:start + batch]) for start in range(0, len(texts), batch))
print(json.dumps([tokens, time.perf_counter() - began, time.process_time() - worked]))
"""


def bare(prompts: list[str], folder: Path, processes: int, threads: int, each: int = 8) -> Speed:
    """Return the speed of so many bare loops side by side, each with its share of the prompts."""
    file = written(prompts, folder / "bare.jsonl")
    commands = [[sys.executable, "-c", BARE, file, *map(str, (n, processes, each, threads))] for n in range(processes)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True, env=environment) for one in commands]
    tokens, seconds, worked = zip(*(json.loads(one.communicate()[0]) for one in running), strict=True)
    return sum(tokens) / max(seconds), sum(tokens) / sum(worked)


def rlra(prompts: list[str], warm: list[str], folder: Path) -> Speed:
    """Return the speed of `rlra rollout` on `prompts`, behind those of `warm`."""
    few, less, light = timed(written(warm, folder / "rlra.jsonl"))
    many, more, heavy = timed(written(warm + prompts, folder / "rlra.jsonl"))
    return (many - few) / (more - less), (many - few) / (heavy - light)


def timed(file: str) -> tuple[int, float, float]:
    """Return (tokens, seconds, seconds that the cores worked) of one `rlra rollout`, its workers included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = ["rlra", "rollout", file, "--max-tokens", "48", "--quiet"]
    lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return sum(r["length"] for line in lines for r in json.loads(line)["responses"]), seconds, worked


def written(prompts: list[str], path: Path) -> str:
    """Write prompts to a file, and return its name."""
    path.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts), encoding="utf-8")
    return str(path)


def one_round(prompts: list[str], warm: list[str], folder: Path) -> dict[str, Speed]:
    """Return the speed of each party."""
    return {
        "rlra rollout": rlra(prompts, warm, folder),
        f"bare generate, 1 process of {CORES} threads": bare(prompts, folder, 1, CORES),
        f"bare generate, {CORES} processes of 1 thread": bare(prompts, folder, CORES, 1),
        "one prompt at a time": bare(prompts[:3], folder, 1, CORES, each=1),
    }


def main(rounds: int) -> None:
    """Print the speed of each party on short and on long prompts, and what `rlra` makes of it."""
    known = [json.loads(line)["prompt"] for line in PROMPTS.read_text(encoding="utf-8").splitlines()][:40]
    long = [" ".join((known[first:] + known)[:44]) for first in range(16)]
    with tempfile.TemporaryDirectory() as name:
        for kind, prompts in (("short", known), ("long", long)):
            found = []
            for _ in range(rounds):
                print(f"{kind} prompts, load {os.getloadavg()[0]:.1f}", flush=True)
                found.append(one_round(prompts[8:], prompts[:8], Path(name)))
            ours = [median(one["rlra rollout"][unit] for one in found) for unit in (0, 1)]
            for party in found[0]:
                clock, cores = (median(one[party][unit] for one in found) for unit in (0, 1))
                ratios = f"rlra makes {ours[0] / clock:.2f} and {ours[1] / cores:.2f} of it"
                print(f"  {party}: {clock:.0f} tokens/s, {cores:.0f} per second of a core; {ratios}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
