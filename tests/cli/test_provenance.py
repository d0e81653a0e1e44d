"""`rlra provenance` on a pipeline that was really run: what led to what, and what an edit makes stale."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.provenance_chain import LEARN, MADE, RUBRIC, SOURCES, aged, carried_out, chain_of, moved, states_of
from tests.running import Runner

LAST = "out/stats.jsonl"
ROLLOUTS, JUDGED = "out/rollouts.jsonl.gz", "out/judged.jsonl"
OF_ROLLOUTS = MADE - {"out/tasks.jsonl", ROLLOUTS}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Return a runner in a folder where the pipeline was carried out."""
    return carried_out(tmp_path_factory.mktemp("made"))


@pytest.fixture(params=["as written", "as once written"])
def run(request: pytest.FixtureRequest, made: Runner, tmp_path: Path) -> Runner:
    """Return a runner in a copy of that folder, in another place; its manifests also as they were written once."""
    copy = moved(made, tmp_path / "elsewhere")
    return copy if request.param == "as written" else aged(copy)


def stale_in(states: dict[str, str]) -> set[str]:
    """Return what is stale."""
    return {path for path, state in states.items() if state == "stale"}


def test_the_whole_chain(run: Runner) -> None:
    """From the figures through the trained model to the prompts, whatever folder it lies in by now; all of it holds."""
    chain = chain_of(run, LAST, "--check")
    assert chain.keys() == MADE | SOURCES
    assert {path for path, line in chain.items() if line["state"] == "holds"} == MADE
    assert {path for path, line in chain.items() if line["state"] == "no manifest"} == SOURCES
    assert next(iter(chain)) == LAST
    assert chain["out/after.rollouts.jsonl"]["inputs"] == {"input": "out/tasks.jsonl", "model": "out/run"}
    assert chain["out/run"]["inputs"] == {"input": "out/kept.jsonl", "model": "tiny"}
    assert chain["out/run"]["command"] == " ".join(["rlra train out/kept.jsonl -o out/run --model hf:tiny", *LEARN])
    assert chain["out/run"]["folder"] == "."
    assert chain["out/tasks.jsonl"]["sha256"] == hashlib.sha256(run.read("out/tasks.jsonl")).hexdigest()
    assert (chain["prompts.jsonl"]["records"], chain[ROLLOUTS]["counts"]["responses"]) == (6, 24)
    assert chain["out/run"]["spec"]["learning_rate"] == 1e-3


def test_from_another_folder(run: Runner) -> None:
    """Paths are told from where one is."""
    above = Runner(run.folder.parent)
    assert set(chain_of(above, f"elsewhere/{LAST}")) == {f"elsewhere/{path}" for path in MADE | SOURCES}


def touched(run: Runner) -> None:
    for path in run.folder.rglob("*"):
        os.utime(path, (1, 1))


def prompt_added(run: Runner) -> None:
    run.write("prompts.jsonl", run.read("prompts.jsonl") + b'{"id": "new", "prompt": "Hi."}\n')


def rubric_edited(run: Runner) -> None:
    run.write("rubric.yaml", RUBRIC.replace("0.5", "0.25"))


def tasks_made_again(run: Runner) -> None:
    assert run.inside("generate-rubrics", "prompts.jsonl", "-o", "out/tasks.jsonl", "--seed", "9").code == 0


def judged_edited(run: Runner) -> None:
    run.write(JUDGED, run.read(JUDGED).replace(b'"reward":1.0', b'"reward":0.75'))


def weights_edited(run: Runner) -> None:
    path = run.folder / "out/run/model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    ("edit", "changed", "stale"),
    [
        (touched, set(), set()),
        (prompt_added, {"prompts.jsonl"}, MADE),
        (rubric_edited, {"rubric.yaml"}, OF_ROLLOUTS),
        (tasks_made_again, set(), MADE - {"out/tasks.jsonl"}),
        (
            judged_edited,
            {JUDGED},
            {"out/kept.jsonl", "out/run", "out/after.rollouts.jsonl", "out/after.judged.jsonl", LAST},
        ),
        (weights_edited, {"out/run"}, {"out/after.rollouts.jsonl", "out/after.judged.jsonl", LAST}),
    ],
)
def test_what_an_edit_makes_stale(
    run: Runner, edit: Callable[[Runner], None], changed: set[str], stale: set[str]
) -> None:
    """What was edited has changed, all that was made from it is stale, and nothing else; a time tells nothing."""
    edit(run)
    states = states_of(run, LAST)
    assert {path for path, state in states.items() if state == "changed"} == changed
    assert stale_in(states) == stale
    assert run.inside("provenance", LAST, "--check").code == (4 if changed or stale else 0)


def test_the_reason_is_told(run: Runner) -> None:
    """Of what is stale one reads which of its inputs is another, and of what follows what before it is stale."""
    tasks_made_again(run)
    chain = chain_of(run, LAST)
    assert chain[ROLLOUTS]["why"] == "tasks.jsonl is not what it was made from"
    assert chain[JUDGED]["why"] == "rollouts.jsonl.gz is stale"
    done = run.inside("provenance", LAST, "--check")
    assert "stale: tasks.jsonl is not what it was made from" in done.err
    assert done.code == 4 and "rlra: provenance: not as it was made: out/stats.jsonl (stale)" in done.err


def test_the_same_bytes_by_another_recipe(run: Runner) -> None:
    """A file that comes out the same from other inputs is not what was used: what went into it is another."""
    run.write("more.jsonl", run.read("prompts.jsonl"))
    run.write("prompts.jsonl", run.read("prompts.jsonl").replace(b'"prompt":', b'"prompt": '))
    before = run.read("out/tasks.jsonl")
    assert run.inside("generate-rubrics", "prompts.jsonl", "-o", "out/tasks.jsonl").code == 0
    assert run.read("out/tasks.jsonl") == before
    why = chain_of(run, LAST)[ROLLOUTS]["why"]
    assert why == "tasks.jsonl was made again from other inputs or with other options"


def test_a_renamed_file_is_known_by_its_digest(run: Runner) -> None:
    """With its manifest beside it."""
    for end in ("", ".manifest.json"):
        (run.folder / f"{ROLLOUTS}{end}").rename(run.folder / f"out/sampled.jsonl.gz{end}")
    chain = chain_of(run, JUDGED, "--check")
    assert chain[JUDGED]["inputs"]["input"] == "out/sampled.jsonl.gz"
    assert "prompts.jsonl" in chain


def test_a_missing_file(run: Runner) -> None:
    """It is told where it was looked for, and that is no proof of anything; what is behind it is not known."""
    for end in ("", ".manifest.json"):
        (run.folder / f"{ROLLOUTS}{end}").unlink()
    chain = chain_of(run, JUDGED, "--check", code=4)
    assert chain[ROLLOUTS]["state"] == "missing"
    assert "prompts.jsonl" not in chain
    assert chain[JUDGED]["state"] == "holds"


def test_a_missing_file_whose_manifest_is_there(run: Runner) -> None:
    """What is behind it is followed."""
    (run.folder / ROLLOUTS).unlink()
    chain = chain_of(run, JUDGED, "--check", code=4)
    assert (chain[ROLLOUTS]["state"], chain[ROLLOUTS]["why"]) == ("missing", "only its manifest is there")
    assert chain["prompts.jsonl"]["state"] == "no manifest"
    prompt_added(run)
    assert states_of(run, JUDGED)[JUDGED] == "stale"


def test_a_missing_manifest(run: Runner) -> None:
    """A file that had a manifest when it was used is no source."""
    (run.folder / f"{ROLLOUTS}.manifest.json").unlink()
    chain = chain_of(run, JUDGED, "--check", code=4)
    assert (chain[ROLLOUTS]["state"], chain[ROLLOUTS]["why"]) == ("no manifest", "it had one, which is gone")


def test_a_model_that_is_gone(run: Runner) -> None:
    """A folder is missed, and not taken for the name of a model on a hub."""
    (run.folder / "out/run").rename(run.folder / "gone")
    chain = chain_of(run, LAST, "--check", code=4)
    assert chain["out/run"]["state"] == "missing"


def test_what_a_command_wrote_besides(run: Runner) -> None:
    """Rejects, pages and logs have no manifest, and lead to what their command made; stale like that."""
    for name, made_by in (("out/rejects.jsonl", "out/kept.jsonl"), ("out/run/train_log.jsonl", "out/run")):
        chain = chain_of(run, name, "--check")
        assert chain[name]["inputs"] == {"beside": made_by}
        assert "prompts.jsonl" in chain
    prompt_added(run)
    assert states_of(run, "out/rejects.jsonl")["out/rejects.jsonl"] == "stale"


def test_names_of_the_same_thing(run: Runner) -> None:
    """A manifest stands for its artifact, and a URL for the file; several files make one chain."""
    chain = states_of(run, JUDGED)
    assert states_of(run, f"{JUDGED}.manifest.json") == chain
    assert states_of(run, "out/run") == states_of(run, "out/run/manifest.json")
    both = states_of(run, "out/run", JUDGED)
    assert both == {**states_of(run, "out/run"), **chain}
    assert states_of(run, f"file://{run.folder}/{JUDGED}") == chain


def test_the_commands_make_it_again(made: Runner, tmp_path: Path) -> None:
    """In a folder with the sources alone, the script makes the same bytes; here as little as one needs."""
    run = moved(made, tmp_path / "again")
    script = run.inside("provenance", JUDGED, "--commands")
    assert script.code == 0
    before = run.read(JUDGED)
    for path in (run.folder / "out").glob("*.jsonl*"):
        path.unlink()
    run.write("again.sh", script.out)
    done = run.shell("bash again.sh")
    assert done.code == 0, done.err
    assert run.read(JUDGED) == before
    commands = [line for line in script.out.decode().split("\n") if line.startswith("rlra ")]
    assert [line.split()[1] for line in commands] == ["generate-rubrics", "rollout", "judge"]
    assert (
        "(cd -- again && rlra judge"
        in Runner(tmp_path).inside("provenance", f"again/{JUDGED}", "--commands").out.decode()
    )


def test_who_cannot_be_asked(run: Runner) -> None:
    """A pipe, a file that is not there, and a manifest that is none: one sentence each."""
    assert run.inside("provenance", "-").code == 1
    assert "nothing.jsonl: no such file or directory" in run.inside("provenance", "nothing.jsonl").err
    run.write(f"{JUDGED}.manifest.json", b"{")
    done = run.inside("provenance", JUDGED)
    assert done.code == 1 and "not a readable manifest" in done.err
    chain = chain_of(run, LAST, "--check", code=4)
    assert chain[JUDGED]["state"] == "no manifest" and "not a readable manifest" in chain[JUDGED]["why"]


def test_the_record_can_be_kept(run: Runner) -> None:
    """With --output, as a file with a manifest of its own, which leads to what was asked for."""
    done = run.inside("provenance", JUDGED, "-o", "chain.jsonl", "--summary", "s.json", "--quiet")
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert orjson.loads(run.read("s.json"))["hold"] == 3
    assert chain_of(run, "chain.jsonl")["chain.jsonl"]["inputs"] == {"input.0": JUDGED}
