"""One response in the making: what the policy is shown, turn by turn, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from schemas.rollouts import Response, Tokens, pack
from schemas.task import Message, Task
from stages.asking import UnreadableError
from stages.models.base import Completion, Model, Request
from stages.reading.thoughts import answer, thinking
from stages.seeds import derive

if TYPE_CHECKING:
    from stages.rollout import RolloutSpec


@dataclass
class Conversation:
    """A task as one response of its group sees it: the policy's own answers stand before each follow-up."""

    task: Task
    index: int
    """The response's place in its group."""
    spec: "RolloutSpec"
    earlier: tuple[Message, ...] = ()
    """The turns since the task's messages."""
    cut_off_turns: tuple[int, ...] = ()
    """The numbers, from 1, of the policy's answers among them that were cut off."""
    first_prompt: tuple[int, ...] | None = None
    """Token ids of the first turn's prompt, which all responses of a group share."""
    response: Response | None = None
    """What came of it, once it is over."""

    @property
    def turn(self) -> int:
        """How many of the follow-ups were put."""
        return len(self.earlier) // 2

    def request(self) -> Request:
        """Return what is asked next. The seed of a first turn is that of a task without follow-ups."""
        spec, turns = self.spec, (*self.task.messages, *self.earlier)
        if spec.system is not None and all(message.role != "system" for message in turns):
            turns = (Message(role="system", content=spec.system), *turns)
        return Request(
            messages=turns,
            seed=derive(spec.seed, self.task.id, self.index, *([self.turn] if self.turn else [])),
            template_args=orjson.dumps(spec.template_args, option=orjson.OPT_SORT_KEYS).decode(),
            exact=True,  # a server that is asked for tokens is told to draw plainly, too
            **spec.sampling,
        )

    def hear(self, completion: Completion) -> None:
        """Take an answer: the response, or with follow-ups left one more turn. Without an answer it ends, `failed`."""
        text, thought = parted(completion)
        left = self.task.follow_ups[self.turn :]
        error = completion.error or ("the answer is empty" if left and not text.strip() else None)
        if not self.earlier:
            self.first_prompt = completion.prompt_ids
        if error is not None:
            where = f"turn {self.turn + 1}: " if self.task.follow_ups else ""
            self.response = Response(text="", finish="failed", length=0, error=where + error, **self._led_to)
        elif left:
            if completion.finish == "length":
                self.cut_off_turns = (*self.cut_off_turns, self.turn + 1)
            said = Message(role="assistant", content=text), Message(role="user", content=left[0])
            self.earlier = (*self.earlier, *said)
        else:
            self.response = self._response(completion, text, thought)

    def _response(self, completion: Completion, text: str, thought: str) -> Response:
        prompt = completion.prompt_ids if self.spec.tokens and self.earlier else None
        kept = None
        # Without its own prompt, a later turn's tokens would be learned behind the prompt of the first.
        if self.spec.tokens and completion.ids and completion.logprobs and (prompt or not self.earlier):
            kept = Tokens(ids=pack(list(completion.ids), "i"), logprobs=pack(list(completion.logprobs), "f"))
        return Response(
            text=text,
            finish=completion.finish,
            length=completion.length,
            tokens=kept,
            thinking=thought,
            prompt_tokens=pack(list(prompt), "i") if prompt else None,
            **self._led_to,
        )

    @property
    def _led_to(self) -> dict[str, Any]:
        return {"earlier": self.earlier, "cut_off_turns": self.cut_off_turns}


def held(places: Sequence[tuple[Task, int]], spec: "RolloutSpec", model: Model) -> list[Conversation]:
    """Return one conversation, held to its end, for each (task, index in the group), in order.

    All first turns are asked for in one call, then all second ones, and so on.
    """
    conversations = [Conversation(task, index, spec) for task, index in places]
    while asked := [one for one in conversations if one.response is None]:
        completions = model.complete([one.request() for one in asked])
        for one, completion in zip(asked, completions, strict=True):
            one.hear(completion)
    return conversations


def parted(completion: Completion) -> tuple[str, str]:
    """Return the answer and what was thought before it; the answer is empty where the thinking has no end."""
    thought = thinking(completion)
    try:
        text = answer(completion)
    except UnreadableError:
        return "", thought
    return text if len(text) == len(completion.text) else text.lstrip(), thought
