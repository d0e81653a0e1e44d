"""The table of levels: how many prompts each label was measured on, at the width of a terminal."""

from io import StringIO

from rich.console import Console

from rlra_cli.suite_text import levels_table
from stages.suites.levels import Level

NARROW = "Intervals over fewer than 10 prompts"
OWN = "each has its own number"


def told(**prompts: list[int]) -> tuple[list[list[str]], str]:
    """Return the first line of each row and the caption of a table; measure `m0` of a label has the first number."""
    found = {
        label: [Level(f"m{n}", "", 0.4, 0.3, 0.5, count) for n, count in enumerate(counts) if count]
        for label, counts in prompts.items()
    }
    out = StringIO()
    Console(file=out, width=80).print(levels_table("tone", found))
    shown = out.getvalue().splitlines()
    assert max(map(len, shown)) <= 80
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown if line.startswith("│ m")]
    return rows, " ".join(
        " ".join(line.split()) for line in shown[shown.index(next(s for s in shown if "└" in s)) + 1 :]
    )


def test_each_label_has_its_own_number_where_they_differ() -> None:
    rows, caption = told(base=[40, 541], one=[20, 541])
    assert [row[-1] for row in rows] == ["40 / 20", "541"]
    assert OWN in caption and NARROW not in caption


def test_one_number_where_all_have_it() -> None:
    rows, caption = told(base=[40, 0], one=[40, 12])
    assert [row[-1] for row in rows] == ["40", "12"]
    assert rows[1][1] == "–" and caption == ""


def test_a_label_without_the_measure_keeps_its_place() -> None:
    rows, _ = told(base=[0], one=[40], other=[39])
    assert rows[0][-1] == "– / 40 / 39"


def test_few_prompts_of_any_label_are_told_of() -> None:
    assert NARROW in told(base=[8], one=[40])[1]
    assert NARROW in told(base=[40], one=[8])[1]
    assert NARROW not in told(base=[10], one=[40])[1]
