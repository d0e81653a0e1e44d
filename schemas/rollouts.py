"""`rollouts/1`: a task, and a group of responses to it."""

import base64
import sys
from array import array
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Own, Part
from schemas.task import Message, Task

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Sampling(Part):
    """How responses were drawn."""

    temperature: float = Field(ge=0)
    """0 is greedy."""
    max_tokens: Own[int] = Field(ge=1)
    """The longest response, in tokens."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Only the likeliest tokens with this share of the probability were drawn from; 1 is all."""
    top_k: Own[int] = Field(default=0, ge=0)
    """Only so many likeliest tokens were drawn from; 0 is all."""
    repetition_penalty: float = Field(default=1.0, gt=0)
    """What the scores of tokens that stand in prompt or answer were divided by; 1 is none."""
    presence_penalty: float = 0.0
    """What was taken from the scores of tokens that stand in the answer; 0 is none."""
    frequency_penalty: float = 0.0
    """What was taken from the scores of tokens for each time they stand in the answer; 0 is none."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer; they are no part of it."""

    @property
    def unfit(self) -> tuple[str, ...]:
        """Why staged training cannot learn from responses drawn so, such as `top_p 0.9`; nothing where it can.

        A trainer computes the probability of every token under the whole softmax at a temperature. Whatever
        else changed what was drawn, or cut the answer where the policy did not end, makes its ratios wrong.
        """
        plain = Sampling(temperature=1.0, max_tokens=1)
        names = ("top_p", "top_k", "repetition_penalty", "presence_penalty", "frequency_penalty")
        found = [name for name in names if getattr(self, name) != getattr(plain, name)]
        greedy = ("temperature 0",) if self.temperature == 0 else ()
        stops = (f"stop {', '.join(map(repr, self.stop))}",) if self.stop else ()
        return (*greedy, *(f"{name} {getattr(self, name)}" for name in found), *stops)


class Policy(Part):
    """The model that answered, in enough detail to answer the same again."""

    model: str
    """The reference that the user gave, such as `smollm2` or `hf:runs/a`."""
    revision: str
    """A digest of the weights."""
    template: str
    """A digest of the chat template."""
    engine: str
    """The program that sampled, and its version."""
    dtype: str
    """The number format of the weights while sampling."""
    sampling: Sampling | None = None
    """How responses were drawn; nobody knows of responses that were made elsewhere."""
    seed: Own[int]
    """The seed that every response's own seed derives from."""
    system: str | None = None
    """The system prompt that was put before conversations without one; the line's `messages` do not hold it."""
    template_args: Own[dict[str, Any]] = {}
    """What the chat template was told besides the conversation, such as `enable_thinking`."""


class Tokens(Part):
    """What exact training needs of one response, as base64 of little-endian arrays."""

    ids: Base64
    """Token ids, int32; an end-of-turn token that was sampled is the last of them."""
    logprobs: Base64
    """The sampler's log-probability of each token, float32, same length as `ids`."""

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.ids) != len(self.logprobs) or len(base64.b64decode(self.ids)) % 4:
            raise ValueError("`ids` and `logprobs` must hold equally many 4-byte numbers")
        return self


class Response(Part):
    """One answer of the policy."""

    text: str
    """The answer, decoded, without what the model thought before it; empty when sampling failed."""
    finish: Literal["stop", "length", "failed"]
    """Whether the model ended by itself, was cut off, or gave no answer."""
    length: Own[int] = Field(ge=0)
    """Tokens in the answer; 0 where a text that was made elsewhere does not say."""
    tokens: Tokens | None = None
    """Token ids and log-probabilities, unless `--no-tokens`."""
    error: str | None = None
    """Why there is no answer."""
    thinking: str = ""
    """What the model thought before its answer, where it says so; no judge sees it."""
    earlier: tuple[Message, ...] = ()
    """Of a task with follow-ups: the policy's answers and the user's turns between `messages` and `text`."""
    cut_off_turns: tuple[Own[int], ...] = ()
    """Which of the policy's answers in `earlier` were cut off: their numbers, from 1."""
    prompt_tokens: Base64 | None = None
    """Token ids, int32, of the prompt of this one response, where it is not the line's."""

    @property
    def was_cut_off(self) -> bool:
        """Whether the answer was cut off, or one of the turns before it."""
        return self.finish == "length" or bool(self.cut_off_turns)

    @property
    def led_to(self) -> list[tuple[Message, bool]]:
        """The earlier turns, each with whether it is an answer that was cut off."""
        cut_off = {2 * turn - 2 for turn in self.cut_off_turns}  # every other turn is the user's
        return [(message, place in cut_off) for place, message in enumerate(self.earlier)]

    @model_validator(mode="after")
    def _failure_says_why(self) -> Self:
        if (self.finish == "failed") != (self.error is not None):
            raise ValueError("`error` goes with `finish: failed`, and only with it")
        return self


class Rollouts(Task):
    """A task and one group of responses to it."""

    KIND: ClassVar[str] = "rollouts"

    policy: Policy
    """Who answered."""
    prompt_tokens: Base64 | None = None
    """Token ids of the prompt, int32, as the policy saw it."""
    responses: tuple[Response, ...] = Field(min_length=1)
    """The group."""


def pack(values: list[int] | list[float], code: Literal["i", "f"]) -> str:
    """Return `values` as base64 of little-endian int32 (`i`) or float32 (`f`)."""
    packed = array(code, values)
    return base64.b64encode(_little_endian(packed).tobytes()).decode("ascii")


def unpack(text: str, code: Literal["i", "f"]) -> list:
    """Return the numbers that `pack` packed."""
    packed = array(code)
    packed.frombytes(base64.b64decode(text))
    return _little_endian(packed).tolist()


def _little_endian(values: array) -> array:
    if sys.byteorder == "big":
        values.byteswap()
    return values
