"""What the page of `rlra eval` says of files without a manifest, of URLs and of pipes: all that was read is in it."""

import html
import re
from pathlib import Path

import pytest

from rlra_cli.eval_pages import origins_of
from schemas.jsonl import Source
from tests.contract.material import lay_out
from tests.running import Runner


@pytest.fixture
def laid(run: Runner) -> Runner:
    """Return a runner in a folder with two judged files, only the first with a manifest, and options for `eval`."""
    lay_out(run)
    done = run.inside("judge", "rollouts.jsonl", "-o", "before.jsonl", "--rubrics", "rubric.yaml")
    assert done.code == 0, done.err
    run.write("after.jsonl", run.read("judged.jsonl"))
    run.write("e.yaml", "resamples: 50\n")
    return run


def again(run: Runner, *files: str) -> str:
    """Return what the page says of making it again."""
    done = run.inside("eval", *files, "-o", "report.jsonl", "--html", "report.html", "--spec", "e.yaml")
    assert done.code == 0, done.err
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    found = re.search(r'id="again".*?<code>(.*?)</code>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_side_without_a_manifest_is_taken_as_it_is(laid: Runner) -> None:
    script = again(laid, "a=before.jsonl", "b=after.jsonl")
    head, _, rest = script.partition("\n\n")
    assert {"# after.jsonl", "# rollouts.jsonl", "# rubric.yaml", "# e.yaml"} <= set(head.split("\n"))
    assert [line.split()[1] for line in rest.strip().split("\n")] == ["judge", "eval"]


def test_the_script_of_the_page_makes_the_same_bytes(laid: Runner, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a folder that holds nothing but what it says it takes as it is."""
    script = again(laid, "a=before.jsonl", "b=after.jsonl")
    clean = Runner(tmp_path_factory.mktemp("clean"))
    for line in script.partition("\n\n")[0].split("\n")[3:]:
        name = line.removeprefix("# ")
        clean.write(name, laid.read(name))
    clean.write("again.sh", script)
    done = clean.shell("bash again.sh")
    assert done.code == 0, done.err
    for made in ("before.jsonl", "report.jsonl"):
        assert clean.read(made) == laid.read(made)


def test_where_no_side_has_a_manifest(laid: Runner) -> None:
    (laid.folder / "before.jsonl.manifest.json").unlink()
    script = again(laid, "a=before.jsonl", "b=after.jsonl")
    assert "# after.jsonl\n" in script and "# before.jsonl\n" in script and "rlra judge" not in script
    assert script.rstrip().split("\n")[-1].startswith("rlra eval a=before.jsonl b=after.jsonl")


def test_urls_are_followed_and_pipes_are_not(laid: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    monkeypatch.chdir(laid.folder)
    far = fsspec.filesystem("memory")
    for name in ("rollouts.jsonl", "rubric.yaml", "before.jsonl", "before.jsonl.manifest.json"):
        far.pipe(f"/origins/{name}", Path(name).read_bytes())
    found = origins_of([Source("-"), Source("memory://origins/before.jsonl"), Source("after.jsonl")])
    assert {each.path: each.state for each in found} == {
        "memory://origins/before.jsonl": "holds",
        "memory://origins/rollouts.jsonl": "no manifest",
        "memory://origins/rubric.yaml": "no manifest",
        "after.jsonl": "no manifest",
    }
    assert origins_of([Source("-"), Source("/dev/null")]) == []
