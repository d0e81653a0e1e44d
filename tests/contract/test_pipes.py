"""Every arrow is a pipe or a file, and it makes no difference which; other tools in between do no harm."""

import shutil
from pathlib import Path

import pytest

from tests.contract.material import MAKE, NAMES, ODD
from tests.running import Runner, lines, records

RANGES = """\
rubric: ranges
criteria:
  - id: short
    check: {word_count: {at_most: 12}}
    partial: 0.9
  - id: calm
    check: {no_exclamations: {}}
    weight: 0.5
"""


def answers(place: int) -> tuple[str, ...]:
    """Return answers of different lengths, so that rewards differ within a group and between groups."""
    return tuple("word " * (place + 9 * k) + ODD + "!" * (k % 2) for k in range(3))


@pytest.fixture
def judging(run: Runner) -> Runner:
    """Return a runner in a folder with twelve groups and a rubric that tells them apart."""
    run.write("in.jsonl", lines(*(MAKE["rollouts"](f"place-{n:02d}", answers(n)) for n in range(12))))
    run.write("r.yaml", RANGES)
    return run


def test_a_pipeline_is_its_steps(run: Runner, tiny: Path) -> None:
    """`rollout | judge | select-data` with a real model, through pipes and through files: the same bytes."""
    rollout = f"rlra rollout task.jsonl --model hf:{tiny} --processes 1 --group-size 3 --max-tokens 12 --seed 2"
    judge, select = "rlra judge --rubrics rubric.yaml", "rlra select-data --keep 0:1 --flat"
    piped = run.shell(f"{rollout} | tee seen.jsonl | {judge} | {select}")
    assert piped.code == 0, piped.err
    assert [line["id"] for line in piped.records] == list(NAMES)
    steps = run.shell(
        f"{rollout} -o a.jsonl && rlra judge a.jsonl --rubrics rubric.yaml -o b.jsonl "
        "&& rlra select-data b.jsonl --keep 0:1 --flat -o c.jsonl && rlra validate a.jsonl b.jsonl c.jsonl"
    )
    assert steps.code == 0, steps.err
    assert run.read("a.jsonl") == run.read("seen.jsonl")
    assert run.read("c.jsonl") == piped.out


def test_the_band_of_a_pipeline(judging: Runner) -> None:
    """`judge | select-data --keep` by pipe and by file, where some groups stay and some do not."""
    piped = judging.shell("rlra judge in.jsonl --rubrics r.yaml | rlra select-data --keep 0.58:0.68")
    steps = judging.shell(
        "rlra judge in.jsonl --rubrics r.yaml -o b.jsonl && rlra select-data b.jsonl --keep 0.58:0.68"
    )
    assert piped.code == steps.code == 0, piped.err + steps.err
    assert piped.out == steps.out
    assert 0 < len(piped.records) < 12


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("head -5", lambda whole: whole[:5]),
        ("tail -5", lambda whole: whole[-5:]),
        ("shuf", lambda whole: whole),
        ("cat - more.jsonl", lambda whole: [*whole, "extra"]),
        ("grep -v place-03", lambda whole: [name for name in whole if name != "place-03"]),
        ("jq -c .", lambda whole: whole),
        ("sort -R --random-source=in.jsonl", lambda whole: whole),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_tools_of_the_shell_do_no_harm(judging: Runner, tool: str, expected: object) -> None:
    """Lines that went through another tool are judged as they would have been without it."""
    if not shutil.which(tool.split()[0]):
        pytest.skip(f"{tool.split()[0]} is not installed")
    judging.write("more.jsonl", lines(MAKE["rollouts"]("extra")))
    straight = judging.shell("cat in.jsonl more.jsonl | rlra judge --rubrics r.yaml --quiet")
    through = judging.shell(f"cat in.jsonl | {tool} | rlra judge --rubrics r.yaml --quiet")
    assert (straight.code, straight.err, through.code, through.err) == (0, "", 0, "")
    by_id = {record["id"]: line for record, line in zip(straight.records, straight.out.split(b"\n"), strict=False)}
    assert callable(expected)
    names = expected([f"place-{n:02d}" for n in range(12)])
    found = dict(zip((record["id"] for record in through.records), through.out.split(b"\n"), strict=False))
    assert found.keys() == set(names)
    assert all(by_id[name] == line for name, line in found.items())


def test_a_pipeline_in_which_one_step_fails(judging: Runner) -> None:
    """The step that fails says so; the others end without noise."""
    done = judging.shell("rlra judge absent.jsonl --rubrics r.yaml | rlra select-data --keep 0:1 --quiet")
    assert (done.code, done.out) == (1, b"")
    assert done.err == "rlra: absent.jsonl: no such file or directory\n"


def test_the_next_round(run: Runner) -> None:
    """Tasks that were selected go round again, and keep rubric, reference and meta."""
    given = MAKE["judged"]("sea", reference="Wide.", meta={"round": 1})
    run.write("in.jsonl", lines(given))
    done = run.shell("rlra select-data in.jsonl | rlra generate-rubrics --method template --template rubric.yaml")
    assert done.code == 0, done.err
    assert done.records == records(run.shell("rlra select-data in.jsonl").out)


def test_a_reader_that_has_enough_ends_the_run_quietly(judging: Runner) -> None:
    """`head -1` of many lines: exit 141, as for other tools, and not a word."""
    judging.write("many.jsonl", lines(*(MAKE["rollouts"](f"place-{n:04d}") for n in range(3000))))
    done = judging.shell("rlra judge many.jsonl --rubrics r.yaml --quiet | head -1; exit ${PIPESTATUS[0]}")
    assert done.code == 141, done.err
    assert done.err == ""
    assert len(done.records) == 1
