"""Mistakes at `rlra train`: one sentence, one time, and no file of the user's is written over."""

from pathlib import Path

import pytest

from schemas.judged import Judged
from tests.running import Runner
from tests.stages import train_folders
from tests.stages.train_folders import RUBRIC, refused
from tests.tiny_model import tiny_model

groups, run = train_folders.groups, train_folders.run
TASKS = b"".join(b'{"id":"t%d","prompt":"Name %d birds."}\n' % (number, number) for number in range(4))
STAGED = ("judged.jsonl", "--model", "hf:tiny")
ONLINE = ("--online", "--model", "hf:tiny", "--rubrics", "brief.yaml", "--group-size", "2", "--max-tokens", "4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "lr_scheduler_type=cosine_with_min_lr"), "refused by TRL: One of min_lr"),
        (("--set", "optim_args=bad"), "refused by TRL: "),
        (("--set", "optim=galore_adamw"), "refused by TRL: You need to install `galore_torch`"),
        (("--set", "use_liger_kernel=true"), "liger_kernel is not installed"),
        (("--judge", "openai:x", "--base-url", "http://127.0.0.1:9/v1"), "goes with --online and --rounds"),
        (("--accelerate", "multi_gpu", "--accelerate-arg", "num_processes 2"), "is not NAME=VALUE"),
        (("--accelerate", "multi_gpu", "--accelerate-arg", ""), "is not NAME=VALUE"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_makes_nothing(words: tuple[str, ...], said: str, run: Runner) -> None:
    told = refused(run, *STAGED, *words)
    assert said in told and len(told.splitlines()) <= 2


def test_stdin_is_read_by_one_process_only(run: Runner) -> None:
    assert "--processes does not go with stdin" in refused(run, "-", "--model", "hf:tiny", "--processes", "2")


def test_groups_that_cannot_be_shared_are_told_of_once_before_anything_is_made(run: Runner) -> None:
    run.write("tasks.jsonl", TASKS)
    run.write("brief.yaml", RUBRIC.encode())
    told = refused(run, "tasks.jsonl", *ONLINE, "--prompts-per-step", "3", "--processes", "2")
    assert told.count("cannot be shared whole") == 1


def test_processes_by_default_share_the_groups_whole(run: Runner) -> None:
    run.write("tasks.jsonl", TASKS)
    run.write("brief.yaml", RUBRIC.encode())
    done = run.inside("train", "tasks.jsonl", *ONLINE, "--prompts-per-step", "3", "--steps", "1", "-o", "shared")
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", ["judged.jsonl", "train_log.jsonl"])
def test_a_run_does_not_write_over_its_own_input(name: str, run: Runner) -> None:
    (run.folder / name[:3]).mkdir()
    run.write(f"{name[:3]}/{name}", TASKS)
    run.write("brief.yaml", RUBRIC.encode())
    done = run.inside("train", f"{name[:3]}/{name}", *ONLINE, "--prompts-per-step", "2", "--steps", "1", "-o", name[:3])
    assert done.code == 1 and "is read or written already" in done.err
    assert run.read(f"{name[:3]}/{name}") == TASKS


def test_a_model_that_no_run_made_is_not_written_over(run: Runner) -> None:
    before = (tiny_model(run.folder / "theirs", seed=1) / "model.safetensors").read_bytes()
    done = run.inside("train", *STAGED, "-o", "theirs")
    assert done.code == 1 and "holds a model of another making" in done.err
    assert (run.folder / "theirs" / "model.safetensors").read_bytes() == before


def test_an_earlier_model_does_not_pass_for_that_of_a_run_that_diverged(
    run: Runner, groups: tuple[Path, list[Judged]]
) -> None:
    few = ("--prompts-per-step", "2", "--save-every", "0", "--max-kl", "1e9", "--min-ess", "0", "--max-clip", "1")
    wild = ("--learning-rate", "1e30", "--no-bf16", "--processes", "2")
    assert run.inside("train", *STAGED, *few, "--processes", "1", "-o", "twice").code == 0
    done = run.inside("train", *STAGED, *few, "-o", "twice", "--no-resume", *wild)
    assert done.code == 1 and done.err.count("no model was saved") == 1, done.err
    assert not list((run.folder / "twice").glob("*.safetensors"))


def test_weights_that_cannot_be_read_are_one_sentence(run: Runner) -> None:
    torn = tiny_model(run.folder / "torn") / "model.safetensors"
    torn.write_bytes(torn.read_bytes()[:1000])
    words = ("train", "judged.jsonl", "--model", "hf:torn", "--allow-stale", "--processes", "1")
    done = run.inside(*words, "-o", "from-torn")
    assert done.code == 1 and "cannot load the model" in done.err and "Traceback" not in done.err
