"""The methods that ask for criteria: from the prompt, from what separates responses, from what they get wrong."""

from typing import ClassVar

from schemas.task import Message
from stages.writing.base import Draft, Material, NothingToShowError
from stages.writing.criteria import SCHEMA, read_criteria
from stages.writing.prompts import filled, set_apart
from stages.writing.shown import conversation
from stages.writing.spec import WritingSpec

SCOPES = {
    "instance": "The rubric is for this one request. Its criteria may name what the request names: persons, figures, "
    "conditions, what was asked for.",
    "task": "The rubric is for every request of the same kind as this one, which is no more than an example. Its "
    "criteria name the kind of thing that is asked for, and nothing that stands in this one request alone.",
}
"""What the writer is told about what the rubric is for."""
_REFERENCE = "A good answer, which the judge will not see; other answers may be as good:"


class FromPrompt:
    """`model`: criteria from the prompt alone, and from a reference answer where it is to be shown."""

    name: ClassVar[str] = "model"
    schema: ClassVar[str] = SCHEMA
    gates: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: WritingSpec, show_reference: bool = False) -> None:
        """Take how many criteria are wanted, how much is shown, and whether reference answers are."""
        self.spec, self._show_reference = spec, show_reference

    def question(self, given: Material) -> tuple[Message, ...]:
        """Return what the writer is asked; the same for the same material. Raises NothingToShowError."""
        texts, spec = self._texts(given), self.spec
        reference = (given.task.reference or "") if self._show_reference else ""
        mark, said = conversation(given.task, [reference, *(text for own in texts.values() for text in own)])
        apart = f"\n{_REFERENCE}\n\n{set_apart(mark, 'reference', reference, spec.longest)}\n" if reference else ""
        text = filled(
            f"write_{self.name}",
            mark=mark,
            conversation=said,
            reference=apart,
            scope=SCOPES[spec.scope],
            rules=filled("write_rules", fewest=str(spec.fewest_criteria), most=str(spec.most_criteria)),
            **{kind: self._listed(mark, kind, own) for kind, own in texts.items()},
        )
        return (Message(role="user", content=text),)

    def read(self, text: str, given: Material) -> Draft:
        """Return the draft in an answer; raises as `Method.read` does."""
        return read_criteria(text, self.spec.fewest_criteria, self.spec.most_criteria)

    def _texts(self, given: Material) -> dict[str, list[str]]:
        """Return the responses that are shown, by the slot that they stand in."""
        return {}

    def _listed(self, mark: str, kind: str, texts: list[str]) -> str:
        name = "response" if kind == "responses" else f"{kind} response"
        each = enumerate(texts, start=1)
        return "\n\n".join(set_apart(mark, f"{name} {number}", text, self.spec.longest) for number, text in each)


class FromContrast(FromPrompt):
    """`contrast`: criteria from what separates stronger from weaker responses."""

    name: ClassVar[str] = "contrast"

    def _texts(self, given: Material) -> dict[str, list[str]]:
        known = [(worth, place) for place, worth in enumerate(given.worth) if worth is not None and _said(given, place)]
        ranked = sorted(known, key=lambda each: (-each[0], each[1]))
        count = min(self.spec.shown, len(ranked) // 2)
        # Of two that are worth the same, neither is the better one.
        pairs = [(ranked[n], ranked[-1 - n]) for n in range(count) if ranked[n][0] > ranked[-1 - n][0]]
        if not pairs:
            raise NothingToShowError("no two responses of which one is known to be the better")
        return {
            "stronger": [given.responses[best[1]].text for best, _ in pairs],
            "weaker": [given.responses[worst[1]].text for _, worst in pairs],
        }


class FromFailures(FromPrompt):
    """`failures`: criteria from what responses get wrong."""

    name: ClassVar[str] = "failures"

    def _texts(self, given: Material) -> dict[str, list[str]]:
        """Return the responses, those first that are known to be the worst."""
        places = [place for place in range(len(given.responses)) if _said(given, place)]
        if not places:
            raise NothingToShowError("no response to look at")
        known = {place: worth for place, worth in enumerate(given.worth) if worth is not None}
        middle = sum(known.values()) / len(known) if known else 0.0
        places.sort(key=lambda place: known.get(place, middle))
        return {"responses": [given.responses[place].text for place in places[: self.spec.shown]]}


def _said(given: Material, place: int) -> bool:
    return given.responses[place].finish != "failed" and bool(given.responses[place].text.strip())


METHODS: dict[str, type[FromPrompt]] = {kind.name: kind for kind in (FromPrompt, FromContrast, FromFailures)}
"""By what `--method` calls them."""
