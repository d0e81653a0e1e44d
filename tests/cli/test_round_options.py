"""What `rlra train --rounds` refuses before it makes anything, whom its options listen to, and what it goes on by."""

from pathlib import Path

import orjson
import pytest

from rlra_cli.options import RunOptions
from rlra_cli.round_stages import is_made
from rlra_cli.run import Job
from rlra_cli.training import TrainingRun
from schemas.jsonl import Source, to_line
from schemas.train_log import TrainLog
from stages.train import TrainSpec
from tests.running import Runner
from tests.stages.training_groups import tasks
from tests.tiny_model import tiny_model

FILES = {
    "rubric.yaml": "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 2}}}\n",
    "asked.yaml": "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n",
    "greedy.yaml": "temperature: 0\n",
    "cut.yaml": "{top_p: 0.9, group_size: 4}\n",
    "bare.yaml": "tokens: false\n",
    "single.yaml": "group_size: 1\n",
    "no-recipe.yaml": "{manifest: 1, recipe: 3}\n",
    "no-spec.yaml": "{manifest: 1, recipe: {spec: 3}}\n",
}
ROUNDS = ("--rounds", "1", "--model", "hf:tiny", "--rubrics", "rubric.yaml", "--held-out", "held.jsonl")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = tmp_path_factory.mktemp("work")
    tiny_model(folder / "tiny")
    runner = Runner(folder)
    for name in ("tasks.jsonl", "held.jsonl", "round-1.jsonl"):
        runner.write(name, b"".join(map(to_line, tasks(3))))
    for name, text in FILES.items():
        runner.write(name, text)
    return runner


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rollout-options", "greedy.yaml"], "--rollout-options: temperature 0: training cannot learn from what is"),
        (["--rollout-options", "cut.yaml"], "--rollout-options: top_p 0.9: training cannot learn"),
        (["--rollout-options", "bare.yaml"], "--rollout-options: no token ids: training cannot learn"),
        (["--rollout-options", "single.yaml"], "--rollout-options: one response per prompt: training cannot learn"),
        (["--rollout-options", "no-recipe.yaml"], "no-recipe.yaml: not a readable manifest"),
        (["--select-options", "no-spec.yaml"], "no-spec.yaml: not a readable manifest"),
        (["--judge", "nonsense"], "'nonsense' names no model"),
        (["--gold-judge", "nonsense"], "'nonsense' names no model"),
        (["--gold-rubrics", "asked.yaml"], "--gold-rubrics: they need a judge"),
        (
            ["--rollout-options", "greedy.yaml", "--temperature", "1", "--judge", "nonsense"],
            "'nonsense' names no model",
        ),
    ],
)
def test_what_would_fail_after_hours_of_sampling_fails_at_once(words: list[str], said: str, run: Runner) -> None:
    """The last one: what is typed goes before the file, also where it is what it would be anyway."""
    done = run.inside("train", "tasks.jsonl", "-o", "nothing", *ROUNDS, *words)
    assert (done.code, "Traceback" in done.err) == (1, False), done.err
    assert said in done.err
    assert not (run.folder / "nothing").exists()


@pytest.mark.parametrize("output", ["held.jsonl", "held.jsonl/run"])
def test_a_file_in_the_place_of_the_folder_is_told_of_in_one_sentence(output: str, run: Runner) -> None:
    before = (run.folder / "held.jsonl").read_bytes()
    done = run.inside("train", "tasks.jsonl", "-o", output, *ROUNDS)
    assert (done.code, done.err) == (1, f"rlra: {output}: is a file, and a folder is needed\n")
    assert (run.folder / "held.jsonl").read_bytes() == before


def test_starting_afresh_removes_rounds_and_neither_what_is_read_nor_what_is_none(run: Runner) -> None:
    rounds, mine = run.folder / "again" / "round-1", run.folder / "again" / "round-robin"
    for folder in (rounds, mine):
        folder.mkdir(parents=True)
    (run.folder / "again" / "round-2.txt").write_text("a note")
    (rounds / "tasks.jsonl").write_bytes((run.folder / "tasks.jsonl").read_bytes())
    words = ["-o", "again", *ROUNDS, "--no-resume"]
    done = run.inside("train", "again/round-1/tasks.jsonl", *words)
    assert (done.code, "Traceback" in done.err) == (1, False), done.err
    assert "again/round-1: holds tasks.jsonl, which is read" in done.err
    assert (rounds / "tasks.jsonl").exists()
    assert mine.exists()


def test_answers_of_other_weights_are_not_taken_for_made(tmp_path: Path) -> None:
    """A round that is judged anew leaves another model, and what the former one said is sampled again."""
    read, made = tmp_path / "tasks.jsonl", tmp_path / "rollouts.jsonl"
    read.write_bytes(b"".join(map(to_line, tasks(1))))
    made.write_bytes(b"")
    source = {"name": read.name, "sha256": Source(str(read)).fingerprint()[0]}
    recipe = {"stage": "rollout", "rlra": "1", "spec": {"revision": "before"}, "inputs": {"input": source}}
    beside = tmp_path / "rollouts.jsonl.manifest.json"
    beside.write_bytes(orjson.dumps({"manifest": 1, "recipe": recipe, "run": {}}))
    assert is_made(made, read)
    assert is_made(made, read, "before")
    assert not is_made(made, read, "after")
    beside.write_bytes(orjson.dumps({"manifest": 1, "recipe": {**recipe, "inputs": {}}, "run": {}}))
    assert not is_made(made, read)


def test_a_run_can_be_gone_on_with_until_its_manifest_is_there(run: Runner, tmp_path: Path) -> None:
    """Rounds know by `recipe.json` that they are theirs: without it and without a manifest all would be lost."""
    output = tiny_model(tmp_path / "run")
    work = TrainingRun(
        Job("train", {}, str(output), RunOptions(quiet=True)), TrainSpec(), output, f"hf:{run.folder / 'tiny'}", []
    )
    work.log.write_bytes(to_line(TrainLog(id="end", step=1, seconds=0.0, event="finished")))
    (output / "recipe.json").write_text("{}")
    blocked = output / "manifest.json.partial"
    blocked.mkdir()
    with pytest.raises(OSError, match="manifest"):
        work.finish()
    assert (output / "recipe.json").exists()
    blocked.rmdir()
    work.finish()
    assert (output / "manifest.json").exists()
    assert not (output / "recipe.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rollout-options", "judge"), "is of `rlra judge`, and options of `rlra rollout` are needed"),
        (("--select-options", "rollout"), "is of `rlra rollout`, and options of `rlra select-data` are needed"),
        (("--judge-options", "select-data"), "is of `rlra select-data`, and options of `rlra judge` are needed"),
        (("--judge-options", "judge", "--judge", "nonsense"), "'nonsense' names no model"),
    ],
)
def test_a_manifest_of_another_command_has_no_options_to_give(words: tuple[str, ...], said: str, run: Runner) -> None:
    """Of the right one they are taken, and the run is refused for something else."""
    name = f"of-{words[1]}.json"
    recipe = {"stage": words[1], "rlra": "1", "spec": {"seed": 5, "max_tokens": 7}, "inputs": {}}
    run.write(name, orjson.dumps({"manifest": 1, "recipe": recipe, "run": {}}))
    done = run.inside("train", "tasks.jsonl", "-o", "nothing", *ROUNDS, words[0], name, *words[2:])
    assert (done.code, "Traceback" in done.err) == (1, False), done.err
    assert said in done.err
    assert not (run.folder / "nothing").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--mix", "judged=1", "--mix", "verifiable=1"), "--mix: there is nothing of kind 'judged'"),
        (("--mix-by", "meta.kind", "--mix", "maths=1"), "--mix: there is nothing of kind 'maths'"),
        (("--held-out", "-"), "--held-out: is read in every round, and a pipe only once"),
        (("--held-out", "/dev/stdin"), "--held-out: is read in every round, and a pipe only once"),
    ],
)
def test_what_no_round_could_learn_or_read_is_refused_before_any_is_sampled(
    words: tuple[str, ...], said: str, run: Runner
) -> None:
    done = run("train", "tasks.jsonl", "-o", "nothing", *ROUNDS, *words)
    assert (done.code, "Traceback" in done.err) == (1, False), done.err
    assert said in done.err
    assert not (run.folder / "nothing").exists()


def test_tasks_and_held_out_prompts_do_not_both_come_through_one_pipe(run: Runner) -> None:
    done = run("train", "-", "-o", "nothing", *ROUNDS, "--held-out", "-", stdin=run.read("tasks.jsonl"))
    assert done.code == 1
    assert "--held-out: is read in every round, and a pipe only once" in done.err
    assert not (run.folder / "nothing").exists()
