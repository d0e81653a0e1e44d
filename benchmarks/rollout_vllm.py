"""Tokens per second of `rlra rollout vllm:` beside bare `LLM.generate`, in one run on the same requests.

Both sample 8 responses of at most 48 tokens, with log-probabilities, to each of 64 prompts of the quickstart (or
to as many as the first argument says) from the embedded model in bfloat16, with the same seeds. Each is a process
of its own, with vLLM set up as the command has it and as vLLM has it; loading is part of neither figure. rlra's
holds the chat template, the windows that the command samples by, and writing the lines; the bare one holds
`generate` alone, on prompts that are token ids already. They take turns three times, and the medians count.
Run it with the Python that `make test-vllm` sets up: .venv-vllm/bin/python.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

PROMPTS = Path(__file__).parent.parent / "examples" / "quickstart" / "prompts.jsonl"
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR", "OMP_WAIT_POLICY": "PASSIVE"}
RLRA = """
import sys, time
import orjson
from rlra_cli.models import ModelOptions, _in_process
from schemas.jsonl import to_line
from schemas.task import Message, Task
from stages.models.weights import weights_of
from stages.rollout import RolloutSpec, rollout
given = map(orjson.loads, open(sys.argv[1], "rb"))
tasks = [Task(id=each["id"], messages=(Message(role="user", content=each["prompt"]),)) for each in given]
spec = RolloutSpec(group_size=8, max_tokens=48)
model = _in_process("vllm:" + weights_of("smollm2")[0], ModelOptions(), "bfloat16")
list(rollout(tasks[:2], spec.model_copy(update={"seed": 1}), model))
began, tokens = time.perf_counter(), 0
with open(sys.argv[1] + ".out", "wb") as file:
    for group in rollout(tasks, spec, model):
        file.write(to_line(group))
        tokens += sum(response.length for response in group.responses)
print("counted", tokens, time.perf_counter() - began)
"""
BARE = """
import sys, time
import orjson, vllm
from stages.models.weights import weights_of
from stages.seeds import derive
if __name__ == "__main__":
    given = [orjson.loads(line) for line in open(sys.argv[1], "rb")]
    folder = weights_of("smollm2")[0]
    # In parts, a prompt with a seed breaks vLLM's engine on a CPU.
    llm = vllm.LLM(model=folder, dtype="bfloat16", enforce_eager=True, disable_log_stats=True, generation_config="vllm",
                   enable_chunked_prefill=False)
    tokenizer = llm.get_tokenizer()
    turns = [[{"role": "user", "content": each["prompt"]}] for each in given]
    texts = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts for _ in range(8)]
    seeds = [derive(0, each["id"], index) & 0x7FFFFFFF for each in given for index in range(8)]
    def generate(count, more):
        sampling = [vllm.SamplingParams(temperature=1.0, max_tokens=48, seed=seed + more, logprobs=0) for seed in seeds]
        outputs = llm.generate([{"prompt_token_ids": i} for i in ids[:count]], sampling[:count], use_tqdm=False)
        return sum(len(output.outputs[0].token_ids) for output in outputs)
    generate(16, 1)
    began = time.perf_counter()
    print("counted", generate(len(ids), 0), time.perf_counter() - began)
"""
PARTIES = {"rlra rollout vllm:": RLRA, "bare LLM.generate": BARE}


def speed(program: str, folder: Path) -> float:
    """Return the tokens per second that a program of its own process counts."""
    script = folder / "program.py"
    script.write_text(program, encoding="utf-8")
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": str(Path(__file__).parent.parent)}
    words = [sys.executable, str(script), str(folder / "prompts.jsonl")]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    _, tokens, seconds = next(line for line in done.stdout.splitlines() if line.startswith("counted ")).split()
    print(f"{tokens} tokens in {float(seconds):.1f} s")
    return int(tokens) / float(seconds)


def main() -> None:
    """Print tokens per second of both, and their ratio."""
    if importlib.util.find_spec("vllm") is None:
        print("vLLM is not installed here: .venv-vllm/bin/python, which `make test-vllm` sets up, runs this benchmark")
        return
    speeds: dict[str, list[float]] = {name: [] for name in PARTIES}
    with tempfile.TemporaryDirectory() as folder:
        given = PROMPTS.read_bytes().splitlines(keepends=True)[: int(sys.argv[1]) if len(sys.argv) > 1 else 64]
        (Path(folder) / "prompts.jsonl").write_bytes(b"".join(given))
        for _ in range(3):
            for name, program in PARTIES.items():
                print(f"{name} ", end="", flush=True)
                speeds[name].append(speed(program, Path(folder)))
    mine, theirs = map(median, speeds.values())
    print(f"rlra rollout vllm: {mine:.0f} tokens/s, bare LLM.generate {theirs:.0f} tokens/s, ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main()
