"""`rollout`: tasks → groups of responses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Self

import orjson
from pydantic import Field, field_validator, model_validator

from schemas.answers import Answers
from schemas.base import Part
from schemas.rollouts import Policy, Response, Rollouts, Sampling, pack
from schemas.rubric import Rubric
from schemas.task import Task
from stages.conversation import Conversation, held, parted
from stages.models.base import Completion, Model

NOT_FOR_TEMPLATES = frozenset(
    [
        "conversation",
        "messages",
        "chat_template",
        "add_generation_prompt",
        "continue_final_message",
        "tokenize",
        "padding",
        "truncation",
        "max_length",
        "return_tensors",
        "return_dict",
        "return_assistant_tokens_mask",
        "tokenizer_kwargs",
    ]
)
"""What a tokenizer is told besides arguments of the template: under another one `policy.template` would be untrue."""


class RolloutSpec(Part):
    """Every option that decides what is sampled."""

    group_size: int = Field(default=8, ge=1, le=256)
    """Responses per prompt."""
    max_tokens: int = Field(default=96, ge=1)
    """The longest response, in tokens; with follow-ups, the longest answer of each turn."""
    temperature: float = Field(default=1.0, ge=0)
    """Sampling temperature; 0 is greedy. Staged training wants 1."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw only from the likeliest tokens with this share of the probability; 1, as staged training needs, is all."""
    top_k: int = Field(default=0, ge=0)
    """Draw only from so many likeliest tokens; 0, as staged training needs, is all."""
    repetition_penalty: float = Field(default=1.0, gt=0)
    """Above 1, tokens of prompt and answer come again less likely; staged training needs 1, which is none."""
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    """Taken from the scores of tokens that the answer holds; staged training needs 0."""
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    """Taken from the scores of tokens, for each time that the answer holds them; staged training needs 0."""
    stop: tuple[str, ...] = ()
    """A text that ends an answer and is no part of it; may be repeated. Staged training needs none."""
    system: str | None = None
    """A system prompt for conversations that have none of their own; `@FILE` reads it from a file."""
    template_arg: tuple[str, ...] = ()
    """Tell the chat template KEY=VALUE, such as enable_thinking=false; VALUE is JSON, else text. May be repeated."""
    until_spread: int = Field(default=0, ge=0)
    """Sample a group further, --group-size more at a time, until two rewards differ or it has so many; 0 is off. A
    group of which all failed is left as it is."""
    window: int = Field(default=0, ge=0)
    """Prompts sampled together; a resumed run begins at a multiple of it. 0 is as many as make 256 responses."""
    tokens: bool = True
    """Keep token ids and log-probabilities in the lines, which staged training needs."""
    seed: int = 0
    """Decides every random number, together with the prompt's id."""

    @field_validator("stop")
    @classmethod
    def _not_empty(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if "" in texts:
            raise ValueError("an empty text would end every answer at once")
        return texts

    @field_validator("template_arg")
    @classmethod
    def _named(cls, pairs: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [pair for pair in pairs if not pair.partition("=")[0] or "=" not in pair]:
            raise ValueError(f"'{wrong[0]}' is not KEY=VALUE")
        if wrong := [key for key, _, _ in (pair.partition("=") for pair in pairs) if key in NOT_FOR_TEMPLATES]:
            raise ValueError(f"'{wrong[0]}' is no argument of a template, but decides how it is used")
        return pairs

    @model_validator(mode="after")
    def _room_to_spread(self) -> Self:
        if 0 < self.until_spread <= self.group_size:
            raise ValueError(f"--until-spread {self.until_spread} is no more than --group-size {self.group_size}")
        if self.until_spread and not self.temperature:
            raise ValueError("--until-spread at temperature 0 repeats one response")
        return self

    @property
    def sampling(self) -> dict[str, Any]:
        """How an answer is drawn, under the names that `Sampling` and `Request` have for it."""
        return {name: getattr(self, name) for name in Sampling.model_fields}

    @property
    def template_args(self) -> dict[str, Any]:
        """What the chat template is told besides the conversation."""
        return {key: _value(text) for key, _, text in (pair.partition("=") for pair in self.template_arg)}


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def rollout(
    tasks: Iterable[Task], spec: RolloutSpec, model: Model, rubrics: Sequence[Rubric] = (), add: bool = False
) -> Iterator[Rollouts]:
    """Yield one group for each task, in order; a response that could not be had is `failed`.

    A response's seed derives from (spec.seed, task id, index in the group), and from the turn behind a follow-up,
    so leaving out or reordering tasks does not change the others' seeds. Under `spec.until_spread`, `rubrics` replace
    the tasks' own, or join them with `add`; raises what `Spread.accept` raises, before the task is sampled.
    """
    remaining, spread = iter(tasks), None
    if spec.until_spread:
        from stages.until_spread import Spread  # checks and judging are loaded for it alone

        spread = Spread(rubrics, add)
    while window := list(islice(remaining, window_of(spec))):
        if spread is not None:
            spread.accept(window)
        groups = _sampled([(task, range(spec.group_size)) for task in window], spec, model)
        while flat := spread.flat(groups, spec.until_spread) if spread is not None else []:
            asked = [(groups[place], _further(groups[place], spec)) for place in flat]
            for place, further in zip(flat, _sampled(asked, spec, model), strict=True):
                groups[place] = _together(groups[place], further)
        yield from groups


def _further(group: Rollouts, spec: RolloutSpec) -> range:
    """Return the indices of the responses that a group without spread gets next."""
    size = len(group.responses)
    return range(size, min(size + spec.group_size, spec.until_spread))


def _sampled(asked: Sequence[tuple[Task, range]], spec: RolloutSpec, model: Model) -> list[Rollouts]:
    """Return for each task the group of the responses with these indices."""
    conversations = iter(held([(task, index) for task, indices in asked for index in indices], spec, model))
    return [_group(task, list(islice(conversations, len(indices))), spec, model) for task, indices in asked]


def _together(group: Rollouts, further: Rollouts) -> Rollouts:
    prompt = group.prompt_tokens or further.prompt_tokens
    return group.model_copy(update={"responses": (*group.responses, *further.responses), "prompt_tokens": prompt})


def attach(tasks: Iterable[Task], answers: Mapping[str, Answers], policy: Policy) -> Iterator[Rollouts]:
    """Yield one group for each task, in order, with the responses that were made elsewhere, by task id.

    A task without any has one response, which is `failed`. The lines hold no tokens: staged training refuses them.
    """
    for task in tasks:
        found = answers.get(task.id)
        responses = tuple(_made_elsewhere(text) for text in (found.texts if found else ()))
        missing = Response(text="", finish="failed", length=0, error="no response was given for this id")
        who = policy.model_copy(update={"model": found.model}) if found and found.model else policy
        yield Rollouts(**_of_task(task), policy=who, responses=responses or (missing,))


def _made_elsewhere(given: str) -> Response:
    text, thought = parted(Completion(given, "stop", 0))
    return Response(text=text, finish="stop", length=0, thinking=thought)


def window_of(spec: RolloutSpec) -> int:
    """Return the number of prompts that are sampled at a time: enough of them to keep several workers in work."""
    return spec.window or max(1, 256 // spec.group_size)


def _group(task: Task, conversations: list[Conversation], spec: RolloutSpec, model: Model) -> Rollouts:
    prompt_ids = next((one.first_prompt for one in conversations if one.first_prompt), None) if spec.tokens else None
    return Rollouts(
        **_of_task(task),
        policy=policy(spec, model),
        prompt_tokens=pack(list(prompt_ids), "i") if prompt_ids else None,
        responses=tuple(one.response for one in conversations if one.response is not None),
    )


def _of_task(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in Task.model_fields if name != "tag"}


def policy(spec: RolloutSpec, model: Model) -> Policy:
    """Return who answers, and how, as it is written into every line."""
    return Policy(
        model=model.reference,
        revision=model.revision,
        template=model.template,
        engine=model.engine,
        dtype=model.dtype,
        sampling=Sampling(**spec.sampling),
        seed=spec.seed,
        system=spec.system,
        template_args=spec.template_args,
    )


def unfit(group: Rollouts) -> tuple[str, ...]:
    """Return why staged training cannot learn exactly from a group, such as `top_p 0.9`; nothing where it can."""
    if group.policy.sampling is None:
        return ("made elsewhere",)
    answered = (response for response in group.responses if response.finish != "failed")
    prompted = ((one, one.prompt_tokens if one.earlier else group.prompt_tokens) for one in answered)
    without = any(one.tokens is None or prompt is None for one, prompt in prompted)
    return (*(("no token ids",) if without else ()), *group.policy.sampling.unfit)
