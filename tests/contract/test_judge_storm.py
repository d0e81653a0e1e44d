"""10,000 judgements in a storm: 30 % of the questions fail, in every class, and the judge is killed half-way."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from schemas.jsonl import Source
from schemas.judged import Judged
from tests.contract.material import rollouts
from tests.contract.storm_server import LASTING, fate, truth
from tests.running import PATIENCE_S, RLRA, Runner, environment, lines

ROOT = Path(__file__).resolve().parents[2]
CRITERIA = tuple(f"c{n}" for n in range(8))
GROUPS, RESPONSES = 157, 8
RUBRIC = "rubric: storm\ncriteria:\n" + "".join(f"  - {{id: {name}, text: Has {name}.}}\n" for name in CRITERIA)
IN_FLIGHT = 64


class Server:
    """The storm, and what it was asked."""

    def __init__(self, port: str) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def asked(self) -> tuple[Counter[str], Counter[str]]:
        """Return how often each question came, and how often it was answered well."""
        with urllib.request.urlopen(f"{self.url}/asked", timeout=60) as reply:
            came, answered = orjson.loads(reply.read())
        return Counter(came), Counter(answered)


@contextmanager
def storm() -> Iterator[Server]:
    words = [sys.executable, "-m", "tests.contract.storm_server"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout
        yield Server(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    run = Runner(tmp_path_factory.mktemp("storm"))
    groups = (rollouts(f"g{g}", tuple(f"answer {g}/{r}" for r in range(RESPONSES))) for g in range(GROUPS))
    run.write("rollouts.jsonl", lines(*groups))
    run.write("rubric.yaml", RUBRIC)
    return run


def words(server: Server, output: str) -> list[str]:
    options = [
        "--criteria-per-call",
        "1",
        "--concurrency",
        str(IN_FLIGHT),
        "--timeout-s",
        "2",
        "--max-failures",
        "100%",
    ]
    model = ["--model", "openai:m", "--base-url", f"{server.url}/v1"]
    return ["judge", "rollouts.jsonl", "-o", output, "--rubrics", "rubric.yaml", *model, *options]


def judged(run: Runner, output: str) -> dict[tuple[str, str], tuple[str, float | None, str | None]]:
    """Return what became of every question."""
    found: dict[tuple[str, str], tuple[str, float | None, str | None]] = {}
    for line in Source(str(run.folder / output)).read(Judged):
        for response in line.responses:
            for verdict in response.verdicts:
                question = (response.text, verdict.criterion)
                assert question not in found
                found[question] = (verdict.status, verdict.score, verdict.failure)
            assert (response.reward is None) == any(verdict.status == "failed" for verdict in response.verdicts)
    return found


def expected() -> dict[tuple[str, str], tuple[str, float | None, str | None]]:
    """Return what has to become of every question, by its fate."""
    found: dict[tuple[str, str], tuple[str, float | None, str | None]] = {}
    for response in (f"answer {g}/{r}" for g in range(GROUPS) for r in range(RESPONSES)):
        for criterion in CRITERIA:
            lasting = LASTING.get(fate(response, criterion))
            score = float(truth(response, criterion) == "met")
            found[response, criterion] = ("failed", None, lasting) if lasting else ("scored", score, None)
    return found


def test_no_failure_becomes_a_score_and_no_judgement_is_lost_or_doubled(folder: Runner) -> None:
    """Killed or not: each verdict is the truth or a failure of the right class, and the bytes are equal."""
    with storm() as server:
        done = folder(*words(server, "whole.jsonl"), "--summary", "whole.json")
        assert done.code == 0, done.err
        answered = server.asked()[1]
    wanted = expected()
    assert len(wanted) == GROUPS * RESPONSES * len(CRITERIA) > 10_000
    assert judged(folder, "whole.jsonl") == wanted
    assert Counter(answered.values()) == {1: sum(status == "scored" for status, _, _ in wanted.values())}
    counts = orjson.loads((folder.folder / "whole.json").read_bytes())
    classes = Counter(failure for _, _, failure in wanted.values() if failure)
    assert {kind: counts[f"failed_verdicts:{kind}"] for kind in classes} == classes
    assert all(f"{number:,} failed verdicts ({kind})" in done.err for kind, number in classes.items())
    assert counts["asked"] == len(wanted)

    with storm() as server:
        begun = subprocess.Popen([RLRA, *words(server, "out.jsonl")], cwd=folder.folder, env=environment())
        _wait_for(lambda: sum(server.asked()[1].values()) > len(wanted) // 2)
        begun.send_signal(signal.SIGKILL)
        begun.wait()
        before = server.asked()[1]
        resumed = folder(*words(server, "out.jsonl"), "--summary", "out.json")
        assert resumed.code == 0, resumed.err
        after = server.asked()[1]
    assert (folder.folder / "out.jsonl").read_bytes() == (folder.folder / "whole.jsonl").read_bytes()
    again = sum((after - before)[question] for question in before)
    # What was on its way when the kill came, and what had come in within the twentieth of a second before it.
    assert again <= 3 * IN_FLIGHT
    assert sorted(path.name for path in folder.folder.glob("out.jsonl*")) == ["out.jsonl", "out.jsonl.manifest.json"]


def _wait_for(there: object) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
