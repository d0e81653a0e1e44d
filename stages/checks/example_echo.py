"""A response that gives an instruction's own example back, marks and all: "such as [city]" is answered with [city]."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from schemas.base import Part
from schemas.task import Task
from stages.checks.base import Check, Outcome, register
from stages.checks.text import folded_words

_SPANS = {
    "brackets": re.compile(r"\[([^\[\]\n]{1,60})\](?!\()"),  # a link is none
    "double angle brackets": re.compile(r"<<([^<>\n]{1,60})>>"),
    "braces": re.compile(r"\{([^{}\n]{1,60})\}"),
    "asterisks": re.compile(r"\*{1,3}([^*\s](?:[^*\n]{0,58}[^*\s])?)\*{1,3}"),
}
_SHOWN = 40

Span = tuple[str, tuple[str, ...]]
"""The kind of marks, and the words between them."""


class EchoesExample(Part):
    """The response repeats, in its marks, what the prompt holds in brackets, angle brackets, braces or asterisks."""

    examples: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Examples with their marks, such as "[city]", in place of those that stand in the prompt."""

    def said(self) -> str:
        """Return the line for a prompt: what is looked for."""
        return "Gives the instruction's own example back: what stands there in brackets, angle brackets or asterisks."


def echoes_example(text: str, args: EchoesExample, task: Task) -> Outcome:
    """Met means that it does: give the criterion a negative weight or `veto: if_met`.

    Letter case and spaces do not matter, bare numbers such as [1] do not count. Not for tasks that hand over a text
    with such marks to edit or to fill in part.
    """
    given = spans(args.examples or (message.content for message in task.messages if message.role != "assistant"))
    echoed = [span for span in spans([text]) if span in given]
    if not echoed:
        return Outcome(False, "no example of the prompt in its marks")
    kind, said = echoed[0]
    return Outcome(True, f"“{' '.join(said)[:_SHOWN]}” stands in {kind} in the prompt as well")


def spans(texts: Iterable[str]) -> dict[Span, None]:
    """Return what stands between marks in some texts, each once and in order."""
    found: dict[Span, None] = {}
    for text in texts:
        for kind, pattern in _SPANS.items():
            for match in pattern.finditer(text):
                said = tuple(folded_words(match[1]))
                if said and not all(word.isdigit() for word in said):
                    found[kind, said] = None
    return found


register(
    Check(
        name="echoes_example",
        arguments=EchoesExample,
        run=echoes_example,
        passes=({"examples": ["[city]"]}, "Sow clover near [City]."),
        fails=({"examples": ["[city]"]}, "Sow clover near the city and [the river]."),
    )
)
