"""A folder of parts of which one was not copied is no input to any command, wherever the lines would go."""

import shutil

import pytest

from tests.contract.material import NAMES, RUBRIC_YAML, judged, rollouts
from tests.running import Runner, lines


@pytest.fixture
def parts(run: Runner) -> Runner:
    """Return a runner in a folder with `parts/`: six judged lines in three parts, as actors write them."""
    run.write("in.jsonl", lines(*(rollouts(f"place-{number}") for number in range(6))))
    run.write("rubric.yaml", RUBRIC_YAML)
    assert run("judge", "in.jsonl", "--rubrics", "rubric.yaml", "-o", "whole.jsonl").code == 0
    (run.folder / "parts").mkdir()
    made = run.read("whole.jsonl").splitlines(keepends=True)
    for number in range(3):
        run.write(f"parts/part-{number:08d}-{number:016x}.jsonl", b"".join(made[2 * number : 2 * number + 2]))
    shutil.copy(run.folder / "whole.jsonl.manifest.json", run.folder / "parts" / "manifest.json")
    return run


COMMANDS = (
    "stats parts",
    "stats parts/ -o s.jsonl",
    "select-data parts --flat",
    "judge parts",
    "eval whole.jsonl parts",
)


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "parts/part 00000001 is missing"), (2, "changed since its manifest was written")],
    ids=["between", "last"],
)
def test_a_part_is_missing(parts: Runner, words: str, number: int, said: str) -> None:
    """Between others its number is; of the last one the manifest knows. A whole folder is read."""
    whole = parts(*words.split())
    assert whole.code == 0, whole.err
    (parts.folder / f"parts/part-{number:08d}-{number:016x}.jsonl").unlink()
    done = parts(*words.split())
    assert (done.code, done.out) == (1, b"") and said in done.err, done.err


def test_a_part_is_missing_far_away(parts: Runner) -> None:
    """A folder by URL is held to its manifest too."""
    url = f"file://{parts.folder}/parts/"
    assert parts("stats", url).code == 0
    (parts.folder / "parts/part-00000002-0000000000000002.jsonl").unlink()
    done = parts("stats", url)
    assert (done.code, done.out) == (1, b"") and "changed since its manifest was written" in done.err, done.err


def test_a_folder_of_other_files_has_no_manifest_to_be_held_to(run: Runner) -> None:
    """Nor have some parts that somebody put into a folder of their own."""
    (run.folder / "some").mkdir()
    run.write("some/part-00000007-0000000000000007.jsonl", lines(*map(judged, NAMES)))
    run.write("some/mine.jsonl", lines(judged("tower")))
    done = run("stats", "some")
    assert done.records[0]["prompts"] == 4, done.err
