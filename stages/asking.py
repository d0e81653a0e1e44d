"""Ask a model, read the answer, and ask again where it could not be read."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from schemas.judged import FailureClass
from schemas.task import Message
from stages.models.base import Completion, LiveModel, Request
from stages.seeds import derive

ValueT = TypeVar("ValueT")
ASKED_AGAIN: tuple[FailureClass, ...] = ("refusal", "truncated", "unreadable", "contradiction", "empty")
QUOTED_CHARACTERS = 8_000


class UnreadableError(Exception):
    """An answer that a reader cannot take; the message tells the model what was wrong."""

    kind: FailureClass = "unreadable"


class ContradictionError(UnreadableError):
    """An answer that says two things that cannot both hold."""

    kind: FailureClass = "contradiction"


@dataclass(frozen=True)
class Failure:
    """Why a question has no answer. It is never a value."""

    kind: FailureClass
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}" if self.reason else self.kind


@dataclass(frozen=True)
class Reply(Generic[ValueT]):
    """What came of one question, and what it took."""

    value: ValueT | Failure
    """What the reader found, or why there is nothing."""
    calls: int
    """Answers that were asked for: more than one where some could not be read."""
    tokens_in: int
    """Tokens of all the prompts."""
    tokens_out: int
    """Tokens of all the answers."""
    completion: Completion | None = field(default=None, compare=False)
    """The answer that counts, as it came."""


class Purse(Protocol):
    """Who pays for calls, and stops them where the money ends."""

    async def admitted(self, model: str, request: Request) -> int:
        """Set aside what the call may take, and return its number. Raises RlraError where nothing is left."""
        ...

    def charge(self, model: str, aside: int, completion: Completion) -> None:
        """Book what the call took, in place of what was set aside for it."""
        ...


class Asker:
    """Puts questions to one model, each again where its answer cannot be read."""

    def __init__(
        self,
        model: LiveModel,
        attempts: int = 3,
        counts: Counter[str] | None = None,
        purse: Purse | None = None,
        schemas: bool = True,
    ) -> None:
        """Keep what every question needs. `counts` gains `asked`, and `asked_again:KIND` by class of failure.

        Without `schemas` the model is not held to the JSON schemas of questions, and `read` alone decides.
        """
        self.model = model
        self._schemas = schemas
        self._attempts = attempts
        self._counts = counts if counts is not None else Counter()
        self._purse = purse

    async def put(self, request: Request, read: Callable[[Completion], ValueT]) -> Reply[ValueT]:
        """Return the value that `read` finds in the answer, or a Failure.

        A question whose answer was unreadable, contradictory, a refusal, cut off or empty is put again, at
        most `attempts` times in all, with another seed, the previous answer and what was wrong with it.
        What failed in transport is not: the backend has tried again already. Raises what the model and the
        purse raise, and never for what an answer says.
        """
        self._counts["asked"] += 1
        request = request if self._schemas else replace(request, schema=None)
        put, calls, tokens_in, tokens_out = request, 0, 0, 0
        while True:
            completion = await self._answered(put)
            calls, tokens_in = calls + 1, tokens_in + completion.prompt_length
            tokens_out += completion.length
            value = _read(completion, put, read)
            again = isinstance(value, Failure) and value.kind in ASKED_AGAIN and calls < self._attempts
            if not (again and isinstance(value, Failure)):
                return Reply(value, calls, tokens_in, tokens_out, completion)
            self._counts[f"asked_again:{value.kind}"] += 1
            put = _again(request, completion.text, value, calls)

    async def _answered(self, request: Request) -> Completion:
        if self._purse is None:
            return await self.model.answer(request)
        aside = await self._purse.admitted(self.model.reference, request)
        completion = Completion("", "failed", 0, error="transport: not asked")
        try:
            completion = await self.model.answer(request)
        finally:
            self._purse.charge(self.model.reference, aside, completion)
        return completion


def _read(completion: Completion, request: Request, read: Callable[[Completion], ValueT]) -> ValueT | Failure:
    if completion.finish == "failed":
        return _failed(completion.error or "")
    if not request.top:  # of an answer that is read off its first token the rest is of no interest
        if completion.finish == "length":
            return Failure("truncated", "the answer was cut off at the token limit")
        if not completion.text.strip():
            return Failure("empty", "the answer is empty")
    try:
        return read(completion)
    except UnreadableError as error:
        return Failure(error.kind, str(error))


def _failed(error: str) -> Failure:
    if error == "empty":
        return Failure("empty", "the answer is empty")
    if error == "content filter":
        return Failure("content filter", "the server withheld the answer")
    kind, colon, said = error.partition(": ")
    return Failure("refusal", said) if colon and kind == "refusal" else Failure("transport", _without_kind(error))


def _without_kind(error: str) -> str:
    return error.removeprefix("transport: ")


def _again(request: Request, answer: str, failure: Failure, attempt: int) -> Request:
    turns: tuple[Message, ...] = ()
    # Some servers refuse an empty turn.
    if answer.strip():
        complaint = f"That answer cannot be used: {failure.reason}. Answer again, in full and in the format asked for."
        turns = (
            Message(role="assistant", content=answer[-QUOTED_CHARACTERS:]),
            Message(role="user", content=complaint),
        )
    return replace(request, messages=request.messages + turns, seed=derive(request.seed, attempt))
