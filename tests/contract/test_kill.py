"""SIGKILL at ten moments, resumed each time: the bytes are those of a run that nobody disturbed."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug import Response

from schemas.jsonl import Source
from schemas.manifest import Recipe
from tests.contract.material import RUBRIC_YAML, rollouts, task
from tests.running import PATIENCE_S, Runner, lines
from tests.stages.judge_server import chat, serving, under_judgement, verdicts

KILLS = 10
MODEL_YAML = "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n  - {id: clear, text: Is clear.}\n"
WORDS = ("waves", "come", "and", "go", "all", "day", "while", "gulls", "cry", "over", "the", "harbour", "at", "dusk")


def answers(name: str, number: int) -> tuple[str, ...]:
    chosen = random.Random(name)
    return tuple(" ".join(chosen.choices(WORDS, k=chosen.randint(2, 40))) for _ in range(number))


def rollout_lines(number: int, responses: int) -> bytes:
    names = [f"place-{n:04d}" for n in range(number)]
    return lines(*(rollouts(name, answers(name, responses)) for name in names))


@pytest.fixture
def folder(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def partial_lines(run: Runner, name: str = "out.jsonl") -> int:
    partial = run.folder / f"{name}.partial"
    try:
        return partial.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def partial_bytes(run: Runner, name: str = "out.jsonl") -> int:
    """Return the size of the partial file: asked of the disk, so that looking does not take longer than writing."""
    partial = run.folder / f"{name}.partial"
    return partial.stat().st_size if partial.exists() else 0


class Killer:
    """Runs one command again and again, killing it at moments that a seed chose."""

    def __init__(self, run: Runner, words: list[str], total: int, seed: int) -> None:
        self._run, self._words, self._total = run, words, total
        self._chance = random.Random(seed)
        self.left: list[int] = []
        """Whole lines in the partial file after each kill."""

    def kill_further_on(self, kills_to_come: int) -> None:
        """Start the command and kill it a moment after it has come further than ever, with room for the kills to come.

        What is left of the run is shared out, so that a late kill takes no room from the others.
        """
        already = partial_bytes(self._run)
        goal = already + (self._total - already) / (kills_to_come + 3) * self._chance.uniform(0.1, 0.6)
        process = self._start()
        try:
            deadline = time.monotonic() + PATIENCE_S
            while partial_bytes(self._run) <= goal:
                assert process.poll() is None, "the run ended before it could be killed"
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(self._chance.uniform(0, 0.005))
        finally:
            self._kill(process)

    def kill_after(self, seconds: float) -> None:
        """Start the command and kill it after so long, wherever it is."""
        process = self._start()
        time.sleep(seconds)
        self._kill(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        return self._run.start(*self._words)

    def _kill(self, process: "subprocess.Popen[bytes]") -> None:
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        self.left.append(partial_lines(self._run))

    def ten_times(self, start_s: float) -> None:
        """Kill twice while it starts, and eight times at moments that are spread over the run."""
        self.kill_after(self._chance.uniform(0.1, start_s))
        for part in range(KILLS - 2):
            self.kill_further_on(KILLS - 3 - part)
            if part == 3:
                self.kill_after(self._chance.uniform(0.1, start_s))


def undisturbed(run: Runner, words: list[str]) -> tuple[bytes, dict[str, Any]]:
    """Run once to the end; return the bytes and the recipe, and clear the target away."""
    done = run(*words)
    assert done.code == 0, done.err
    content, recipe = run.read("out.jsonl"), recipe_of(run)
    (run.folder / "out.jsonl").unlink()
    (run.folder / "out.jsonl.manifest.json").unlink()
    return content, recipe


def recipe_of(run: Runner) -> dict[str, Any]:
    return orjson.loads(run.read("out.jsonl.manifest.json"))["recipe"]


def survives(run: Runner, words: list[str], total: int, start_s: float, seed: int) -> Killer:
    """Assert that ten kills change neither a byte nor the recipe; return what the kills left."""
    expected, recipe = undisturbed(run, words)
    assert expected.count(b"\n") == total
    killer = Killer(run, words, len(expected), seed)
    killer.ten_times(start_s)
    assert "out.jsonl" not in run.names()
    assert len(killer.left) == KILLS
    assert len(set(killer.left)) > KILLS // 2, killer.left  # they were spread over the run
    done = run(*words)
    assert done.code == 0, done.err
    assert "going on after" in done.err
    assert run.read("out.jsonl") == expected
    assert recipe_of(run) == recipe
    assert orjson.loads(run.read("out.jsonl.manifest.json"))["run"]["counts"]["resumed_after"] > 0
    assert not any(name.startswith("out.jsonl.partial") for name in run.names())
    return killer


def test_rollout_is_killed_ten_times(folder: Runner, tiny: Path) -> None:
    folder.write("in.jsonl", lines(*(task(f"place-{n:02d}") for n in range(48))))
    words = ["rollout", "in.jsonl", "-o", "out.jsonl", "--model", f"hf:{tiny}", "--processes", "1", "--window", "3"]
    words += ["--group-size", "2", "--max-tokens", "60", "--batch-size", "3", "--dtype", "float32", "--seed", "4"]
    survives(folder, words, 48, start_s=2.0, seed=1)
    texts = [r["text"] for line in map(orjson.loads, folder.read("out.jsonl").splitlines()) for r in line["responses"]]
    assert len(set(texts)) > 48


def test_judge_with_checks_is_killed_ten_times(folder: Runner) -> None:
    folder.write("in.jsonl", rollout_lines(3000, 8))
    folder.write("rubric.yaml", RUBRIC_YAML)
    words = ["judge", "in.jsonl", "-o", "out.jsonl", "--rubrics", "rubric.yaml", "--window", "4"]
    survives(folder, words, 3000, start_s=0.6, seed=2)


def label(text: str) -> Callable[[str], str]:
    """Return a judge whose labels follow from the response and the criterion alone."""
    return lambda criterion: "met" if random.Random(text + criterion).random() < 0.5 else "not met"


@contextmanager
def slow_judge(delay_s: float) -> Iterator[str]:
    """Serve a judge on loopback that thinks for a while."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        time.sleep(delay_s)
        prompt = payload["messages"][-1]["content"]
        return chat(verdicts(prompt, label(under_judgement(prompt))))

    with serving(reply) as server:
        yield server.url


def test_judge_with_a_model_is_killed_ten_times(folder: Runner) -> None:
    folder.write("in.jsonl", rollout_lines(60, 2))
    folder.write("rubric.yaml", MODEL_YAML)
    with slow_judge(0.04) as url:
        words = ["judge", "in.jsonl", "-o", "out.jsonl", "--rubrics", "rubric.yaml", "--window", "2"]
        words += ["--model", "openai:judge", "--base-url", url, "--concurrency", "3"]
        survives(folder, words, 60, start_s=0.9, seed=3)
    rewards = [
        r["reward"] for line in map(orjson.loads, folder.read("out.jsonl").splitlines()) for r in line["responses"]
    ]
    assert set(rewards) == {0.0, 0.5, 1.0}


# What a kill, or a power cut, can leave: made by hand, so that each case is sure to be met.


def judging(run: Runner, number: int = 30) -> tuple[list[str], bytes, dict[str, Any]]:
    """Lay out a short judging; return its command, and what it makes when nobody disturbs it."""
    run.write("in.jsonl", rollout_lines(number, 2))
    run.write("rubric.yaml", RUBRIC_YAML)
    words = ["judge", "in.jsonl", "-o", "out.jsonl", "--rubrics", "rubric.yaml", "--window", "4"]
    return words, *undisturbed(run, words)


def left_behind(run: Runner, recipe: dict[str, Any], partial: bytes) -> None:
    """Leave what a killed run leaves: the partial file, and the recipe that it began with beside it."""
    begun = {name: value for name, value in recipe.items() if name not in ("sha256", "records")}
    run.write("out.jsonl.partial", partial)
    run.write("out.jsonl.partial.recipe.json", Recipe.model_validate(begun).model_dump_json())


@pytest.mark.parametrize(("whole", "cut"), [(0, 1), (1, -1), (4, 40), (7, 0), (29, -1), (30, 0)])
def test_a_file_that_ends_anywhere_is_gone_on_with(folder: Runner, whole: int, cut: int) -> None:
    """`cut` bytes of the next line are there too; −1 is the whole line without its newline."""
    words, expected, recipe = judging(folder)
    parts = expected.splitlines(keepends=True)
    half = b"" if whole == len(parts) else parts[whole].rstrip(b"\n")[: len(parts[whole]) if cut < 0 else cut]
    left_behind(folder, recipe, b"".join(parts[:whole]) + half)
    done = folder(*words)
    assert done.code == 0, done.err
    assert (f"going on after {whole} lines" in done.err) == (whole > 0)
    assert folder.read("out.jsonl") == expected
    assert recipe_of(folder) == recipe


def test_a_kill_between_the_target_and_its_manifest_costs_a_run_and_nothing_else(folder: Runner) -> None:
    words, expected, recipe = judging(folder)
    left_behind(folder, recipe, b"")
    folder.write("out.jsonl", expected)
    (folder.folder / "out.jsonl.partial").unlink()
    done = folder(*words)
    assert done.code == 0, done.err
    assert folder.read("out.jsonl") == expected
    assert recipe_of(folder) == recipe
    assert "out.jsonl.partial.recipe.json" not in folder.names()


def test_a_kill_while_the_recipe_was_written_leaves_nothing_to_go_on_with(folder: Runner) -> None:
    words, expected, recipe = judging(folder)
    left_behind(folder, recipe, b"")
    folder.write("out.jsonl.partial.recipe.json", b'{"stage": "ju')
    done = folder(*words)
    assert done.code == 0, done.err
    assert folder.read("out.jsonl") == expected


def test_a_resumed_run_does_not_write_its_recipe_again(folder: Runner) -> None:
    """It would be torn for a moment while lines depend on it: a kill just then would lose them."""
    words, expected, recipe = judging(folder)
    parts = expected.splitlines(keepends=True)
    left_behind(folder, recipe, b"".join(parts[:8]))
    beside = folder.folder / "out.jsonl.partial.recipe.json"
    kept = beside.stat()
    broken = folder(*words, largest_file=len(expected) - 10)
    assert broken.code == 1, broken.err
    assert beside.stat().st_mtime_ns == kept.st_mtime_ns
    done = folder(*words)
    assert done.code == 0, done.err
    assert folder.read("out.jsonl") == expected
    assert Source(str(folder.folder / "out.jsonl")).fingerprint()[0] == recipe["sha256"]
