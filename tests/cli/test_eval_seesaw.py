"""`rlra eval seesaw`: several policies on several axes in one table, and the gates that the last one has to pass."""

from pathlib import Path

import pytest

from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.report import Report
from stages.eval import EvalSpec, evaluate
from tests.judged_lines import answer, group
from tests.running import Done, Runner
from tests.stages.training_groups import RUBRIC

AXES = {
    "hard": {"base": [0, 0, 0, 1], "one": [1, 1, 1, 1], "two": [1, 0, 1, 1]},
    "soft": {"base": [1, 1, 0, 1], "one": [0, 0, 0, 0], "two": [1, 1, 1, 1]},
}


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


def compared(run: Runner, *more: str) -> Done:
    return run("eval", "seesaw", *WORDS, "-o", "seesaw.jsonl", "--resamples", "500", *more)


def test_one_line_for_each_policy_and_one_column_for_each_axis(run: Runner) -> None:
    """What stage one gains in `hard` it loses in `soft`; stage two has most of the one and more of the other."""
    done = compared(run)
    assert done.code == 0, done.err
    rows = {line.split("│")[1].strip(): line for line in done.err.splitlines() if line.startswith("│")}
    assert list(rows) == ["base", "one", "two"]
    assert [cell.strip() for cell in rows["base"].split("│")[2:4]] == ["0.250", "0.750"]
    for label, hard, soft in (
        ("one", ("1.000", "+0.750"), ("0.000", "−0.750")),
        ("two", ("0.750", "+0.500"), ("1.000", "+0.250")),
    ):
        cells = rows[label].split("│")[2:4]
        for cell, words in zip(cells, (hard, soft), strict=True):
            assert all(word in cell for word in words), cell
    assert "✓" not in done.err and "✗" not in done.err


def test_the_output_is_what_eval_says_of_each_pair(run: Runner) -> None:
    assert compared(run).code == 0
    reports = list(Source(str(run.folder / "seesaw.jsonl")).read(Report))
    assert [report.id for report in reports] == ["hard:base..one", "hard:base..two", "soft:base..one", "soft:base..two"]
    own, other = (lines("soft", label, AXES["soft"][label]) for label in ("base", "two"))
    alone = evaluate(own, other, ("base", "two"), EvalSpec(resamples=500))
    assert (reports[3].measures, reports[3].criteria) == (alone.measures, alone.criteria)


@pytest.mark.parametrize(
    ("gates", "code", "said"),
    [
        (["hard=0.1"], 0, ""),
        (["hard=0.1", "soft=0"], 0, ""),
        (["hard=0.1", "soft=0.9"], 4, "two does not pass the gate: soft above +0.9"),
        (["soft=0.25"], 4, "two does not pass the gate: soft above +0.25"),  # the change itself, and not its interval
    ],
)
def test_the_last_policy_has_to_pass_the_gates(gates: list[str], code: int, said: str, run: Runner) -> None:
    done = compared(run, *[word for gate in gates for word in ("--gate", gate)])
    assert done.code == code
    assert said in done.err
    assert ("soft" in gates[-1]) == ("✗" in done.err)  # stage one is below every gate on `soft`
    left = {name for name in run.names() if name.startswith("seesaw")}
    assert left == (set() if code else {"seesaw.jsonl", "seesaw.jsonl.manifest.json"})


def test_a_single_prompt_has_no_interval_and_passes_no_gate(run: Runner) -> None:
    for label, reward in (("a", 0), ("b", 1)):
        run.write(f"{label}.jsonl", b"".join(map(to_line, lines("hard", label, [reward] * 4)[:1])))
    words = ("eval", "seesaw", "hard:a=a.jsonl", "hard:b=b.jsonl", "-o", "seesaw.jsonl")
    done = run(*words, "--gate", "hard=0.1")
    assert done.code == 4, done.err
    assert "b does not pass the gate: hard above +0.1 (a single prompt has no interval)" in done.err
    assert run(*words).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hard.base.jsonl"], "is not AXIS:LABEL=FILE"),
        (["hard:base=hard.base.jsonl"], "two policies or more"),
        ([*WORDS[:3], *WORDS[3:5]], "soft has the policies base, one, and the first axis base, one, two"),
        ([WORDS[0], WORDS[0]], "hard:base is given twice"),
        ([*WORDS, "--gate", "speed=0"], "--gate: 'speed=0' is not AXIS=GAIN"),
        ([*WORDS, "--gate", "soft=0.5", "--gate", "soft=-1"], "--gate: soft is given twice"),
        ([*WORDS, "--gate", "soft=much"], "--gate: 'soft=much' is not AXIS=GAIN"),
        (["hard:base=hard.base.jsonl", "hard:one=soft.one.jsonl"], "of the prompt ids of base are not in one"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(words: list[str], said: str, run: Runner) -> None:
    done = run("eval", "seesaw", *words, "-o", "none.jsonl")
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (run.folder / "none.jsonl").exists()
