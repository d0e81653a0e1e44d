"""`rlra train --set`: what is given by name stands in the manifest and comes back from it; mistakes make no folder."""

from pathlib import Path

import orjson
import pytest

from schemas.jsonl import to_line
from stages.models.weights import weights_of
from tests.running import Runner
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

FEW = ("--no-bf16", "--learning-rate", "1e-2", "--prompts-per-step", "2", "--save-every", "0")
ALONE = ("--processes", "1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    runner = Runner(tmp_path_factory.mktemp("work"))
    folder = tiny_model(runner.folder / "tiny")
    runner.write("judged.jsonl", b"".join(map(to_line, sampled(folder, 4))))
    return runner


def digest_of(folder: Path) -> str:
    return weights_of(f"hf:{folder}")[1]


def test_options_by_name_stand_in_the_manifest_and_come_back_from_it(run: Runner) -> None:
    words = ("--set", "lr_scheduler_type=cosine_with_min_lr", "--set", 'lr_scheduler_kwargs={"min_lr_rate": 0.5}')
    first = run.inside(
        "train", "judged.jsonl", "-o", "first", "--model", "hf:tiny", *FEW, *ALONE, *words, "--set", "optim=sgd"
    )
    assert first.code == 0, first.err
    spec = orjson.loads(run.read("first/manifest.json"))["recipe"]["spec"]
    expected = {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": 0.5}, "optim": "sgd"}
    assert spec["set"] == expected
    again = run.inside("train", "judged.jsonl", "-o", "again", "--spec", "first/manifest.json", *ALONE)
    assert again.code == 0, again.err
    assert orjson.loads(run.read("again/manifest.json"))["recipe"]["spec"] == spec
    assert digest_of(run.folder / "again") == digest_of(run.folder / "first") != digest_of(run.folder / "tiny")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "lr_schedule_type=cosine"), "did you mean 'lr_scheduler_type'?"),
        (("--set", "max_steps=3"), "use --steps online, and --epochs staged"),
        (("--set", "weight_decay=much"), "'much' is not of type float"),
        (("--set", "lr_scheduler_type=cosinus"), "refused by TRL: cosinus is not a valid SchedulerType"),
        (("--set", "top_p=0.9"), "goes with --online"),
        (("--set", "optim"), "'optim' is not KEY=VALUE"),
        (("--stale-safe", "--loss-type", "sapo"), "does not go with --loss-type sapo"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_makes_no_folder(
    words: tuple[str, ...], said: str, run: Runner
) -> None:
    done = run.inside("train", "judged.jsonl", "-o", "nothing", "--model", "hf:tiny", *words)
    assert done.code == 1
    assert said in done.err and "Traceback" not in done.err and len(done.err.splitlines()) <= 2
    assert not (run.folder / "nothing").exists()
