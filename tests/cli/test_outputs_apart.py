"""No command writes over a file that it reads, by whatever name: it is refused before anything is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.material import NAMES, RUBRIC_YAML, judged, lay_out, prompt, rollouts
from tests.running import Runner, lines
from tests.stages.judge_server import serving

SAID = "is read or written already"


@pytest.fixture
def laid(run: Runner) -> Runner:
    """Return a runner in a folder with a file of every kind, and two shards of a judging."""
    lay_out(run)
    for number in (1, 2):
        words = ("--rubrics", "rubric.yaml", "--shard", f"{number}/2", "-o", f"{number}.jsonl")
        assert run("judge", "rollouts.jsonl", *words).code == 0
    return run


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in the folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "judge judged.jsonl -o judged.jsonl",
        "judge judged.jsonl --rubrics rubric.yaml -o rubric.yaml",
        "judge judged.jsonl --anchors anchors.jsonl -o anchors.jsonl",
        "judge judged.jsonl --model openai:m --prices prices.yaml -o prices.yaml",
        "judge judged.jsonl --model openai:m --cache v.db -o v.db",
        "judge judged.jsonl --summary judged.jsonl",
        "judge judged.jsonl.partial -o judged.jsonl",
        "judge judged.jsonl --reward reward.yaml -o reward.yaml",
        "merge 1.jsonl 2.jsonl -o 2.jsonl",
        "merge 1.jsonl 2.jsonl -o new.jsonl --summary 1.jsonl",
        "generate-rubrics task.jsonl -o task.jsonl",
        "generate-rubrics task.jsonl --method template --template rubric.yaml -o rubric.yaml",
        "select-data judged.jsonl --decontaminate prompt.jsonl -o prompt.jsonl",
        "select-data judged.jsonl -o out.jsonl --rejects out.jsonl.partial",
        "select-data judged.jsonl -o out.jsonl --plot out.svg --summary out.svg",
        "stats new=judged.jsonl -o judged.jsonl",
        "eval judged.jsonl 1.jsonl -o 1.jsonl",
        "rollout task.jsonl --responses answers.jsonl -o answers.jsonl",
        "rubrics export judged.jsonl --to rar --lossy -o judged.jsonl",
    ],
)
def test_an_output_by_the_name_of_an_input(laid: Runner, words: str) -> None:
    """Whatever the input is for; also the file that the lines wait in until all of them are there."""
    laid.write("reward.yaml", "preset: healthbench\n")
    laid.write("answers.jsonl", lines(*({"id": name, "response": "Waves."} for name in NAMES)))
    for name in ("anchors.jsonl", "prices.yaml", "v.db", "judged.jsonl.partial"):
        laid.write(name, b"")
    before = contents(laid.folder)
    done = laid(*words.split())
    assert (done.code, done.out) == (1, b"") and SAID in done.err and "Traceback" not in done.err, done.err
    assert contents(laid.folder) == before


def by_dot(run: Runner) -> str:
    return "./judged.jsonl"


def by_folder(run: Runner) -> str:
    return str(run.folder / "model" / ".." / "judged.jsonl")


def by_link(run: Runner) -> str:
    (run.folder / "link.jsonl").symlink_to("judged.jsonl")
    return "link.jsonl"


def by_folder_link(run: Runner) -> str:
    (run.folder / "here").symlink_to(".", target_is_directory=True)
    return "here/judged.jsonl"


def by_url(run: Runner) -> str:
    return f"file://{run.folder}/judged.jsonl"


@pytest.mark.parametrize("spelled", [by_dot, by_folder, by_link, by_folder_link, by_url])
def test_another_spelling_of_the_same_path(laid: Runner, spelled: Callable[[Runner], str]) -> None:
    """On either side."""
    other, before = spelled(laid), laid.read("judged.jsonl")
    for read, written in ((other, "judged.jsonl"), ("judged.jsonl", other)):
        done = laid("judge", read, "-o", written)
        assert done.code == 1 and f"rlra: {written}: {SAID}" in done.err, done.err
    assert laid.read("judged.jsonl") == before


def test_a_file_of_a_folder_or_pattern_that_is_read(laid: Runner) -> None:
    """It is one of the inputs by a name that nobody wrote."""
    (laid.folder / "all").mkdir()
    shutil.copy(laid.folder / "judged.jsonl", laid.folder / "all" / "a.jsonl")
    for read in ("all", "all/", "all/*.jsonl"):
        done = laid("judge", read, "-o", "all/a.jsonl")
        assert done.code == 1 and SAID in done.err, done.err
        assert laid("judge", read, "-o", "all.jsonl").code == 0


def test_nothing_is_asked_for_what_would_be_refused(run: Runner) -> None:
    """A judge costs money, and the anchors are the first that it would judge."""
    run.write("in.jsonl", lines(*map(rollouts, NAMES)))
    run.write("rubric.yaml", "rubric: r\ncriteria: [{id: kind, text: Is kind.}]\n")
    with serving(lambda payload, number: pytest.fail("asked")) as server:
        model = ("--model", "openai:m", "--base-url", server.url)
        done = run("judge", "in.jsonl", "--rubrics", "rubric.yaml", *model, "-o", "in.jsonl")
    assert (done.code, server.calls) == (1, 0) and SAID in done.err


def test_what_is_no_file_may_be_read_and_written(run: Runner) -> None:
    """A device is not replaced by what is written to it."""
    done = run("select-data", "/dev/null", "--summary", "/dev/null", "--rejects", "rejects.jsonl")
    assert done.code == 0, done.err
    run.write("prompts.jsonl", lines(*map(prompt, NAMES)))
    run.write("rubric.yaml", RUBRIC_YAML)
    assert run.shell("rlra generate-rubrics prompts.jsonl | rlra validate -").code == 0


def test_the_manifest_of_an_earlier_run_is_no_output(run: Runner) -> None:
    """A selection may be made again where it was, by its own manifest and its own bounds."""
    run.write("judged.jsonl", lines(*map(judged, NAMES)))
    words = ("select-data", "judged.jsonl", "-o", "out.jsonl")
    assert run(*words, "--keep", "0.2:0.8").code == 0
    first = run.read("out.jsonl")
    assert run(*words, "--spec", "out.jsonl.manifest.json").code == 0
    assert run(*words, "--bounds", "out.jsonl.manifest.json").code == 0
    assert run.read("out.jsonl") == first != b""
