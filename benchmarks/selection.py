"""Selection of 5,000 prompts from 900,000 scored lines of about 650 bytes, beside a bare orjson scan of the same file.

The lines come from a fixed seed; one in 20 prompts nearly repeats an earlier one, and one in 200 holds a prompt of the
evaluation file. Printed are seconds, their ratio to the scan (`orjson.loads` of every line, and nothing else), the peak
memory of the process, how the plain selection grows from a tenth of the lines, and what dropping near-duplicates
and contaminated prompts costs on top.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random

SOUNDS = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo")
WORDS = ["".join(parts) for parts in product(SOUNDS, SOUNDS, SOUNDS)]
POOLS = ("writing", "advice", "science", "code")
SCAN = "import orjson, sys\nfor line in open(sys.argv[1], 'rb'): orjson.loads(line)"
PEAK = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
    "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(code)"
)


def lines(number: int, evaluation: list[str]) -> Iterator[str]:
    """Yield so many lines, the same in every run."""
    rng = Random(0)
    said: list[list[str]] = []
    for place in range(number):
        words = rng.choices(WORDS, k=50)
        if said and rng.random() < 0.05:
            words = list(rng.choice(said))
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        elif rng.random() < 0.005:
            words[10:10] = rng.choice(evaluation).split()
        if len(said) < 5000:
            said.append(words)
        more = {
            "pool": rng.choice(POOLS),
            "source": f"bank-{rng.randrange(40)}",
            "hash": f"{rng.getrandbits(736):0184x}",
        }
        line = {"id": f"prompt-{place:07d}", "score": round(rng.random(), 4), "prompt": " ".join(words), "meta": more}
        yield json.dumps(line) + "\n"


def measured(*command: str) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the peak in MB of a command that must succeed."""
    begin = time.perf_counter()
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run([sys.executable, "-c", PEAK, *command], check=True, capture_output=True, env=environment)
    cpu, peak = done.stdout.split()[-2:]
    return time.perf_counter() - begin, float(cpu), int(peak) / 1024


def report(name: str, found: tuple[float, float, float], scan: tuple[float, float, float]) -> None:
    """Print one measurement, and its ratios to the scan."""
    seconds, cpu, peak = found
    ratios = f"{seconds / scan[0]:5.1f} × the scan, {cpu / scan[1]:5.1f} × its CPU time"
    print(f"  {name:24} {seconds:7.1f} s, {cpu:6.1f} s of CPU: {ratios}, {peak:4.0f} MB at the peak", flush=True)


def main() -> None:
    """Make the files, measure, and remove them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lines", type=int, default=900_000)
    arguments.add_argument("--budget", type=int, default=5_000)
    sizes = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few, pool, evaluation = (Path(folder) / name for name in ("few.jsonl", "pool.jsonl", "evaluation.jsonl"))
        asked = [" ".join(Random(place).choices(WORDS, k=20)) for place in range(540)]
        evaluation.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in asked), encoding="utf-8")
        for path, number in ((few, sizes.lines // 10), (pool, sizes.lines)):
            with path.open("w", encoding="utf-8") as stream:
                stream.writelines(lines(number, asked))
        print(f"{sizes.lines:,} lines of {pool.stat().st_size / sizes.lines:.0f} bytes, {sizes.budget:,} to keep")
        scan = measured(sys.executable, "-c", SCAN, str(pool))
        report("bare orjson scan", scan, scan)
        select = ("rlra", "select-data", "--score-field", "score", "--budget", str(sizes.budget), "--quiet")
        select += ("-o", str(Path(folder) / "out.jsonl"), "--keep", "0.2:0.8", "--quantile", "--by", "meta.pool")
        small = measured(*select, str(few))
        report("a tenth of the lines", small, scan)
        whole = measured(*select, str(pool))
        report("all lines", whole, scan)
        print(
            f"  ten times the lines take {whole[0] / small[0]:.1f} × the time, {whole[1] / small[1]:.1f} × the CPU time"
        )
        extra = {"--choose": "diverse", "--decontaminate": str(evaluation), "--near-duplicates": "0.8"}
        for option, value in extra.items():
            report(f"with {option}", measured(*select, str(pool), option, value), scan)
        both = [word for option in list(extra)[1:] for word in (option, extra[option])]
        report("with the last two", measured(*select, str(pool), *both), scan)


if __name__ == "__main__":
    main()
