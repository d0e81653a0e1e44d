"""Give every task a rubric: constraints written into its prompt with checks that judge them, or a given template."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from random import Random
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Part
from schemas.errors import RlraError
from schemas.rubric import Criterion, Rubric, join
from schemas.task import Task
from stages.constraints import FAMILIES
from stages.constraints.base import Constraint, Family
from stages.constraints.choosing import choose, write_in
from stages.seeds import derive

RUBRIC_ID = "constraints"


class GenerateRubricsSpec(Part):
    """How the tasks get their rubrics."""

    method: Literal["constraints", "template", "model", "contrast", "failures", "hard"] = "constraints"
    """constraints: write checkable constraints into each prompt. template: attach the given rubric as it is. The
    others: let a model write, see above."""
    seed: int = 0
    """Seed of the draw; each task draws from this and its own id, so order and filtering change nothing."""
    families: tuple[str, ...] = Field(default=(), strict=False)
    """Constraint families to draw from (default: all)."""
    min_constraints: int = Field(default=1, ge=1)
    """Fewest constraints for one prompt."""
    max_constraints: int = Field(default=2, ge=1)
    """Most constraints for one prompt."""
    partial: float = Field(default=0.3, ge=0, lt=1)
    """The most credit that a missed constraint can earn, scaled by how close it was (0 to 1)."""
    per_prompt: int = Field(default=1, ge=1)
    """Tasks made of each prompt, each with a draw of its own; with more than one, ids end in `.1`, `.2` and so on."""
    unconstrained: float = Field(default=0.0, ge=0, le=1)
    """Share of tasks that get no constraint and only the template's criteria (0 to 1); above 0 it needs a template."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min_constraints > self.max_constraints:
            raise ValueError("`min_constraints` is more than `max_constraints`")
        return self


def generate_rubrics(
    tasks: Iterable[Task], spec: GenerateRubricsSpec, template: Rubric | None = None
) -> Iterator[Task]:
    """Return each task with a rubric in place of its own, lazily: same order, one out for one in.

    With `method: constraints` the last turn is rewritten, the original goes to `rewritten_from` (unless one is there
    already), and a template's criteria follow those of the constraints. Raises RlraError, before the first task is
    read, for an unknown family, a missing template, or one that cannot be joined with the constraints. Methods that
    need a writer are those of `stages.writing`.
    """
    if spec.method == "template":
        if template is None:
            raise RlraError("method 'template' needs a rubric to attach", hint="give the rubric file as the template")
        return (task.model_copy(update={"rubric": template}) for task in tasks)
    if spec.method != "constraints":
        raise RlraError(f"method '{spec.method}' needs a model that writes", hint="see stages.writing")
    families = _chosen(spec.families)
    _refuse_misfit(spec, families, template)
    return (_constrained(task, spec, families, template) for task in tasks)


def repeated(tasks: Iterable[Task], times: int) -> Iterator[Task]:
    """Yield each task `times` times in a row, under ids that end in `.1`, `.2` and so on; once, it stays as it is."""
    for task in tasks:
        if times == 1:
            yield task
        else:
            yield from (task.model_copy(update={"id": f"{task.id}.{number}"}) for number in range(1, times + 1))


def _chosen(names: Sequence[str]) -> list[Family]:
    """Return the named families, or all, in an order that does not depend on that of `names`."""
    for name in names:
        if name not in FAMILIES:
            near = get_close_matches(name, FAMILIES, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known families: {', '.join(sorted(FAMILIES))}"
            raise RlraError(f"there is no constraint family named '{name}'", hint=hint)
    return [FAMILIES[name] for name in sorted(set(names) or FAMILIES)]


def _refuse_misfit(spec: GenerateRubricsSpec, families: list[Family], template: Rubric | None) -> None:
    if template is None:
        if spec.unconstrained:
            raise RlraError("tasks without constraints need a rubric of their own", hint="give a template as well")
        return
    names = [Constraint(family.name, "Any.", {"any": {}}, "") for family in families]
    try:
        join([_rubric(names, spec), template])
    except ValueError as error:
        hint = "criteria that go with constraints have ids of their own and the default normalisation"
        raise RlraError(f"the template cannot join the constraints: {error}", hint=hint) from None


def _constrained(task: Task, spec: GenerateRubricsSpec, families: list[Family], template: Rubric | None) -> Task:
    rng = Random(derive(spec.seed, task.id))
    constrained = rng.random() >= spec.unconstrained
    count = rng.randint(spec.min_constraints, spec.max_constraints)
    conversation = "\n".join([*(message.content for message in task.messages), *task.follow_ups])
    chosen = choose(rng, conversation, families, count) if constrained else []
    if not chosen:
        return task.model_copy(update={"rubric": template})
    prompt = write_in(rng, task.prompt, [constraint.sentence for constraint in chosen])
    rubric = _rubric(chosen, spec)
    return task.rewritten(prompt).model_copy(update={"rubric": join([rubric, template]) if template else rubric})


def _rubric(constraints: Sequence[Constraint], spec: GenerateRubricsSpec) -> Rubric:
    criteria = tuple(Criterion(id=c.family, text=c.text, check=c.check, partial=spec.partial) for c in constraints)
    return Rubric(rubric=RUBRIC_ID, scope="instance", kind="hard", source="constraints", criteria=criteria)
