"""What `rlra train` refuses: one sentence, before anything is made."""

from pathlib import Path

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file

from schemas.judged import Judged
from tests.running import Runner
from tests.stages import train_folders
from tests.stages.train_folders import EXACT, ONE, RUBRIC, digest_of, log_of, refused, write
from tests.stages.training_groups import with_rewards
from tests.tiny_model import tiny_model

groups, run = train_folders.groups, train_folders.run


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
    done = run.inside("train", *words, "--allow-stale", "-o", "stale")
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
    done = run.inside(
        "train", "judged.jsonl", "--model", "hf:bare", "--allow-stale", "--processes", "1", "-o", "bare-run"
    )
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


def test_the_folder_of_the_model_is_not_trained_into(run: Runner, groups: tuple[Path, list[Judged]]) -> None:
    before = digest_of(groups[0])
    done = run.inside("train", "judged.jsonl", "-o", "tiny", "--model", "hf:tiny", *ONE)
    assert done.code == 1 and "another folder" in done.err
    assert digest_of(groups[0]) == before


def test_two_runs_do_not_share_a_folder(run: Runner) -> None:
    (run.folder / "shared").mkdir()
    with FileLock(run.folder / "shared" / ".lock"):
        done = run.inside("train", "judged.jsonl", "-o", "shared", "--model", "hf:tiny", *ONE)
    assert done.code == 1 and "another run" in done.err
