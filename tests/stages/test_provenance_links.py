"""Links to folders: what is there was made where they lead; a folder copied out of a run tells of no run."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.manifest import Input, Manifest, Recipe, path_for
from stages.provenance import Origin, origins
from stages.provenance_again import script

TRAIN = ["train", "tasks.jsonl", "-o", "out/run", "--rounds", "3"]
LEARN = ["train", "out/run/round-3/kept.jsonl", "-o", "out/run/round-3/model", "--spec", "out/run/learn.json"]
SELECT = ["select-data", "all.jsonl", "-o", "out/tasks.jsonl"]


def made(artifact: Path, argv: list[str], inputs: Mapping[str, Path], cwd: Path, spec: Mapping[str, Any] = {}) -> None:
    """Lay a manifest beside what was made from files that hold nothing."""
    artifact.parent.mkdir(parents=True, exist_ok=True)
    if not artifact.is_dir():
        artifact.write_bytes(b"")
    for path in inputs.values():
        path.exists() or path.write_bytes(b"")
    place = path_for(artifact)
    read = {role: Input(name=path.name, sha256="") for role, path in inputs.items()}
    recipe = Recipe(stage=argv[0], rlra="0", spec=dict(spec), inputs=read)
    seen = {role: os.path.relpath(path, place.parent) for role, path in inputs.items()}
    run = {"argv": argv, "cwd": os.path.relpath(cwd, place.parent), "inputs": seen}
    place.write_text(Manifest(recipe=recipe, run=run).model_dump_json())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that one is in, with the third round of a run, and a selection beside the run."""
    here = tmp_path / "here"
    turn = here / "out/run/round-3"
    (turn / "model").mkdir(parents=True)
    (turn / "model/config.json").write_text("{}")
    monkeypatch.chdir(here)
    made(here / "out/tasks.jsonl", SELECT, {"input": here / "all.jsonl"}, here)
    made(turn / "tasks.jsonl", TRAIN, {"input": here / "tasks.jsonl"}, here, {"round": 3})
    made(turn / "kept.jsonl", TRAIN, {"input": turn / "tasks.jsonl"}, here)
    made(turn / "model", LEARN, {"input": turn / "kept.jsonl"}, here)
    return here


def of(path: str) -> Origin:
    """Return what is known of one artifact."""
    return origins(path)[0]


def test_a_link_to_a_rounds_model(here: Path) -> None:
    """It is what the run made, whatever lies beside the link; what it was made from lies beside the model."""
    (here / "out/chosen").symlink_to("run/round-3/model")
    (here / "out/kept.jsonl").write_bytes(b"another\n")
    for path in ("out/chosen", "out/run/round-3/model"):
        found = of(path)
        assert (found.command, found.folder) == (f"rlra {' '.join(TRAIN)}", ".")
        assert found.inputs[0] == "out/run/round-3/kept.jsonl"


def test_a_copy_of_a_rounds_model(here: Path) -> None:
    """Tasks that lie beside it were not its round's: no command is known, and none of theirs is told as its own."""
    shutil.copytree(here / "out/run/round-3/model", here / "out/best")
    assert of("out/best").command == ""
    assert "select-data" not in script(origins("out/best"))
    made(here / "out/tasks.jsonl", ["train", "x.jsonl", "-o", "out/tasks.jsonl"], {}, here)
    assert of("out/best").command == ""


def test_a_folder_on_another_disk(here: Path, tmp_path: Path) -> None:
    """Where the outputs' folder is itself a link, as it was when they were made, places are seen from the link."""
    (here / "out").rename(tmp_path / "disk")
    (here / "out").symlink_to(tmp_path / "disk")
    (tmp_path / "tasks.jsonl").write_bytes(b"another\n")
    assert of("out/run/round-3/tasks.jsonl").inputs == ("tasks.jsonl",)
    assert (of("out/run/round-3/model").command, of("out/run/round-3/model").folder) == (f"rlra {' '.join(TRAIN)}", ".")
    assert of("out/tasks.jsonl").inputs == ("all.jsonl",)
