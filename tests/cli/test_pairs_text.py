"""Pairs and ratings on a terminal: what failed is marked and never passes for a tie, and nothing reaches it raw."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from rlra_cli.pairs_text import told
from rlra_cli.ratings_text import figures, rendered
from schemas.jsonl import parse
from schemas.pairs import Pair, Ratings, Share

FROZEN = Path(__file__).parents[1] / "migrations"


def lines(name: str, kind: type) -> list[Any]:
    """Return the records of a frozen file."""
    return [parse(line, kind, name) for line in (FROZEN / name).read_bytes().split(b"\n") if line]


def printed(*parts: RenderableType) -> str:
    """Return what a terminal of 110 columns would show, blanks at the ends of lines aside."""
    console = Console(file=StringIO(), width=110, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().split("\n"))


@pytest.mark.parametrize(
    ("number", "said", "never"),
    [
        (0, ("sea/base/trained/1", "✓ trained wins", "→ trained", "compared by", "Not wanted: Digresses."), ("tie",)),
        (1, ("= tie: the verdict turned with the order", "→ base", "→ trained"), ("wins",)),
        (2, ("! no outcome: a verdict failed", "! truncated", "the answer was cut off"), ("= tie", "wins")),
        (3, ("! no outcome", "! no answer: transport: HTTP 500", "! no response"), ("tie", "wins")),
    ],
)
def test_one_pair(number: int, said: tuple[str, ...], never: tuple[str, ...]) -> None:
    """The conversation, both responses, and both orders with their reasons."""
    text = printed(told(lines("pairs-1.jsonl", Pair)[number]))
    for words in ("What do waves do?", "They come and go.", "base first", "trained first", *said):
        assert words in text, text
    assert not any(words in text for words in never), text


def test_the_ratings() -> None:
    """Two pools apart; a missing rating is a dash; notes on what weakens the figures."""
    text = printed(*rendered(lines("ratings-1.jsonl", Ratings)[0]))
    for words in (
        "14 pairs on 12 prompts, judged by openai:m",
        "rating (base = 1000)",
        "1,010 to 1,261",
        "66.7 (40.0–90.0)",
        "33.3 (10.0–60.0)",
        "In 1.2% of the resamples some won all",
        "comparable within a block only",
        "same verdict in both orders: 75.0 (50.0–100.0) % of 12 pairs",
        "verdicts that failed, and count nowhere: 2 no response, 1 truncated",
    ):
        assert words in " ".join(text.split()), text
    (row,) = (line for line in text.split("\n") if "│ other" in line and "smollm2" in line)
    assert "–" in row and "1,000" not in row


def test_a_share_of_nothing_is_no_number() -> None:
    assert figures(Share(value=None, low=None, high=None, n=0)) == "–"
    assert figures(Share(value=0.0, low=None, high=None, n=4)) == "0.0"


def test_nothing_reaches_the_terminal_raw() -> None:
    """Escapes, marks of direction and markup in every text of a pair are drawn."""
    evil = "\x1b[31m\u202e[bold]x[/bold]\x07"
    pair = lines("pairs-1.jsonl", Pair)[0]
    side = pair.left.model_copy(update={"text": evil, "label": f"base{evil}"})
    order = pair.orders[0].model_copy(update={"reason": evil})
    text = printed(told(pair.model_copy(update={"left": side, "orders": (order, pair.orders[1]), "criteria": (evil,)})))
    assert not {"\x1b", "\u202e", "\x07"} & set(text)
    assert "[bold]x[/bold]" in text
