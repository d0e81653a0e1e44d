"""What `rlra eval` shows of how far judges agree with people: files of `rlra eval agreement`, and anchors."""

from pathlib import Path

import orjson
import pytest

from schemas.jsonl import Source, to_line
from schemas.manifest import Manifest, Recipe, path_for, read_manifest
from stages.reports.agreeing import MOST_LINES
from tests.cli import test_eval_agreement
from tests.judged_lines import answer, group
from tests.running import Done, Runner
from tests.stages.test_report_html import Page

FEW = ("--resamples", "50", "--permutations", "50")


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """Return a runner in a folder with two judged files, and what people say of a judge."""
    runner = Runner(tmp_path)
    for name, met in (("base", 0), ("new", 1)):
        lines = [group(f"p{n}", answer("Yes.", 2 * met, n % 2, 0, 0)) for n in range(6)]
        runner.write(f"{name}.jsonl", b"".join(map(to_line, lines)))
    test_eval_agreement.lay_out(runner)
    made = runner.inside(
        "eval", "agreement", "labels.csv", "judged.jsonl", "-o", "agreement.jsonl", "--resamples", "50"
    )
    assert made.code == 0, made.err
    return runner


def compared(run: Runner, *more: str) -> Done:
    return run.inside("eval", "base.jsonl", "new.jsonl", "-o", "report.jsonl", *FEW, *more)


def judges(run: Runner) -> str:
    """Return what the page says under Judges."""
    text = " ".join(Page(run.read("page.html").decode()).text.split())
    return text[text.rindex("Judges policy") : text.rindex("Costs and times")]


def test_a_file_of_agreement_stands_under_judges_with_its_intervals_and_its_ceiling(run: Runner) -> None:
    done = compared(run, "--agreement", "agreement.jsonl", "--html", "page.html", "--markdown", "page.md")
    assert done.code == 0, done.err
    overall, *criteria = [orjson.loads(line) for line in run.read("agreement.jsonl").splitlines()]
    text = judges(run)
    for line in (overall, *criteria):
        found = line["judge"].get("kappa", {})
        assert (line.get("criterion") or line["about"]) in text
        if found.get("low") is not None:
            told = " to ".join(f"{found[end]:.3f}".replace("-", "−") for end in ("low", "high"))
            assert f"{found['value']:.3f} ({told})".replace("-", "−") in text
    assert f"kappa {overall['people']['kappa']['value']:.3f}" in text
    assert "not whether it is right" not in text
    said = run.read("page.md").decode().splitlines()[-1]
    assert said.startswith("Judge against people (`agreement.jsonl`, `overall`): accuracy ")
    assert f"kappa {overall['judge']['kappa']['value']:.3f}" in said.replace("−", "-")
    assert "agreement.0" in read_manifest(path_for(run.folder / "report.jsonl")).recipe.inputs


def test_anchors_of_a_judge_among_the_steps_stand_there_too(run: Runner) -> None:
    sha256, records = Source(str(run.folder / "new.jsonl")).fingerprint()
    recipe = Recipe(stage="judge", rlra="1", spec={}, inputs={}, sha256=sha256, records=records)
    anchors = orjson.loads(run.read("agreement.jsonl").splitlines()[0])
    manifest = run.folder / "new.jsonl.manifest.json"
    for found in ({"anchors": anchors}, {}, {"anchors": {"schema": "agreement/1"}}):
        manifest.write_text(
            Manifest(recipe=recipe, run={"argv": ["judge", "--anchors", "a"], **found}).model_dump_json()
        )
        assert compared(run, "--html", "page.html").code == 0
        assert ("anchors of new.jsonl" in judges(run)) == (found == {"anchors": anchors})
    assert "its manifest does not say how far it agreed" in judges(run)


def test_only_the_first_of_many_criteria_are_shown(run: Runner) -> None:
    overall, criterion, *_ = [orjson.loads(line) for line in run.read("agreement.jsonl").splitlines()]
    many = [{**criterion, "id": f"c{n}", "criterion": f"criterion-{n:02d}"} for n in range(MOST_LINES + 3)]
    run.write("many.jsonl", b"".join(orjson.dumps(line) + b"\n" for line in (*many, overall)))
    assert compared(run, "--agreement", "many.jsonl", "--html", "page.html").code == 0
    text = judges(run)
    assert f"criterion-{MOST_LINES - 2:02d}" in text and f"criterion-{MOST_LINES - 1:02d}" not in text
    assert "4 more lines" in text and text.index("overall") < text.index("criterion-00")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--agreement", "new.jsonl", "--html", "x.html"], "new.jsonl:1: schema: this is a judged line, and agreement"),
        (["--agreement", "labels.csv", "--html", "x.html"], "labels.csv:1: not JSON"),
        (["--agreement", "empty.jsonl", "--html", "x.html"], "empty.jsonl: has no line"),
        (["--agreement", "agreement.jsonl"], "--agreement goes with --html and --markdown"),
        (
            ["--agreement", "agreement.jsonl", "--html", "agreement.jsonl"],
            "agreement.jsonl: is read or written already",
        ),
    ],
)
def test_what_is_no_agreement_is_refused_before_anything_is_compared(run: Runner, words: list[str], said: str) -> None:
    run.write("empty.jsonl", b"")
    done = compared(run, *words)
    assert done.code == 1 and done.err.startswith(f"rlra: {said}"), done.err
    assert not {"report.jsonl", "x.html"} & run.names()
