"""Links to folders: what is there was made where they lead; a folder copied out of a run tells of no run."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.manifest import Input, Manifest, Recipe, path_for
from stages.provenance import Origin, origins
from stages.provenance_again import script

TRAIN = ["train", "tasks.jsonl", "-o", "out/run", "--rounds", "3", "--held-out", "held.jsonl"]
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


def with_run(here: Path) -> None:
    """Let the run be complete: held-out prompts that a command made, options in a file, weights that are gone."""
    made(here / "held.jsonl", ["generate-rubrics", "p.jsonl", "-o", "held.jsonl"], {"input": here / "p.jsonl"}, here)
    run = {"input": here / "tasks.jsonl", "held_out": here / "held.jsonl"}
    made(here / "out/run", TRAIN, run, here, {"rounds": 3})


def lines_of(*paths: str) -> tuple[list[str], list[str]]:
    """Return what the script takes as it is, and what it does then."""
    head, _, rest = script(origins(*paths)).partition("\n\n")
    return [line.removeprefix("# ") for line in head.split("\n")[3:]], rest.strip().split("\n")


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


@pytest.mark.parametrize("path", ["out/run/round-3/model", "out/run/round-3/kept.jsonl", "out/chosen"])
def test_the_command_of_a_run_reads_more_than_the_round_did(here: Path, path: str) -> None:
    """What the run's own manifest names is made before it, or taken as it is."""
    with_run(here)
    (here / "out/chosen").symlink_to("run/round-3/model")
    taken, done = lines_of(path)
    assert {each.split()[0] for each in taken} == {"tasks.jsonl", "p.jsonl"}
    assert done[:2] == ["rlra generate-rubrics p.jsonl -o held.jsonl", f"rlra {' '.join(TRAIN)}"]


def test_weights_of_a_run_are_no_matter_of_its_rounds(here: Path) -> None:
    """A run stands in the chain of its rounds for its command; asked for itself, it is missed."""
    with_run(here)
    states = {each.name: (each.state, each.is_sound) for each in origins("out/run/round-3/kept.jsonl")}
    assert states["run"] == ("missing", True)
    assert not of("out/run").is_sound
    asked = {each.name: each.is_sound for each in origins("out/run", "out/run/round-3/kept.jsonl")}
    assert not asked["run"]


def test_files_that_command_lines_name_are_taken_as_they_are(here: Path) -> None:
    """Those that are there, and that no command of the script makes; each once."""
    for name in ("opts.yaml", "bank.jsonl", "report.html", "prices.yaml"):
        (here / name).write_text("x")
    more = ["--judge-options", "opts.yaml", "--prices=prices.yaml", "--gone", "gone.yaml", "--bank", "bank.jsonl"]
    first = ["judge", "x.jsonl", "-o", "first.jsonl", *more, "--html", "report.html"]
    made(here / "first.jsonl", first, {"input": here / "x.jsonl"}, here)
    second = ["stats", "first.jsonl", "-o", "last.jsonl", "--plots", "plots", "--spec", "opts.yaml", "report.html"]
    (here / "plots").mkdir()
    made(here / "last.jsonl", second, {"input": here / "first.jsonl"}, here)
    taken, done = lines_of("last.jsonl")
    assert sorted(taken) == ["bank.jsonl", "opts.yaml", "prices.yaml", "x.jsonl"]
    assert done == [f"rlra {' '.join(first)}", f"rlra {' '.join(second)}"]


def test_the_script_makes_a_link_that_no_command_made(here: Path) -> None:
    """Where it is missing, after what it leads to; a link that the command wrote through is not made."""
    with_run(here)
    (here / "links").mkdir()
    (here / "links/best one").symlink_to("../out/run/round-3/model")
    _, done = lines_of("links/best one")
    assert done[2] == "# A link, which no rlra command made:"
    for run in (1, 2):  # the second time it is there
        (here / "links/best one").unlink() if run == 1 else None
        subprocess.run(["bash", "-euc", done[3]], check=True, cwd=here)
        assert (here / "links/best one").readlink() == Path("../out/run/round-3/model")
    (here / "out/run").rename(here / "disk")
    (here / "out/run").symlink_to("../disk")
    assert not [line for line in lines_of("out/run")[1] if "link" in line]


def test_a_copy_that_no_command_writes_is_told_of(here: Path) -> None:
    """A model that was copied with its manifest leads to its command, which writes it to another place."""
    with_run(here)
    (here / "out/run/config.json").write_text("{}")
    shutil.copytree(here / "out/run", here / "out/best")
    _, done = lines_of("out/best")
    assert done[-1] == "# It does not write out/best, which was copied or renamed."
    assert not [line for line in lines_of("out/run")[1] if line.startswith("#")]
