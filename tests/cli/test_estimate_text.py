"""The estimate as a table for a terminal."""

import io

import pytest
from rich.console import Console

from rlra_cli.estimate_text import estimate_table
from schemas.errors import RlraError
from schemas.prices import Price, Prices
from stages.estimate import Calls, Estimate

PRICES = {"a": Price(**{"in": 1.0, "cached": 0.5, "out": 2.0}), "b\x1b[31m[red]": Price(**{"in": 0, "out": 0})}
A, B = Calls(1200, 9600, 3_000_000, 2_000_000, 500_000.4, 1_200_000), Calls(1, 2, 3, 0, 4, 5)


def lines(estimate: Estimate, prices: Prices | None = None) -> list[list[str]]:
    """Return the cells of what is drawn, line by line."""
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(estimate_table(estimate, prices))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in text
    return [[cell.strip() for cell in row.strip("┃│ ").replace("┃", "│").split("│")] for row in text.splitlines()]


def test_one_judge_is_one_row() -> None:
    rows = lines(Estimate({"openai:a": A}, in_lines=5, in_cache=1000))
    assert ["judge", "calls", "judgements", "tokens in", "of them shared", "tokens out"] in rows
    assert ["openai:a", "1,200", "9,600", "3,000,000", "2,000,000", "500,000 – 1,200,000"] in rows
    assert ["1,005 more judgements are known: 5 in the lines, 1,000 in the cache."] in rows
    assert not any(row[0] == "all" for row in rows)


def test_several_judges_have_a_sum_and_prices_a_column() -> None:
    rows = lines(Estimate({"openai:a": A, "openai:b\x1b[31m[red]": B}), PRICES)
    assert next(row for row in rows if row[0] == "openai:a")[-1] == "3.0000 – 5.4000"
    assert next(row for row in rows if row[0].endswith("[red]"))[-1] == "0.0000 – 0.0000"
    assert ["all", "1,201", "9,602", "3,000,003", "2,000,000", "500,004 – 1,200,005", "3.0000 – 5.4000"] in rows
    assert not any("known" in row[0] for row in rows)


def test_nothing_to_ask() -> None:
    assert ["all", "0", "0", "0", "0", "0 – 0"] in lines(Estimate())


def test_what_no_estimate_knows_is_said() -> None:
    notes = " ".join(row[0] for row in lines(Estimate({"openai:a": A})))
    assert all(words in notes for words in ("asked for again", "--strong", "anchors"))


def test_a_model_without_a_price_is_named() -> None:
    with pytest.raises(RlraError, match="what 'openai:c' costs"):
        estimate_table(Estimate({"openai:c": B}), PRICES)
