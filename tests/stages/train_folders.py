"""A folder with a tiny model and what was sampled from it, to run `rlra train` in."""

from pathlib import Path

import pytest

from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.models.weights import weights_of
from tests.running import Runner
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

EXACT = ["--no-bf16", "--learning-rate", "1e-3", "--prompts-per-step", "2", "--micro-batch", "3", "--epochs", "2"]
WIDE = ["--max-kl", "1e9", "--min-ess", "0", "--max-clip", "1"]
ONE = ["--processes", "1", "--save-every", "1", *EXACT, *WIDE]
RUBRIC = "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 2}}, partial: 0.5}\n"


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Judged]]:
    """Return the folder of a tiny model, and judged groups that it sampled."""
    folder = tiny_model(tmp_path_factory.mktemp("model") / "tiny")
    return folder, sampled(folder, 6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, groups: tuple[Path, list[Judged]]) -> Runner:
    """Return a runner in a folder with a model and what was sampled from it, judged."""
    runner = Runner(tmp_path_factory.mktemp("work"))
    (runner.folder / "tiny").symlink_to(groups[0])
    write(runner, "judged.jsonl", groups[1])
    return runner


def write(run: Runner, name: str, groups: list[Judged]) -> None:
    """Write the groups to a file of the folder."""
    run.write(name, b"".join(map(to_line, groups)))


def log_of(folder: Path) -> list[TrainLog]:
    """Return the log of a run."""
    return list(Source(str(folder / "train_log.jsonl")).read(TrainLog))


def digest_of(folder: Path) -> str:
    """Return the digest of the weights in `folder`."""
    return weights_of(f"hf:{folder}")[1]


def refused(run: Runner, *words: str) -> str:
    """Run `rlra train` and return what it said; nothing may have been made."""
    done = run.inside("train", *words, "-o", "nothing")
    assert done.code == 1, done.err
    assert "Traceback" not in done.err
    assert not (run.folder / "nothing").exists()
    assert done.out == b""
    return done.err
