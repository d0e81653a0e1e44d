"""Files with options: the manifest knows them, an edit is told, and they are among what the script takes as it is."""

import os

import orjson
import pytest

from tests.contract.material import lay_out
from tests.inside import run_inside
from tests.provenance_chain import chain_of, ok
from tests.running import Runner, environment
from tests.tiny_model import tiny_model


@pytest.fixture
def laid(run: Runner) -> Runner:
    """Return a runner in a folder with a small file of every kind."""
    lay_out(run)
    return run


def select(run: Runner, *words: str) -> None:
    """Select with some options."""
    ok(run, "select-data", "judged.jsonl", "-o", "out/kept.jsonl", *words)


def test_an_edit_of_a_file_of_options_is_told(laid: Runner) -> None:
    """What was made by its options is stale then, though the recipe holds the values that were decided."""
    laid.write("s.yaml", "seed: 3\n")
    select(laid, "--spec", "s.yaml")
    chain = chain_of(laid, "out/kept.jsonl", "--check")
    assert chain["out/kept.jsonl"]["inputs"]["option.spec"] == "s.yaml"
    assert chain["s.yaml"]["state"] == "no manifest"
    laid.write("s.yaml", "seed: 4\n")
    chain = chain_of(laid, "out/kept.jsonl", "--check", code=4)
    assert (chain["s.yaml"]["state"], chain["out/kept.jsonl"]["state"]) == ("changed", "stale")
    assert chain["out/kept.jsonl"]["why"] == "s.yaml has changed since"
    script = laid.inside("provenance", "out/kept.jsonl", "--commands").out.decode()
    assert "\n# s.yaml" in script.partition("rlra select-data")[0]


def test_no_recipe_depends_on_where_options_were_said(laid: Runner) -> None:
    """The same values from a file and from flags make the same recipe."""
    laid.write("s.yaml", "seed: 3\n")
    select(laid, "--spec", "s.yaml")
    first = orjson.loads(laid.read("out/kept.jsonl.manifest.json"))
    select(laid, "--seed", "3")
    second = orjson.loads(laid.read("out/kept.jsonl.manifest.json"))
    assert first["recipe"] == second["recipe"]
    assert "options" in first["run"] and "options" not in second["run"]


def test_the_manifest_of_another_run_as_options(laid: Runner) -> None:
    """It counts as what it says of options, not by the time and the seconds that stand in it as well."""
    select(laid, "--seed", "3")
    again = ("select-data", "judged.jsonl", "-o", "out/more.jsonl", "--spec", "out/kept.jsonl.manifest.json")
    ok(laid, *again)
    manifest = orjson.loads(laid.read("out/kept.jsonl.manifest.json"))
    manifest["run"]["seconds"] = 1e6
    laid.write("out/kept.jsonl.manifest.json", orjson.dumps(manifest))
    assert "out/kept.jsonl.manifest.json" in chain_of(laid, "out/more.jsonl", "--check")
    manifest["recipe"]["spec"]["seed"] = 4
    laid.write("out/kept.jsonl.manifest.json", orjson.dumps(manifest))
    assert chain_of(laid, "out/more.jsonl", "--check", code=4)["out/more.jsonl"]["state"] == "stale"


def test_a_manifest_that_the_script_makes_is_not_taken_as_it_is(laid: Runner) -> None:
    """Its command stands before the one that reads options from it."""
    select(laid, "--seed", "3")
    ok(laid, "select-data", "judged.jsonl", "-o", "out/a.jsonl", "--spec", "out/kept.jsonl.manifest.json")
    script = laid.inside("provenance", "out/a.jsonl", "out/kept.jsonl", "--commands").out.decode()
    assert "\n# out/kept.jsonl.manifest.json" not in script
    assert script.index("-o out/kept.jsonl") < script.index("-o out/a.jsonl")


def test_a_system_prompt_in_a_file(laid: Runner) -> None:
    """`--system @FILE` names one, here by a variable, which no command line does; its text is in the recipe."""
    laid.write("system.txt", "Be brief.\n")
    tiny_model(laid.folder / "tiny")
    sample = ("--group-size", "1", "--max-tokens", "2", "--processes", "1", "--model", "hf:tiny")
    words = ("rollout", "task.jsonl", "-o", "sampled.jsonl", *sample)
    code, _, said = run_inside(laid.folder, words, environment(RLRA_SYSTEM="@system.txt"))
    assert code == 0, said
    chain = chain_of(laid, "sampled.jsonl", "--check")
    assert chain["sampled.jsonl"]["inputs"]["option.system"] == "system.txt"


def test_options_that_came_through_a_pipe(laid: Runner) -> None:
    """They are no file that could be compared."""
    reading, writing = os.pipe()
    os.write(writing, b"seed: 3\n")
    os.close(writing)
    select(laid, "--spec", f"/dev/fd/{reading}")
    os.close(reading)
    assert orjson.loads(laid.read("out/kept.jsonl.manifest.json"))["recipe"]["spec"]["seed"] == 3
    assert set(chain_of(laid, "out/kept.jsonl", "--check")) == {"out/kept.jsonl", "judged.jsonl"}
