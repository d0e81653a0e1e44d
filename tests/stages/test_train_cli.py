"""`rlra train` as its users run it: a folder with a model, a log and a manifest; interrupted and gone on with."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from werkzeug import Response

from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.models.weights import weights_of
from tests.running import PATIENCE_S, Done, Runner, interrupt, lines, wait_until
from tests.stages.judge_server import chat, serving, under_judgement, verdicts
from tests.stages.training_groups import sampled, tasks, with_rewards
from tests.tiny_model import tiny_model

EXACT = ["--no-bf16", "--learning-rate", "1e-3", "--prompts-per-step", "2", "--micro-batch", "3", "--epochs", "2"]
WIDE = ["--max-kl", "1e9", "--min-ess", "0", "--max-clip", "1"]
ONE = ["--processes", "1", "--save-every", "1", *EXACT, *WIDE]
STEPS = 6
RUBRIC = "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 2}}, partial: 0.5}\n"


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Judged]]:
    folder = tiny_model(tmp_path_factory.mktemp("model") / "tiny")
    return folder, sampled(folder, 6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, groups: tuple[Path, list[Judged]]) -> Runner:
    """Return a runner in a folder with a model and what was sampled from it, judged."""
    runner = Runner(tmp_path_factory.mktemp("work"))
    (runner.folder / "tiny").symlink_to(groups[0])
    write(runner, "judged.jsonl", groups[1])
    return runner


@pytest.fixture(scope="module")
def whole(run: Runner) -> tuple[Path, Done]:
    """Train once, undisturbed."""
    done = run("train", "judged.jsonl", "-o", "whole", "--model", "hf:tiny", *ONE)
    assert done.code == 0, done.err
    return run.folder / "whole", done


def write(run: Runner, name: str, groups: list[Judged]) -> None:
    run.write(name, b"".join(map(to_line, groups)))


def log_of(folder: Path) -> list[TrainLog]:
    return list(Source(str(folder / "train_log.jsonl")).read(TrainLog))


def digest_of(folder: Path) -> str:
    return weights_of(f"hf:{folder}")[1]


def metrics_of(folder: Path) -> list[dict[str, float]]:
    """Return each step's measures without the clocks."""
    timed = ("runtime", "per_second", "step_time")
    return [
        {name: value for name, value in line.metrics.items() if not any(word in name for word in timed)}
        for line in log_of(folder)
    ]


def test_a_run_leaves_a_model_a_log_and_a_manifest(whole: tuple[Path, Done], run: Runner) -> None:
    folder, done = whole
    assert done.out == b""
    assert "Traceback" not in done.err
    assert not {"checkpoints", "recipe.json", "saving"} & {path.name for path in folder.iterdir()}
    log = log_of(folder)
    assert [line.step for line in log] == [*range(1, STEPS + 1), STEPS]
    assert [line.event for line in log] == [None] * STEPS + ["finished"]
    for line in log[:-1]:
        assert {"loss", "grad_norm", "learning_rate", "sampler_kl", "sampler_ess"} <= set(line.metrics)
    assert log[0].metrics["sampler_difference"] < 1e-4
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert manifest["recipe"]["stage"] == "train"
    assert manifest["recipe"]["sha256"] == digest_of(folder)
    assert manifest["recipe"]["spec"]["revision"] == digest_of(run.folder / "tiny")
    assert manifest["recipe"]["spec"]["learning_rate"] == 1e-3
    assert manifest["recipe"]["inputs"]["input"]["records"] == 6
    assert manifest["run"]["counts"]["steps"] == STEPS


def test_what_is_said_is_one_line_per_step_and_no_library_speaks(whole: tuple[Path, Done]) -> None:
    said = whole[1].err.splitlines()
    assert said[0] == "train: 6 of 6 groups can be learned from"
    assert all(line.startswith("train: ") for line in said), said
    assert sum(": loss " in line for line in said) == STEPS
    assert said[-1].startswith("train: ") and said[-1].endswith("→ whole")


def test_the_trained_model_loads_and_has_moved(whole: tuple[Path, Done], run: Runner) -> None:
    trained = AutoModelForCausalLM.from_pretrained(whole[0])
    assert AutoTokenizer.from_pretrained(whole[0]).chat_template
    ids = torch.arange(5, 20)[None]
    with torch.no_grad():
        logits = trained(ids).logits
        before = AutoModelForCausalLM.from_pretrained(run.folder / "tiny")(ids).logits
    assert torch.isfinite(logits).all()
    assert not torch.allclose(logits, before, atol=1e-2)
    assert digest_of(whole[0]) != digest_of(run.folder / "tiny")


def test_two_processes_learn_what_one_learns(whole: tuple[Path, Done], run: Runner) -> None:
    done = run(
        "train",
        "judged.jsonl",
        "-o",
        "two",
        "--model",
        "hf:tiny",
        "--processes",
        "2",
        "--save-every",
        "0",
        *EXACT,
        *WIDE,
    )
    assert done.code == 0, done.err
    assert done.out == b""
    assert "Traceback" not in done.err
    one, two = metrics_of(whole[0]), metrics_of(run.folder / "two")
    print(f"loss {one[0]['loss']:.9g} {two[0]['loss']:.9g}; norm {one[0]['grad_norm']:.9g} {two[0]['grad_norm']:.9g}")
    assert two[0]["loss"] == pytest.approx(one[0]["loss"], abs=1e-4)
    assert two[0]["grad_norm"] == pytest.approx(one[0]["grad_norm"], rel=1e-4)
    assert two[0]["reward"] == pytest.approx(one[0]["reward"], abs=1e-6)
    assert two[STEPS - 1]["sampler_kl"] == pytest.approx(one[STEPS - 1]["sampler_kl"], rel=0.05)
    assert [line.step for line in log_of(run.folder / "two")] == [*range(1, STEPS + 1), STEPS]
    assert done.err.count("groups can be learned from") == 1
    assert done.err.count("train: step 1: loss") == 1
    assert AutoModelForCausalLM.from_pretrained(run.folder / "two").num_parameters() > 0


def checkpointed(folder: Path, step: int) -> Callable[[], bool]:
    """Return whether a whole checkpoint of `step`, or a later one, is there."""
    return lambda: any(
        int(path.parent.name.rpartition("-")[2]) >= step
        for path in (folder / "checkpoints").glob("checkpoint-*/trainer_state.json")
    )


def test_an_interrupted_run_goes_on_and_ends_with_the_same_weights(whole: tuple[Path, Done], run: Runner) -> None:
    """SIGTERM after one checkpoint, SIGKILL after a later one; half a line stands in the log."""
    words = ["train", "judged.jsonl", "-o", "again", "--model", "hf:tiny", *ONE]
    folder = run.folder / "again"
    first = run.start(*words)
    wait_until(checkpointed(folder, 1), "the first checkpoint")
    ended = interrupt(first)
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert not (folder / "manifest.json").exists()
    other = run(*words, "--seed", "9")
    assert other.code == 1
    assert "again: begun with another recipe; these differ: spec.seed" in other.err
    assert "--no-resume" in other.err
    second = run.start(*words)
    wait_until(checkpointed(folder, 3), "the third checkpoint")
    second.kill()
    second.communicate(timeout=PATIENCE_S)
    assert not (folder / "manifest.json").exists()
    with (folder / "train_log.jsonl").open("ab") as log:
        log.write(b'{"schema":"train_log/1","id":"step-0000')
    done = run(*words)
    assert done.code == 0, done.err
    assert digest_of(folder) == digest_of(whole[0])
    assert metrics_of(folder) == metrics_of(whole[0])
    assert [line.step for line in log_of(folder)] == [*range(1, STEPS + 1), STEPS]
    assert done.err.count(": loss ") <= STEPS - 3
    recipes = [orjson.loads((path / "manifest.json").read_bytes())["recipe"] for path in (folder, whole[0])]
    assert recipes[0] == recipes[1]


def descendants(pid: int) -> list[int]:
    asked = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in asked.stdout.split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_process_of_a_run_outlives_its_kill(run: Runner) -> None:
    """Otherwise the run that goes on would share its folder with the one that was killed."""
    words = ["train", "judged.jsonl", "-o", "lost", "--model", "hf:tiny", *ONE, "--processes", "2", "--epochs", "500"]
    parent = run.start(*words)
    wait_until(lambda: len(descendants(parent.pid)) >= 2, "two ranks")
    wait_until(lambda: (run.folder / "lost" / "train_log.jsonl").exists(), "the first step")
    ranks = descendants(parent.pid)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while any(map(alive, ranks)) and time.monotonic() < end:
        time.sleep(0.05)
    left = [rank for rank in ranks if alive(rank)]
    for rank in left:
        os.kill(rank, signal.SIGKILL)
    parent.communicate(timeout=PATIENCE_S)
    assert left == []


# What is refused before anything is loaded.


def refused(run: Runner, *words: str) -> str:
    """Run `rlra train` and return what it said; nothing may have been made."""
    done = run("train", *words, "-o", "nothing")
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    assert not (run.folder / "nothing").exists()
    assert done.out == b""
    return done.err


def test_responses_of_another_policy_are_refused_unless_staleness_is_accepted(
    run: Runner,
) -> None:
    """The same weights but for some noise: further off than a mistake may be, near enough for the guards."""
    words = ["judged.jsonl", "--model", "hf:near", "--processes", "1", *EXACT]
    folder = tiny_model(run.folder / "near")
    weights = load_file(folder / "model.safetensors")
    noise = torch.Generator().manual_seed(0)
    moved = {name: value + 0.01 * torch.randn(value.shape, generator=noise) for name, value in weights.items()}
    save_file(moved, folder / "model.safetensors", metadata={"format": "pt"})
    said = refused(run, *words)
    assert (
        f"sampled from weights {digest_of(run.folder / 'tiny')}, and hf:near is {digest_of(run.folder / 'near')}"
        in said
    )
    assert "--allow-stale" in said
    done = run("train", *words, "--allow-stale", "-o", "stale")
    assert done.code == 0, done.err
    first = log_of(run.folder / "stale")[0].metrics
    assert 0.05 < first["sampler_difference"] < 0.5
    assert first["sampler_kl"] > 1e-3


def test_a_file_that_teaches_nothing_is_refused_with_the_counts(run: Runner, groups: tuple[Path, list[Judged]]) -> None:
    flat = [with_rewards(group, [0.5] * 4) for group in groups[1][:3]]
    failed = [with_rewards(group, [None] * 4) for group in groups[1][3:5]]
    few = [with_rewards(groups[1][5], [None, None, 0.3, None])]
    write(run, "flat.jsonl", [*flat, *failed, *few])
    said = refused(run, "flat.jsonl", "--model", "hf:tiny")
    assert "flat.jsonl: no group can be learned from: 3 no_spread, 2 judge_failed, 1 too_few_scored" in said
    run.write("empty.jsonl", b"")
    assert "empty.jsonl: " in refused(run, "empty.jsonl", "--model", "hf:tiny")


def test_lines_without_token_ids_are_refused(run: Runner, groups: tuple[Path, list[Judged]]) -> None:
    bare = [r.model_copy(update={"tokens": None}) for r in groups[1][0].responses]
    write(run, "bare.jsonl", [groups[1][0].model_copy(update={"responses": tuple(bare)})])
    assert "t00: no token ids in the line" in refused(run, "bare.jsonl", "--model", "hf:tiny")


def test_greedy_responses_are_refused(run: Runner, groups: tuple[Path, list[Judged]]) -> None:
    group = groups[1][0]
    sampling = group.policy.sampling.model_copy(update={"temperature": 0.0})
    greedy = group.model_copy(update={"policy": group.policy.model_copy(update={"sampling": sampling})})
    write(run, "greedy.jsonl", [greedy])
    assert "t00: greedy responses" in refused(run, "greedy.jsonl", "--model", "hf:tiny")


def test_a_model_that_cannot_be_loaded_is_one_sentence(run: Runner) -> None:
    folder = tiny_model(run.folder / "bare")
    (folder / "config.json").unlink()
    done = run("train", "judged.jsonl", "--model", "hf:bare", "--allow-stale", "-o", "bare-run")
    assert done.code == 1
    assert "bare: cannot load the model" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("model", ["openai:x", "hf", "hf:nowhere/at-all", "smollm3"])
def test_a_model_that_cannot_be_trained_is_refused(model: str, run: Runner) -> None:
    assert refused(run, "judged.jsonl", "--model", model).startswith("rlra: ")


def test_rubrics_without_online_are_refused(run: Runner) -> None:
    run.write("rubric.yaml", RUBRIC)
    said = refused(run, "judged.jsonl", "--model", "hf:tiny", "--rubrics", "rubric.yaml")
    assert "--rubrics goes with --online" in said


# Online.


def test_online_samples_and_judges_as_it_learns(run: Runner) -> None:
    run.write("tasks.jsonl", b"".join(map(to_line, tasks(4))))
    run.write("rubric.yaml", RUBRIC)
    words = [
        "train",
        "--online",
        "tasks.jsonl",
        "-o",
        "online",
        "--model",
        "hf:tiny",
        "--rubrics",
        "rubric.yaml",
    ]
    words += ["--processes", "1", "--steps", "2", "--group-size", "4", "--prompts-per-step", "2", "--max-tokens", "12"]
    done = run(*words, "--no-bf16", "--learning-rate", "1e-3")
    assert done.code == 0, done.err
    assert done.out == b""
    assert all(line.startswith("train: ") for line in done.err.splitlines()), done.err
    folder = run.folder / "online"
    log = log_of(folder)
    assert [line.step for line in log] == [1, 2, 2]
    assert log[-1].event == "finished"
    for line in log[:-1]:
        assert 0 <= line.metrics["reward"] <= 1
        assert line.metrics["judge_failed"] == 0
        assert 0 <= line.metrics["met/short"] <= 1
    assert digest_of(folder) != digest_of(run.folder / "tiny")
    assert AutoModelForCausalLM.from_pretrained(folder).num_parameters() > 0
    assert orjson.loads((folder / "manifest.json").read_bytes())["recipe"]["spec"]["online"] is True


def test_online_asks_a_panel_as_it_is_told_and_nothing_that_the_cache_holds(run: Runner) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        prompt = payload["messages"][0]["content"]
        return chat(verdicts(prompt, lambda name: "met" if len(under_judgement(prompt)) % 2 else "not met"))

    run.write("tasks.jsonl", b"".join(map(to_line, tasks(2))))
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    run.write("how.yaml", "panel: mean\ncriteria_per_call: 1\nmax_tokens: 333\n")
    words = ["train", "--online", "tasks.jsonl", "--model", "hf:tiny", "--rubrics", "asked.yaml", "--processes", "1"]
    words += ["--steps", "1", "--group-size", "4", "--prompts-per-step", "2", "--max-tokens", "12", "--no-bf16"]
    with serving(reply) as server:
        judge = ("--judge", "openai:a", "--judge", "openai:b", "--base-url", server.url, "--cache", "votes.db")
        first = run(*words, *judge, "--judge-options", "how.yaml", "-o", "first")
        assert first.code == 0, first.err
        asked = server.calls
        assert {(payload["model"], payload["max_tokens"]) for payload in server.payloads} == {("a", 333), ("b", 333)}
        second = run(*words, *judge, "--judge-options", "how.yaml", "-o", "second")
        assert second.code == 0, second.err
        assert server.calls == asked
        run.write("how.yaml", "pannel: mean\n")
        refused = run(*words, *judge, "--judge-options", "how.yaml", "-o", "third")
    assert log_of(run.folder / "first")[0].metrics["reward"] == log_of(run.folder / "second")[0].metrics["reward"]
    assert "how.yaml: pannel: no such option" in refused.err


def test_online_needs_a_judge_for_criteria_without_a_check(run: Runner) -> None:
    run.write("one.jsonl", lines({"id": "a", "prompt": "Hello."}))
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    said = refused(run, "--online", "one.jsonl", "--model", "hf:tiny", "--rubrics", "asked.yaml")
    assert "its rubric needs a judge" in said
    assert "--judge" in said


def test_a_run_that_diverges_saves_no_model(run: Runner) -> None:
    wild = [
        "--no-bf16",
        "--learning-rate",
        "1e38",
        "--prompts-per-step",
        "2",
        "--micro-batch",
        "3",
        "--max-grad-norm",
        "1e9",
    ]
    done = run("train", "judged.jsonl", "-o", "wild", "--model", "hf:tiny", "--save-every", "0", *wild, *WIDE)
    assert done.code == 1
    assert "diverged" in done.err and "Traceback" not in done.err
    assert not list((run.folder / "wild").glob("*.safetensors"))
    assert not (run.folder / "wild" / "manifest.json").exists()
    assert log_of(run.folder / "wild")[-1].event == "stopped: loss or gradient is not a finite number"


def test_the_folder_of_the_model_is_not_trained_into(run: Runner, groups: tuple[Path, list[Judged]]) -> None:
    before = digest_of(groups[0])
    done = run("train", "judged.jsonl", "-o", "tiny", "--model", "hf:tiny", *ONE)
    assert done.code == 1 and "another folder" in done.err
    assert digest_of(groups[0]) == before


def test_two_runs_do_not_share_a_folder(run: Runner) -> None:
    (run.folder / "shared").mkdir()
    with FileLock(run.folder / "shared" / ".lock"):
        done = run("train", "judged.jsonl", "-o", "shared", "--model", "hf:tiny", *ONE)
    assert done.code == 1 and "another run" in done.err
