"""`rlra train` repeated in its folder: a whole run is left as it is, and another recipe refused."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlra_cli.main import build
from rlra_cli.training import TrainingRun
from schemas.errors import RlraError
from schemas.jsonl import to_line
from schemas.train_log import TrainLog
from tests.stages.train_folders import RUBRIC
from tests.stages.training_groups import sampled, tasks
from tests.tiny_model import tiny_model

ONLINE = ("tasks.jsonl", "--online", "--rubrics", "rubric.yaml", "--group-size", "2", "--prompts-per-step", "2")
MODES = {"staged": ("judged.jsonl",), "online": ONLINE, "two processes": ("judged.jsonl", "--processes", "2")}
Train = Callable[..., int]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    tiny_model(folder / "tiny")
    (folder / "judged.jsonl").write_bytes(b"".join(map(to_line, sampled(folder / "tiny", 3))))
    (folder / "tasks.jsonl").write_bytes(b"".join(map(to_line, tasks(4))))
    (folder / "rubric.yaml").write_text(RUBRIC)
    return folder


@pytest.fixture
def train(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Return what runs `rlra train` to `run`, where learning is but to leave a model, and counts how often it did."""
    learned = []

    def learn(run: TrainingRun, *others: Any) -> None:
        learned.append(tiny_model(run.output, seed=1))
        run.log.write_bytes(to_line(TrainLog(id="end", step=1, seconds=0.0, event="finished")))

    def launch(count: int) -> int:
        tiny_model(tmp_path / "run", seed=1)
        (tmp_path / "run" / "train_log.jsonl").write_bytes(to_line(TrainLog(id="end", step=1, seconds=0.0, event="f")))
        learned.append(tmp_path)
        return 0

    def command(*words: str) -> int:
        build("train")(["train", "-o", "run", "--model", "hf:tiny", *words], standalone_mode=False)
        return len(learned)

    monkeypatch.chdir(tmp_path)
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(TrainingRun, "learn", learn)
    monkeypatch.setattr("rlra_cli.processes.launch", launch)
    return command


def content() -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in Path("run").iterdir()}


@pytest.mark.parametrize("words", MODES.values(), ids=MODES)
def test_a_whole_run_is_left_as_it_is(words: tuple[str, ...], train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*words) == 1
    before = content()
    capsys.readouterr()
    assert train(*words) == 1
    assert content() == before
    assert capsys.readouterr().err.splitlines()[-1] == "train: run is complete"


@pytest.mark.parametrize("words", MODES.values(), ids=MODES)
def test_another_recipe_is_refused_with_what_differs(words: tuple[str, ...], train: Train) -> None:
    train(*words)
    before = content()
    with pytest.raises(RlraError, match=r"run: begun with another recipe; these differ: spec\.seed$") as caught:
        train(*words, "--seed", "9")
    assert caught.value.hint and "-o" in caught.value.hint and "--no-resume" in caught.value.hint
    assert content() == before
    assert train(*words, "--seed", "9", "--no-resume") == 2


def test_starting_afresh_learns_again_by_the_same_recipe(train: Train) -> None:
    train("judged.jsonl")
    assert train("judged.jsonl", "--no-resume") == 2


@pytest.mark.parametrize("harm", ["manifest.json is gone", "model.safetensors is gone", "other weights"])
def test_what_is_not_whole_is_learned_again(harm: str, train: Train) -> None:
    train("judged.jsonl")
    whole = content()
    if harm == "other weights":
        tiny_model(Path("run"), seed=2)
    else:
        Path("run", harm.split()[0]).unlink()
    assert train("judged.jsonl") == 2
    assert {name: data for name, (_, data) in content().items() if name != "manifest.json"} == {
        name: data for name, (_, data) in whole.items() if name != "manifest.json"
    }
    assert train("judged.jsonl") == 2


def test_of_a_pipe_the_bytes_are_what_counts(train: Train, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (made / "judged.jsonl").read_bytes().splitlines(keepends=True)

    def piped(content: bytes) -> int:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        return train()

    assert piped(b"".join(lines)) == 1
    assert piped(b"".join(lines)) == 1
    with pytest.raises(RlraError, match=r"these differ: inputs.input.records, inputs.input.sha256"):
        piped(b"".join(lines[:2]))
