"""What a way of writing rubrics is: what it asks a model, and how it reads a draft out of the answer."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from schemas.base import Record
from schemas.criterion import Criterion
from schemas.rollouts import Response
from schemas.task import Message, Task

Kind = Literal["soft", "hard", "style", "defence"]


class Material(Record):
    """What a writer is shown: a task and, where the method looks at them, responses to it and what they are worth."""

    KIND: ClassVar[str] = "material"

    task: Task
    """The task that gets the rubric."""
    responses: tuple[Response, ...] = ()
    """Responses to it."""
    worth: tuple[float | None, ...] = ()
    """How good each of them is, by its reward or by people's labels; null where nobody knows. Empty: of none."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a draft, in words that its writer can mend it by."""

    gate: str
    """The reason of the gate that the draft does not pass; see `stages.writing.gates`."""
    message: str
    """What is wrong, and where."""

    def __str__(self) -> str:
        return f"{self.gate}: {self.message}"


class DraftError(Exception):
    """An answer that could be read and is no usable draft; its findings go back to the writer, once."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


class NothingToShowError(Exception):
    """A task that a method has nothing to go on for, such as responses of which none is better than another."""


@dataclass(frozen=True)
class Draft:
    """What a writer proposes."""

    criteria: tuple[Criterion, ...]
    """The criteria, each valid by itself."""
    kind: Kind = "soft"
    """The kind of rubric that they make."""
    prompt: str | None = None
    """What the user is to ask in place of the prompt, where the method changes it; the original is kept beside it."""


class Method(Protocol):
    """One way of writing rubrics. It knows neither models nor gates, and keeps nothing between tasks."""

    @property
    def name(self) -> str:
        """What `--method` calls it."""

    @property
    def schema(self) -> str:
        """The JSON Schema of the answer, as JSON."""

    @property
    def gates(self) -> tuple[str, ...]:
        """The reasons of the gates that `read` holds a draft against, in order, ending with the first it fails."""

    def question(self, given: Material) -> tuple[Message, ...]:
        """Return what the writer is asked; the same for the same material. May raise NothingToShowError."""
        ...

    def read(self, text: str, given: Material) -> Draft:
        """Return the draft in an answer, whose thinking is cut off already.

        Raises `stages.asking.UnreadableError` for an answer without one (it is asked for again), and DraftError for
        one that is there and wrong (it is repaired once).
        """
        ...
