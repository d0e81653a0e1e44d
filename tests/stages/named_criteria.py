"""Rubrics of named criteria, and a judge who goes by the names that a response says."""

from typing import Any

import pytest

from schemas.rubric import Rubric
from stages.models import openai
from tests.random_rubrics import Data, read


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds between attempts."""
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.001)


def rubric(*criteria: Data, **more: Any) -> Rubric:
    """Return a rubric."""
    return read({"rubric": "r", "criteria": criteria, **more})


def leaf(name: str, **more: Any) -> Data:
    """Return a criterion as plain data."""
    return {"id": name, "text": f"Text of {name}.", **more}


def named(name: str, text: str) -> str:
    """Judge by what a response says: `no go` makes `go` not met."""
    return "not met" if f"no {name}" in text else "cannot tell" if f"perhaps {name}" in text else "met"
