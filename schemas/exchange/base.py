"""What an exchange format is, and what passes between it and our records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from schemas.bank import BankRubric
from schemas.errors import RlraError
from schemas.jsonl import explain
from schemas.rubric import Rubric
from schemas.task import Message, Task
from schemas.yaml_file import Location

ForeignT = TypeVar("ForeignT", bound="Foreign")
Data = dict[str, Any]
Reading = Literal["strict", "loose"]


class Foreign(BaseModel):
    """A shape of somebody else's. Fields that it does not name are kept, and come back on export."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False, defer_build=True)

    @property
    def left(self) -> Data:
        """The fields that the shape does not name."""
        return dict(self.model_extra or {})


class Turn(Foreign):
    """One message of a conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant"]
    """Who speaks."""
    content: str
    """What is said."""


def _as_turns(given: Any) -> Any:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


Prompt = Annotated[list[Turn], BeforeValidator(_as_turns)]
"""A prompt as text, or as messages."""


class Row(Foreign):
    """A line with a prompt; what is said here may stand in the lines of every format."""

    reference: str | None = None
    """A good answer."""
    rewritten_from: str | None = None
    """The last user turn before constraints were written into it."""


@dataclass(frozen=True)
class Loss:
    """Something that the other side has no place for."""

    where: str
    """`file:line`."""
    kind: str
    """What it is, in the words of the side that has it: a field's name."""
    what: str
    """What becomes of it."""
    changes: bool = True
    """Whether a verdict or a reward may come out otherwise without it."""
    part: str = ""
    """The part that it stands in, where its kind does not say it."""

    def __str__(self) -> str:
        """Return the loss in a line."""
        return f"{self.where}: {self.part or self.kind}: {self.what}"


@dataclass
class Entry:
    """One line of a foreign file, or the whole of it: a prompt with its rubric, or a rubric."""

    data: Any
    where: Callable[[Location], str]
    """The place of a part as `file:line`."""
    stem: str
    """What the file is called, without folder and ending: the name of a rubric that has none."""
    number: int | None = None
    """Its place among others, from 1; None where the file is one rubric."""
    reading: Reading = "strict"
    """How instructions of IFEval and IFBench are to be read."""
    losses: list[Loss] = field(default_factory=list)
    """What our rubrics have no place for."""

    def error(self, at: Location, what: str, hint: str | None = None) -> RlraError:
        """Return the error that says what is wrong with the part at `at`."""
        return RlraError(f"{self.where(at)}: {spelled(at)}: {what}", hint=hint)

    def lose(self, at: Location, kind: str, what: str, changes: bool = True) -> None:
        """Note that the part at `at` cannot be kept as it is meant."""
        self.losses.append(Loss(self.where(at), kind, what, changes, spelled(at)))

    def shaped(self, shape: type[ForeignT], hint: str | None = None) -> ForeignT:
        """Return the data in a foreign shape. Raises RlraError as `file:line: field: what`."""
        try:
            return shape.model_validate(self.data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise RlraError(f"{self.where(first['loc'])}: {explain(error)}", hint or self._found(first)) from None

    def _found(self, error: Any) -> str | None:
        if error["type"] != "missing" or not isinstance(error["input"], dict):
            return None
        return f"found: {', '.join(map(str, error['input']))}" if error["input"] else "it is empty"


@dataclass
class Draft:
    """What a format reads out of an entry: our own data, before names are given and promises checked."""

    criteria: list[Data]
    reward: Data = field(default_factory=dict)
    messages: list[Data] | None = None
    """The conversation; None where the entry is a rubric alone."""
    reference: str | None = None
    rewritten_from: str | None = None
    meta: Data = field(default_factory=dict)
    """What is left of the entry, ids among it."""
    rubric_meta: Data = field(default_factory=dict)
    title: str = ""
    kind: str = "soft"


@dataclass(frozen=True)
class Outgoing:
    """One of our records on its way out."""

    record: Task | BankRubric
    rubric: Rubric
    where: Callable[[Location], str]
    """The place of a part of the rubric as `file:line`."""
    describe: Callable[[dict[str, Data]], str]
    """Says a check in words, for formats that know judges alone."""
    line: bytes = b""
    """The line as it was read, where the record is all of it."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation; empty for a rubric alone."""
        return self.record.messages if isinstance(self.record, Task) else ()

    @property
    def meta(self) -> Data:
        """The author's own fields of the line."""
        return self.record.meta if isinstance(self.record, Task) else self.rubric.meta


@dataclass(frozen=True)
class Format:
    """One entry of the table of formats."""

    name: str
    about: str
    """Whose it is, in a line."""
    key: str
    """Where an entry keeps its criteria; a file that is a bare list of criteria is read as if it stood there."""
    id_name: str
    """What an entry calls its id."""
    read: Callable[[Entry], Draft]
    """Read an entry. Raises RlraError."""
    write: Callable[[Outgoing], Data]
    """Return a record as an entry, as far as it can be said. Raises RlraError where nothing is left."""
    is_criterion: Callable[[Any], bool]
    """Whether a piece of data is one of its criteria, by its keys."""
    one_rubric: bool = False
    """Whether a file holds exactly one rubric, and no prompt."""
    toml: bool = False
    """Whether TOML is how its files are written."""
    expand: Callable[[Data], list[Data]] = lambda data: [data]
    """Return the entries that one document stands for."""

    def looks(self, data: Any) -> bool:
        """Return whether an entry looks like one of this format."""
        found = data.get(self.key) if isinstance(data, dict) else data
        return isinstance(found, list) and bool(found) and self.is_criterion(found[0])


def has(*keys: str) -> Callable[[Any], bool]:
    """Return a function that says whether a piece of data is an object with all of `keys`."""
    return lambda item: isinstance(item, dict) and all(key in item for key in keys)


def spelled(at: Location) -> str:
    """Return a location as `field[2].field`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".") or "line"


def number(value: float) -> float | int:
    """Return a number as people write it: 5 and not 5.0."""
    return int(value) if float(value).is_integer() else value
