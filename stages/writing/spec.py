"""How rubrics are written and what their drafts are held against, as options."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Part


class WritingSpec(Part):
    """How a model writes rubrics."""

    scope: Literal["instance", "task"] = "instance"
    """What a rubric is written for: this one prompt, or every prompt that asks for the same kind of thing."""
    temperature: float = Field(default=0.0, ge=0)
    """The writers' sampling temperature; 0 is greedy."""
    max_tokens: int = Field(default=2048, ge=1)
    """The longest answer of a writer, in tokens."""
    attempts: int = Field(default=2, ge=1)
    """How often a question is put to a writer until its answer can be read; repairs are counted apart."""
    schemas: bool = True
    """Hold writers to a JSON schema where their backend can; a server that cannot says so. Answers are read as strictly
    without."""
    fewest_criteria: int = Field(default=2, ge=1)
    """The fewest criteria that a writer may propose for one rubric."""
    most_criteria: int = Field(default=8, ge=1)
    """The most criteria that a writer may propose for one rubric."""
    shown: int = Field(default=3, ge=1)
    """With `contrast` and `failures`: how many responses of a kind a writer is shown."""
    longest: int = Field(default=8_000, ge=100)
    """The longest response that a writer is shown whole, in characters; of longer ones it sees head and tail."""
    probes: int = Field(default=4, ge=2)
    """On how many responses a draft is tried, where there is a judge."""
    least_spread: float = Field(default=0.05, ge=0, le=1)
    """Discriminates: the least distance between the lowest and the highest reward of the probe responses."""
    least_agreement: float = Field(default=0.75, gt=0, le=1)
    """Reproduces the label: the least share of pairs whose better response gets the higher reward."""
    least_stability: float = Field(default=0.8, gt=0, le=1)
    """Stable under paraphrase: the least share of verdicts that stay when the writer rewords the criteria."""
    paraphrase: bool = True
    """With a judge: let writers reword their criteria, and compare the verdicts."""
    lines_at_once: int = Field(default=32, ge=1)
    """Lines written at a time by models that run in this process."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.fewest_criteria > self.most_criteria:
            raise ValueError("`fewest_criteria` is more than `most_criteria`")
        return self
