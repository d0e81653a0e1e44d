"""`rlra select-data --spec MANIFEST` selects as before, with the files that were named then."""

import orjson
import pytest

from tests.contract.material import NAMES, judged, task
from tests.running import Runner, lines

WORDS = ("select-data", "judged.jsonl", "--ngram", "3", "--by", "meta.topic")
FILES = ("--decontaminate", "one.jsonl", "--decontaminate", "two.jsonl", "--bounds", "bounds.json")
AGAIN = ("select-data", "judged.jsonl", "--spec", "out.jsonl.manifest.json", "-o", "again.jsonl")


@pytest.fixture
def made(run: Runner) -> Runner:
    """Return a runner in a folder where `out.jsonl` was selected with two evaluations and the bounds of a file."""
    rewards = {"sea": (1.0, 0.5), "garden": (1.0, 0.25), "clock": (0.75, 0.25), "tower": (0.25, 0.0)}
    run.write("judged.jsonl", lines(*(judged(name, pair) for name, pair in rewards.items())))
    run.write("one.jsonl", lines({"prompt": "Please, DESCRIBE the sea."}))
    run.write("two.jsonl", lines(task("clock")))
    run.write("bounds.json", orjson.dumps({"statistic": "mean", "by": "meta.topic", "bands": {"": [0.2, 0.9]}}))
    done = run(*WORDS, *FILES, "-o", "out.jsonl")
    assert done.code == 0, done.err
    assert b'"garden"' in run.read("out.jsonl") and run.read("out.jsonl").count(b"\n") == 1
    return run


def test_the_files_come_back_with_the_options(made: Runner) -> None:
    """The same bytes and the same recipe, of one command line that names none of them."""
    done = made(*AGAIN)
    assert done.code == 0, done.err
    assert made.read("again.jsonl") == made.read("out.jsonl")
    out, again = (orjson.loads(made.read(f"{name}.jsonl.manifest.json")) for name in ("out", "again"))
    assert again["recipe"] == out["recipe"] and again["run"]["bounds"] == out["run"]["bounds"]


@pytest.mark.parametrize("name", ["two.jsonl", "bounds.json"])
def test_a_file_that_changed_since_is_refused(made: Runner, name: str) -> None:
    """The manifest says how the lines were made, and with other bytes they are others; asked for by name it is used."""
    made.write(name, made.read(name) + b"\n")
    done = made(*AGAIN)
    assert done.code == 1 and f"rlra: {name}: changed since out.jsonl.manifest.json was written" in done.err
    assert "again.jsonl" not in made.names()
    meant = made(*AGAIN, *FILES)
    assert meant.code == 0, meant.err
    assert made.read("again.jsonl") == made.read("out.jsonl")


def test_a_file_that_is_gone_is_named(made: Runner) -> None:
    (made.folder / "one.jsonl").unlink()
    done = made(*AGAIN)
    assert done.code == 1 and "one.jsonl: no such file" in done.err


def test_options_in_yaml_name_files_too(made: Runner) -> None:
    """There is no digest to hold them to."""
    made.write("spec.yaml", "ngram: 3\nby: meta.topic\ndecontaminate: [one.jsonl, two.jsonl]\nbounds: bounds.json\n")
    done = made("select-data", "judged.jsonl", "--spec", "spec.yaml")
    assert (done.code, done.out) == (0, made.read("out.jsonl")), done.err


def test_one_run_without_files_says_nothing_of_them(run: Runner) -> None:
    """Its manifest brings none back, and none is asked for."""
    run.write("judged.jsonl", lines(*map(judged, NAMES)))
    assert run("select-data", "judged.jsonl", "-o", "out.jsonl").code == 0
    done = run(*AGAIN)
    assert done.code == 0, done.err
    assert run.read("again.jsonl") == run.read("out.jsonl") != b""
