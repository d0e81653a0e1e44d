"""What a judge is asked in one call: the request, and the reader of its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from schemas.base import digest
from schemas.criterion import Criterion
from schemas.rollouts import Response
from schemas.task import Message
from stages import judge_prompt, reading
from stages.case import Case
from stages.models.base import Completion, Request
from stages.reading import Said
from stages.seeds import derive

if TYPE_CHECKING:
    from stages.judge import JudgeSpec

TOP = 20
"""Likeliest first tokens to ask for: what providers allow at most."""

Reader = Callable[[Completion], dict[str, Said]]


class Questions:
    """Puts criteria into words, by one method and one prompt."""

    def __init__(self, spec: JudgeSpec, prompt: judge_prompt.PromptText | None) -> None:
        """Take `prompt`, or the one that the method brings."""
        self.spec = spec
        self.prompt = prompt or judge_prompt.prompt_for(spec.method, spec.per_call)

    def accept(self, criterion: Criterion) -> None:
        """Raise RlraError for a criterion that the method cannot ask about."""
        if self.spec.method == "logprob":
            reading.tokens(criterion)

    def put(
        self,
        case: Case,
        response: Response,
        text: str,
        criteria: Sequence[Criterion],
        repeat: int = 0,
        order: int = 0,
        orders: int = 1,
    ) -> tuple[Request, Reader]:
        """Return the request that asks about a response, shown as `text`, and what reads verdicts out of its answer."""
        spec = self.spec
        question = judge_prompt.put(
            self.prompt, criteria, case.before(response).messages, text, spec.seed, case.rubric.around, order, orders
        )
        # From the prompt and not from the line: equal questions are then one question.
        seed = derive(spec.seed, "judge", digest(question.text), *([repeat] if repeat else []))
        turns = (Message(role="user", content=question.text),)
        if spec.method == "logprob":
            (only,) = criteria
            return Request(turns, seed, 0.0, 1, top=TOP), partial(_read_one, criterion=only, mass=spec.least_mass)
        read = reading.read_json if spec.method == "json" else reading.read_text
        request = Request(turns, seed, spec.temperature, spec.max_tokens, question.schema)
        return request, partial(read, criteria=criteria, word=question.word)


def _read_one(completion: Completion, criterion: Criterion, mass: float) -> dict[str, Said]:
    return {criterion.id: reading.read_first_token(completion, criterion, mass)}
