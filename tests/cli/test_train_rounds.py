"""`rlra train --rounds` as its users run it: what lies where, the same as by hand, killed and gone on with."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import orjson
import pytest

from schemas.jsonl import Source, to_line
from schemas.rubric import Criterion, Rubric
from schemas.train_log import TrainLog
from stages.models.weights import weights_of
from tests.running import PATIENCE_S, Done, Runner, interrupt, wait_until
from tests.stages.training_groups import tasks
from tests.tiny_model import tiny_model

RUBRIC = "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 2}}, partial: 0.5}\n"
SAMPLE = ["--group-size", "4", "--max-tokens", "12"]
LEARN = ["--learning-rate", "1e-3", "--no-bf16", "--prompts-per-step", "2", "--micro-batch", "4", "--seed", "3"]
LEARN += ["--max-kl", "1e9", "--min-ess", "0", "--max-clip", "1", "--processes", "1"]
JUDGED = ["--rubrics", "rubric.yaml"]
ROUNDS = ["--rounds", "2", "--prompts-per-round", "4", "--model", "hf:tiny", *JUDGED, *SAMPLE, *LEARN]
ROUNDS += ["--rollout-options", "one.yaml"]
FILES = ("rollouts.jsonl", "judged.jsonl", "kept.jsonl", "rejects.jsonl")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


def working(folder: Path, model: Path) -> Runner:
    """Return a runner in a folder with what a run needs."""
    folder.mkdir(exist_ok=True)
    (folder / "tiny").symlink_to(model)
    runner = Runner(folder)
    runner.write("tasks.jsonl", b"".join(map(to_line, tasks(6))))
    held = [task.model_copy(update={"id": f"held-{task.id}"}) for task in tasks(5)]
    runner.write("held.jsonl", b"".join(map(to_line, held)))
    runner.write("rubric.yaml", RUBRIC)
    runner.write("one.yaml", "processes: 1\n")
    return runner


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Runner:
    return working(tmp_path_factory.mktemp("work"), model)


@pytest.fixture(scope="module")
def whole(run: Runner) -> tuple[Path, Done]:
    """Train in two rounds, undisturbed."""
    done = run("train", "tasks.jsonl", "-o", "run", *ROUNDS, "--held-out", "held.jsonl")
    assert done.code == 0, done.err
    return run.folder / "run", done


def recipe_of(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    manifest = path / "manifest.json" if path.is_dir() else path.with_name(path.name + ".manifest.json")
    return dict(orjson.loads(manifest.read_bytes())["recipe"])


def digest_of(folder: Path) -> str:
    return weights_of(f"hf:{folder}")[1]


def log_of(folder: Path) -> list[TrainLog]:
    return list(Source(str(folder / "train_log.jsonl")).read(TrainLog))


def test_a_run_leaves_every_round_and_the_last_rounds_model(whole: tuple[Path, Done], run: Runner) -> None:
    folder, done = whole
    assert done.out == b""
    assert "Traceback" not in done.err
    assert {path.name for path in folder.glob("round-*")} == {"round-0", "round-1", "round-2"}
    for number in (1, 2):
        for name in ("tasks.jsonl", *FILES[:3], "model", "held_out.rollouts.jsonl", "held_out.judged.jsonl"):
            assert recipe_of(folder / f"round-{number}", name)["sha256"], name
    chosen = [[line["id"] for line in _lines(folder / f"round-{n}" / "tasks.jsonl")] for n in (1, 2)]
    assert sorted(set(chosen[0] + chosen[1])) == [task.id for task in tasks(6)]
    assert digest_of(folder) == digest_of(folder / "round-2" / "model")
    gains = [line.metrics.get("held_out_gain", 0.0) for line in log_of(folder) if "held_out" in line.metrics]
    kept = {number for number in (1, 2) if (folder / f"round-{number}" / "model" / "model.safetensors").exists()}
    assert kept == {1 if gains[1] >= gains[2] else 2, 2}
    assert not {"recipe.json", "learn.json", ".lock", "optimizer"} & {path.name for path in folder.rglob("*")}
    recipe = recipe_of(run.folder, "run")
    assert recipe["sha256"] == digest_of(folder)
    assert recipe["spec"]["rounds"] == 2
    assert recipe["spec"]["base"] == {"model": "hf:tiny", "revision": digest_of(run.folder / "tiny")}
    assert recipe["inputs"].keys() == {"input", "rubrics.0", "held_out"}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_the_log_tells_of_all_rounds_and_of_the_held_out_prompts(whole: tuple[Path, Done]) -> None:
    log = log_of(whole[0])
    steps = [line for line in log if "loss" in line.metrics]
    assert [line.step for line in steps] == list(range(1, len(steps) + 1))
    assert {line.meta["round"] for line in steps} == {1, 2}
    held = [line for line in log if "held_out" in line.metrics]
    assert [line.id for line in held] == [f"round-{number}-held-out" for number in range(3)]
    for number, line in enumerate(held):
        groups = [[one["reward"] for one in row["responses"]] for row in _lines(_judged(whole[0], number))]
        assert {len(rewards) for rewards in groups} == {4}
        assert line.metrics["held_out"] == pytest.approx(fmean(map(fmean, groups)))
    gain = held[2].metrics["held_out"] - held[0].metrics["held_out"]
    assert held[2].metrics["held_out_gain"] == pytest.approx(gain)
    assert held[2].metrics["held_out_low"] <= gain <= held[2].metrics["held_out_high"]
    assert log[-1].event and "finished; the model is that of round 2" in log[-1].event


def _judged(folder: Path, number: int) -> Path:
    return folder / f"round-{number}" / "held_out.judged.jsonl"


def test_a_complete_run_is_left_as_it_is_and_another_recipe_is_refused(whole: tuple[Path, Done], run: Runner) -> None:
    words = ["train", "tasks.jsonl", "-o", "run", "--held-out", "held.jsonl"]
    again = run.inside(*words, *ROUNDS)
    assert (again.code, again.err) == (0, "train: run is complete\n")
    manifest = run.inside(*words, "--spec", "run/manifest.json", *JUDGED)
    assert (manifest.code, manifest.err) == (0, "train: run is complete\n")
    other = run.inside(*words, *ROUNDS, "--prompts-per-round", "3")
    assert other.code == 1
    assert "begun with another recipe; these differ: spec.prompts_per_round" in other.err
    assert (whole[0] / "manifest.json").exists()


def test_rounds_make_what_the_commands_by_hand_make(whole: tuple[Path, Done], model: Path, tmp_path: Path) -> None:
    """The pattern of the quickstart's Makefile, with the same tasks in each round."""
    hand, policy = working(tmp_path / "hand", model), "hf:tiny"
    hand.write("sampled.yaml", "{group_size: 4, max_tokens: 12, keep_optimizer: true}")
    for number in (1, 2):
        folder = f"run/round-{number}"
        (hand.folder / folder).mkdir(parents=True)
        for name in ("tasks.jsonl", "tasks.jsonl.manifest.json"):
            (hand.folder / folder / name).write_bytes((whole[0] / f"round-{number}" / name).read_bytes())
        seed = str(3 + number - 1)  # of six tasks four are new in the first round, and not all in the second
        tasks_, rollouts, judged, kept = (f"{folder}/{name}" for name in ("tasks.jsonl", *FILES[:3]))
        for words in (
            ["rollout", tasks_, "-o", rollouts, "--model", policy, *SAMPLE, "--seed", seed, "--processes", "1"],
            ["judge", rollouts, "-o", judged, *JUDGED, "--seed", "3"],
            ["select-data", judged, "-o", kept, "--groups", "--rejects", f"{folder}/rejects.jsonl", "--seed", "3"],
            ["train", kept, "-o", f"{folder}/model", "--model", policy, "--spec", "sampled.yaml", *LEARN],
        ):
            done = hand.inside(*words)
            assert done.code == 0, done.err
        policy = f"hf:{folder}/model"
        ours, theirs = whole[0] / f"round-{number}", hand.folder / folder
        for name in FILES:
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
        for name in (*FILES[:3], "model"):
            assert recipe_of(ours, name) == recipe_of(theirs, name), name
    assert digest_of(hand.folder / "run/round-2/model") == digest_of(whole[0])


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "while the first round is judged or selected": lambda run: (run / "round-1/rollouts.jsonl").exists(),
    "while the second round learns": lambda run: (run / "round-2/model/recipe.json").exists(),
    "between the last update and the end": lambda run: (run / "round-2/model/manifest.json").exists(),
}


def test_killed_at_any_moment_a_run_goes_on_where_it_was(whole: tuple[Path, Done], model: Path, tmp_path: Path) -> None:
    """SIGTERM first, then SIGKILL; what trains apart ends as well, and the last start ends with the same bytes."""
    runner = working(tmp_path / "killed", model)
    words, folder = ["train", "tasks.jsonl", "-o", "run", *ROUNDS], runner.folder / "run"
    for number, (what, there) in enumerate(MOMENTS.items()):
        started = runner.start(*words)
        wait_until(partial(there, folder), what)
        if number:
            started.kill()
            started.communicate(timeout=PATIENCE_S)
            time.sleep(2)  # what it started sees within half a second that it is gone
        else:
            ended = interrupt(started)
            assert ended.code == 130, ended.err
            assert "Traceback" not in ended.err
        assert not (folder / "manifest.json").exists()
    done = runner.inside(*words)
    assert done.code == 0, done.err
    assert "round-1/rollouts.jsonl" not in done.err
    for number in (1, 2):
        for name in FILES:
            ours, theirs = folder / f"round-{number}" / name, whole[0] / f"round-{number}" / name
            assert ours.read_bytes() == theirs.read_bytes(), ours
    assert digest_of(folder) == digest_of(whole[0])
    assert [line.step for line in log_of(folder)] == [line.step for line in log_of(whole[0]) if "held" not in line.id]
    assert not list((folder / "round-1" / "model").glob("*.safetensors")), "neither the best nor the last"
    assert orjson.loads((folder / "manifest.json").read_bytes())["run"]["counts"]["resumed_after"]


def test_what_was_done_is_not_done_again(whole: tuple[Path, Done], run: Runner) -> None:
    """As if it had been killed at the very end: nothing is sampled, judged or learned, and all ends as before."""
    recipe, log = recipe_of(run.folder, "run"), (whole[0] / "train_log.jsonl").read_bytes()
    (whole[0] / "recipe.json").write_bytes(orjson.dumps({**recipe, "sha256": None, "records": None}))
    (whole[0] / "manifest.json").unlink()
    done = run.inside("train", "tasks.jsonl", "-o", "run", *ROUNDS, "--held-out", "held.jsonl")
    assert done.code == 0, done.err
    assert not [
        line for line in done.err.splitlines() if line.startswith(("rollout", "judge", "select")) or "loss" in line
    ]
    assert recipe_of(run.folder, "run") == recipe
    assert (whole[0] / "train_log.jsonl").read_bytes() == log


def test_without_a_better_round_patience_ends_the_run(run: Runner) -> None:
    """Nothing can be gained on prompts of which the rubric asks what no answer of so few tokens can have."""
    long = Rubric(rubric="long", criteria=(Criterion(id="long", check={"word_count": {"at_least": 99}}),))
    brief = Rubric(rubric="b", criteria=(Criterion(id="s", check={"word_count": {"at_most": 2}}, partial=0.5),))
    train, held = ([task.model_copy(update={"rubric": r}) for task in tasks(4)] for r in (brief, long))
    run.write("own.jsonl", b"".join(map(to_line, train)))
    run.write("hard.jsonl", b"".join(map(to_line, held)))
    words = ["own.jsonl", "--rounds", "3", "--held-out", "hard.jsonl", "--patience", "1", "--model", "hf:tiny"]
    run.write("how.yaml", "group_size: 3\nbatch_size: 7\nprocesses: 1\n")
    done = run.inside("train", *words, "-o", "patient", "--rollout-options", "how.yaml", "--max-tokens", "12", *LEARN)
    assert done.code == 0, done.err
    said = "stopped: no better held-out reward since the start; the model is that of round 1, which does no better"
    assert said in done.err
    folder = run.folder / "patient"
    assert said in (log_of(folder)[-1].event or "")
    assert not (folder / "round-2").exists()
    assert digest_of(folder) == digest_of(folder / "round-1" / "model")
    sampled = recipe_of(folder / "round-1", "rollouts.jsonl")["spec"]
    assert (sampled["group_size"], sampled["batch_size"], sampled["max_tokens"]) == (3, 7, 12)


def test_the_second_stage_begins_where_the_first_ended_and_knows_the_base(
    whole: tuple[Path, Done], run: Runner
) -> None:
    """KL to the base: to the weights that the first stage began with, found by the manifests."""
    rollouts = ["rollout", "tasks.jsonl", "-o", "two.rollouts.jsonl", "--model", "hf:run", "--processes", "1"]
    rollouts += SAMPLE
    for words in (rollouts, ["judge", "two.rollouts.jsonl", "-o", "two.jsonl", *JUDGED]):
        assert run.inside(*words).code == 0
    stage = ["train", "two.jsonl", "--init-from", "run", *LEARN, "--beta", "0.1"]
    start = run.inside(*stage, "-o", "to-start")
    assert start.code == 0, start.err
    base = run.inside(*stage, "-o", "to-base", "--kl-reference", "base")
    assert base.code == 0, base.err
    kl = [log_of(run.folder / name)[0].metrics["kl"] for name in ("to-start", "to-base")]
    assert kl[0] == pytest.approx(0, abs=1e-9)
    assert kl[1] > 1e-4
    spec = recipe_of(run.folder, "to-base")["spec"]
    tiny = {"model": "hf:tiny", "revision": digest_of(run.folder / "tiny")}
    assert spec["model"] == "hf:run"
    assert spec["base"] == spec["reference"] == tiny
    moved = run.folder / "tiny"
    moved.rename(run.folder / "elsewhere")
    lost = run.inside(*stage, "-o", "lost", "--kl-reference", "base")
    (run.folder / "elsewhere").rename(moved)
    assert lost.code == 1
    assert "hf:tiny" in lost.err
    assert "Traceback" not in lost.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--online"], "--rounds samples and judges between its updates, and --online within them"),
        (["--lora-rank", "4", "--beta", "0.1"], "--rounds with --lora-rank and --beta"),
        (["--rollout-options", "bad.yaml"], "bad.yaml: max_token: no such option"),
        (["--rollout-options", "model.yaml"], "model.yaml: model: no such option"),
        (["--init-from", "tiny"], "--init-from: no run of `rlra train` ended in tiny"),
        (["--init-from", "elsewhere"], "--init-from and --model name two models"),
        (["--kl-reference", "base"], "--kl-reference base goes with --beta"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(words: list[str], said: str, run: Runner) -> None:
    run.write("bad.yaml", "max_token: 5\n")
    run.write("model.yaml", "model: smollm2\n")
    done = run.inside("train", "tasks.jsonl", "-o", "nothing", *ROUNDS, *words)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (run.folder / "nothing").exists()


def test_a_rubric_without_a_judge_is_refused_before_anything_is_sampled(run: Runner) -> None:
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    words = ["tasks.jsonl", "-o", "asked", "--rounds", "1", "--model", "hf:tiny", "--rubrics", "asked.yaml"]
    done = run.inside("train", *words)
    assert done.code == 1
    assert "its rubric needs a judge" in done.err
    assert not (run.folder / "asked").exists()


def test_folders_of_rounds_that_are_another_runs_are_not_removed(run: Runner) -> None:
    kept = run.folder / "mine" / "round-1"
    kept.mkdir(parents=True)
    done = run.inside("train", "tasks.jsonl", "-o", "mine", *ROUNDS)
    assert done.code == 1
    assert "round-1: is there already" in done.err
    assert kept.exists()
