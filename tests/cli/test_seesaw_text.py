"""The tables of `rlra eval`: what is doubtful is marked, and hostile names are drawn and not obeyed."""

import io

from rich.console import Console, RenderableType

from rlra_cli.report_text import DOUBT, NARROW, fitting, report_table
from rlra_cli.seesaw_text import gates_table, seesaw_table
from schemas.report import Change, Report, Side
from stages.eval_gates import bars_of, hold

HOSTILE = "\x1b[2J[red]x\u202e"


def change(name: str = "reward", q: float | None = 0.01, says: str = "") -> Change:
    return Change(
        name=name, better="higher", before=0.1, after=0.4, change=0.3, low=0.1, high=0.5, prompts=50, says=says, q=q
    )


def report(*measures: Change, axis: str = "", label: str = "new") -> Report:
    side = Side(label="base", model="m", revision="r", prompts=50, responses=50, unscored=0)
    return Report(
        id=f"{axis}:base..{label}",
        axis=axis,
        before=side,
        after=side.model_copy(update={"label": label}),
        level=0.9,
        resamples=9,
        seed=0,
        measures=measures,
        criteria=(),
    )


def seen(thing: RenderableType, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_change_that_may_be_chance_among_so_many_is_marked() -> None:
    clear, doubtful = report(change(q=0.05)), report(change(q=0.051))
    assert "✓ better?" not in seen(report_table(clear)) and DOUBT not in seen(report_table(clear))
    assert "✓ better?" in seen(report_table(doubtful)) and DOUBT in seen(report_table(doubtful))
    assert "+0.300 (" in seen(seesaw_table([clear, clear])) and DOUBT not in seen(seesaw_table([clear]))
    text = " ".join(seen(seesaw_table([clear, doubtful])).split())
    assert "+0.300? (" in text and DOUBT in text


def test_a_report_of_which_nothing_was_tested_has_no_columns_for_it() -> None:
    assert "detectable" not in seen(report_table(report(change(q=None))))
    assert "detectable" in seen(report_table(report(change())))


def test_a_narrow_terminal_gets_fewer_columns_and_whole_names_and_figures() -> None:
    of = report(change(q=0.2))
    wide, narrow = (seen(fitting(of, Console(width=columns)), columns) for columns in (120, 80))
    assert "detectable" in wide and NARROW not in wide
    assert "detectable" not in narrow.splitlines()[1] and NARROW in " ".join(narrow.split())
    assert all(len(row) <= 80 for row in narrow.splitlines())
    row = next(row for row in narrow.splitlines() if "better" in row)
    first = of.measures[0]
    assert row.split()[0] == first.name and f"+{first.change:.3f} (" in row and row.rstrip().endswith("better?")


def test_a_suite_is_headed_by_its_first_measure_and_others_by_the_reward() -> None:
    text = seen(
        seesaw_table(
            [
                report(change("strict", says="accuracy, %"), change(), axis="ifeval"),
                report(change(), axis="own"),
                report(change("length_words"), axis="bare"),
            ]
        )
    )
    assert "ifeval strict" in text and "own" in text and "own reward" not in text
    bare = next(line for line in text.splitlines() if line.startswith("│ bare"))
    assert bare.count("–") == 2 and "0.400" not in bare  # its reward has no value, and nothing stands in for it


def test_hostile_names_are_drawn_and_not_obeyed() -> None:
    axes = (HOSTILE, "b")
    bars = bars_of([f"{HOSTILE}.reward>=0", "b>=1"], axes)
    reports = [hold(report(change(), axis=axis, label=HOSTILE), bars, ["reward"]) for axis in axes]
    for text in (seen(seesaw_table(reports)), seen(gates_table(reports, bars)), seen(report_table(reports[0]))):
        assert "\x1b" not in text and "\u202e" not in text and "[red]x" in text
    marks = [line for line in seen(gates_table(reports, bars)).splitlines() if "reward" in line]
    assert ["✓" in line for line in marks] == [True, False] and ["✗" in line for line in marks] == [False, True]
