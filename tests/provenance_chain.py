"""A small pipeline that was really run, from prompts to a trained model and on, for tests of where things come from."""

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from stages.provenance import Origin
from tests.running import Runner, lines, records
from tests.tiny_model import SENTENCES, tiny_model

RUBRIC = "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 2}}, partial: 0.5}\n"
SAMPLE = ["--group-size", "4", "--max-tokens", "12", "--processes", "1", "--dtype", "float32"]
LEARN = ["--learning-rate", "1e-3", "--no-bf16", "--prompts-per-step", "2", "--micro-batch", "4", "--processes", "1"]
LEARN += ["--max-kl", "1e9", "--min-ess", "0", "--max-clip", "1"]
STEPS = (
    ["generate-rubrics", "prompts.jsonl", "-o", "out/tasks.jsonl"],
    ["rollout", "out/tasks.jsonl", "-o", "out/rollouts.jsonl.gz", "--model", "hf:tiny", *SAMPLE],
    ["judge", "out/rollouts.jsonl.gz", "-o", "out/judged.jsonl", "--rubrics", "rubric.yaml"],
    ["select-data", "out/judged.jsonl", "-o", "out/kept.jsonl", "--groups", "--rejects", "out/rejects.jsonl"],
    ["train", "out/kept.jsonl", "-o", "out/run", "--model", "hf:tiny", *LEARN],
    ["rollout", "out/tasks.jsonl", "-o", "out/after.rollouts.jsonl", "--model", "hf:out/run", *SAMPLE],
    ["judge", "out/after.rollouts.jsonl", "-o", "out/after.judged.jsonl", "--rubrics", "rubric.yaml"],
    ["stats", "before=out/judged.jsonl", "after=out/after.judged.jsonl", "-o", "out/stats.jsonl"],
)
SOURCES = {"prompts.jsonl", "rubric.yaml", "tiny"}
MADE = {word for step in STEPS for option, word in pairwise(step) if option == "-o"}


def ok(run: Runner, *words: str) -> None:
    """Run a command that ends well."""
    done = run.inside(*words)
    assert done.code == 0, done.err


def with_sources(folder: Path) -> Runner:
    """Return a runner in a folder with all that the pipeline begins with."""
    runner = Runner(folder)
    tiny_model(folder / "tiny")
    runner.write("prompts.jsonl", lines(*({"id": f"p{n}", "prompt": text} for n, text in enumerate(SENTENCES[:6]))))
    runner.write("rubric.yaml", RUBRIC)
    return runner


def carried_out(folder: Path) -> Runner:
    """Run the pipeline in a folder."""
    runner = with_sources(folder)
    for step in STEPS:
        done = runner.inside(*step)
        assert done.code == 0, done.err
    return runner


def moved(made: Runner, place: Path) -> Runner:
    """Return the pipeline in another place, where nothing leads back to the first one."""
    shutil.copytree(made.folder, place)
    return Runner(place)


def aged(run: Runner) -> Runner:
    """Let all manifests be as they were before they said where things lie."""
    for path in run.folder.rglob("*manifest.json"):
        manifest = orjson.loads(path.read_bytes())
        del manifest["run"]["inputs"], manifest["run"]["cwd"]
        path.write_bytes(orjson.dumps(manifest))
    return run


def chain_of(run: Runner, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """Return what `rlra provenance` says, by path."""
    done = run.inside("provenance", *words)
    assert done.code == code, done.err
    found = records(done.out)
    paths = [line["id"] for line in found]
    assert len(set(paths)) == len(paths)
    for place, line in enumerate(found):
        assert not set(line.get("inputs", {}).values()) - set(paths[place + 1 :])
    return {line["id"]: line for line in found}


def states_of(run: Runner, *words: str, code: int = 0) -> dict[str, str]:
    """Return the state of each path."""
    return {path: line["state"] for path, line in chain_of(run, *words, code=code).items()}


def by_path(chain: list[Origin]) -> dict[str, Origin]:
    """Return the origins by path."""
    return {origin.path: origin for origin in chain}
