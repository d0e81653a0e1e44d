"""`--shard I/N` with `rlra merge`: the bytes and the recipe of a run without shards, whoever answers."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RlraError
from schemas.shards import Shard, gathered, parse_shard, shard_in
from tests.contract.material import RUBRIC_YAML, judged, rollouts, task
from tests.running import Runner, lines, records
from tests.stages.judge_server import chat, serving, under_judgement, verdicts
from tests.tiny_model import tiny_model

counts = st.integers(1, 9)


def recipe(run: Runner, name: str) -> dict[str, Any]:
    return orjson.loads(run.read(f"{name}.manifest.json"))["recipe"]


def in_shards(run: Runner, words: list[str], n: int, suffix: str = "") -> list[str]:
    """Run a command once for every shard; return the files."""
    files = [f"shard-{number}.jsonl{suffix}" for number in range(1, n + 1)]
    for number, file in enumerate(files, 1):
        done = run.inside(*words, "--shard", f"{number}/{n}", "-o", file)
        assert done.code == 0, done.err
    return files


def merges(run: Runner, words: list[str], n: int, suffix: str = "") -> None:
    """Hold that a command in `n` shards, merged in any order, is the command without shards: bytes and recipe."""
    whole = run(*words, "-o", "whole.jsonl")
    assert whole.code == 0, whole.err
    done = run.inside("merge", *reversed(in_shards(run, words, n, suffix)), "-o", "merged.jsonl")
    assert done.code == 0, done.err
    assert run.read("merged.jsonl") == run.read("whole.jsonl") != b""
    assert recipe(run, "merged.jsonl") == recipe(run, "whole.jsonl")


@given(st.integers(0, 60), counts, counts)
def test_what_is_dealt_out_can_be_gathered(total: int, n: int, block: int) -> None:
    shards = [Shard(number=number, of=n, block=block) for number in range(1, n + 1)]
    dealt = [list(shard.own(range(total))) for shard in shards]
    assert [shard.count(total) for shard in shards] == list(map(len, dealt))
    assert list(gathered([iter(hand) for hand in dealt], block)) == list(range(total))
    for shard, hand in zip(shards, dealt, strict=True):
        assert all(item // block == hand[at - at % block] // block for at, item in enumerate(hand)), "a block was torn"
        assert shard_in(shard.recorded) == shard


@pytest.mark.parametrize(
    "text", ["", "0/3", "4/3", "1", "1/0", "-1/3", "1/3/5", "a/b", "٣/٣", "1/3\n", "9999999/9999999"]
)
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(RlraError, match=r"--shard: .* is not I/N"):
        parse_shard(text, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--shard 3/2", "--shard: '3/2' is not I/N"),
        ("--actors 2", "--actors and --ray-address go with --engine ray"),
        ("--engine slurm", "--engine"),
    ],
)
def test_places_that_are_none(run: Runner, words: str, said: str) -> None:
    for command in ("judge", "rollout"):
        done = run.inside(command, "in.jsonl", *words.split())
        assert done.code and said in done.err and "Traceback" not in done.err, done.err


@pytest.mark.parametrize("block", [None, 0, -1, "2", 1.5])
def test_a_recipe_whose_blocks_are_no_number(block: Any) -> None:
    with pytest.raises(RlraError, match="--shard"):
        shard_in({"shard": "1/2", "block": block})


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_judging_by_checks(run: Runner, n: int) -> None:
    """Of 26 lines in blocks of 4, nine shards leave two without any."""
    run.write("in.jsonl", lines(*(rollouts(f"place-{number}") for number in range(26))))
    run.write("rubric.yaml", RUBRIC_YAML)
    merges(run, ["judge", "in.jsonl", "--rubrics", "rubric.yaml", "--window", "4"], n)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_shards_of_a_compressed_file_are_compressed(run: Runner, suffix: str) -> None:
    run.write("in.jsonl.gz", gzip.compress(lines(*(rollouts(f"place-{number}") for number in range(7)))))
    run.write("rubric.yaml", RUBRIC_YAML)
    merges(run, ["judge", "in.jsonl.gz", "--rubrics", "rubric.yaml", "--window", "2"], 2, suffix)


def test_judging_by_a_server(run: Runner) -> None:
    run.write("in.jsonl", lines(*(rollouts(f"place-{number}") for number in range(7))))
    run.write("rubric.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")

    def reply(payload: dict[str, Any], number: int) -> Any:
        prompt = payload["messages"][-1]["content"]
        return chat(verdicts(prompt, lambda _: "met" if len(under_judgement(prompt)) % 2 else "not met"))

    with serving(reply) as server:
        words = ["judge", "in.jsonl", "--rubrics", "rubric.yaml", "--window", "2", "--model", "openai:j"]
        merges(run, [*words, "--base-url", server.url], 3)


def test_other_arithmetic_on_stored_verdicts(run: Runner) -> None:
    run.write("in.jsonl", lines(*(judged(f"place-{number}") for number in range(5))))
    run.write("reward.yaml", "reward: {shaping: {power: 2}}\n")
    merges(run, ["judge", "in.jsonl", "--reward", "reward.yaml", "--window", "2"], 2)


def test_a_pipe_is_dealt_out_too(run: Runner) -> None:
    """What comes by a pipe is read to its end by every shard, and its digest says that it was the same."""
    content = lines(*(rollouts(f"place-{number}") for number in range(5)))
    run.write("rubric.yaml", RUBRIC_YAML)
    words = ["judge", "-", "--rubrics", "rubric.yaml", "--window", "2"]
    for number in (1, 2):
        done = run(*words, "--shard", f"{number}/2", "-o", f"{number}.jsonl", stdin=content)
        assert done.code == 0, done.err
    assert run("merge", "1.jsonl", "2.jsonl").out == run(*words, stdin=content).out
    run(*words, "--shard", "2/2", "-o", "2.jsonl", stdin=content.replace(b"place-1", b"place-x"))
    done = run("merge", "1.jsonl", "2.jsonl")
    assert (done.code, done.out) == (1, b"")
    assert "2.jsonl: no shard of the run that made 1.jsonl; these differ: inputs.input.sha256" in done.err


def test_a_shard_goes_on_where_it_stopped_and_is_made_again_from_its_manifest(run: Runner) -> None:
    run.write("in.jsonl", lines(*(rollouts(f"place-{number}") for number in range(20))))
    run.write("rubric.yaml", RUBRIC_YAML)
    words = ["judge", "in.jsonl", "--rubrics", "rubric.yaml", "--window", "3"]
    (_, file) = in_shards(run, words, 2)
    content, made = run.read(file), recipe(run, file)
    assert [line["id"] for line in records(content)] == [f"place-{n}" for n in (3, 4, 5, 9, 10, 11, 15, 16, 17)]
    (run.folder / file).rename(run.folder / f"{file}.partial")
    run.write(f"{file}.partial", b"".join(content.splitlines(keepends=True)[:5]))
    begun = {key: value for key, value in made.items() if key not in ("sha256", "records")}
    run.write(f"{file}.partial.recipe.json", orjson.dumps(begun))
    other = run.inside(*words, "--shard", "1/2", "-o", file)
    assert other.code == 1 and "these differ: spec.shard" in other.err
    done = run.inside(*words, "--shard", "2/2", "-o", file)
    assert done.code == 0 and "going on after 5 lines" in done.err, done.err
    assert (run.read(file), recipe(run, file)) == (content, made)
    again = run.inside(
        "judge", "in.jsonl", "--rubrics", "rubric.yaml", "--spec", f"{file}.manifest.json", "-o", "again.jsonl"
    )
    assert again.code == 0, again.err
    assert (run.read("again.jsonl"), recipe(run, "again.jsonl")) == (content, made)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.mark.parametrize(("dtype", "n"), [("bfloat16", 3), ("float32", 2)])
def test_rollouts_of_a_model_in_this_process(run: Runner, tiny: Path, dtype: str, n: int) -> None:
    """In bfloat16 a line depends on its neighbours in the batch: shards are cut so that it has the same ones."""
    run.write("in.jsonl", lines(*(task(f"place-{number}") for number in range(11))))
    words = ["rollout", "in.jsonl", "--model", f"hf:{tiny}", "--processes", "1", "--group-size", "2", "--window", "2"]
    merges(run, [*words, "--max-tokens", "12", "--dtype", dtype], n)
