"""Options: from flag, environment or file in that order, refused by name, recorded in the manifest."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.contract.material import OFFLINE_WRITERS, READER, READERS, Reader, sampled
from tests.running import Done, Runner
from tests.stages.judge_server import JudgeServer

KEY = "sk-not-to-be-seen-0123"


def manifest(run: Runner, name: str = "out.jsonl.manifest.json") -> dict[str, Any]:
    """Return a manifest as plain data."""
    return orjson.loads(run.read(name))


def said(done: Done, code: int, *words: str) -> None:
    """Hold that a run ended with `code`, without a traceback, and that stderr says `words`."""
    assert done.code == code, (done.code, done.err)
    assert "Traceback" not in done.err
    assert not done.out
    for each in words:
        assert each in done.err


@pytest.mark.parametrize("reader", READERS, ids=str)
def test_an_unknown_option(run: Runner, reader: Reader) -> None:
    """Exit 2, the option by name, and where to read what is right."""
    done = run(*reader.words(f"{reader.kind}.jsonl"), "--colour")
    said(done, 2, "rlra: No such option: --colour", f"see `rlra {reader.command} --help`")


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        ("generate-rubrics task.jsonl --seed three", 2, "--seed"),
        ("generate-rubrics task.jsonl --method magic", 2, "--method"),
        ("generate-rubrics task.jsonl --min-constraints 0", 1, "--min-constraints"),
        ("generate-rubrics task.jsonl --min-constraints 3", 1, "min_constraints"),
        ("generate-rubrics task.jsonl --families rhyme", 1, "rhyme"),
        ("generate-rubrics task.jsonl --max-failures many", 1, "--max-failures: "),
        ("rollout task.jsonl --model llama", 1, "--model: 'llama' names no model"),
        ("rollout task.jsonl --model openai:m", 1, "needs --base-url"),
        ("rollout task.jsonl --model openai:m --base-url localhost", 1, "base URL"),
        ("rollout task.jsonl --group-size 0", 1, "--group-size"),
        ("rollout task.jsonl --temperature nan", 1, "--temperature"),
        ("judge rollouts.jsonl --rubrics absent.yaml", 1, "absent.yaml"),
        ("judge rollouts.jsonl --add", 1, "--add needs --rubrics"),
        ("judge rollouts.jsonl --window 0", 1, "--window"),
        ("select-data judged.jsonl --keep 0.8:0.2", 1, "--keep"),
        ("select-data judged.jsonl --keep most", 1, "--keep"),
        ("select-data judged.jsonl --keep nan:1", 1, "--keep: 'nan:1' is not LOW:HIGH"),
        ("select-data judged.jsonl --keep a:b", 1, "--keep: 'a:b' is not LOW:HIGH"),
        ("select-data judged.jsonl --budget -1", 1, "--budget"),
        ("train judged.jsonl", 2, "--output"),
        ("train judged.jsonl -o run --model openai:m", 1, "--model: 'openai:m' cannot be trained"),
        ("train judged.jsonl -o run --rubrics rubric.yaml", 1, "--rubrics goes with --online"),
        ("eval judged.jsonl", 1, "two files are needed"),
        ("eval judged.jsonl judged.jsonl --level 95", 1, "--level"),
        ("show judged.jsonl -n 0", 2, "-n"),
        ("show judged.jsonl --id nobody", 1, "no line with id nobody"),
        ("diff judged.jsonl", 2, "B"),
        ("validate", 2, "FILE"),
        ("sing", 2, "sing"),
    ],
)
def test_a_bad_value(run: Runner, words: str, code: int, named: str) -> None:
    """Exit 2 for what is no value of the option's type, 1 for one that the command refuses; always by name."""
    said(run(*words.split()), code, named)


@pytest.mark.parametrize("reader", OFFLINE_WRITERS, ids=str)
def test_a_manifest_says_how_to_make_it_again(run: Runner, reader: Reader) -> None:
    """`--spec MANIFEST` gives the same bytes, and two identical runs have equal recipes."""
    odd = {
        "generate-rubrics": ["--seed", "5", "--families", "paragraph_count", "--families", "title", "--partial", "0.1"],
        "judge": ["--window", "2"],
        "select-data": ["--statistic", "max", "--quantile", "--keep", "0.1:0.9", "--groups", "--flat"],
    }[reader.command]
    inputs = ["--rubrics", "rubric.yaml"] if reader.command == "judge" else []
    kind = f"{reader.kind}.jsonl"
    first = run(reader.command, kind, *inputs, *odd, "-o", "out.jsonl")
    assert first.code == 0, first.err
    again = run(reader.command, kind, *inputs, "--spec", "out.jsonl.manifest.json", "-o", "again.jsonl")
    assert again.code == 0, again.err
    assert run.read("again.jsonl") == run.read("out.jsonl")
    recipes = [manifest(run, name)["recipe"] for name in ("out.jsonl.manifest.json", "again.jsonl.manifest.json")]
    assert recipes[0] == recipes[1]
    assert recipes[0]["inputs"]["input"]["records"] == recipes[0]["records"] == 3
    other = run(reader.command, kind, *inputs, "-o", "other.jsonl")
    assert other.code == 0, other.err
    assert manifest(run, "other.jsonl.manifest.json")["recipe"]["spec"] != recipes[0]["spec"]


def test_the_manifest_of_a_rollout_makes_it_again(run: Runner, policy: JudgeServer) -> None:
    """What a recipe knows of the model besides options is no obstacle."""
    assert run("rollout", "task.jsonl", *sampled(policy.url, "--seed", "4"), "-o", "out.jsonl").code == 0
    recipe = manifest(run)["recipe"]
    assert recipe["spec"]["revision"] == "m"
    words = ["--spec", "out.jsonl.manifest.json", "--base-url", policy.url, "-o", "again.jsonl"]
    again = run("rollout", "task.jsonl", *words)
    assert again.code == 0, again.err
    assert run.read("again.jsonl") == run.read("out.jsonl")
    assert manifest(run, "again.jsonl.manifest.json")["recipe"] == recipe


def test_what_came_before_is_in_the_recipe(run: Runner) -> None:
    """An input's own recipe is named by digest, so that a chain of files can be followed; no clock is in a recipe."""
    run("generate-rubrics", "task.jsonl", "-o", "tasks.jsonl")
    run("generate-rubrics", "tasks.jsonl", "-o", "out.jsonl")
    made = manifest(run)
    assert len(made["recipe"]["inputs"]["input"]["recipe"]) == 16
    assert not {"argv", "started", "seconds", "host", "commit"} & made["recipe"].keys()
    assert made["run"]["argv"] == ["generate-rubrics", "tasks.jsonl", "-o", "out.jsonl"]


def test_a_spec_in_yaml(run: Runner) -> None:
    """Option names and values; flags win over the file, the environment wins too."""
    run.write("spec.yaml", "seed: 7\nmin_constraints: 2\nfamilies: [title, paragraph_count]\n")
    by_file = run("generate-rubrics", "task.jsonl", "--spec", "spec.yaml")
    flags = ["--min-constraints", "2", "--families", "title", "--families", "paragraph_count"]
    assert by_file.out == run("generate-rubrics", "task.jsonl", "--seed", "7", *flags).out != b""
    overridden = run("generate-rubrics", "task.jsonl", "--spec", "spec.yaml", "--seed", "8")
    assert overridden.out == run("generate-rubrics", "task.jsonl", "--seed", "8", *flags).out != by_file.out
    environment = run("generate-rubrics", "task.jsonl", "--spec", "spec.yaml", env={"RLRA_SEED": "8"})
    assert environment.out == overridden.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed: 7\n", ("spec.yaml: sed: generate-rubrics has no such option", "did you mean 'seed'?")),
        ("seed: 7\nseed: 8\n", ("spec.yaml:2: 'seed' stands here a second time",)),
        ("- seed\n", ("spec.yaml: a mapping of option names to values is needed",)),
        ("seed: [1, 2\n", ("spec.yaml:2: not YAML",)),
        ("", ("spec.yaml: the file is empty",)),
    ],
    ids=["unknown", "twice", "a list", "broken", "empty"],
)
def test_a_spec_that_is_none(run: Runner, text: str, words: tuple[str, ...]) -> None:
    """File, key and the nearest option are named."""
    run.write("spec.yaml", text)
    said(run("generate-rubrics", "task.jsonl", "--spec", "spec.yaml"), 1, *words)


def test_a_spec_with_a_bad_value(run: Runner) -> None:
    """A value from a file is checked like a flag's."""
    run.write("spec.yaml", "seed: three\n")
    said(run("generate-rubrics", "task.jsonl", "--spec", "spec.yaml"), 2, "seed")
    run.write("spec.yaml", "partial: 7\n")
    said(run("generate-rubrics", "task.jsonl", "--spec", "spec.yaml"), 1, "--partial")


def test_the_environment_is_read_and_a_flag_wins(run: Runner) -> None:
    """`RLRA_SEED` is `--seed`, unless there is one."""
    words = ("generate-rubrics", "task.jsonl")
    three, four = (run(*words, "--seed", seed).out for seed in "34")
    assert three != four
    assert run(*words, env={"RLRA_SEED": "3"}).out == three
    assert run(*words, "--seed", "4", env={"RLRA_SEED": "3"}).out == four
    said(run(*words, env={"RLRA_SEED": "three"}), 2, "--seed")


def test_no_key_is_written_anywhere(run: Runner, policy: JudgeServer, tmp_path: Path) -> None:
    """A key reaches the server in a header, and no file, message or manifest."""
    done = run("rollout", "task.jsonl", *sampled(policy.url), "-o", "out.jsonl", env={"RLRA_API_KEY": KEY})
    assert done.code == 0, done.err
    assert policy.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in done.err
    assert not [path.name for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_the_version_and_the_list(run: Runner) -> None:
    """`rlra --version` is one line; `rlra` alone shows every command."""
    assert run("--version").out.count(b"\n") == 1
    bare = run()
    assert all(command.split()[0].encode() in bare.out + bare.err.encode() for command in READER)
