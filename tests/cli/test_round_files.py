"""Files of rounds that are no longer needed go, and nothing else does."""

from pathlib import Path

from rlra_cli.round_files import forget
from stages.train import MOMENTS
from tests.cli.test_train_rounds import ROUNDS, working
from tests.tiny_model import tiny_model


def test_moments_go_with_their_folder_and_stay_apart_from_what_else_lies_there(tmp_path: Path) -> None:
    """A run that was killed while it saved leaves a partial file there."""
    for model, partial in ((tmp_path / "whole", False), (tmp_path / "killed", True)):
        moments = model / MOMENTS
        moments.parent.mkdir(parents=True)
        moments.write_bytes(b"m")
        if partial:
            moments.with_name("saving").write_bytes(b"")
        forget(moments)
        assert not moments.exists()
        assert moments.parent.exists() == partial


def test_rounds_that_are_kept_are_their_weights_and_no_moments(tmp_path: Path) -> None:
    """Moments are twice as large as weights, and only the round that comes next begins with them."""
    run = working(tmp_path / "work", tiny_model(tmp_path / "tiny"))
    done = run("train", "tasks.jsonl", "-o", "run", *ROUNDS, "--keep-rounds")
    assert done.code == 0, done.err
    for number in (1, 2):
        assert (run.folder / f"run/round-{number}/model/model.safetensors").exists()
    assert not list((run.folder / "run").rglob(MOMENTS))
