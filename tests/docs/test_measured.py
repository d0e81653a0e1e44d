"""The page of measurements makes no claim of its own: each figure stands on the page that it is from."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import anchors, links
from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "measured.md"
TEXT = PAGE.read_text(encoding="utf-8")
NUMBER = re.compile(r"[+−]?\d+(?:,\d{3})*(?:\.\d+)?")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in TEXT.split("\n") if line.startswith("| ")]
FIGURES = [row for row in ROWS if len(row) == 4 and row[0] != "what"]


def source(row: list[str]) -> Path:
    """Return the page that a row is from."""
    ((_, target),) = links(row[3])
    return (PAGE.parent / target.partition("#")[0]).resolve()


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row[0][:50])
def test_every_figure_stands_where_it_is_from(row: list[str]) -> None:
    """Numbers, and the words of those that are spelled out, are those of the page."""
    there = set(NUMBER.findall(source(row).read_text(encoding="utf-8")))
    bare = {number.lstrip("+−") for number in there}
    assert not [number for number in NUMBER.findall(row[1]) if number not in there and number.lstrip("+−") not in bare]


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row[0][:50])
def test_every_figure_says_how_it_is_made_again(row: list[str]) -> None:
    """The command names files and folders that are there."""
    named = re.findall(r"(?:benchmarks|tests|examples)/[\w/.-]+", row[2])
    assert named or row[2] in ("the same", "read by hand"), row[2]
    assert all((ROOT / name).exists() for name in named)


def test_all_tables_are_read() -> None:
    assert len(FIGURES) >= 20
    assert {"what-training-changed", "speed", "what-was-not-run"} <= anchors(TEXT)
