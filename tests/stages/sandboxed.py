"""Python of a rubric to run in tests, and the task that it is given."""

from schemas.task import Message, Task
from stages.visible import visible

TASK = Task(
    id="t",
    messages=(
        Message(role="user", content="Hello?"),
        Message(role="assistant", content="Yes?"),
        Message(role="user", content="Name a tree."),
    ),
    reference="An oak.",
    meta={"words": ["oak", "elm"], "nested": {"deep": [1, 2.5, None, True]}},
)
FINE = "def score(response, task):\n    return response == 'fine'\n"


def source(*body: str) -> str:
    """Return a rubric's Python with `body` as the lines of `score`."""
    return "\n".join(("def score(response, task):", *(f"    {line}" for line in body), ""))


def is_one_line(text: str) -> bool:
    """Return whether a reason is short, one line, and nothing that a terminal would act on."""
    return 0 < len(text) <= 300 and "\n" not in text and visible(text) == text
