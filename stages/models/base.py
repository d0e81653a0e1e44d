"""The protocol that every model backend follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from schemas.task import Message

PROMPT_END = 16
"""Tokens at the end of a prompt in which a chat template would open a block of thinking."""


@dataclass(frozen=True)
class Request:
    """One question put to a model."""

    messages: tuple[Message, ...]
    seed: int
    """Decides the answer's random numbers, together with nothing else."""
    temperature: float
    """0 is greedy."""
    max_tokens: int
    schema: str | None = None
    """A JSON Schema, as canonical JSON, that the answer has to follow, where the backend can make it."""
    top: int = 0
    """How many of the likeliest first tokens are to be told, with their log-probabilities."""
    top_p: float = 1.0
    """Draw only from the likeliest tokens with this share of the probability."""
    top_k: int = 0
    """Draw only from so many likeliest tokens; 0 is all."""
    repetition_penalty: float = 1.0
    """Divides the positive scores of tokens that stand in prompt or answer, multiplies the negative ones."""
    presence_penalty: float = 0.0
    """Taken from the scores of tokens that stand in the answer."""
    frequency_penalty: float = 0.0
    """Taken from the scores of tokens, for each time they stand in the answer."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer, and are cut off it."""
    template_args: str = "{}"
    """What the chat template is told besides the conversation: an object, as canonical JSON."""
    exact: bool = False
    """Whether token ids and log-probabilities are wanted of the answer; a backend may give them unasked."""


@dataclass(frozen=True)
class Completion:
    """One answer, or why there is none."""

    text: str
    finish: Literal["stop", "length", "failed"]
    length: int
    """Tokens in the answer, end-of-turn token included."""
    error: str | None = None
    """Set exactly when `finish` is `failed`."""
    prompt_ids: tuple[int, ...] | None = None
    """Token ids of the prompt as the model saw it, where the backend knows them."""
    ids: tuple[int, ...] | None = None
    """Token ids of the answer, an end-of-turn token that was sampled included."""
    logprobs: tuple[float, ...] | None = None
    """The sampler's log-probability of each of `ids`."""
    thinking: str = ""
    """What the model thought before its answer, where the backend sets it apart from the text."""
    top: tuple[tuple[str, float], ...] | None = None
    """The likeliest first tokens and their log-probabilities (nats), where `Request.top` asked for them."""
    prompt_end: str = ""
    """The last words of the prompt, written as `text` is, where the backend knows them: a block that the chat template
    opens in them is one that the answer begins in."""
    prompt_length: int = 0
    """Tokens in the prompt, as the backend counts them; 0 where it does not."""
    cached: int = 0
    """Tokens of the prompt that the backend had in its prefix cache."""


class Model(Protocol):
    """What a stage needs of a model."""

    reference: str
    """What the user typed, such as `smollm2` or `openai:NAME`."""
    revision: str
    """A digest of the weights, or the server's own name for the model."""
    template: str
    """A digest of the chat template; empty where the server keeps it."""
    engine: str
    """The program that samples, and its version."""
    dtype: str
    """The number format of the weights; empty where the server keeps it."""

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Return one completion per request, in the same order.

        Never raises for one request's sake: what failed is a completion with `finish: failed`.
        Raises RlraError when the backend as a whole is of no use (no such model, a dead server).
        """
        ...


class LiveModel(Model, Protocol):
    """A model that answers many requests at a time, each when it is ready: a server, not a batch."""

    async def answer(self, request: Request) -> Completion:
        """Return the completion of one request; waits while the limits of the backend are reached.

        Belongs to the event loop that first called it, until `aclose`. Never raises for the request's
        sake; raises RlraError when the backend as a whole is of no use.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections of this event loop; another loop may use the model afterwards."""
        ...
