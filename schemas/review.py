"""What people did with a rubric: its state, and the steps that led there."""

from typing import Literal

from pydantic import Field

from schemas.base import Part

State = Literal["draft", "accepted", "rejected"]
Deed = Literal["accepted", "edited", "rejected", "commented", "reopened"]


class Step(Part):
    """One thing that somebody did with a rubric."""

    did: Deed
    """What was done; `reopened`: it is a draft again."""
    by: str = ""
    """Who did it."""
    on: str = Field(default="", pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")
    """The day, such as 2026-03-31."""
    comment: str = ""
    """What they said about it."""
    before: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")
    """The digest of the rubric that they saw: of the version before, where they edited it."""


class Review(Part):
    """Where a rubric stands with the people who look it over; it changes no verdict, no reward and no digest."""

    state: State
    """Whether it waits to be looked at, was taken, or was turned down."""
    by: str = ""
    """Who decided."""
    comment: str = ""
    """What they said about it."""
    history: tuple[Step, ...] = ()
    """What was done before and how it came to this state, oldest first."""
