"""The headline example: its prompts are its own and clean, its round is chosen by the guard, its table counts right."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from schemas.errors import RlraError
from schemas.jsonl import to_line
from schemas.judged import Judged
from schemas.report import Change, Report, Side
from schemas.rubric import Criterion, Rubric
from tests.judged_lines import answer, group
from tests.running import Runner, records
from tests.stages.shared_texts import SHARED, needs_shared

HOME = Path(__file__).parents[2] / "examples" / "headline"
KINDS = ("punctuation:no_comma", "detectable_format:title", "keywords:frequency")
GIVEN = {"keywords:frequency": {"keyword": "yes", "frequency": 1, "relation": "at least"}}


def module(name: str) -> ModuleType:
    """Import a script of the example, which is no package."""
    spec = importlib.util.spec_from_file_location(f"headline_{name}", HOME / f"{name}.py")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


ASKS_FOR = {
    "at_most_words": "length_constraints:number_words",
    "sentence_count": "length_constraints:number_sentences",
    "paragraph_count": "length_constraints:number_paragraphs",
    "no_commas": "punctuation:no_comma",
    "forbidden_words": "keywords:forbidden_words",
    "includes_words": "keywords:existence",
    "highlights": "detectable_format:number_highlighted_sections",
    "title": "detectable_format:title",
    "placeholders": "detectable_content:number_placeholders",
}
"""What IFEval calls that which each family asks for."""


def test_the_kinds_told_apart_as_trained_are_those_that_the_makefile_trains_on() -> None:
    (line,) = [line for line in (HOME / "Makefile").read_text().splitlines() if line.startswith("FAMILIES")]
    assert {ASKS_FOR[family] for family in line.partition(":=")[2].split()} == module("table").TRAINED


def test_ids_and_prompts_differ_from_those_of_the_quickstart() -> None:
    own = records((HOME / "prompts.jsonl").read_bytes())
    quick = HOME.parent / "quickstart"
    others = [line for name in ("prompts", "heldout") for line in records((quick / f"{name}.jsonl").read_bytes())]
    assert len(own) == 210
    for field in ("id", "prompt"):
        said = [line[field] for line in [*own, *others]]
        assert len(set(said)) == len(said)


@needs_shared
def test_no_prompt_shares_eight_words_with_ifeval(run: Runner) -> None:
    """With the constraints as they are written in: the phrasings are our own, too."""
    prompts = [*(HOME.parent / "quickstart" / "prompts.jsonl").read_bytes().splitlines(keepends=True)]
    run.write("p.jsonl", b"".join(prompts) + (HOME / "prompts.jsonl").read_bytes())
    assert run("generate-rubrics", "p.jsonl", "-o", "t.jsonl", "--per-prompt", "3").code == 0
    ifeval = str(SHARED / "ifeval" / "prompts.jsonl")
    done = run("select-data", "t.jsonl", "--tasks", "--decontaminate", ifeval, "--ngram", "8", "-o", "c.jsonl")
    assert done.code == 0, done.err
    assert len(records(run.read("c.jsonl"))) == len(records(run.read("t.jsonl"))) == 3 * 530


def test_without_ifeval_make_says_where_it_is_to_be_had() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    words = ["make", "-C", str(HOME), "-n"]
    done = subprocess.run(words, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "IFEVAL=" in done.stderr


def change(name: str, value: float) -> Change:
    return Change(name=name, better="higher", before=0, after=value, change=value, low=value, high=value, prompts=9)


def report(label: str, measure: Change, *criteria: Change) -> Report:
    side = Side(label=label, model="m", revision="r", prompts=9, responses=9, unscored=0)
    return Report(
        id=f"round-0..{label}",
        before=side,
        after=side,
        level=0.95,
        resamples=9,
        seed=0,
        measures=(measure,),
        criteria=criteria,
    )


def reported(folder: Path, *rounds: tuple[str, float, float, float]) -> tuple[Path, Path]:
    """Write what rounds gained in reward, on topic and in likelihood, and return the two files."""
    held, guard = folder / "rounds.jsonl", folder / "guard.jsonl"
    held.write_bytes(
        b"".join(
            to_line(report(label, change("reward", gain), change("on_topic", on))) for label, gain, on, _ in rounds
        )
    )
    guard.write_bytes(b"".join(to_line(report(label, change("reference_loglik", at))) for label, *_, at in rounds))
    return held, guard


def test_the_best_round_that_the_guard_lets_through_is_chosen(tmp_path: Path) -> None:
    choose = module("choose")
    unlikely, astray = ("round-3", 0.3, 0.2, -0.051), ("round-4", 0.4, -0.01, 0.0)
    held, guard = reported(tmp_path, ("round-1", 0.1, 0.1, 0.0), ("round-2", 0.2, 0.0, -0.05), unlikely, astray)
    for number in range(1, 5):
        (tmp_path / "run" / f"round-{number}" / "model").mkdir(parents=True)
    choose.main(held, guard, tmp_path / "run", tmp_path / "chosen")
    assert (tmp_path / "chosen").resolve() == tmp_path / "run" / "round-2" / "model"
    assert (tmp_path / "chosen.txt").read_text() == "round-2\n"
    guard.write_bytes(guard.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(RlraError, match="says nothing of round-2"):
        choose.main(held, guard, tmp_path / "run", tmp_path / "again")
    with pytest.raises(RlraError, match="no round passes"):
        choose.main(*reported(tmp_path, unlikely, astray), tmp_path / "run", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def answered(name: str, *met: bool | str) -> Judged:
    """Return a prompt with three instructions, and whether its answer meets each."""
    rubric = Rubric(rubric="r", criteria=tuple(Criterion(id=kind, check={kind: GIVEN.get(kind, {})}) for kind in KINDS))
    said = [each if isinstance(each, str) else int(each) for each in met]
    return group(name, answer("Yes.", *said, rubric=rubric), rubric=rubric)


def test_the_table_counts_prompts_and_kinds_of_instructions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of four prompts one is met before and two after; kinds are counted apart; what failed is left out."""
    before = [answered(f"p{n}", n == 0, n < 2, True) for n in range(4)]
    after = [answered(f"p{n}", n < 2, n < 3, True) for n in range(4)]
    for folder, name, lines in (("base", "base", before), ("out", "trained", after)):
        lost = answered("lost", "failed" if name == "base" else True, True, True)
        (tmp_path / folder / "ifeval").mkdir(parents=True)
        (tmp_path / folder / "ifeval" / f"{name}.judged.jsonl").write_bytes(b"".join(map(to_line, [*lines, lost])))
    (tmp_path / "out" / "chosen").symlink_to("run/round-2/model")
    reported(tmp_path / "out", ("round-1", 0.1, 0.3, -0.03), ("round-2", 0.2, 0.1, -0.04))
    module("table").main(tmp_path / "base", [tmp_path / "out", tmp_path / "out"])
    said = capsys.readouterr().out.splitlines()
    means = {line[10:36].strip(): line[36:] for line in said if line.startswith("mean")}
    assert said[0] == "4 prompts, 1 left out"
    for measure, row in {
        "prompts": "25.0    50.0   +25.0 (",
        "instructions": "58.3    75.0   +16.7 (",
        "echoing cannot satisfy": "62.5    75.0   +12.5 (",
        "echoing can satisfy": "50.0    75.0   +25.0 (",
        "untrained kinds": "100.0   100.0    +0.0 (",
    }.items():
        assert row in means[measure], (measure, means[measure])
    guards = [line for line in said if "round-" in line]
    assert len(guards) == 4 and all("round-2" in line for line in guards)
    assert (
        "reference_loglik" in guards[0] and "-0.040" in guards[0] and "on_topic" in guards[1] and "+0.100" in guards[1]
    )
