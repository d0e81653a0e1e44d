"""`task/1`: a prompt, and what it is to be judged against."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Own, Part, Record
from schemas.rubric import Rubric


class Message(Part):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    """Who speaks."""
    content: str
    """What is said."""


class Task(Record):
    """A prompt with its optional reference answer and its optional own rubric."""

    KIND: ClassVar[str] = "task"

    messages: tuple[Message, ...] = Field(min_length=1)
    """The conversation so far; the last turn is the user's."""
    follow_ups: tuple[str, ...] = ()
    """What the user says next, turn by turn, once the policy has answered; the last answer is the response."""
    rewritten_from: str | None = None
    """The last user turn, of follow-ups where there are any, before constraints were written into it."""
    reference: str | None = None
    """A good answer, where one is known."""
    rubric: Rubric | None = None
    """The rubric of this one prompt (instance level)."""
    meta: Own[dict[str, Any]] = {}
    """The user's own fields, carried through untouched."""

    @model_validator(mode="after")
    def _ends_with_user(self) -> Self:
        if self.messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return self

    @property
    def prompt(self) -> str:
        """The text of the last user turn: the one that the response answers."""
        return self.follow_ups[-1] if self.follow_ups else self.messages[-1].content

    def rewritten(self, prompt: str) -> Self:
        """Return the task with `prompt` as the last thing the user says, and the original in `rewritten_from`.

        An original that is there already stays.
        """
        changed: dict[str, Any] = {
            "rewritten_from": self.prompt if self.rewritten_from is None else self.rewritten_from
        }
        if self.follow_ups:
            changed["follow_ups"] = (*self.follow_ups[:-1], prompt)
        else:
            changed["messages"] = (*self.messages[:-1], Message(role="user", content=prompt))
        return self.model_copy(update=changed)
