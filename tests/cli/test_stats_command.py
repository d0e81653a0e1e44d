"""`rlra stats` as its users run it."""

import io
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from rlra_cli.judged_stats_text import MOST_CRITERIA, MOST_ROWS, screen
from schemas.jsonl import to_data
from schemas.stats import CriterionPair
from stages.reports.stats_plots import plots
from stages.stats import stats
from tests.contract.material import NAMES, judged, rollouts
from tests.judged_lines import answer, group
from tests.running import RLRA, Runner, environment, lines

HOSTILE = "[red]</text><script>$\\frac$ &\x1b[2J\u202e{{"
LINES = [
    group(f"p{n}", *[answer("word " * (n + k), min(2, k), k % 2, 0, int(k == n)) for k in range(4)]) for n in range(8)
]
FILE = lines(*map(to_data, LINES))


def one(run: Runner, *words: str, stdin: bytes = b"") -> dict[str, Any]:
    """Return the only record."""
    done = run("stats", *words, stdin=stdin)
    assert done.code == 0, done.err
    (record,) = done.records
    return record


def rendered(*words: str, stdin: bytes) -> str:
    """Return what a command writes where stdout is a terminal and stderr is that terminal too."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [RLRA, *words], stdin=subprocess.PIPE, stdout=terminal, stderr=terminal, env=environment()
    )
    os.close(terminal)
    process.communicate(stdin, timeout=60)
    return b"".join(_read(main)).decode()


def _read(descriptor: int) -> Iterator[bytes]:
    try:
        while part := os.read(descriptor, 4096):
            yield part
    except OSError:  # the other side was closed
        pass
    os.close(descriptor)


def test_the_record_goes_to_stdout_and_the_tables_to_stderr(run: Runner) -> None:
    run.write("judged.jsonl", FILE)
    done = run("stats", "judged.jsonl")
    (record,) = done.records
    assert record["schema"] == "stats/1" and (record["file"], record["prompts"]) == ("judged", 8)
    for said in ("judged  8 prompts, 32 responses, 4 each", "within groups", "reward and length", "tone", "vetoes"):
        assert said in done.err
    quiet = run("stats", "judged.jsonl", "--quiet")
    assert (quiet.out, quiet.err) == (done.out, "")


def test_a_file_and_a_pipe_say_the_same(run: Runner) -> None:
    run.write("stdin.jsonl", FILE)
    piped = one(run, stdin=FILE)
    assert piped == one(run, "stdin.jsonl") and piped["of"] == "judged"
    assert one(run, "x=-", stdin=FILE) == {**piped, "id": "x", "file": "x"}


def test_a_terminal_shows_the_tables_alone(run: Runner) -> None:
    run.write("judged.jsonl", FILE)
    shown = rendered("stats", str(run.folder / "judged.jsonl"), stdin=b"")
    assert "within groups" in shown and '"schema"' not in shown
    kept = rendered("stats", str(run.folder / "judged.jsonl"), "-o", str(run.folder / "s.jsonl"), stdin=b"")
    assert "within groups" in kept and json.loads(run.read("s.jsonl"))["prompts"] == 8


def test_the_output_can_be_validated(run: Runner) -> None:
    run.write("judged.jsonl", FILE)
    assert run("stats", "judged.jsonl", "--by", "policy.model", "-o", "s.jsonl").code == 0
    done = run("validate", "s.jsonl")
    assert done.code == 0 and "2 lines of stats/1, manifest matches" in done.err
    manifest = json.loads(run.read("s.jsonl.manifest.json"))
    assert manifest["recipe"]["stage"] == "stats" and manifest["recipe"]["spec"] == {"by": "policy.model"}


def test_files_and_pools_abreast(run: Runner) -> None:
    run.write("a.jsonl", lines(*(judged(name, meta={"topic": name}) for name in NAMES)))
    run.write("b.jsonl", lines(*(rollouts(name) for name in NAMES)))
    done = run("stats", "old=a.jsonl", "b.jsonl", "--by", "meta.topic")
    assert [record["id"] for record in done.records] == ["old", *(f"old:{name}" for name in NAMES), "b", "b:"]
    assert re.search(r"^file +prompts.*\nold +3 +6 +0\.625.*\nb +3 +6 +–", done.err, re.MULTILINE)
    assert re.search(r"^pool +prompts.*\n–, b +3 .*\nsea, old +1 ", done.err, re.MULTILINE)


def test_rollouts_and_nothing(run: Runner) -> None:
    run.write("rollouts.jsonl", lines(*map(rollouts, NAMES)))
    done = run("stats", "rollouts.jsonl")
    assert "judge them first" in done.err and "rewards" not in done.records[0]
    empty = run("stats", stdin=b"")
    assert empty.records[0]["prompts"] == 0 and "no response has a reward" in empty.err


def test_refusals(run: Runner) -> None:
    run.write("judged.jsonl", FILE)
    run.write("task.jsonl", lines({"schema": "task/1", "id": "a", "messages": [{"role": "user", "content": "b"}]}))
    run.write("file", b"")
    (run.folder / "taken" / "rewards.svg").mkdir(parents=True)
    for words, said in (
        (["no.jsonl"], "no.jsonl"),
        (["task.jsonl"], "task.jsonl:1: schema: this is a task line"),
        (["judged.jsonl", "judged.jsonl"], "two files have the same label"),
        (["judged.jsonl", "--by", "id"], "--by id: lines are parted by"),
        (["judged.jsonl", "--plots", "file/x"], "file/x: "),
        (["judged.jsonl", "--plots", "taken"], "taken/rewards.svg: "),
        (["a=-", "b=-"], "two inputs are stdin"),
    ):
        done = run("stats", *words)
        assert (done.code, done.out) == (1, b"") and f"rlra: {said}" in done.err


def test_hostile_names_are_shown_and_run_nothing(run: Runner) -> None:
    line = judged("p", meta={"topic": HOSTILE})
    line["policy"] = {**line["policy"], "model": HOSTILE}
    for response in line["responses"]:
        response["verdicts"][0]["judge"] = HOSTILE
    run.write("judged.jsonl", lines(line))
    done = run("stats", f"{HOSTILE}=judged.jsonl", "--by", "meta.topic", "--plots", "drawn")
    assert done.code == 0 and done.records[1]["pool"] == HOSTILE
    assert "\x1b" not in done.err and "\u202e" not in done.err and done.err.count("[red]</text>") == 4


def test_hostile_criteria_are_drawn_as_text() -> None:
    """A rubric refuses such ids; a drawing does not count on it."""
    (found,) = stats(LINES, "", "file", "judged")
    pair = CriterionPair(criteria=(HOSTILE, f"{HOSTILE}_"), n=12, pearson=-1.0)
    drawing = plots(found.model_copy(update={"correlations": (pair,)}))["criteria"]
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawing).iter()}
    assert "script" not in tags and "</text><script>" not in drawing
    assert "\x1b" not in drawing and "\u202e" not in drawing and "$\\frac$" in drawing


def test_plots_are_the_same_bytes_and_whole_documents(run: Runner) -> None:
    run.write("judged.jsonl", FILE)
    for folder in ("a", "b/c"):
        assert run("stats", "judged.jsonl", "--plots", folder, "--quiet").code == 0
    for name in ("rewards", "length", "criteria"):
        content = run.read(f"a/{name}.svg")
        assert content == run.read(f"b/c/{name}.svg")
        assert ElementTree.fromstring(content.decode()).tag == "{http://www.w3.org/2000/svg}svg"
        assert b"var(" not in content, "viewers outside browsers know no variables"


def test_there_is_no_plot_of_nothing() -> None:
    assert plots(stats([], "", "file", "judged")[0]) == {}


@pytest.mark.parametrize(
    "rows", [LINES, LINES[:1], [], [group("f", *[answer("", *["failed"] * 4, finish="failed")] * 2)]]
)
def test_any_figures_can_be_shown(rows: list[Any]) -> None:
    found = stats(rows, "policy.model", "file", "judged")
    assert len(list(screen(found))) >= 3 and list(screen([*found, *found]))


def test_the_table_of_criteria_is_cut_and_says_so() -> None:
    (found,) = stats(LINES, "", "file", "judged")
    many = found.model_copy(update={"criteria": found.criteria * 9})
    (table,) = [part for part in screen([many]) if hasattr(part, "row_count")]
    assert (
        table.row_count == MOST_CRITERIA
        and str(table.caption) == f"and {36 - MOST_CRITERIA} more, which the record has"
    )


def test_names_and_figures_have_room_in_80_columns() -> None:
    """The names of files, pools and criteria are whole, and no column is cut."""
    found = [
        each.model_copy(update={"file": label})
        for label in ("base", "trained")
        for each in stats(LINES, "policy.model", label, "judged")
    ]
    console = Console(file=io.StringIO(), width=80)
    for part in [*screen(found), *screen(found[:1])]:
        console.print(part)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in shown
    for name in ("\nbase ", "\ntrained ", f"\n{found[1].pool}, base ", f"\n{found[1].pool}, trained ", "\ntone "):
        assert name in shown


def test_the_table_of_pools_is_cut_and_says_so() -> None:
    """The largest come first, and those of one name stand together."""
    pools = [
        stats(LINES[: 1 + n], "", label, "judged")[0].model_copy(update={"pool": f"p{n}"})
        for label in "ab"
        for n in range(6)
    ]
    (table,) = [part for part in screen(pools) if hasattr(part, "row_count")]
    assert [str(cell) for cell in table.columns[0].cells][:3] == ["p5, a", "p5, b", "p4, a"]
    (table,) = [part for part in screen(pools * 2) if hasattr(part, "row_count")]
    assert table.row_count == MOST_ROWS and str(table.caption) == "and 4 more, which the record has"
