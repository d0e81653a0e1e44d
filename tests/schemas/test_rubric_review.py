"""Who wrote a rubric and what people did with it: kept in the line, and no part of what it says."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.rubric import Rubric
from schemas.rubric_file import load_rubric

PLAIN = {"rubric": "r", "criteria": [{"id": "a", "text": "t"}]}
STEP = {"did": "edited", "by": "Anna", "on": "2026-03-31", "before": "0123456789abcdef"}
REVIEW = {"state": "accepted", "by": "Anna", "comment": "good", "history": [STEP, {"did": "accepted"}]}


def read(**more: Any) -> Rubric:
    """Return a rubric with more keys."""
    return Rubric.model_validate_json(orjson.dumps({**PLAIN, **more}))


def test_they_come_back_as_they_were() -> None:
    rubric = read(author="openai:writer", review=REVIEW)
    assert rubric.model_dump(mode="json", exclude_defaults=True) == {
        **PLAIN,
        "author": "openai:writer",
        "review": REVIEW,
    }
    assert (read().author, read().review) == ("", None), "older rubrics have neither"


def test_they_change_no_digest() -> None:
    """A digest written before these keys existed is still that of the same words."""
    assert read(author="me", review=REVIEW).digest() == read().digest() == "f16929c2c22566b6"
    assert read(title="x").digest() != read().digest()


@pytest.mark.parametrize(
    "review",
    [
        {},
        {"state": "maybe"},
        {"state": "draft", "history": [{"did": "praised"}]},
        {"state": "draft", "history": [{"did": "edited", "on": "31.3.2026"}]},
        {"state": "draft", "history": [{"did": "edited", "before": "abc"}]},
        {"state": "draft", "who": "me"},
    ],
)
def test_what_is_no_review_is_refused(review: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(review=review)


def test_a_template_hands_neither_on(tmp_path: Path) -> None:
    """What people took was the template, and not what inherits it."""
    (tmp_path / "base.yaml").write_bytes(orjson.dumps({**PLAIN, "rubric": "base", "author": "A", "review": REVIEW}))
    (tmp_path / "heir.yaml").write_text("rubric: heir\ninherits: base\n", encoding="utf-8")
    heir = load_rubric(tmp_path / "heir.yaml")
    assert (heir.author, heir.review, len(heir.criteria)) == ("", None, 1)
