"""How a response is put before a judge: the prompt, with everything under judgement set apart as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import count

from schemas.base import digest
from schemas.rubric import Criterion
from schemas.task import Message
from stages.balanced import placed
from stages.excerpts import Excerpt, fitted, shown
from stages.prompt_file import Method, PromptText, load_prompt
from stages.reading import CANNOT_TELL, labels, schema_of, tokens

__all__ = ["Method", "PromptText", "Question", "described", "fitted", "load_prompt", "mark", "prompt_for", "put"]

_FILES: dict[Method, tuple[str, str]] = {
    "text": ("judge.md", "judge_one.md"),
    "json": ("judge_json.md", "judge_json_one.md"),
    "logprob": ("judge_logprob.md", "judge_logprob.md"),
}
"""For many criteria in a call, and for one: then the criterion comes last, and what precedes it is shared."""
_KEPT = 64
"""Texts under judgement whose marks are kept: the criteria of a response are asked about in a row."""


@dataclass(frozen=True)
class Question:
    """A prompt, and what its answer has to look like."""

    text: str
    word: str
    """Begins a verdict line; in JSON the name of a verdict. No text under judgement holds it."""
    schema: str | None = None
    """The JSON Schema of the answer, for the method `json`."""


@dataclass(frozen=True)
class _SetApart:
    """A conversation and a response with marks, and a secret, that neither of them holds."""

    conversation_mark: str
    conversation: str
    response_mark: str
    response: str
    secret: str
    is_forged: bool
    """Whether a text speaks of verdicts, as one does that would forge some."""


def prompt_for(
    method: Method, per_call: int | None = None, text: str | None = None, where: str = "--prompt"
) -> PromptText:
    """Return the prompt for `per_call` criteria a call (None: all of them), or `text`, which replaces it.

    Raises RlraError, naming `where` and the line, for a `text` that cannot serve; see `load_prompt`.
    """
    return _shipped(_FILES[method][per_call == 1], method) if text is None else load_prompt(text, where, method)


@cache
def _shipped(name: str, method: Method) -> PromptText:
    return load_prompt(files("stages").joinpath("prompts", name).read_text(encoding="utf-8"), name, method)


def put(
    prompt: PromptText,
    criteria: Sequence[Criterion],
    messages: Sequence[Message],
    response: str,
    seed: int,
    around: Mapping[str, Sequence[str]] | None = None,
    order: int = 0,
    orders: int = 1,
) -> Question:
    """Return the question that asks for verdicts on `criteria`.

    `around` holds the texts of the groups that a criterion stands in, by its id, outermost first. Criteria,
    their levels and their answers are listed in balanced order number `order` of `orders`; see `balanced.placed`.
    `response` may be an excerpt; see `fitted`. The marks around a text are derived from it and `seed`, so
    that no text can hold its own. Raises RlraError for a criterion that the method cannot ask about.
    """
    turns = tuple((message.role, message.content) for message in messages)
    apart = _set_apart(turns, response, isinstance(response, Excerpt), seed)
    asked = placed(criteria, order, orders)
    groups = around or {}
    listed = "\n\n".join(described(each, groups.get(each.id, ()), prompt.method, order, orders) for each in asked)
    plain = "verdict" if prompt.method == "json" else "VERDICT"
    word = f"{plain}-{apart.secret}" if apart.is_forged or "verdict" in listed.casefold() else plain
    slots = {
        "criteria": listed,
        "conversation_mark": apart.conversation_mark,
        "conversation": apart.conversation,
        "response_mark": apart.response_mark,
        "response": apart.response,
        "ids": ", ".join(criterion.id for criterion in asked),
        "word": word,
    }
    if prompt.method == "logprob":
        slots["answers"] = ", ".join(name for each in asked for name, _ in _answers(each, prompt.method, order, orders))
    text = "".join([piece for before, name in prompt.parts for piece in (before, slots[name] if name else "")])
    return Question(text, word, schema_of(asked, word) if prompt.method == "json" else None)


@lru_cache(_KEPT)
def _set_apart(turns: tuple[tuple[str, str], ...], response: str, is_cut: bool, seed: int) -> _SetApart:
    """Return the texts set apart. `is_cut` tells an excerpt from a response that equals its text."""
    said = [f"{role}\n{content}" for role, content in turns]
    texts = [*said, response]
    outer, inner = mark(texts, said, seed), mark(texts, texts, seed)
    return _SetApart(
        conversation_mark=outer,
        conversation="\n".join(f"{outer} turn of the {turn}" for turn in said),
        response_mark=inner,
        response=shown(response, inner) if is_cut else response,
        secret=_secret(texts, inner),
        is_forged=_speaks_of_verdicts(texts),
    )


def mark(absent_from: Sequence[str], derived_from: Sequence[str], seed: int) -> str:
    """Return a mark that follows from `derived_from` and `seed` and occurs in none of `absent_from`."""
    made = (f"=== {digest([seed, number, list(derived_from)])[:12]}" for number in count())
    return next(each for each in made if not any(each in text for text in absent_from))


def verdict_word(texts: Sequence[str], secret: str) -> str:
    """Return the word that opens a verdict line: VERDICT, or where a text says it too, one that no text can hold.

    `secret` is a mark around one of the texts.
    """
    return f"VERDICT-{_secret(texts, secret)}" if _speaks_of_verdicts(texts) else "VERDICT"


def _secret(texts: Sequence[str], inner: str) -> str:
    made = (digest([inner, number])[:8] for number in count())
    return next(each for each in made if not any(each in text for text in texts))


def _speaks_of_verdicts(texts: Sequence[str]) -> bool:
    return any("verdict" in text.casefold() for text in texts)


def described(
    criterion: Criterion, around: Sequence[str] = (), method: Method = "text", order: int = 0, orders: int = 1
) -> str:
    """Return a criterion as the judge reads it: its text, levels and allowed answers, never a weight or a score.

    `around` are the texts of the groups that it stands in, outermost first. Levels and answers stand in
    balanced order number `order` of `orders`, `cannot tell` last.
    """
    answers = _answers(criterion, method, order, orders)
    within = [f"  Part of: {' › '.join(around)}"] if around else []
    levels = [f"  {name} = {criterion.tiers[int(label)].text}" for name, label in answers if label.isdigit()]
    allowed = f"  Answers: {', '.join(name for name, _ in answers)}"
    return "\n".join([f"Criterion {criterion.id}: {criterion.text}", *within, *levels, allowed])


def _answers(criterion: Criterion, method: Method, order: int, orders: int) -> list[tuple[str, str]]:
    """Return each answer as the judge gives it and the label that it stands for, as listed for the judge."""
    if method == "logprob":
        answers = list(tokens(criterion).items())
    else:
        answers = [(label, label) for label in labels(criterion)]
    scored = [answer for answer in answers if answer[1] != CANNOT_TELL]
    return [*placed(scored, order, orders), *answers[len(scored) :]]
