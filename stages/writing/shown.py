"""What others wrote, set apart for a writer between lines with a mark that no text can hold."""

from collections.abc import Sequence

from schemas.task import Message, Task
from stages.judge_prompt import mark


def turns_of(task: Task) -> tuple[Message, ...]:
    """Return what is said before the response, as far as it is known: follow-ups are turns of the user."""
    return (*task.messages, *(Message(role="user", content=text) for text in task.follow_ups))


def conversation(task: Task, beside: Sequence[str] = ()) -> tuple[str, str]:
    """Return the mark for a task's conversation and the conversation, each turn begun with the mark.

    The mark occurs in no turn, and in none of the texts that are shown `beside` it.
    """
    said = [f"{turn.role}\n{turn.content}" for turn in turns_of(task)]
    own = mark([*said, *beside], said, 0)
    return own, "\n".join(f"{own} turn of the {turn}" for turn in said)
