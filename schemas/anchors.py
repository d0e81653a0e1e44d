"""`anchors/1`: a prompt with responses that people labelled; a frozen set of them shows what a judge is worth."""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from schemas.base import Part
from schemas.errors import PlacedError
from schemas.labels import Label, Opinion, as_text, meaning
from schemas.rubric import Rubric
from schemas.task import Task


class AnchorResponse(Part):
    """A response and what people say about it."""

    text: str
    """The response."""
    labels: tuple[Opinion, ...] = ()
    """People's labels, one for each rater and criterion."""


class Anchors(Task):
    """A task with its rubric, and a group of responses with people's labels."""

    KIND: ClassVar[str] = "anchors"

    responses: tuple[AnchorResponse, ...] = Field(min_length=1)
    """The group."""

    @model_validator(mode="after")
    def _labels_fit_the_rubric(self) -> Self:
        if self.rubric is None:
            raise ValueError("a line of anchors carries the rubric that people labelled by")
        for index, response in enumerate(self.responses):
            _hold(response, self.rubric, index)
        return self


def labels_of(lines: Iterable[Anchors]) -> Iterator[Label]:
    """Yield every label of a set of anchors."""
    for line in lines:
        for index, response in enumerate(line.responses):
            for label in response.labels:
                yield Label(line.id, line.id, index, label.criterion, label.rater, as_text(label.label))


def _hold(response: AnchorResponse, rubric: Rubric, index: int) -> None:
    criteria = {criterion.id: criterion for criterion in rubric.leaves}
    seen: set[tuple[str, str | None]] = set()
    for number, label in enumerate(response.labels):
        at = ("responses", index, "labels", number)
        if label.criterion is not None and label.criterion not in criteria:
            raise PlacedError(
                f"the rubric has no criterion '{label.criterion}'",
                *at,
                "criterion",
                word=label.criterion,
                known=criteria,
            )
        if (label.rater, label.criterion) in seen:
            raise PlacedError(f"'{label.rater}' has labelled this before", *at)
        seen.add((label.rater, label.criterion))
        try:
            meaning(as_text(label.label), criteria.get(label.criterion or ""))
        except ValueError as error:
            raise PlacedError(str(error), *at, "label") from None
