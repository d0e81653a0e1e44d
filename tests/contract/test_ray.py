"""`--engine ray` on a cluster of two nodes: the same bytes as without it, and nothing lost, whoever is killed."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import psutil
import pytest
from werkzeug import Response

from rlra_cli.ray_run import ENVIRONMENT
from tests.contract.material import RUBRIC_YAML, rollouts, task
from tests.running import PATIENCE_S, Done, Runner, environment, interrupt, lines, wait_until
from tests.stages.judge_server import chat, serving, under_judgement, verdicts

ACTOR = "ray::MapWorker"
STORE = 200 * 2**20
NAMES = [f"place-{number:02d}" for number in range(22)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, ...]]:
    """Start a cluster of two nodes with a core each; return the options that lead there."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=node)
    nodes.add_node(**node)
    yield ("--engine", "ray", "--ray-address", nodes.address)
    nodes.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Runner:
    """Return a folder with tasks, rollouts, and a rubric of checks."""
    run = Runner(tmp_path)
    run.write("tasks.jsonl", lines(*map(task, NAMES)))
    run.write("in.jsonl", lines(*map(rollouts, NAMES)))
    run.write("rubric.yaml", RUBRIC_YAML)
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    return run


def recipe(run: Runner, manifest: str) -> dict[str, Any]:
    return orjson.loads(run.read(manifest))["recipe"]


def ended(done: Done) -> Done:
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    return done


def actors(port: int | None = None) -> list[psutil.Process]:
    """Return the processes of the actors that are there, or of those that talk to a port."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            talks = port is None or port in {each.raddr.port for each in process.net_connections() if each.raddr}
            found += [process] if ACTOR in " ".join(process.cmdline()) and talks else []
    return found


def judge(release: threading.Event, after: int) -> Callable[[dict[str, Any], int], Response]:
    """Return a judge that answers by the length of what it reads, and holds back every answer after so many."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        prompt = payload["messages"][-1]["content"]
        if number > after:
            assert release.wait(PATIENCE_S)
        return chat(verdicts(prompt, lambda _: "met" if len(under_judgement(prompt)) % 3 else "not met"))

    return reply


def test_judging_goes_on_when_an_actor_is_killed(folder: Runner, cluster: tuple[str, ...]) -> None:
    """A server's verdicts come back in order; of the two actors those are killed that wait for answers."""
    release = threading.Event()
    release.set()
    with serving(judge(release, 9)) as server:
        words = ["judge", "in.jsonl", "--rubrics", "asked.yaml", "--window", "3", "--model", "openai:judge"]
        words += ["--base-url", server.url, "--concurrency", "2"]
        ended(folder.inside(*words, "-o", "near.jsonl"))
        server.payloads.clear()
        release.clear()
        process = folder.start(*words, "-o", "far.jsonl", *cluster)
        wait_until(lambda: server.calls > 9, "answers that are held back")
        wait_until(lambda: len(actors()) == 2, "two actors")
        for victim in actors(int(urlsplit(server.url).port or 0)):
            victim.kill()
        release.set()
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, b""), err.decode()
    assert folder.read("far.jsonl") == folder.read("near.jsonl")
    assert recipe(folder, "far.jsonl.manifest.json") == recipe(folder, "near.jsonl.manifest.json")
    assert server.calls > 2 * len(NAMES), "nothing was asked again: nobody was killed in the middle"


def test_a_folder_of_parts_is_gone_on_with_by_id(folder: Runner, cluster: tuple[str, ...]) -> None:
    """The driver is interrupted, then killed; what is there is not asked again; a changed input costs its lines."""
    release = threading.Event()
    release.set()
    with serving(judge(release, 14)) as server:
        words = ["judge", "in.jsonl", "--rubrics", "asked.yaml", "--window", "3", "--model", "openai:judge"]
        words += ["--base-url", server.url, "--concurrency", "2"]
        ended(folder.inside(*words, "-o", "near.jsonl"))
        words += ["-o", f"file://{folder.folder}/parts/", *cluster]

        def stopped(stop: Callable[[Any], object]) -> set[str]:
            """Start, stop half-way, and return the parts that are there."""
            server.payloads.clear()
            release.clear()
            process = folder.start(*words)
            wait_until(lambda: server.calls > 14, "answers that are held back")
            wait_until(lambda: bool(parts(folder)), "a part")
            stop(process)
            wait_until(lambda: not actors(), "the end of the actors")
            release.set()
            return parts(folder)

        done = stopped(lambda process: ended_by_signal(process))
        more = stopped(lambda process: (process.kill(), process.communicate()))
        assert set() < done < more, (done, more)
        times = {name: (folder.folder / "parts" / name).stat().st_mtime_ns for name in more}
        refused = folder(*words, "--seed", "8")
        assert refused.code == 1 and "begun with another recipe; these differ: spec.seed" in refused.err
        server.payloads.clear()
        finished = ended(folder(*words))
        assert f"{len(more)} of 8 parts are there" in finished.err
        kept = sum(folder.read(f"parts/{name}").count(b"\n") for name in more)
        counts = orjson.loads(folder.read("parts/manifest.json"))["run"]["counts"]
        assert counts["resumed_after"] == kept  # nobody kept what the two goes before took
        assert server.calls == sum(2 * (1 if int(name[5:13]) == 7 else 3) for name in parts(folder) - more)
        assert all((folder.folder / "parts" / name).stat().st_mtime_ns == at for name, at in times.items())
        ended(folder.inside("merge", "parts/", "-o", "far.jsonl"))
        assert folder.read("far.jsonl") == folder.read("near.jsonl")
        assert recipe(folder, "far.jsonl.manifest.json") == recipe(folder, "near.jsonl.manifest.json")

        folder.write("in.jsonl", lines(rollouts("new"), *map(rollouts, NAMES[1:])))
        server.payloads.clear()
        ended(folder(*words))
        assert server.calls == 2, "only the new line is judged"
        ended(folder.inside("merge", "parts/", "-o", "far.jsonl"))
    near, far = (folder.read(name).splitlines() for name in ("near.jsonl", "far.jsonl"))
    assert near[1:] == far[1:] and orjson.loads(far[0])["id"] == "new"


def ended_by_signal(process: Any) -> None:
    done = interrupt(process)
    assert (done.code, done.out) == (130, b""), done.err
    assert "the same command goes on from what was written" in done.err and "Traceback" not in done.err


def parts(run: Runner) -> set[str]:
    return {path.name for path in (run.folder / "parts").glob("part-*.jsonl")}


def test_a_run_that_is_broken_off_ends_before_its_cluster_is_left(cluster: tuple[str, ...]) -> None:
    """What is let go of afterwards finds nothing to end: it would start a cluster to end it on, or fail on stderr."""
    program = [sys.executable, "-m", "tests.contract.broken_off", cluster[-1]]
    done = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE_S, env=environment(**ENVIRONMENT))
    assert done.returncode == 0 and done.stdout.endswith("left\n"), done.stderr
    assert "Exception ignored" not in done.stderr and "Started" not in done.stderr, done.stderr


def test_what_an_actor_refuses_is_said_in_one_sentence(folder: Runner) -> None:
    """Without an address, a cluster is started for the run."""
    done = folder("judge", "in.jsonl", "--rubrics", "asked.yaml", "--engine", "ray", "--actors", "1")
    assert (done.code, done.out) == (1, b"")
    assert "rlra: rubric 'asked': criterion 'kind' needs a model to judge it\n  hint: add --model" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("option", ["--budget-tokens 5", "--cache votes.db"])
def test_what_many_processes_cannot_share_is_refused(folder: Runner, option: str) -> None:
    words = ["judge", "in.jsonl", "--rubrics", "asked.yaml", "--model", "openai:j", "--base-url", "http://127.0.0.1:9"]
    done = folder.inside(*words, "--engine", "ray", *option.split())
    assert done.code == 1 and "--cache, --prices and budgets are of one process" in done.err


def test_rollouts_of_actors_with_a_model_each(folder: Runner, cluster: tuple[str, ...], tiny: Path) -> None:
    """By the window, so that in bfloat16 too each response has the neighbours in its batch that it has without Ray."""
    words = [
        "rollout",
        "tasks.jsonl",
        "--model",
        f"hf:{tiny}",
        "--processes",
        "1",
        "--group-size",
        "2",
        "--window",
        "4",
    ]
    words += ["--max-tokens", "12", "--dtype", "bfloat16", "--system", "Be brief."]
    ended(folder.inside(*words, "-o", "near.jsonl"))
    far = ended(folder(*words, *cluster))
    assert far.out == folder.read("near.jsonl"), "what Ray says went to stdout, or lines are others"
    assert "22 records, 44 responses" in far.err
