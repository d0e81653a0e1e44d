"""Where `rlra provenance` finds things: rounds, shards, pipes, patterns, copies, models of others, hostile names."""

import shutil
from pathlib import Path

import orjson
import pytest

from rlra_cli.run_places import places
from schemas.manifest import read_manifest
from stages.provenance import origins
from stages.reports import spending
from tests.contract.material import lay_out
from tests.provenance_chain import LEARN, RUBRIC, aged, chain_of, moved, ok, with_sources
from tests.running import Runner

JUDGE = ["--rubrics", "rubric.yaml"]
ROUNDS = ["--rounds", "2", "--prompts-per-round", "2", "--model", "hf:tiny", *JUDGE, "--rollout-options", "one.yaml"]


@pytest.fixture
def laid(run: Runner) -> Runner:
    """Return a runner in a folder with a small file of every kind."""
    lay_out(run)
    return run


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Return a runner in a folder where two rounds were trained."""
    run = with_sources(tmp_path_factory.mktemp("rounds"))
    run.write("one.yaml", "{processes: 1, group_size: 4, max_tokens: 12, dtype: float32}\n")
    ok(run, "train", "prompts.jsonl", "-o", "out/run", *ROUNDS, *LEARN)
    return run


@pytest.mark.parametrize("age", [lambda run: run, aged], ids=["as written", "as once written"])
def test_rounds(rounds: Runner, tmp_path: Path, age: object) -> None:
    """A file of the last round leads through the model of the first, whose weights are gone on purpose, to prompts."""
    run = moved(rounds, tmp_path / "elsewhere")
    assert callable(age)
    age(run)
    last, first = "out/run/round-2", "out/run/round-1"
    chain = chain_of(run, f"{last}/judged.jsonl", "--check")
    assert set(chain) == {
        *(f"{last}/{name}.jsonl" for name in ("judged", "rollouts", "tasks")),
        *(f"{first}/{name}" for name in ("model", "kept.jsonl", "judged.jsonl", "rollouts.jsonl", "tasks.jsonl")),
        *("out/run", "prompts.jsonl", "rubric.yaml", "one.yaml", "tiny"),
    }
    made_of = {"input": f"{last}/tasks.jsonl", "option.rollout_options": "one.yaml", "model": f"{first}/model"}
    made_of["run"] = "out/run"
    assert chain[f"{last}/rollouts.jsonl"]["inputs"] == made_of
    assert chain[f"{first}/model"]["state"] == "missing"
    assert {line["command"] for line in chain.values() if "command" in line} == {
        " ".join(["rlra train prompts.jsonl -o out/run", *ROUNDS, *LEARN])
    }
    script = run.inside("provenance", f"{last}/judged.jsonl", "--commands").out.decode()
    assert [line.split()[:2] for line in script.split("\n") if line.startswith("rlra")] == [["rlra", "train"]]


def test_a_stale_round(rounds: Runner, tmp_path: Path) -> None:
    """What changed before weights that are gone makes stale what they answered."""
    run = moved(rounds, tmp_path / "elsewhere")
    kept = "out/run/round-1/kept.jsonl"
    run.write(kept, run.read(kept) + b"\n")
    chain = chain_of(run, "out/run/round-2/judged.jsonl", "--check", code=4)
    model = chain["out/run/round-1/model"]
    assert model["state"] == "missing" and "stale too; kept.jsonl is not what it was made from" in model["why"]
    assert chain["out/run/round-2/judged.jsonl"]["state"] == "stale"
    assert chain["out/run/round-1/judged.jsonl"]["state"] == "holds"


def test_the_run_of_rounds_is_one_step(rounds: Runner) -> None:
    """Its model was made by one command from the prompts; of the rounds inside one asks by their files."""
    chain = chain_of(rounds, "out/run", "--check")
    assert set(chain) == {"out/run", "prompts.jsonl", "rubric.yaml", "one.yaml", "tiny"}


def test_the_run_of_rounds_counts_what_its_rounds_took(rounds: Runner) -> None:
    """No file of a round is in its chain: what they sampled and left out stands in the run's own manifest."""
    folder = rounds.folder / "out/run"
    made = [("rollouts", "responses"), ("rollouts", "tokens"), ("kept", "records")]
    responses, tokens, kept = (
        sum(read_manifest(folder / f"round-{n}/{name}.jsonl.manifest.json").run["counts"][count] for n in (1, 2))
        for name, count in made
    )
    assert responses == 2 * 2 * 4 and tokens > 0 and kept > 0
    (run,) = (step for step in spending.steps(origins(str(folder))) if step.stage == "train")
    assert (run.figures["responses"], run.figures["tokens"]) == (responses, tokens)
    (sieve,) = spending.sieves(origins(str(folder)))
    assert (sieve.kept, sieve.came) == (kept, 2 * 2)


def test_shards(laid: Runner) -> None:
    """What was merged leads to its shards, and to what they were made from."""
    for number in (1, 2):
        ok(laid, "judge", "rollouts.jsonl", *JUDGE, "--shard", f"{number}/2", "-o", f"{number}.jsonl")
    ok(laid, "merge", "2.jsonl", "1.jsonl", "-o", "whole.jsonl")
    chain = chain_of(laid, "whole.jsonl", "--check")
    assert set(chain["whole.jsonl"]["inputs"].values()) == {"1.jsonl", "2.jsonl", "rollouts.jsonl", "rubric.yaml"}
    assert chain["whole.jsonl"]["command"] == "rlra merge 2.jsonl 1.jsonl -o whole.jsonl"
    script = laid.inside("provenance", "whole.jsonl", "--commands").out.decode().split("\n")
    assert [line.split()[1] for line in script if line.startswith("rlra")] == ["judge", "judge", "merge"]
    laid.write("rollouts.jsonl", laid.read("rollouts.jsonl") + b"\n")
    assert chain_of(laid, "whole.jsonl")["whole.jsonl"]["state"] == "stale"


def test_a_pattern_and_a_folder(laid: Runner) -> None:
    """Several files that were read as one: the pattern, or the folder, leads to each of them."""
    (laid.folder / "parts").mkdir()
    for number, line in enumerate(laid.read("rollouts.jsonl").splitlines(keepends=True)):
        laid.write(f"parts/{number}.jsonl", line)
    for source in ("parts/*.jsonl", "parts"):
        ok(laid, "judge", source, *JUDGE, "-o", "new.jsonl")
        chain = chain_of(laid, "new.jsonl", "--check")
        assert chain["new.jsonl"]["inputs"]["input"] == source
        assert set(chain[source]["inputs"].values()) == {f"parts/{number}.jsonl" for number in range(3)}
    laid.write("parts/1.jsonl", laid.read("parts/1.jsonl") + b"\n")
    chain = chain_of(laid, "new.jsonl", "--check", code=4)
    assert (chain["parts"]["state"], chain["new.jsonl"]["state"]) == ("changed", "stale")


def test_a_pipe(laid: Runner) -> None:
    """What came through a pipe is not known, unless a file beside it has its bytes; no command can make it again."""
    piped = laid("judge", "-", *JUDGE, "-o", "new.jsonl", stdin=laid.read("rollouts.jsonl"))
    assert piped.code == 0, piped.err
    chain = chain_of(laid, "new.jsonl", "--check")
    assert chain["stdin of new.jsonl"]["why"] == "came through a pipe"
    script = laid.inside("provenance", "new.jsonl", "--commands").out.decode()
    assert "# rlra judge - --rubrics rubric.yaml -o new.jsonl\n" in script
    assert not [line for line in script.split("\n") if line.startswith("rlra")]


@pytest.mark.parametrize("end", ["", ".gz", ".zst"])
def test_a_pipe_from_a_file_that_is_there(laid: Runner, end: str) -> None:
    """What came through a pipe is known by its digest, and the script pipes it again."""
    ok(laid, "judge", "rollouts.jsonl", *JUDGE, "-o", "first.jsonl")
    ok(laid, "judge", "rollouts.jsonl", *JUDGE, "-o", f"kept.jsonl{end}")
    first = laid.read("first.jsonl")
    for left in ("first.jsonl", "first.jsonl.manifest.json"):
        (laid.folder / left).unlink()
    piped = laid("judge", "-", *JUDGE, "-o", "other.jsonl", stdin=first)
    assert piped.code == 0, piped.err
    assert chain_of(laid, "other.jsonl", "--check")["other.jsonl"]["inputs"]["input"] == f"kept.jsonl{end}"
    laid.write("again.sh", laid.inside("provenance", "other.jsonl", "--commands").out)
    before = laid.read("other.jsonl")
    (laid.folder / "other.jsonl").unlink()
    if end == ".zst" and not shutil.which("zstd"):
        pytest.skip("zstd is not installed")
    assert laid.shell("bash again.sh").code == 0
    assert laid.read("other.jsonl") == before


def test_a_copy(laid: Runner) -> None:
    """A file without a manifest whose bytes are those of one beside it leads on to that, until somebody edits it."""
    ok(laid, "generate-rubrics", "prompt.jsonl", "-o", "made.jsonl")
    laid.write("accepted.jsonl", laid.read("made.jsonl"))
    chain = chain_of(laid, "accepted.jsonl", "--check")
    assert chain["accepted.jsonl"]["why"] == "the same bytes as made.jsonl"
    assert "prompt.jsonl" in chain
    laid.write("prompt.jsonl", laid.read("prompt.jsonl") + b"\n")
    assert chain_of(laid, "accepted.jsonl")["accepted.jsonl"]["state"] == "stale"
    made = laid.read("made.jsonl")
    laid.write("made.jsonl", made + b"\n")  # its manifest still says the digest of both
    assert chain_of(laid, "accepted.jsonl", "--check").keys() == {"accepted.jsonl"}
    laid.write("made.jsonl", made)
    laid.write("accepted.jsonl", made + b"\n")
    assert chain_of(laid, "accepted.jsonl", "--check").keys() == {"accepted.jsonl"}


def test_a_template_beside_the_rubric(laid: Runner) -> None:
    """What a rubric inherits from belongs to the chain, wherever the rubric lies."""
    (laid.folder / "rubrics").mkdir()
    base = RUBRIC.replace("brief", "base")
    laid.write("rubrics/base.yaml", base)
    laid.write("rubrics/own.yaml", "rubric: own\ninherits: base\n")
    ok(laid, "judge", "rollouts.jsonl", "--rubrics", "rubrics/own.yaml", "-o", "out/new.jsonl")
    for run in (laid, aged(laid)):
        chain = chain_of(run, "out/new.jsonl", "--check")
        assert {"rubrics/own.yaml", "rubrics/base.yaml"} <= chain.keys()
    laid.write("rubrics/base.yaml", base.replace("0.5", "0.25"))
    assert chain_of(laid, "out/new.jsonl")["out/new.jsonl"]["state"] == "stale"


def test_names_that_are_hostile(laid: Runner) -> None:
    """Nothing that a file's name or a manifest says acts on the terminal or in the script."""
    name = "x'$(touch hacked)\x1b[31m\n`touch hacked`.jsonl"
    laid.write(name, laid.read("rollouts.jsonl"))
    ok(laid, "judge", name, *JUDGE, "-o", "new.jsonl")
    manifest = orjson.loads(laid.read("new.jsonl.manifest.json"))
    before = laid.read("new.jsonl")
    done = laid.inside("provenance", "new.jsonl")
    assert done.code == 0 and "\x1b" not in done.err
    script = laid.inside("provenance", "new.jsonl", "--commands").out
    assert b"\x1b" not in script
    laid.write("again.sh", script)
    (laid.folder / "new.jsonl").unlink()
    again = laid.shell("bash again.sh")
    assert again.code == 0, again.err
    assert laid.read("new.jsonl") == before
    assert "hacked" not in laid.names()
    laid.write("new.jsonl.manifest.json", orjson.dumps(manifest).replace(b'"seed":0', b'"seed":9' + b"9" * 30))
    assert "new.jsonl: its manifest says what no line can: spec" in laid.inside("provenance", "new.jsonl").err
    odd = ((None, "x"), (5, 10**18), ([1], None), (["judge", "-o"], "x"), (["-o", ""], "x"))
    for argv, seconds in odd:
        said = orjson.dumps({**manifest, "run": {"argv": argv, "seconds": seconds, "cwd": 3}})
        laid.write("new.jsonl.manifest.json", said.replace(b"0" * 18, b"0" * 400))
        assert laid.inside("provenance", "new.jsonl").code == 0


def test_a_circle_ends(laid: Runner) -> None:
    """Manifests that name each other, which no command writes, are followed once and told of."""
    for name, other in (("a.jsonl", "b.jsonl"), ("b.jsonl", "a.jsonl")):
        laid.write(name, laid.read("rollouts.jsonl"))
        recipe = {"stage": "judge", "rlra": "0", "spec": {}, "inputs": {"input": {"name": other, "sha256": "0"}}}
        laid.write(f"{name}.manifest.json", orjson.dumps({"recipe": recipe, "run": {}}))
    chain = chain_of(laid, "a.jsonl", "--check", code=4)
    assert set(chain) == {"a.jsonl", "b.jsonl"}
    assert "a circle" in chain["b.jsonl"]["why"]


def test_secrets_stay_out(laid: Runner) -> None:
    """A password in a URL is neither in the manifest nor in what is printed of it."""
    url = f"file://{laid.folder}/rollouts.jsonl"
    ok(laid, "judge", url, *JUDGE, "-o", "new.jsonl")
    manifest = orjson.loads(laid.read("new.jsonl.manifest.json"))
    manifest["run"]["argv"][1] = "https://me:hunter2@host/x.jsonl?key=hunter2"
    laid.write("new.jsonl.manifest.json", orjson.dumps(manifest))
    done = laid.inside("provenance", "new.jsonl")
    assert done.code == 0 and b"hunter2" not in done.out and "hunter2" not in done.err
    assert chain_of(laid, "new.jsonl", "--check")["new.jsonl"]["inputs"]["input"] == "rollouts.jsonl"


def test_a_manifest_tells_no_place_of_this_machine(
    laid: Runner, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths are said; one from a folder that was typed in full to where one is would tell where that is."""
    monkeypatch.chdir(laid.folder)
    inside, outside = {"input": "rollouts.jsonl"}, str(tmp_path_factory.mktemp("far"))
    assert places("out", inside, {}) == {"inputs": {"input": "../rollouts.jsonl"}, "cwd": ".."}
    assert places(str(laid.folder / "out"), inside, {}) == {"inputs": {"input": "../rollouts.jsonl"}, "cwd": ".."}
    assert places(outside, inside, {}) == {"inputs": {}}
    assert places("s3://bucket/out/", {**inside, "far": "s3://me:key@bucket/x.jsonl?k=1"}, {}) == {
        "inputs": {"far": "s3://bucket/x.jsonl"}
    }
    assert places("out", {"input": "-", "set": "hf:org/name"}, {"model": "hf:org/name"}) == {"inputs": {}, "cwd": ".."}
    ok(laid, "judge", "rollouts.jsonl", *JUDGE, "-o", f"{outside}/new.jsonl")
    manifest = orjson.loads(Path(outside, "new.jsonl.manifest.json").read_bytes())
    assert manifest["run"]["inputs"] == {} and "cwd" not in manifest["run"]
    assert laid.folder.name not in orjson.dumps(manifest).decode()


def test_a_url_of_another_machine(laid: Runner) -> None:
    """Manifests are read there, and what they name is found from there, in any file system that fsspec knows."""
    import fsspec

    ok(laid, "judge", "rollouts.jsonl", *JUDGE, "-o", "out/new.jsonl")
    far = fsspec.filesystem("memory")
    for name in ("rollouts.jsonl", "rubric.yaml", "out/new.jsonl", "out/new.jsonl.manifest.json"):
        far.pipe(f"/pool/{name}", laid.read(name))
    done = laid.inside("provenance", "memory://pool/out/new.jsonl", "--check")
    assert done.code == 0, done.err
    states = {line["id"]: line["state"] for line in done.records}
    assert states == {
        "memory://pool/out/new.jsonl": "holds",
        "memory://pool/rollouts.jsonl": "no manifest",
        "memory://pool/rubric.yaml": "no manifest",
    }
    far.pipe("/pool/rubric.yaml", b"other")
    assert laid.inside("provenance", "memory://pool/out/new.jsonl", "--check").code == 4
    assert laid.inside("provenance", "memory://pool/none.jsonl").code == 1


def test_files_of_one_name(laid: Runner) -> None:
    """Of several inputs that are called alike, the one that is not as it was is the one that nothing else is."""
    for name, end in (("a", b""), ("b", b"\n")):
        (laid.folder / name).mkdir()
        laid.write(f"{name}/x.jsonl", laid.read("judged.jsonl") + end)
    ok(laid, "stats", "one=a/x.jsonl", "two=b/x.jsonl", "-o", "out.jsonl")
    laid.write("b/x.jsonl", laid.read("b/x.jsonl") + b"\n")
    for run in (laid, aged(laid)):
        states = {path: line["state"] for path, line in chain_of(run, "out.jsonl").items()}
        assert states == {"out.jsonl": "stale", "a/x.jsonl": "no manifest", "b/x.jsonl": "changed"}


def test_a_folder_that_was_typed_in_full_can_be_moved(laid: Runner) -> None:
    """What the command line named in full is found by where it lay, as seen from the manifest."""
    here = laid.folder / "first"
    (here / "data").mkdir(parents=True)
    for name in ("rollouts.jsonl", "rubric.yaml"):
        (laid.folder / name).rename(here / "data" / name)
    rubrics = ("--rubrics", f"{here}/data/rubric.yaml")
    ok(laid, "judge", f"{here}/data/rollouts.jsonl", *rubrics, "-o", f"{here}/out/x.jsonl")
    here.rename(laid.folder / "second")
    chain = chain_of(laid, "second/out/x.jsonl", "--check")
    assert set(chain) == {"second/out/x.jsonl", "second/data/rollouts.jsonl", "second/data/rubric.yaml"}
