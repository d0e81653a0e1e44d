"""The page of all checks is what the registry says, and all of it."""

import re

import stages.checks  # noqa: F401 (registers every check)
from docs import make_checks
from stages.checks.base import REGISTRY

TEXT = make_checks.PAGE.read_text(encoding="utf-8")
ROWS = [row for row in TEXT.split("\n") if row.startswith("| `")]


def test_the_page_is_current() -> None:
    """`python -m docs.make_checks` writes it anew."""
    assert make_checks.page() == TEXT, "run: python -m docs.make_checks"


def test_every_check_has_one_row_with_its_arguments() -> None:
    names = [row.split("`")[1] for row in ROWS]
    assert sorted(names) == sorted(REGISTRY) and len(set(names)) == len(names)
    for name, row in zip(names, ROWS, strict=True):
        cells = re.split(r"(?<!\\)\|", row)
        assert len(cells) == 8, f"{name}: a text of it is read as the end of a cell"
        assert cells[2].strip()
        told = set(re.findall(r"(?:^ |<br>)`(\w+)`:", cells[3]))
        fields = REGISTRY[name].arguments.model_fields
        assert told == {field.alias or each for each, field in fields.items()}
