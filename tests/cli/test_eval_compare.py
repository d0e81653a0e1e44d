"""`rlra eval`: two or more policies on one or more axes, in tables, in `report/1` lines, and held to gates."""

from html import unescape
from pathlib import Path

import orjson
import pytest

from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.manifest import path_for, read_manifest
from schemas.report import Report
from stages.eval import EvalSpec, corrected, evaluate
from tests.judged_lines import answer, group
from tests.running import Done, Runner
from tests.stages.training_groups import RUBRIC

AXES = {
    "hard": {"base": [0, 0, 0, 1], "one": [1, 1, 1, 1], "two": [1, 0, 1, 1]},
    "soft": {"base": [1, 1, 0, 1], "one": [0, 0, 0, 0], "two": [1, 1, 1, 1]},
}
FEW = ("--resamples", "500", "--permutations", "2000")
SPEC = EvalSpec(resamples=500, permutations=2000)


def lines(axis: str, label: str, rewards: list[int]) -> list[Judged]:
    """Return a judged line for each of the rewards, ten times over: intervals of few prompts say nothing."""
    return [
        group(f"{axis}-{n}", answer("Yes.", rewards[n % 4], rubric=RUBRIC), rubric=RUBRIC, model=label)
        for n in range(40)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path)
    for axis, labels in AXES.items():
        for label, rewards in labels.items():
            runner.write(f"{axis}.{label}.jsonl", b"".join(map(to_line, lines(axis, label, rewards))))
    return runner


WORDS = [f"{axis}:{label}={axis}.{label}.jsonl" for axis, labels in AXES.items() for label in labels]
HARD = [word.removeprefix("hard:") for word in WORDS[:3]]


def compared(run: Runner, *more: str) -> Done:
    return run.inside("eval", *WORDS, "-o", "seesaw.jsonl", *FEW, *more)


def rows(done: Done) -> dict[str, list[str]]:
    """Return the cells of all tables on stderr by the first of each line."""
    table = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.err.splitlines() if line.startswith("│")]
    return {first: rest for first, *rest in table}


def reports(run: Runner, name: str = "seesaw.jsonl") -> list[Report]:
    return list(Source(str(run.folder / name)).read(Report))


def test_one_line_for_each_policy_and_one_column_for_each_axis(run: Runner) -> None:
    """What stage one gains in `hard` it loses in `soft`; stage two has most of the one and more of the other."""
    done = compared(run)
    assert done.code == 0, done.err
    found = rows(done)
    assert list(found) == ["base", "one", "two"]
    assert found["base"] == ["0.250", "0.750"]
    for label, hard, soft in (
        ("one", ("1.000", "+0.750"), ("0.000", "−0.750")),
        ("two", ("0.750", "+0.500"), ("1.000", "+0.250")),
    ):
        for cell, words in zip(found[label], (hard, soft), strict=True):
            assert all(word in cell for word in words), cell
    assert "✓" not in done.err and "✗" not in done.err
    assert "rlra show" in done.err and "--html" in done.err


def test_more_axes_than_policies_are_lines(run: Runner) -> None:
    words = [word for word in WORDS if ":two" not in word]
    words += [f"{axis}-2:{label}={axis}.{label}.jsonl" for axis in AXES for label in ("base", "one")]
    found = rows(run.inside("eval", *words, *FEW))
    assert {axis: cells[0] for axis, cells in found.items()} == {
        "hard": "0.250",
        "soft": "0.750",
        "hard-2": "0.250",
        "soft-2": "0.750",
    }
    assert "−0.750" in found["soft-2"][1]


def test_the_output_is_what_each_pair_says_corrected_for_all(run: Runner) -> None:
    assert compared(run).code == 0
    found = reports(run)
    assert [report.id for report in found] == ["hard:base..one", "hard:base..two", "soft:base..one", "soft:base..two"]
    assert [report.axis for report in found] == ["hard", "hard", "soft", "soft"]
    alone = [
        evaluate(lines(axis, "base", by["base"]), lines(axis, label, by[label]), ("base", label), SPEC, axis=axis)
        for axis, by in AXES.items()
        for label in ("one", "two")
    ]
    assert list(map(to_line, found)) == list(map(to_line, corrected(alone, "holm")))
    assert compared(run, "--correction", "bh").code == 0
    assert list(map(to_line, reports(run))) == list(map(to_line, corrected(alone, "bh")))


def test_one_axis_needs_no_name_and_has_any_number_of_policies(run: Runner) -> None:
    done = run.inside("eval", *HARD, *FEW)
    assert done.code == 0, done.err
    assert [line["id"] for line in done.records] == ["base..one", "base..two"]
    assert not any("axis" in line for line in done.records)
    assert list(rows(done)) == ["base", "one", "two"]


def test_two_files_are_one_table_of_all_measures(run: Runner) -> None:
    done = run.inside("eval", *HARD[:2], *FEW)
    heads = next(line for line in done.err.splitlines() if "measure" in line)
    columns = ["measure", "base", "one", "change", "95% interval", "q", "prompts", "detectable", "reading"]
    assert [cell.strip() for cell in heads.split("┃")[1:-1]] == columns
    reward = rows(done)["reward"]
    assert reward[:3] == ["0.250", "1.000", "+0.750"] and reward[5] == "40" and reward[7] == "✓ better"
    assert 0 < float(reward[4].lstrip("<")) < 0.05 and 0 < float(reward[6]) < 0.75


def test_a_file_and_itself_are_the_same(run: Runner) -> None:
    done = run.inside("eval", "hard.base.jsonl", "hard.base.jsonl", *FEW)
    assert rows(done)["reward"] == ["0.250", "0.250", "0.000", "0.000 to 0.000", "1.000", "40", "–", "= same"]
    (report,) = done.records
    assert report["id"] == "hard.base..hard.base (2)"
    assert {(change["p"], change["q"]) for change in (*report["measures"], *report["criteria"])} == {(1.0, 1.0)}


def test_a_small_change_is_told_how_many_prompts_it_needs(run: Runner) -> None:
    run.write("a.jsonl", b"".join(map(to_line, lines("hard", "a", [0, 1, 0, 1]))))
    wavering = [*lines("hard", "b", [1, 0, 0, 1])[:39], *lines("hard", "b", [1, 1, 1, 1])[39:]]
    wavering[36] = lines("hard", "b", [0, 0, 0, 0])[36]
    run.write("b.jsonl", b"".join(map(to_line, wavering)))
    done = run.inside("eval", "a.jsonl", "b.jsonl", *FEW)
    (report,) = done.records
    needed = report["measures"][0]["needed"]
    assert needed > 40
    assert f"reward: to show a change of {rows(done)['reward'][2]} takes some {needed:,} prompts." in done.err


@pytest.mark.parametrize(
    ("gates", "missed"),
    [
        (["hard>=0.1"], ""),
        (["hard.reward>=0.1", "soft>=0", "soft.length_words<=0"], ""),
        (["hard>=0.1", "soft>=0.9"], "two does not pass the gate: soft.reward>=0.9 (its interval begins at +0.125)"),
        (["soft>=0.25"], "soft.reward>=0.25 (its interval begins at"),  # the change itself, and not its interval
        (["soft.all_met<=0.3", "hard.good<=0"], "soft.all_met<=0.3 (its interval ends at +0.4), hard.good<=0 (its"),
    ],
)
def test_the_last_policy_has_to_pass_the_gates(gates: list[str], missed: str, run: Runner) -> None:
    done = compared(run, *[word for gate in gates for word in ("--gate", gate)])
    assert done.code == (4 if missed else 0), done.err
    assert missed in done.err
    assert ("does not pass" in done.err) == bool(missed)
    held = [(report.id, gate.measure, gate.bar) for report in reports(run) for gate in report.gates]
    assert len(held) == 2 * len(gates)  # of both policies, and also where one was missed
    assert read_manifest(path_for(run.folder / "seesaw.jsonl")).recipe.spec["gate"] == gates


def test_every_policy_is_marked_and_only_the_last_one_is_held(run: Runner) -> None:
    """Stage one is far below the gate on `soft`."""
    done = compared(run, "--gate", "soft>=0", "--gate", "hard>=0.1")
    assert done.code == 0, done.err
    found = rows(done)
    assert [cell[-1] for cell in found["one"]] == ["✓", "✗"] and [cell[-1] for cell in found["two"]] == ["✓", "✓"]
    assert [cell[0] for cell in found["soft.reward>=0"]] == ["✗", "✓"]
    assert [gate.passed for report in reports(run) for gate in report.gates] == [True, True, False, True]


def test_a_single_prompt_has_no_interval_and_passes_no_gate(run: Runner) -> None:
    for label, reward in (("a", 0), ("b", 1)):
        run.write(f"{label}.jsonl", b"".join(map(to_line, lines("hard", label, [reward] * 4)[:1])))
    words = ("eval", "hard:a=a.jsonl", "hard:b=b.jsonl", "-o", "seesaw.jsonl")
    done = run.inside(*words, "--gate", "hard>=0.1")
    assert done.code == 4, done.err
    assert "b does not pass the gate: hard.reward>=0.1 (a single prompt, and below 10 " in done.err
    assert reports(run)[0].measures[0].p is None
    assert run.inside(*words).code == 0


def test_a_measure_without_a_value_passes_no_gate_and_an_unknown_one_is_an_error(run: Runner) -> None:
    done = run.inside("eval", *HARD[:2], *FEW, "--gate", "veto_rate<=0", "-o", "kept.jsonl")
    assert (done.code, len(reports(run, "kept.jsonl"))) == (4, 1)
    assert "veto_rate<=0 (no prompt has a value on both sides)" in done.err
    done = run.inside("eval", *HARD[:2], *FEW, "--gate", "speed>=0", "-o", "none.jsonl")
    assert done.code == 1
    assert "--gate: 'speed>=0': no measure and no criterion is called 'speed'" in done.err
    assert "there are reward, all_met" in done.err and not (run.folder / "none.jsonl").exists()


def test_what_was_typed_can_be_repeated_from_the_manifest(run: Runner) -> None:
    first = compared(run, "--gate", "soft>=0", "--power", "0.9", "--seed", "3")
    assert first.code == 0, first.err
    again = run.inside("eval", *WORDS, "--spec", "seesaw.jsonl.manifest.json", "-o", "again.jsonl")
    assert again.code == 0, again.err
    assert run.read("again.jsonl") == run.read("seesaw.jsonl")


def test_pages_are_written_also_where_a_gate_is_missed(run: Runner) -> None:
    pages = ["--html", "p.html", "--markdown", "p.md", "--latex", "p.tex"]
    done = compared(run, *pages, "--gate", "soft>=0.9")
    assert done.code == 4, done.err
    for name in pages[1::2]:
        text = run.read(name).decode()
        assert "hard" in text and "soft" in text and "two" in text
    typed = f"rlra eval {WORDS[0]}"
    assert f"Made by <code>{typed}" in unescape(run.read("p.md").decode())
    assert run.read("p.tex").decode().startswith(f"% Made by: {typed}")
    assert typed in run.read("p.html").decode()
    refused = compared(run, "--html", "hard.base.jsonl")
    assert refused.code == 1 and "hard.base.jsonl: is read or written already" in refused.err


def test_an_axis_named_like_a_suite_has_its_measures(run: Runner) -> None:
    from stages.suites import SUITES

    words = [word.replace("hard:", "tone:") for word in WORDS]
    done = run.inside("eval", *words, *FEW)
    assert done.code == 0, done.err
    first = SUITES["tone"].measures[0]
    found = {line["id"]: line["measures"][0] for line in done.records}
    assert found["tone:base..one"]["name"] == first.name
    assert (found["tone:base..one"]["says"], found["soft:base..one"]["name"]) == (first.says, "reward")
    assert f"tone {first.name}" in " ".join(done.err.replace("┃", " ").split())


def test_the_reports_are_json_that_is_checked(run: Runner) -> None:
    assert compared(run, "--summary", "summary.json").code == 0
    assert orjson.loads(run.read("summary.json"))["records"] == 4
    assert run.inside("validate", "seesaw.jsonl").code == 0


def test_the_page_says_from_what_its_files_were_made(run: Runner) -> None:
    run.write("brief.yaml", "rubric: brief\ncriteria:\n  - {id: short, check: {word_count: {at_most: 2}}}\n")
    for label in ("base", "one"):
        made = run.inside("judge", f"hard.{label}.jsonl", "-o", f"{label}.jsonl", "--rubrics", "brief.yaml")
        assert made.code == 0, made.err
    done = run.inside("eval", "base.jsonl", "one.jsonl", *FEW, "--html", "p.html", "-o", "none.jsonl")
    assert done.code == 0, done.err
    page = run.read("p.html").decode()
    assert "rlra judge hard.base.jsonl -o base.jsonl" in page and "rlra judge hard.one.jsonl" in page
    assert "rlra eval base.jsonl one.jsonl" in page
