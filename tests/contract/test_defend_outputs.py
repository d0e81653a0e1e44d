"""What the commands of the defence, and pages, leave alone: pipes and devices, folders, and what they read."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.material import MAKE, NAMES, RUBRIC
from tests.running import Runner, lines


@pytest.fixture
def laid(run: Runner) -> Iterator[Runner]:
    """Return a folder with lines of every kind, tasks with rubrics of their own, those in a folder, and a pipe."""
    run.write("tasks.jsonl", lines(*(MAKE["task"](name, rubric={**RUBRIC, "rubric": name}) for name in NAMES)))
    assert run.inside("rubrics", "export", "tasks.jsonl", "--to", "folder", "-o", "drafts", "--quiet").code == 0
    os.mkfifo(run.folder / "pipe")
    yield run
    assert stat.S_ISFIFO((run.folder / "pipe").stat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in the folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "defend judged.jsonl -o pipe",
        "defend judged.jsonl -o drafts",
        "defend judged.jsonl -o -",
        "defend judged.jsonl -o - --findings f.jsonl",
        "defend judged.jsonl --html pipe",
        "defend judged.jsonl --html drafts",
        "defend judged.jsonl --html - --findings f.jsonl",
        "defend judged.jsonl --findings pipe -o d.yaml",
        "defend judged.jsonl --findings drafts -o d.yaml",
        "eval judged.jsonl judged.jsonl --html pipe",
        "eval judged.jsonl judged.jsonl --html drafts",
        "rubrics review tasks.jsonl -o pipe",
        "rubrics review tasks.jsonl -o drafts",
        "rubrics ablate judged.jsonl -o pipe",
        "rubrics export tasks.jsonl --to folder -o pipe",
        "rubrics import drafts --from folder -o pipe",
    ],
)
def test_no_file_takes_the_place_of_what_is_none(laid: Runner, words: str) -> None:
    """It is refused before anything is made, asked or decided: a rename would have put a file there."""
    before = contents(laid.folder)
    done = laid.inside(*words.split())
    assert (done.code, done.out) == (1, b"") and done.err.count("rlra: ") == 1, done.err
    assert contents(laid.folder) == before


@pytest.mark.parametrize(
    "words",
    [
        "defend judged.jsonl -o judged.jsonl",
        "defend judged.jsonl --earlier rollouts.jsonl --html rollouts.jsonl",
        "defend judged.jsonl --good prompt.jsonl --findings prompt.jsonl",
        "defend judged.jsonl --gold judged.jsonl.partial -o judged.jsonl",
        "defend judged.jsonl --train-log log.jsonl --summary log.jsonl",
        "defend judged.jsonl -o d.yaml --html d.yaml",
        "rubrics review tasks.jsonl -o tasks.jsonl",
        "rubrics review drafts -o drafts/00001-sea.yaml",
        "rubrics ablate judged.jsonl -o judged.jsonl",
        "rubrics ablate judged.jsonl --set s=rubric.yaml -o rubric.yaml",
        "rubrics ablate judged.jsonl --labels labels.csv -o labels.csv",
        "rubrics export drafts --to rar --lossy -o drafts/00001-sea.yaml",
        "rubrics import drafts --from folder -o drafts/00002-garden.yaml",
        "rubrics import drafts --from folder -o drafts/exported.jsonl.gz",
        "generate-rubrics judged.jsonl --method contrast --writer openai:w -o judged.jsonl",
        "generate-rubrics task.jsonl --method model --writer openai:w --bank rubric.yaml -o rubric.yaml",
        "generate-rubrics task.jsonl --method model --writer openai:w --bank drafts -o drafts/00001-sea.yaml",
        "generate-rubrics task.jsonl --method model --writer openai:w --rejects task.jsonl",
        "generate-rubrics task.jsonl --method model --writer openai:w --rejects out.jsonl -o out.jsonl",
        "generate-rubrics judged.jsonl --method contrast --writer openai:w --labels labels.csv -o labels.csv",
    ],
)
def test_nothing_that_is_read_is_written_over(laid: Runner, words: str) -> None:
    """Whatever the input is for, and where it is one of the files of a folder."""
    for name in ("labels.csv", "log.jsonl", "judged.jsonl.partial"):
        laid.write(name, b"")
    before = contents(laid.folder)
    done = laid.inside(*words.split())
    assert (done.code, done.out) == (1, b"") and "is read or written already" in done.err, done.err
    assert contents(laid.folder) == before


def test_rubric_and_page_find_their_folders(laid: Runner) -> None:
    """Folders that are not there are made, as for the lines of any command."""
    words = ("-o", "new/d.yaml", "--html", "other/p.html", "--findings", "third/f.jsonl", "--quiet")
    done = laid.inside("defend", "judged.jsonl", *words)
    assert (done.code, done.err) == (0, "")
    assert all((laid.folder / name).is_file() for name in words[1:6:2])


def test_an_earlier_policy_without_responses(laid: Runner) -> None:
    """To compare with nothing is a mistake, and not the same as not to compare."""
    laid.write("empty.jsonl", b"")
    done = laid.inside("defend", "judged.jsonl", "--earlier", "empty.jsonl")
    assert (done.code, done.out) == (1, b"") and "empty.jsonl: holds no responses" in done.err


def test_a_server_without_a_writer_is_a_mistake(laid: Runner) -> None:
    """Nobody would be asked, and whoever names a server expects somebody to be."""
    done = laid.inside("defend", "judged.jsonl", "--base-url", "http://localhost:1/v1")
    assert (done.code, done.out) == (1, b"") and "go with --writer MODEL" in done.err


def test_empty_and_failed_responses_are_counted(run: Runner) -> None:
    """There is nothing to find in them, and the summary says how many were left out."""
    judged = MAKE["judged"]("sea")
    silent = [{**judged["responses"][0], "text": ""}, {**judged["responses"][0], "text": " \n"}]
    run.write("j.jsonl", lines({**judged, "responses": [*judged["responses"], *silent]}))
    done = run.inside("defend", "j.jsonl")
    assert done.code == 0 and "2 empty or failed" in done.err, done.err
