"""Several policies in one go: one file each, in one folder, as if each had been sampled alone."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from rlra_cli import models
from rlra_cli.options import EndpointOptions
from rlra_cli.policies import policies_of
from schemas.errors import RlraError
from tests.contract.material import NAMES, reply, task
from tests.running import Runner, interrupt, lines, wait_until
from tests.stages.judge_server import JudgeServer, Reply, error, serving
from tests.tiny_model import tiny_model


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    """Serve a policy that answers by prompt and seed."""
    with serving(reply) as found:
        yield found


@pytest.fixture
def run(run: Runner) -> Runner:
    """Return a runner in a folder with tasks."""
    run.write("tasks.jsonl", lines(*(task(name) for name in NAMES)))
    return run


def words(server: JudgeServer, *given: str) -> list[str]:
    """Return a command that samples from the policies at `server`."""
    models = [word for each in given for word in ("--model", f"{each}@{server.url}")]
    return ["rollout", "tasks.jsonl", "--group-size", "2", "--retries", "0", *models]


def test_each_policy_has_the_lines_and_the_manifest_that_it_has_alone(run: Runner, server: JudgeServer) -> None:
    done = run(*words(server, "base=openai:a", "openai:org/b"), "-o", "runs/", "--summary", "counts.json")
    assert done.code == 0, done.err
    assert run.names() == {"tasks.jsonl", "runs", "counts.base.json", "counts.openai-org-b.json"}
    for name, reference in (("base", "openai:a"), ("openai-org-b", "openai:org/b")):
        alone = run(*words(server, reference), "-o", "alone.jsonl")
        assert alone.code == 0, alone.err
        assert run.read(f"runs/{name}.jsonl") == run.read("alone.jsonl")
        assert recipe(run, f"runs/{name}.jsonl") == recipe(run, "alone.jsonl")
        assert {line["policy"]["model"] for line in map(orjson.loads, run.read("alone.jsonl").splitlines())} == {
            reference
        }
        assert orjson.loads(run.read(f"counts.{name}.json"))["responses"] == 6
        assert recipe(run, "alone.jsonl")["spec"]["model"] == reference
    again = run("rollout", "tasks.jsonl", "--spec", "runs/base.jsonl.manifest.json", "-o", "again.jsonl")
    assert again.code == 0, again.err
    assert run.read("again.jsonl") == run.read("runs/base.jsonl")


def recipe(run: Runner, name: str) -> dict:
    """Return the recipe of an artifact."""
    return orjson.loads(run.read(f"{name}.manifest.json"))["recipe"]


def test_what_is_complete_is_not_sampled_again_unless_it_would_differ(run: Runner, server: JudgeServer) -> None:
    """A second run asks nobody; another seed, a changed file and --no-resume do."""
    command = [*words(server, "a=openai:a", "b=openai:b"), "-o", "runs/"]
    assert run(*command).code == 0
    first, calls = run.read("runs/a.jsonl"), server.calls
    done = run(*command)
    assert (done.code, server.calls) == (0, calls)
    assert done.err == "rollout: runs/a.jsonl is complete\nrollout: runs/b.jsonl is complete\n"
    run.write("runs/b.jsonl", b"")
    assert run(*command).code == 0
    assert server.calls == calls * 3 // 2
    assert run.read("runs/b.jsonl").count(b"\n") == 3
    assert run(*command, "--no-resume").code == 0
    assert server.calls == calls * 5 // 2
    assert run.read("runs/a.jsonl") == first
    assert run(*command, "--seed", "1").code == 0
    assert run.read("runs/a.jsonl") != first


def test_an_interrupted_run_goes_on_with_the_policy_that_it_was_at(run: Runner, tmp_path: Path) -> None:
    """With real models: the first policy's file is complete and stays, the second's goes on from its lines."""
    run.write("tasks.jsonl", lines(*(task(f"place-{n}") for n in range(40))))
    for seed, name in enumerate("ab"):
        tiny_model(tmp_path / "models" / name, seed)
    command = ["rollout", "tasks.jsonl", "--model", "hf:models/a", "--model", "b=hf:models/b", "--processes", "1"]
    command += ["--group-size", "2", "--max-tokens", "24", "--window", "1", "--dtype", "float32", "-o", "runs/"]
    process = run.start(*command)
    partial = tmp_path / "runs" / "b.jsonl.partial"
    wait_until(lambda: partial.exists() and partial.read_bytes().count(b"\n") > 1, "the second policy's lines")
    assert interrupt(process).code == 130
    kept = run.read("runs/hf-models-a.jsonl")
    done = run.inside(*command)
    assert done.code == 0, done.err
    assert "runs/hf-models-a.jsonl is complete" in done.err
    assert "going on after" in done.err
    resumed = run.read("runs/b.jsonl")
    assert run.inside(*command, "--no-resume").code == 0
    assert (run.read("runs/hf-models-a.jsonl"), run.read("runs/b.jsonl")) == (kept, resumed)
    assert kept != resumed


def test_policies_may_stand_in_a_file_or_in_the_environment(run: Runner, server: JudgeServer) -> None:
    run.write("spec.yaml", f"model: [a=openai:a, openai:b]\nbase_url: {server.url}\ngroup_size: 2\n")
    assert run("rollout", "tasks.jsonl", "--spec", "spec.yaml", "-o", "one/").code == 0
    named = {"RLRA_MODEL": "a=openai:a openai:b", "RLRA_BASE_URL": server.url}
    assert run("rollout", "tasks.jsonl", "--group-size", "2", "-o", "two/", env=named).code == 0
    for name in ("a.jsonl", "openai-b.jsonl"):
        assert run.read(f"one/{name}") == run.read(f"two/{name}")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("gguf:model", "'gguf:model' names no model"),
        ("hf:", "'hf:' names no model"),
        ("hf:absent", "hf:absent: no such folder, and no such model on the hub"),
        ("vllm:some/folder/absent", "vllm:some/folder/absent: no such folder, and no such model on the hub"),
        ("hf:empty", "hf:empty: the folder holds no config.json"),
        ("vllm:bare", "vllm:bare: the folder holds no *.safetensors"),
        ("b=openai:b@http://me:hush@host/v1", "the base URL holds a user name or a password"),
        ("openai:b@http://host:port/v1", "the base URL is malformed"),
        ("openai:b", "openai:b needs --base-url"),
    ],
)
def test_a_policy_that_cannot_be_is_told_before_any_is_sampled(
    run: Runner, server: JudgeServer, second: str, said: str
) -> None:
    for folder in ("empty", "bare"):
        (run.folder / folder).mkdir()
    run.write("bare/config.json", "{}")
    done = run(*words(server, "a=openai:a"), "--model", second, "-o", "runs/")
    assert (done.code, server.calls) == (1, 0), done.err
    assert done.err.startswith("rlra: ") and said in done.err and "hush" not in done.err
    assert done.err.count("\n") <= 2
    assert "runs" not in run.names()


def test_an_embedded_model_that_is_absent_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RlraError, match="the embedded model is not installed"):
        models.check_reference("smollm2", EndpointOptions())


def test_a_policy_whose_responses_fail_keeps_no_other_from_being_sampled(run: Runner) -> None:
    """The code is that of those that failed, wherever they stand, and their lines are kept."""

    def only(*able: str) -> Reply:
        return lambda payload, number: reply(payload, number) if payload["model"] in able else error(400, "too long")

    with serving(only("b", "d")) as server:
        command = [*words(server, *(f"{name}=openai:{name}" for name in "abcd")), "-o", "runs/"]
        done = run(*command)
        assert done.code == 3, done.err
        assert [name for name in "abcd" if (run.folder / "runs" / f"{name}.jsonl").exists()] == ["b", "d"]
        for name in "ac":
            assert done.err.count(f"the lines are kept in runs/{name}.jsonl.partial") == 1
        calls = server.calls
        assert run(*command, "--max-failures", "100%").code == 0
        assert (run.read("runs/a.jsonl").count(b"\n"), server.calls) == (3, calls)


def test_a_mistake_behind_a_policy_that_failed_stops_at_once(run: Runner) -> None:
    """`b` was begun with another seed."""
    with serving(lambda payload, number: error(400, "too long")) as server:
        command = [*words(server, *(f"{name}=openai:{name}" for name in "abc")), "-o", "runs/"]
        assert run(*command, "--seed", "1").code == 3
        run.write("runs/a.jsonl.partial", b"")
        run.write("runs/c.jsonl.partial", b"")
        calls = server.calls
        done = run(*command)
        assert done.code == 1, done.err
        assert done.err.count("--max-failures") == 2
        assert "runs/b.jsonl.partial: begun with another recipe" in done.err
        assert (run.read("runs/c.jsonl.partial"), server.calls) == (b"", calls * 4 // 3)


@pytest.mark.parametrize(
    ("given", "output", "said"),
    [
        (["smollm2", "hf:a"], "-", "2 policies need a folder to write to, and '-' is none"),
        (["smollm2", "hf:a"], "s3://bucket/runs/", "2 policies need a folder to write to, and 's3://bucket/runs/' is"),
        (["smollm2", "hf:a"], "out.jsonl", "2 policies need a folder to write to, and 'out.jsonl' is none"),
        (["smollm2", "smollm2"], "runs/", "two policies are called 'smollm2'"),
        (["a=smollm2", "a=hf:b"], "runs/", "two policies are called 'a'"),
        (["../a=smollm2", "hf:b"], "runs/", "'../a' cannot be the name of a file"),
        (["=smollm2", "hf:b"], "runs/", "'' cannot be the name of a file"),
    ],
)
def test_what_cannot_be_told_apart_or_put_anywhere_is_refused(given: list[str], output: str, said: str) -> None:
    with pytest.raises(RlraError) as caught:
        policies_of(given, output)
    assert said in caught.value.message


def test_names_are_safe_and_a_single_policy_goes_where_it_is_told(tmp_path: Path) -> None:
    found = policies_of(
        ["hf:../runs/a=b/", "x.1=openai:m@http://h/v1?k=s", "openai:o/m@http://h/v1?k=s"], str(tmp_path)
    )
    assert found == {
        f"{tmp_path}/hf-..-runs-a-b.jsonl": "hf:../runs/a=b/",
        f"{tmp_path}/x.1.jsonl": "openai:m@http://h/v1?k=s",
        f"{tmp_path}/openai-o-m.jsonl": "openai:o/m@http://h/v1?k=s",
    }
    assert policies_of(["name=smollm2"], "-") == {"-": "smollm2"}


def test_several_policies_cannot_share_a_pipe(run: Runner) -> None:
    done = run("rollout", "--model", "hf:a", "--model", "hf:b", "-o", "runs/", stdin=b'{"prompt": "Hi"}\n')
    assert (done.code, done.out) == (1, b"")
    assert done.err.startswith("rlra: several policies cannot share stdin")


@pytest.mark.parametrize(
    ("flags", "gpu", "temperature", "wanted"),
    [
        ("fpu avx512_bf16 sse", False, 1.0, "bfloat16"),
        ("fpu amx_bf16", False, 1.0, "bfloat16"),
        ("Features : fp asimd bf16 sve", False, 1.0, "bfloat16"),
        ("fpu avx512f avx512_bf16_not", False, 1.0, "float32"),
        ("fpu", True, 1.0, "bfloat16"),
        ("fpu avx512_bf16", True, 0.0, "float32"),
        (None, False, 1.0, "float32"),
    ],
)
def test_weights_are_rounded_only_where_the_machine_computes_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str | None, gpu: bool, temperature: float, wanted: str
) -> None:
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    monkeypatch.setattr(models, "CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(models, "GPU", tmp_path if gpu else tmp_path / "absent")
    assert models.dtype_for("auto", temperature) == wanted
    assert models.dtype_for("float32", 1.0) == "float32"
