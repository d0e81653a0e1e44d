"""Rubrics per second of `rlra generate-rubrics --method model`, beside a bare loop that puts the same questions.

The server is a process of its own on loopback and answers at once. What it answers is fixed by the prompt: of ten
drafts six are sound, two are mended once their writer has seen what was found, one never is, and one is prose. The
bare loop over aiohttp asks as many questions, as long as those, with as many in flight, reads the JSON and writes
nothing. Both start anew for each size; memory is the peak of the process as the system tells it, and has to stay where
it is while the lines grow tenfold. Then a run is interrupted (SIGINT) when half of its lines are written, and gone on
with: it has to end with the bytes and the funnel of the one that was left alone.

`python benchmarks/writing.py [LINES] [ROUNDS]`: 10,000 lines and 3 rounds without arguments.
"""

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial as partial_of
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from zlib import crc32

ROOT = Path(__file__).parents[1]
IN_FLIGHT = 64
HERE = [sys.executable, str(Path(__file__).resolve())]
RLRA = [sys.executable, "-m", "rlra_cli.main"]
PLACES = ("harbour", "mill", "orchard", "station", "library", "quarry", "bakery", "lighthouse", "market", "bridge")
WISHES = ("how to spend a free day there", "how to write home about it", "what to ask the people who work there")
MENDED, NEVER, PROSE = (6, 7), (8,), (9,)
"""What becomes of a draft, by the last digit of its prompt's checksum; the others are sound at once."""
ANSWER_TOKENS = 200


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    """From its start to its end, start-up included."""
    asking_s: float
    """From the first question to the last answer, as the server saw them."""
    cpu_s: float
    peak_mb: float
    calls: int


def draft(prompt: str, is_mended: bool) -> str:
    """Return what the server says to a prompt: criteria that fit it, the same every time."""
    kind = crc32(prompt.encode()) % 10
    if kind in PROSE:
        return f"A good answer about this place would be warm and well written. ({kind})"
    place = next(place for place in PLACES if place in prompt)
    tiers = ["Suggests nothing to do.", "Names a thing to do in general.", "Says where to go, when, and what to bring."]
    begins, invents = f"Begins with something that can be seen at the {place}.", f"States a price at the {place}."
    levels = [{"score": score, "text": text} for score, text in enumerate(tiers)]
    criteria: list[dict[str, Any]] = [
        {"id": "begins_there", "text": begins, "weight": 2, "tiers": []},
        {"id": "same_day", "text": "Suggests a thing that can be done on the same day.", "weight": 1, "tiers": levels},
        {"id": "invents", "text": invents, "weight": -1, "tiers": []},
    ]
    if kind in NEVER or (kind in MENDED and not is_mended):
        criteria.append({**criteria[0], "id": "begins_there_too"})
    return json.dumps({"criteria": criteria})


async def serve() -> None:
    """Serve on a free port of loopback, and print it; `GET /` tells what was asked since the last time."""
    from aiohttp import web

    counts: dict[str, float] = {}

    async def answer(request: web.Request) -> web.Response:
        payload = await request.json()
        counts.setdefault("first", time.monotonic())
        counts["calls"] = counts.get("calls", 0) + 1
        turns = payload["messages"]
        text = draft(turns[0]["content"], len(turns) > 1)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": len(turns[0]["content"]) // 4, "completion_tokens": ANSWER_TOKENS}
        counts["last"] = time.monotonic()
        return web.json_response({"choices": [choice], "usage": usage})

    async def told(request: web.Request) -> web.Response:
        seconds = counts.get("last", 0.0) - counts.get("first", 0.0)
        said = {"calls": counts.get("calls", 0), "seconds": seconds}
        counts.clear()
        return web.json_response(said)

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", answer), web.get("/", told)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def far_end() -> Iterator[str]:
    """Run the server in a process of its own and give its URL."""
    with subprocess.Popen([*HERE, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


async def ask_bare(url: str, path: str, calls: int) -> None:
    """Put the question about each prompt, beginning anew behind the last one, until there were so many `calls`."""
    import aiohttp

    from schemas.task import Message, Task
    from stages.writing.base import Material
    from stages.writing.methods import FromPrompt
    from stages.writing.spec import WritingSpec

    method, left = FromPrompt(WritingSpec()), calls

    def questions() -> Iterator[str]:
        while True:
            with open(path, encoding="utf-8") as lines:
                for number, line in enumerate(lines):
                    task = Task(id=str(number), messages=(Message(role="user", content=json.loads(line)["prompt"]),))
                    yield method.question(Material(id=task.id, task=task))[0].content

    asked = questions()

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            turns = [{"role": "user", "content": next(asked)}]
            payload = {"model": "writer", "messages": turns, "max_tokens": 2048, "temperature": 0.0}
            async with session.post(f"{url}/v1/chat/completions", json=payload) as response:
                text = (await response.json())["choices"][0]["message"]["content"]
            if text.startswith("{"):
                json.loads(text)

    connector, cookies = aiohttp.TCPConnector(limit=IN_FLIGHT), aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=cookies) as session:
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


def write_prompts(path: Path, lines: int) -> Path:
    """Write so many prompts, no two alike, each about one place."""
    rng = Random(0)
    with path.open("w", encoding="utf-8") as out:
        for number in range(lines):
            prompt = f"Tell visitor {number:,} of the {rng.choice(PLACES)} {rng.choice(WISHES)}."
            out.write(json.dumps({"id": f"prompt-{number}", "prompt": prompt}) + "\n")
    return path


def command(url: str, prompts: Path, output: Path) -> list[str]:
    """Return the command line of a run that may reject as many lines as it likes."""
    words = ["generate-rubrics", str(prompts), "-o", str(output), "--method", "model", "--max-failures", "100%"]
    words += ["--writer", "openai:writer", "--base-url", f"{url}/v1", "--concurrency", str(IN_FLIGHT), "--quiet"]
    return [*RLRA, *words, "--rejects", f"{output}.rejected", "--summary", f"{output}.summary"]


def asked(url: str) -> tuple[int, float]:
    """Return how many calls the server has answered since the last time, and in how many seconds."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        told = json.load(reply)
    return int(told["calls"]), told["seconds"]


def measured(words: list[str], url: str) -> Run:
    """Run a command to its end. What its process took is told by the system."""
    asked(url)
    begin = time.perf_counter()
    process = subprocess.Popen(words, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(words)}")
    # A process begins with the peak of the one that started it.
    if used.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        raise SystemExit("memory cannot be told from that of this benchmark")
    calls, asking_s = asked(url)
    return Run(seconds, asking_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, calls)


def interrupted(words: list[str], partial: Path, half: int) -> int:
    """Begin a run, interrupt it once it has written `half` of its lines, and return how many are there."""
    # What a script starts in the background ignores SIGINT, and so would all that is started below it.
    heeds = partial_of(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL, preexec_fn=heeds)
    while process.poll() is None and written(partial) < half:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    if (code := process.wait()) != 130:
        raise SystemExit(f"the interrupted run ended with exit {code}, and not with 130")
    return written(partial)


def written(path: Path) -> int:
    """Return how many whole lines a file holds; none where there is no file."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(1 << 20), b""))


def is_same(one: Path, other: Path) -> bool:
    """Return whether two files hold the same bytes, which is looked at piece by piece."""
    with one.open("rb") as left, other.open("rb") as right:
        return all(piece == right.read(1 << 20) for piece in iter(lambda: left.read(1 << 20), b"")) and not right.read(
            1
        )


def funnel(output: Path) -> dict[str, Any]:
    """Return the funnel that a run's summary tells."""
    told: dict[str, Any] = json.loads(Path(f"{output}.summary").read_text(encoding="utf-8"))["funnel"]
    return told


def gone_on(url: str, prompts: Path, whole: Path, lines: int) -> str:
    """Interrupt a run in the middle, go on with it, and say what came of it beside the one that was left alone."""
    output = whole.with_name("interrupted.jsonl")
    words = command(url, prompts, output)
    kept = interrupted(words, Path(f"{output}.partial"), written(whole) // 2)
    asked(url)
    rest = measured(words, url)
    pairs = [(whole, output), (Path(f"{whole}.rejected"), Path(f"{output}.rejected"))]
    if not all(is_same(one, other) for one, other in pairs) or funnel(whole) != funnel(output):
        raise SystemExit("the run that was interrupted did not end with the same bytes and the same funnel")
    return f"interrupted after {kept:,} of {lines:,} lines, gone on with {rest.calls:,} calls: same bytes, same funnel"


def row(name: str, runs: list[Run]) -> str:
    """Return the medians of some runs as a line."""
    rates = [run.calls / run.asking_s for run in runs]
    return (
        f"{name:26} {median(rates):6.0f} calls/s ({min(rates):.0f} to {max(rates):.0f})"
        f"  {median(run.seconds for run in runs):7.1f} s in all"
        f"  {median(1000 * run.cpu_s / run.calls for run in runs):5.2f} CPU s per 1,000 calls with start-up"
        f"  {median(run.peak_mb for run in runs):4.0f} MB"
    )


def main() -> None:
    """Print the figures of each size and contender, what came of an interruption, and the funnel."""
    lines = int(re.sub(r"\D", "", sys.argv[1])) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    sizes = (lines // 10, lines)
    ours: dict[int, list[Run]] = {size: [] for size in sizes}
    bare: dict[int, list[Run]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as name, far_end() as url:
        folder = Path(name)
        files = {size: write_prompts(folder / f"{size}.jsonl", size) for size in sizes}
        for number in range(rounds):
            for size, prompts in files.items():
                run = measured(command(url, prompts, folder / f"{number}-{size}.out"), url)
                ours[size].append(run)
                bare[size].append(measured([*HERE, "bare", url, str(prompts), str(run.calls)], url))
        whole = folder / f"0-{lines}.out"
        said, told = gone_on(url, files[lines], whole, lines), funnel(whole)
    print(f"{IN_FLIGHT} in flight, {os.cpu_count()} cores, medians of {rounds} rounds")
    for size in sizes:
        print(row(f"rlra, {size:,} lines", ours[size]))
        print(row(f"bare aiohttp, {size:,} lines", bare[size]))
        ratios = [b.asking_s / a.asking_s for a, b in zip(ours[size], bare[size], strict=True)]
        print(f"  {median(ratios):.2f} × the bare loop's rate ({min(ratios):.2f} to {max(ratios):.2f})")
    for name, found in (("rlra", ours), ("bare aiohttp", bare)):
        pairs = list(zip(found[sizes[0]], found[sizes[1]], strict=True))
        cpu = median(1000 * (more.cpu_s - few.cpu_s) / (more.calls - few.calls) for few, more in pairs)
        grown = median(more.peak_mb - few.peak_mb for few, more in pairs)
        print(f"{name}, from {sizes[0]:,} to {sizes[1]:,} lines: {cpu:.2f} CPU s per 1,000 calls, {grown:+.0f} MB")
    print(said)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve())
    elif sys.argv[1:2] == ["bare"]:
        asyncio.run(ask_bare(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        main()
