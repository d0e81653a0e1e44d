"""The artifact reference is what the schemas say, and all of it."""

import json
import re

from docs import make_artifacts
from schemas.base import Part
from schemas.kinds import KINDS
from schemas.manifest import Manifest

TEXT = make_artifacts.PAGE.read_text(encoding="utf-8")
TITLES = re.findall(r"^#{2,3} (.+)$", TEXT, re.MULTILINE)


def test_the_page_is_current() -> None:
    """`python docs/make_artifacts.py` writes it anew."""
    assert make_artifacts.page() == TEXT, "run: python docs/make_artifacts.py"


def test_every_kind_and_every_part_of_it_is_there_once() -> None:
    """Each has a section of its own, whose name is no other's, so that links lead to it."""
    anchors = [re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in TITLES]
    assert len(set(anchors)) == len(anchors)
    assert {kind.schema_tag() for kind in KINDS.values()} <= set(TITLES)
    assert not set(re.findall(r"\]\(#([^)]+)\)", TEXT)) - set(anchors)


def test_every_field_says_what_it_is() -> None:
    """Wherever it stands: a line without a text would be a field without a docstring."""
    rows = [row for row in TEXT.split("\n") if row.startswith("| `")]
    assert not [row for row in rows if re.search(r"\|\s*\|$", row)]
    told = {re.match(r"\| `([^`]+)`", row)[1] for row in rows}  # type: ignore[index]
    parts: list[type[Part]] = [*KINDS.values(), Manifest]
    assert {field.alias or name for part in parts for name, field in part.model_fields.items()} <= told


def test_every_kind_has_an_example_that_is_json() -> None:
    """Cut short, and still of the kind that it is an example of."""
    examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)]
    assert [example["schema"] for example in examples] == [kind.schema_tag() for kind in KINDS.values()]
