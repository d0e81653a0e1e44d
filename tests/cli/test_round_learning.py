"""What becomes of `rlra train --rounds` when the learning of a round fails, and when a round has to learn anew."""

from pathlib import Path
from typing import Any

import pytest
import typer

from rlra_cli import round_stages
from rlra_cli.ancestry import initial
from rlra_cli.judge_panel import PanelOptions
from rlra_cli.main import build
from rlra_cli.options import EndpointOptions
from rlra_cli.round_stages import Judges, Sampler, Steps
from rlra_cli.rounds import Rounds
from schemas.errors import RlraError
from schemas.jsonl import Source, to_line
from schemas.manifest import Input, Manifest, Recipe, path_for
from schemas.report import Change
from schemas.train_log import TrainLog
from stages.judge import JudgeSpec
from stages.models.weights import weights_of
from stages.rounds import HeldOut
from stages.selection.spec import SelectDataSpec
from tests.stages.train_folders import RUBRIC
from tests.stages.training_groups import tasks
from tests.tiny_model import tiny_model

WORDS = ("tasks.jsonl", "-o", "run", "--model", "hf:tiny", "--rubrics", "rubric.yaml", "--rounds", "3")


def leave(artifact: Path, stage: str, sha256: str = "", source: Path | None = None) -> None:
    """Write the manifest of an artifact that is said to be made from `source`."""
    read = {"input": Input(name=source.name, sha256=Source(str(source)).fingerprint()[0])} if source else {}
    recipe = Recipe(stage=stage, rlra="1", spec={}, inputs=read, sha256=sha256, records=1)
    path_for(artifact).write_text(Manifest(recipe=recipe, run={}).model_dump_json())


@pytest.fixture
def ends_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Be in a folder where rounds sample and learn nothing, but leave what they would; exit codes by round."""
    codes: dict[int, int] = {}

    def select(steps: Steps, judged: Path, kept: Path) -> None:
        kept.write_bytes(b"")
        leave(kept, "select-data")

    def learn(steps: Steps, model: str, kept: Path, output: Path) -> None:
        number = int(kept.parent.name[-1])
        if code := codes.get(number):
            raise typer.Exit(code)
        tiny_model(output, seed=number)
        (output / "train_log.jsonl").write_bytes(to_line(TrainLog(id="end", step=1, seconds=1.0, event="finished")))
        leave(output, "train", weights_of(f"hf:{output}")[1], kept)

    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "tiny")
    (tmp_path / "tasks.jsonl").write_bytes(b"".join(map(to_line, tasks(3))))
    (tmp_path / "rubric.yaml").write_text(RUBRIC)
    for name, fake in {"sample": lambda *_: None, "judge": lambda *_: None, "select": select, "learn": learn}.items():
        monkeypatch.setattr(Steps, name, fake)
    return codes


def train(*words: str) -> None:
    build("train")(["train", *WORDS, *words], standalone_mode=False)


def test_the_model_before_a_round_that_fails_can_be_gone_on_with(ends_with: dict[int, int]) -> None:
    ends_with[2] = 1
    with pytest.raises(RlraError) as caught:
        train()
    said = caught.value
    assert said.exit_code == 1
    assert said.message == "run: round 2 ended without a model; the last good one is run/round-1/model"
    assert said.hint and "-o OTHER --init-from run/round-1/model" in said.hint and "--no-resume" not in said.hint
    assert initial(Path("run/round-1/model"), "smollm2") == "hf:run/round-1/model"
    ends_with.clear()
    Path("run/.lock").unlink()  # pytest keeps what was raised, and with it the run that holds it
    train()
    assert weights_of("hf:run") == ("run", weights_of("hf:run/round-3/model")[1])


def test_where_no_round_has_a_model_it_is_the_one_of_the_start(ends_with: dict[int, int]) -> None:
    ends_with[1] = 1
    with pytest.raises(RlraError, match=r"round 1 ended without a model; the last good one is tiny$") as caught:
        train()
    assert caught.value.hint and "-o OTHER --model hf:tiny" in caught.value.hint


def test_the_best_model_is_named_where_it_is_not_the_last(
    ends_with: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = [0.0, 0.3, 0.1]

    def look(rounds: Rounds, number: int) -> None:
        change = Change(
            name="reward", better="higher", before=0, after=0, change=gains[number], low=0, high=1, prompts=9
        )
        rounds.held.append(HeldOut(number, {"p": 0.0}, change if number else None))

    monkeypatch.setattr(Rounds, "_look", look)
    ends_with[3] = 1
    with pytest.raises(RlraError, match="good one is run/round-2/model, and the best on held-out prompts run/round-1/"):
        train()
    for number in (1, 2):
        assert initial(Path(f"run/round-{number}/model"), "smollm2")


@pytest.mark.parametrize("code", [3, 130])
def test_what_can_be_gone_on_with_ends_as_the_learning_did(code: int, ends_with: dict[int, int]) -> None:
    ends_with[2] = code
    assert build("train")(["train", *WORDS], standalone_mode=False) == code


def test_a_whole_run_whose_weights_are_gone_is_put_together_again(
    ends_with: dict[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    train()
    train()
    assert capsys.readouterr().err.endswith("train: run is complete\n")
    Path("run/model.safetensors").unlink()
    train()
    assert weights_of("hf:run") == ("run", weights_of("hf:run/round-3/model")[1])
    with pytest.raises(RlraError, match=r"these differ: .*spec\.seed"):
        train("--seed", "9")
    assert Path("run/round-3/model/model.safetensors").exists()


# What a round learns from, and what is there of it.


@pytest.mark.parametrize(
    ("there", "afresh"),
    [("nothing", True), ("begun from it", False), ("begun from another", True), ("made from another", True)],
)
def test_a_round_goes_on_only_with_what_was_begun_from_the_same_groups(
    there: str, afresh: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, other, output = tmp_path / "kept.jsonl", tmp_path / "other.jsonl", tmp_path / "model"
    kept.write_bytes(b"1\n")
    other.write_bytes(b"2\n")
    said: list[Any] = []
    monkeypatch.setattr(round_stages, "_apart", lambda words: said.extend(words) or 0)
    if there != "nothing":
        (output / "checkpoints").mkdir(parents=True)
        leave(output, "train", source=kept if there == "begun from it" else other)
    if there.startswith("begun"):
        recipe = Manifest.model_validate_json((output / "manifest.json").read_bytes()).recipe
        (output / "recipe.json").write_text(recipe.model_dump_json())
        (output / "manifest.json").unlink()
    judges = Judges(JudgeSpec(), [], False, [], PanelOptions(), EndpointOptions(), "10%")
    Steps(Sampler(), judges, SelectDataSpec(), tmp_path / "learn.json", True).learn("smollm2", kept, output)
    assert ("--no-resume" in said) == afresh
