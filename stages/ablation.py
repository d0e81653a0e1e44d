"""`rlra rubrics ablate`: what criteria do to rewards, from stored verdicts that are scored with them and without."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from schemas.ablation import Ablation
from schemas.base import Part
from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.labels import Label
from schemas.rubric import Rubric
from schemas.yaml_file import nearest

if TYPE_CHECKING:
    from stages.ablation_figures import Group
    from stages.opinions import Place, Question

EACH = "without:"
"""What the name of a single criterion's ablation begins with."""
Marks = Mapping[tuple[str, int], float]
"""What people say of whole responses: by the line's id and the response's index, the mean of their labels."""


class AblationSpec(Part):
    """How intervals are worked out."""

    seed: int = Field(default=0, ge=0)
    """Decides which groups each bootstrap resample draws."""
    resamples: int = Field(default=1_000, ge=1)
    """Bootstrap resamples of the groups; more of them make the ends of the intervals steadier."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """The coverage of the intervals."""


class People(NamedTuple):
    """People's labels, and what their file says that they are about; nothing where it does not say it."""

    labels: Sequence[Label]
    questions: "dict[Place, Question]"


@dataclass
class _Left:
    """What one ablation leaves of the lines so far."""

    without: set[str] = field(default_factory=set)
    groups: "list[Group]" = field(default_factory=list)


def ablate(
    lines: Iterable[Judged],
    sets: Mapping[str, Sequence[str]],
    each: bool,
    spec: AblationSpec,
    people: "People | None" = None,
) -> Iterator[Ablation]:
    """Yield one record for each of `sets`, which hold ids of criteria and groups, and with `each` one per criterion.

    Nobody is asked. What only a gate or a veto among them kept from being asked about is unknown without it: the
    reward is then null, and never that of a low score. Figures are of the responses that have a reward both ways;
    intervals come from resamples of whole groups. What `people` say of whole responses is compared with the rewards.
    Raises RlraError for a set of which no line has anything, for an id that was asked for by itself and that no line
    has, for labels that fit no response, and where there is no line.
    """
    from stages.ablation_figures import Group
    from stages.opinions import questions_of

    found = {name: _Left() for name in sets}
    questions: dict[Place, Question] = {}
    known: dict[str, None] = {}
    total = 0
    for line in lines:
        total += 1
        questions |= questions_of([line]) if people else {}
        rubric = _rubric_of(line)
        known |= {node.id: None for node in rubric.nodes()}
        for name, ids in _taken(rubric, sets, each):
            left = found.setdefault(name, _Left())
            left.without |= ids
            left.groups.append(Group.of(line, ids))
    if not total:
        raise RlraError("there is no judged line to score anew", hint="make some with `rlra judge`")
    for name, left in found.items():
        if missing := _missing(name, sets.get(name, ()), left, known):
            hint = "; ".join(nearest(one, known) for one in missing[:1])
            raise RlraError(f"no judged rubric has any of {', '.join(missing)}", hint=hint)
    marks = marks_of(people, questions) if people else None
    yield from (_record(name, left, total, spec, marks) for name, left in found.items())


def marks_of(people: "People", questions: dict["Place", "Question"]) -> Marks:
    """Return people's labels of whole responses. Raises RlraError where none is of a judged response."""
    from stages.opinions import hold_alike, people_of

    hold_alike(questions, people.questions)
    said, unmatched = people_of(people.labels, questions)
    marks = {(at.id, at.response): [each.value for each in all_] for at, all_ in said.items() if not at.criterion}
    if not marks:
        what = "labels are of criteria alone" if said else f"{len(unmatched)} labels, and none of a judged response"
        raise RlraError(f"nothing to compare rewards with: {what}", hint="leave `criterion` empty for whole responses")
    return {place: sum(values) / len(values) for place, values in marks.items()}


def _rubric_of(line: Judged) -> Rubric:
    assert line.rubric is not None  # a judged line is refused without one
    return line.rubric


def _taken(rubric: Rubric, sets: Mapping[str, Sequence[str]], each: bool) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the name of each ablation that takes something out of a rubric, and the criteria that it takes."""
    leaves = {node.id: frozenset(leaf.id for leaf in node.leaves()) for node in rubric.nodes()}
    for name, ids in sets.items():
        if taken := frozenset[str]().union(*(leaves.get(one, frozenset()) for one in ids)):
            yield name, taken
    if each:
        alone = ((f"{EACH}{leaf.id}", leaf.id) for leaf in rubric.leaves)
        yield from ((name, frozenset([leaf])) for name, leaf in alone if name not in sets)


def _missing(name: str, asked: Sequence[str], left: _Left, known: Collection[str]) -> Sequence[str]:
    """Return the ids that no line has: of those named one by one any, of a file's only where it has none at all."""
    if not left.groups:
        return asked
    return [one for one in asked if one not in known] if name.startswith(EACH) else ()


def _record(name: str, left: _Left, total: int, spec: AblationSpec, marks: Marks | None) -> Ablation:
    from stages.ablation_figures import against, counted, effects, ranking

    responses, lost, gained = counted(left.groups)
    return Ablation(
        id=name,
        without=tuple(sorted(left.without)),
        groups=len(left.groups),
        others=total - len(left.groups),
        responses=responses,
        lost=lost,
        gained=gained,
        ranking=ranking(left.groups, spec),
        effects=effects(left.groups, spec),
        labels=against(left.groups, marks, spec) if marks is not None else (),
        level=spec.level,
        resamples=spec.resamples,
        seed=spec.seed,
    )
