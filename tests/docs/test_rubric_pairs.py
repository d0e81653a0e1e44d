"""The bad rubrics of the guide are bad for the reason that it gives, and for no other; the better ones are not bad."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks
from tests.house.sources import ROOT
from tests.running import Runner

SECTION = (ROOT / "docs" / "rubrics.md").read_text(encoding="utf-8").partition("### Bad, and better, side by side\n")[2]
FOUND = blocks(SECTION.partition("\n#")[0])
NAMED = re.findall(r"^\*\*.+?\*\* \(\[(L\d+)\]", SECTION, re.MULTILINE)
BAD = [block for block in FOUND if block.info == ("yaml", "bad")]


def codes(folder: Path, block: Block) -> list[str]:
    """Return the codes of all that lint finds in a rubric, notes included."""
    run = Runner(folder)
    run.write("rubric.yaml", block.text)
    done = run.inside("rubrics", "lint", "rubric.yaml", "--fail-on", "note")
    assert done.code in (0, 4), done.err
    return re.findall(r"^ +\d+ +(?:note|warning|error) +(L\d+)", done.out.decode(), re.MULTILINE)


def test_they_stand_in_pairs() -> None:
    """Each reason has a bad rubric, and the better one right behind it."""
    assert len(NAMED) == len(BAD) >= 6
    assert [block.info for block in FOUND[: 2 * len(NAMED)]] == [("yaml", "bad"), ("yaml",)] * len(NAMED)


@pytest.mark.parametrize(("number", "code"), list(enumerate(NAMED)), ids=NAMED)
def test_a_bad_one_has_the_finding_that_is_named_and_the_better_one_none(
    number: int, code: str, tmp_path: Path
) -> None:
    assert codes(tmp_path, FOUND[2 * number]) == [code]
    assert codes(tmp_path, FOUND[2 * number + 1]) == []
