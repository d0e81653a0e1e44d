"""Tokens of prompts that a real server computes for `rlra judge`, with prefix sharing and without: its own counters.

The embedded model judges groups of eight responses by eight criteria: one criterion per call, all eight in one call,
and by one token's probabilities. Answers are cut after a token: what is counted is the prompts. The servers are those
of `make test-judge-live`, which sets them up: llama.cpp, which keeps a prefix per slot, and vLLM, which keeps blocks
for all. `python benchmarks/prefix.py [xllamacpp] [vllm]`; LIVE_PYTHON names another environment.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.judge import CRITERIA, SIBLINGS, write
from tests.live.live_server import Live, serving

ROOT = Path(__file__).parents[1]
GROUPS, AT_A_TIME = 1, 4
LAYOUTS = {
    "text, one criterion per call": ["--method", "text", "--criteria-per-call", "1"],
    "text, eight per call": ["--method", "text", "--criteria-per-call", "all"],
    "logprob": ["--method", "logprob"],
}


def judge(live: Live, folder: Path, options: list[str]) -> tuple[int, int]:
    """Judge once; return the tokens of the prompts, and how many of them the server computed."""
    words = ["judge", str(folder / "in.jsonl"), "-o", str(folder / "out.jsonl"), "--rubrics", str(folder / "r.yaml")]
    words += ["--model", "openai:live", "--base-url", f"{live.url}/v1", "--concurrency", str(AT_A_TIME)]
    words += ["--max-tokens", "1", "--attempts", "1", "--max-failures", "100%", "--timeout-s", "3600", "--quiet"]
    before = live.counters()
    subprocess.run([Path(sys.executable).with_name("rlra"), *words, *options], check=True)
    after = live.counters()
    return after["prompt"] - before["prompt"], after["computed"] - before["computed"]


def measured(kind: str, python: str, folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return for each layout the tokens asked, computed without sharing, and computed with it."""
    found: dict[str, list[int]] = {name: [] for name in LAYOUTS}
    for shared in (False, True):
        with serving(kind, python, share_prefixes=shared) as live:
            for name, options in LAYOUTS.items():
                asked, computed = judge(live, folder, options)
                found[name] += [computed] if shared else [asked, computed]
    return {name: (asked, without, shared) for name, (asked, without, shared) in found.items()}


def main() -> None:
    """Print for each server and layout what was asked and computed, in all and per judgement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "in.jsonl", GROUPS * SIBLINGS)
        rubric = {"rubric": "r", "criteria": [{"id": key, "text": text} for key, text in CRITERIA.items()]}
        (folder / "r.yaml").write_text(json.dumps(rubric))
        for kind in sys.argv[1:] or ("xllamacpp", "vllm"):
            home = ROOT / (".venv-vllm" if kind == "vllm" else f".venv-live/{kind}")
            python = os.environ.get("LIVE_PYTHON", str(home / "bin" / "python"))
            if not Path(python).exists():
                print(f"left out: {kind}, which `make test-judge-live LIVE={kind}` sets up")
                continue
            for layout, (asked, without, shared) in measured(kind, python, folder).items():
                each = GROUPS * SIBLINGS * len(CRITERIA)
                print(
                    f"{kind:10} {layout:30} {asked:>8,} tokens of prompts; computed without sharing {without:>8,},"
                    f" with it {shared:>8,} ({shared / without:.2f} ×);"
                    f" {without / each:.0f} → {shared / each:.0f} per judgement",
                    flush=True,
                )


if __name__ == "__main__":
    main()
