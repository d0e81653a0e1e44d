"""Files of rounds that are no longer needed go, and nothing else does."""

from pathlib import Path

from rlra_cli.round_files import forget
from stages.train import MOMENTS


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
