"""`rlra merge` takes the shards of one run, all of them, as they were made, and nothing else."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from schemas.jsonl import Source
from tests.contract.material import RUBRIC_YAML, rollouts
from tests.running import Done, Runner, lines

WORDS = ("judge", "in.jsonl", "--rubrics", "rubric.yaml", "--window", "2")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make, once, the three shards of a judging: a.jsonl, b.jsonl and c.jsonl; and whole.jsonl."""
    run = Runner(tmp_path_factory.mktemp("made"))
    run.write("in.jsonl", lines(*(rollouts(f"place-{number}") for number in range(9))))
    run.write("rubric.yaml", RUBRIC_YAML)
    assert run(*WORDS, "-o", "whole.jsonl").code == 0
    for number, name in enumerate("abc", 1):
        assert run(*WORDS, "--shard", f"{number}/3", "-o", f"{name}.jsonl").code == 0
    return run.folder


@pytest.fixture
def shards(made: Path, tmp_path: Path) -> Runner:
    """Return a folder with the shards, to do harm to."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Runner(tmp_path)


def refused(done: Done, *words: str) -> None:
    """Hold that nothing was written, and that one sentence says why."""
    assert (done.code, done.out) == (1, b""), done.err
    assert done.err.startswith("rlra: ") and "Traceback" not in done.err
    assert len([line for line in done.err.splitlines() if not line.startswith("  hint: ")]) == 1
    for word in words:
        assert word in done.err, done.err


def again(run: Runner, name: str, *more: str) -> None:
    assert run(*WORDS, *more, "-o", name).code == 0


def cut(run: Runner, name: str = "b.jsonl") -> None:
    run.write(name, b"".join(run.read(name).splitlines(keepends=True)[:-1]))


def shortened(run: Runner) -> None:
    """Make a shard that is shorter than it should be, and says so itself."""
    cut(run, "a.jsonl")
    manifest = orjson.loads(run.read("a.jsonl.manifest.json"))
    sha256, number = Source(str(run.folder / "a.jsonl")).fingerprint()
    manifest["recipe"] |= {"sha256": sha256, "records": number}
    run.write("a.jsonl.manifest.json", orjson.dumps(manifest))


def changed_input(run: Runner) -> None:
    run.write("in.jsonl", run.read("in.jsonl").replace(b"Waves", b"Tides"))
    again(run, "b.jsonl", "--shard", "2/3")


def respelled(run: Runner) -> None:
    manifest = orjson.loads(run.read("b.jsonl.manifest.json"))
    manifest["recipe"]["spec"]["shard"] = "second"
    run.write("b.jsonl.manifest.json", orjson.dumps(manifest))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (cut, ("b.jsonl: changed since its manifest was written",)),
        (shortened, ("a.jsonl: 3 lines; of 8, this shard has 4",)),
        (lambda run: run.write("b.jsonl", run.read("c.jsonl")), ("b.jsonl: changed since",)),
        (lambda run: (run.folder / "b.jsonl").unlink(), ("b.jsonl: no such file",)),
        (lambda run: (run.folder / "b.jsonl.manifest.json").unlink(), ("b.jsonl.manifest.json",)),
        (lambda run: again(run, "b.jsonl", "--shard", "3/3"), ("c.jsonl: shard 3/3, and so is b.jsonl",)),
        (lambda run: again(run, "b.jsonl", "--shard", "2/4"), ("b.jsonl: no shard of the run", "differ: spec.shard")),
        (lambda run: again(run, "b.jsonl"), ("b.jsonl: no shard of anything", "--shard")),
        (lambda run: again(run, "b.jsonl", "--shard", "2/3", "--seed", "5"), ("b.jsonl: no", "differ: spec.seed")),
        (lambda run: again(run, "b.jsonl", "--shard", "2/3", "--window", "3"), ("b.jsonl: no", "spec.block")),
        (changed_input, ("b.jsonl: no shard of the run that made a.jsonl", "inputs.input.sha256")),
        (respelled, ("'second' is not I/N",)),
    ],
    ids=[
        "cut",
        "short",
        "swapped",
        "gone",
        "bare",
        "twice",
        "of four",
        "whole",
        "seed",
        "window",
        "input",
        "respelled",
    ],
)
def test_what_is_refused(shards: Runner, harm: Callable[[Runner], object], words: tuple[str, ...]) -> None:
    harm(shards)
    refused(shards("merge", "a.jsonl", "b.jsonl", "c.jsonl", "-o", "out.jsonl"), *words)
    assert not shards.names() & {"out.jsonl", "out.jsonl.manifest.json"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["a.jsonl", "c.jsonl"], ("a.jsonl: shard 2/3 is missing beside it",)),
        (["c.jsonl"], ("c.jsonl: shard 1/3 is missing beside it",)),
        (["a.jsonl", "b.jsonl", "c.jsonl", "b.jsonl"], ("b.jsonl: shard 2/3, and so is b.jsonl",)),
        (["in.jsonl"], ("in.jsonl.manifest.json",)),
    ],
)
def test_what_is_missing_or_too_much(shards: Runner, files: list[str], words: tuple[str, ...]) -> None:
    refused(shards("merge", *files), *words)


def test_an_input_that_was_copied_elsewhere_is_the_same_input(shards: Runner) -> None:
    """Its name, and whether its own manifest came along, are not what lines are made of."""
    shards.write("copy.jsonl", shards.read("in.jsonl"))
    expected = shards("merge", "a.jsonl", "b.jsonl", "c.jsonl").out
    assert shards("judge", "copy.jsonl", *WORDS[2:], "--shard", "2/3", "-o", "b.jsonl").code == 0
    assert shards("merge", "a.jsonl", "b.jsonl", "c.jsonl").out == expected == shards(*WORDS).out


def test_the_merged_file_is_sound_and_says_how_it_was_made(shards: Runner) -> None:
    done = shards("merge", "c.jsonl", "a.jsonl", "b.jsonl", "-o", "out.jsonl.gz", "--summary", "summary.json")
    assert done.code == 0 and "merge: 9 records in" in done.err, done.err
    assert orjson.loads(shards.read("summary.json")) == {"records": 9}
    assert shards("validate", "out.jsonl.gz").code == 0
    manifest = orjson.loads(shards.read("out.jsonl.gz.manifest.json"))
    assert manifest["run"]["argv"][0] == "merge"
    assert manifest["recipe"]["stage"] == "judge"
    made = shards("judge", "in.jsonl", "--rubrics", "rubric.yaml", "--spec", "out.jsonl.gz.manifest.json")
    assert made.out == shards("merge", "a.jsonl", "b.jsonl", "c.jsonl").out


@pytest.fixture
def parts(shards: Runner) -> Runner:
    """Return a folder with parts/, as actors write it: nine lines in parts of four."""
    made = shards.read("whole.jsonl").splitlines(keepends=True)
    (shards.folder / "parts").mkdir()
    for number in range(3):
        shards.write(f"parts/part-{number:08d}-{number:016x}.jsonl", b"".join(made[4 * number : 4 * number + 4]))
    shards.write("parts/manifest.json", shards.read("whole.jsonl.manifest.json"))
    return shards


def test_parts_are_merged_in_their_order(parts: Runner) -> None:
    for path in ("parts/", "parts", f"file://{parts.folder}/parts"):
        done = parts("merge", path, "-o", "out.jsonl")
        assert done.code == 0, done.err
        assert parts.read("out.jsonl") == parts.read("whole.jsonl")
        out, whole = (orjson.loads(parts.read(f"{name}.jsonl.manifest.json")) for name in ("out", "whole"))
        assert out["recipe"] == whole["recipe"]


def test_parts_are_read_like_a_file(parts: Runner) -> None:
    """What is made from the folder knows the folder's recipe; `rlra validate` holds its bytes against the manifest."""
    for name in ("parts/", "whole.jsonl"):
        assert parts("validate", name).code == 0
        assert parts("judge", name, *WORDS[2:], "-o", f"again-{name.rstrip('/')}").code == 0
    folder, file = (orjson.loads(parts.read(f"again-{name}.manifest.json")) for name in ("parts", "whole.jsonl"))
    assert folder["recipe"]["inputs"]["input"] == {**file["recipe"]["inputs"]["input"], "name": "parts"}
    parts.write("parts/part-00000001-0000000000000001.jsonl", b"")
    assert parts("validate", "parts/").code == 1


PART = "parts/part-00000001-0000000000000001.jsonl"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda run: (run.folder / PART).unlink(), ("parts/part 00000001 is missing",)),
        (lambda run: run.write(PART.replace("0001.", "0009."), b""), ("another part has this place",)),
        (lambda run: cut(run, PART), ("parts/: changed since its manifest was written",)),
        (lambda run: (run.folder / "parts/manifest.json").unlink(), ("parts/manifest.json: not a readable manifest",)),
        (lambda run: run.write("parts/manifest.json", b"{}"), ("parts/manifest.json: not a readable manifest",)),
    ],
    ids=["gone", "twice", "cut", "begun", "no manifest"],
)
def test_what_is_refused_of_parts(parts: Runner, harm: Callable[[Runner], object], words: tuple[str, ...]) -> None:
    harm(parts)
    refused(parts("merge", "parts/"), *words)


def test_a_folder_that_was_not_copied_whole_is_no_input(parts: Runner) -> None:
    """The part that is missing may be the last one: no number says so, but the manifest does."""
    *_, last = sorted(parts.folder.glob("parts/part-*"))
    last.unlink()
    done = parts("judge", "parts/", "--rubrics", "rubric.yaml", "-o", "out.jsonl")
    refused(done, "parts/: changed since its manifest was written")


def test_nothing_is_a_whole_too(parts: Runner) -> None:
    for part in (parts.folder / "parts").glob("part-*"):
        part.unlink()
    refused(parts("merge", "parts/"), "no files of JSONL there")
    manifest = orjson.loads(parts.read("parts/manifest.json"))
    manifest["recipe"] |= {"records": 0, "sha256": hashlib.sha256().hexdigest()}
    parts.write("parts/manifest.json", orjson.dumps(manifest))
    done = parts("merge", "parts/", "-o", "out.jsonl")
    assert (done.code, parts.read("out.jsonl")) == (0, b""), done.err


def test_only_what_maps_lines_to_lines_is_merged(parts: Runner) -> None:
    manifest = orjson.loads(parts.read("parts/manifest.json"))
    manifest["recipe"]["stage"] = "train"
    parts.write("parts/manifest.json", orjson.dumps(manifest))
    refused(parts("merge", "parts/"), "parts/: made by `rlra train`")
