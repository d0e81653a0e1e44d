"""`findings/1`: the line keeps what was found, and refuses what cannot be."""

import pytest
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.findings import Contrast, Findings, Interval, Rate
from schemas.jsonl import KINDS, MADE_BY, parse, to_line


def contrast(**more: float) -> Contrast:
    """Return a contrast."""
    shown = {"high": 0.5, "low": 0.25, "lift": 2.0, "p": 0.01, **more}
    odds = Interval(value=1.0, low=0.5, high=1.5)
    return Contrast.model_validate({"against": "group", "prompts": 8, "more": 6, "less": 1, "log_odds": odds, **shown})


def test_a_line_is_read_as_it_was_written() -> None:
    check = {"regex_match": {"pattern": "~", "flags": ["ignorecase"]}}
    made = Findings(id="a", kind="mark", what="has a “~”", check=check, found=contrast(), q=0.02, tested=9)
    line = to_line(made)
    assert line.startswith(b'{"schema":"findings/1","id":"a"')
    assert to_line(parse(line, Findings, "f:1")) == line
    assert KINDS["findings"] is Findings and MADE_BY["findings"] == "rlra defend"


@pytest.mark.parametrize("wrong", [{"p": 1.5}, {"high": -0.1}, {"lift": -1.0}, {"low": 2.0}])
def test_what_is_no_chance_or_share_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        contrast(**wrong)


def test_an_unknown_kind_of_pattern_is_refused() -> None:
    with pytest.raises(RlraError, match="f:1: kind"):
        parse(b'{"schema":"findings/1","id":"a","kind":"smell","what":"x"}', Findings, "f:1")


def test_shares() -> None:
    assert Rate(hits=1, n=4, low=0.0, high=1.0).share == 0.25
    assert Rate(hits=0, n=0, low=0.0, high=1.0).share == 0.0
