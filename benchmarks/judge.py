"""Judgements per second of `rlra judge` beside its peers, in one run against the same server on loopback.

The server (`benchmarks/peers/far_end.py`, a process of its own) answers each call after 100 ms. Everybody puts the same
responses and the same eight criteria to it, 64 calls in flight: `rlra judge` as users run it, which reads JSONL and
writes judged JSONL; the libraries autorubric and rubric, which write results too; and bare loops over the openai client
and over aiohttp, which write nothing. All ask one criterion per call; `rlra judge` once more asks all eight in one.

Every command runs twice in each round, with N calls and with 4 N (N is smaller for those that take long). Speed is
that of the longer run between the first call and the last answer, as the server saw them; CPU time that of the
difference between the two, so that no start-up is in it; memory the peak of each. Ratios are to bare aiohttp in the
same round. A run that left a judgement out ends the benchmark.

The peers live in an environment of their own (see `benchmarks/peers/requirements.txt`), whose Python is named by the
variable PEERS_PYTHON; who is not installed there is left out. `python benchmarks/judge.py [ROUNDS]`.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
PEERS_PYTHON = os.environ.get("PEERS_PYTHON", str(ROOT / ".venv-peers" / "bin" / "python"))
DELAY_S, IN_FLIGHT, SIBLINGS, TIMES = 0.1, 64, 8, 4
CALLS, FOR_SLOW_ONES = 2560, 320
"""More than are under way at a time, so that memory that grows with the lines would show."""
CRITERIA = {
    "greets": "Greets the person by name before it says anything else.",
    "names_feeling": "Names the feeling behind the message before it offers anything.",
    "one_step": "Suggests one step that the person can take today.",
    "no_blame": "Puts the blame on nobody, the person who asked included.",
    "asks_back": "Ends with a question that invites the person to go on.",
    "plain": "Uses no word that a child of twelve would have to look up.",
    "invents": "States something about the person that the message does not say.",
    "flatters": "Praises the question or the person who asked.",
}
STORY = "the river rose again last night and nobody on our street slept before the water had gone back"
PLAIN, ALL = "rlra judge", "rlra judge, 8 per call"
LIMIT = "bare aiohttp"
FAST = (PLAIN, ALL, LIMIT)
SCRIPTS = {
    "autorubric": "with_autorubric",
    "rubric": "with_rubric",
    "bare openai client": "bare_openai",
    LIMIT: "bare_aiohttp",
}
NEEDS = {"autorubric": "autorubric", "rubric": "rubric, openai", "bare openai client": "openai", LIMIT: "aiohttp"}


@dataclass(frozen=True)
class Run:
    """What one run of one command took."""

    judgements: int
    seconds: float
    """From the first call to the last answer."""
    cpu_s: float
    peak_mb: float

    @property
    def speed(self) -> float:
        """Judgements per second."""
        return self.judgements / self.seconds


def write(path: Path, responses: int) -> Path:
    """Write `responses` responses of some 1,000 characters, eight to a prompt, no two alike."""
    rng, words = Random(0), STORY.split()
    policy = {"model": "m", "revision": "r", "template": "", "engine": "e", "dtype": "", "seed": 0}
    with path.open("w", encoding="utf-8") as out:
        for number in range(responses // SIBLINGS):
            texts = [" ".join(rng.choices(words, k=200)) for _ in range(SIBLINGS)]
            line = {
                "schema": "rollouts/1",
                "id": f"prompt-{number}",
                "messages": [{"role": "user", "content": f"{number}: " + " ".join(rng.choices(words, k=30))}],
                "policy": policy,
                "responses": [{"text": text, "finish": "stop", "length": 200} for text in texts],
            }
            out.write(json.dumps(line) + "\n")
    return path


@contextmanager
def far_end() -> Iterator[str]:
    """Run the server in a process of its own and give its URL."""
    command = [sys.executable, "-m", "benchmarks.peers.far_end", str(DELAY_S)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def counts(url: str) -> dict[str, float]:
    """Return what the server was asked since the last time."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        told: dict[str, float] = json.load(reply)
        return told


def command(name: str, url: str, rollouts: Path, folder: Path) -> list[str]:
    """Return the command line of one contender."""
    if name not in (PLAIN, ALL):
        criteria = [{"id": key, "text": text} for key, text in CRITERIA.items()]
        script = PEERS / f"{SCRIPTS[name]}.py"
        return [python_of(name), str(script), f"{url}/v1", json.dumps(criteria), str(rollouts), str(folder)]
    rubric = folder / "rubric.yaml"
    rubric.write_text(json.dumps({"rubric": "r", "criteria": [{"id": k, "text": t} for k, t in CRITERIA.items()]}))
    words = ["judge", str(rollouts), "-o", str(folder / "judged.jsonl"), "--rubrics", str(rubric), "--quiet"]
    words += ["--model", "openai:judge", "--base-url", f"{url}/v1", "--concurrency", str(IN_FLIGHT)]
    return [str(Path(sys.executable).with_name("rlra")), *words, "--criteria-per-call", "1" if name == PLAIN else "8"]


def calls_for(name: str) -> int:
    """Return how many calls a contender makes for a response."""
    return 1 if name == ALL else len(CRITERIA)


def measured(name: str, url: str, rollouts: Path, responses: int) -> Run:
    """Run a contender to its end. What its process and the processes under it took is told by the system."""
    calls = responses * calls_for(name)
    counts(url)
    with tempfile.TemporaryDirectory() as folder:
        words = command(name, url, rollouts, Path(folder))
        process = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=folder)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        judgements = scored(Path(folder) / "judged.jsonl") if name in (PLAIN, ALL) else int(said or 0)
    told = counts(url)
    if process.returncode or judgements != responses * len(CRITERIA) or told["calls"] != calls:
        raise SystemExit(f"{name}: exit {process.returncode}, {judgements} judgements, the server counted {told}")
    # A process begins with the peak of the one that started it.
    if used.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        raise SystemExit(f"{name}: its memory cannot be told from that of this benchmark")
    return Run(judgements, told["seconds"], used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def scored(path: Path) -> int:
    """Return how many scored verdicts a judged file holds; none where there is no file."""
    if not path.exists():
        return 0
    with path.open(encoding="utf-8") as lines:
        # Line by line: what this process takes would count as the next one's.
        return sum(
            verdict["status"] == "scored"
            for line in lines
            for response in json.loads(line)["responses"]
            for verdict in response["verdicts"]
        )


def python_of(name: str) -> str:
    """Return the interpreter that runs a contender: aiohttp is among what rlra itself needs."""
    return sys.executable if name == LIMIT else PEERS_PYTHON


def present() -> list[str]:
    """Return the contenders that can run, and say who cannot."""
    names = [PLAIN, ALL]
    for name, modules in NEEDS.items():
        python = python_of(name)
        tried = [python, "-c", f"import {modules}"]
        if Path(python).exists() and subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            names.append(name)
        else:
            print(f"left out: {name}, which is not installed for {python} (set PEERS_PYTHON)")
    return names


def row(name: str, rounds: list[tuple[Run, Run]], limits: list[tuple[Run, Run]]) -> str:
    """Return the figures of one contender as a line: medians over the rounds, and the range of its speed."""
    speeds = [more.speed for _, more in rounds]
    cpu = median(1000 * (more.cpu_s - few.cpu_s) / (more.judgements - few.judgements) for few, more in rounds)
    whole = median(1000 * more.cpu_s / more.judgements for _, more in rounds)
    peaks = [median(run.peak_mb for run in runs) for runs in zip(*rounds, strict=True)]
    ratio = median(own.speed / bare.speed for (_, own), (_, bare) in zip(rounds, limits, strict=True))
    return (
        f"{name:23} {median(speeds):6.0f} judgements/s ({min(speeds):.0f} to {max(speeds):.0f})"
        f"  {ratio:5.2f} × {LIMIT}"
        f"  {cpu:6.2f} CPU s per 1,000 ({whole:.2f} with start-up)"
        f"  {peaks[0]:.0f} MB for {rounds[0][0].judgements:,}, {peaks[1]:.0f} MB for {rounds[0][1].judgements:,}"
    )


def main() -> None:
    """Print a line per contender."""
    names, took = present(), int(sys.argv[1]) if len(sys.argv) > 1 else 3
    runs: dict[str, list[tuple[Run, Run]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder, far_end() as url:
        warm = write(Path(folder) / "warm.jsonl", SIBLINGS)
        for name in names:
            measured(name, url, warm, SIBLINGS)
        for _ in range(took):
            for name in names:
                few = (CALLS if name in FAST else FOR_SLOW_ONES) // calls_for(name)
                sizes = (few, few * TIMES)
                files = [write(Path(folder) / f"{size}.jsonl", size) for size in sizes]
                short, long = (measured(name, url, file, size) for file, size in zip(files, sizes, strict=True))
                runs[name].append((short, long))
    print(f"{IN_FLIGHT} in flight, {DELAY_S * 1000:.0f} ms a call, {len(CRITERIA)} criteria, {os.cpu_count()} cores,")
    print(f"medians of {took} rounds; at most {IN_FLIGHT / DELAY_S:.0f} calls/s are possible")
    for name in names:
        print(row(name, runs[name], runs[LIMIT]))


if __name__ == "__main__":
    main()
