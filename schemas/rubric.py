"""A rubric, and the promises between its criteria."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Own, Part, digest
from schemas.criterion import ID_PATTERN, Criterion, Tier, tidied
from schemas.errors import PlacedError
from schemas.interactions import interactions_hold
from schemas.review import Review
from schemas.reward import EVERY, RewardSpec, Saturation

Location = tuple[str | int, ...]

__all__ = ["Criterion", "Rubric", "Tier", "join"]


class Rubric(Part):
    """A list of criteria and the declared way from their verdicts to one reward."""

    rubric: str = Field(pattern=ID_PATTERN)
    """The id of the rubric."""
    version: Own[int] = Field(default=1, ge=1)
    """The author's own version number."""
    title: str = ""
    """What it is for, in a line."""
    scope: Literal["dataset", "task", "instance"] = "dataset"
    """Whether it was written for a whole data set, a kind of task or one prompt."""
    kind: Literal["soft", "hard", "style", "defence"] = "soft"
    """The paper's four kinds of rubric."""
    source: str = ""
    """Who wrote it: `human`, `llm`, `hybrid` (both), `constraints`, or the format that it was imported from."""
    author: str = ""
    """Who wrote it, by name: a person, or the reference of a model."""
    review: Review | None = None
    """Whether people have taken it, and what they did with it; none for a rubric that was never up for review."""
    inherits: str | None = Field(default=None, pattern=ID_PATTERN)
    """The template whose criteria come first; the same id overrides, key by key. A stored rubric holds them already."""
    applies_to: Own[dict[str, Any]] = {}
    """The lines it is for, such as `{meta.topic: support}`; a list means any of its values. Empty: all."""
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    """What is judged, in order."""
    # Constructed, not validated: an instance made at import would build its validator there.
    reward: RewardSpec = RewardSpec.model_construct()
    """How verdicts become one number."""
    silence: dict[str, tuple[str, ...]] = {}
    """Findings of `rlra rubrics lint` that are meant to be: by code, the ids of the criteria, or `*` for all."""
    tags: tuple[str, ...] = ()
    """Words of the author's own, to sort rubrics by."""
    meta: Own[dict[str, Any]] = {}
    """The author's own fields, carried along untouched."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _ids_differ(self.criteria)
        for index, criterion in enumerate(self.criteria):
            if criterion.gate:
                said = f"'{criterion.id}' is a gate, which stops the group it stands in: at the top say `veto`"
                raise PlacedError(said, "criteria", index, "gate")
        for path in self.applies_to:
            if path != "id" and not path.startswith("meta."):
                said = f"`applies_to` knows `id` and `meta.…`, not '{path}'"
                raise PlacedError(said, "applies_to", path, word=path, known=("id", f"meta.{path.rpartition('.')[2]}"))
        self._has_a_sum()
        interactions_hold(self.reward, self.criteria)
        return self

    def _has_a_sum(self) -> None:
        weighed = [c for c in self.criteria if c.is_weighed]
        spec = self.reward
        if not weighed and self.kind != "defence":
            raise ValueError("every criterion is a veto; a reward needs at least one that is weighed")
        if spec.aggregate == "all":
            return
        if weighed and all(c.weight < 0 for c in weighed) and not _stands_alone(weighed, spec, top=True):
            raise ValueError("no criterion has a positive weight; add one, or use `normalise: none` or `range`")
        for at, group in _placed(self.criteria, ("criteria",)):
            inside = [c for c in group.criteria if c.is_weighed]
            if inside and all(c.weight < 0 for c in inside) and not _stands_alone(inside, spec, top=False):
                said = f"no criterion in the group '{group.id}' has a positive weight, and its value is a weighted mean"
                raise PlacedError(f"{said}: give the group a negative weight and what is in it positive ones", *at)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, which works out its own `leaves`, `around` and `signs`."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("leaves", "around", "signs"):
            copied.__dict__.pop(name, None)
        return copied

    def nodes(self) -> Iterator[Criterion]:
        """Yield every criterion and every group, a group before what is inside it."""
        return _nodes(self.criteria)

    @cached_property
    def leaves(self) -> tuple[Criterion, ...]:
        """The criteria that are judged, in order; groups stand for those inside them."""
        return tuple(leaf for criterion in self.criteria for leaf in criterion.leaves())

    @cached_property
    def around(self) -> dict[str, tuple[str, ...]]:
        """By the id of each leaf, the texts of the groups that it stands in, outermost first; none for most."""
        return dict(_around(self.criteria, ()))

    @cached_property
    def signs(self) -> dict[str, int]:
        """By the id of each leaf, 1 where meeting it speaks for a response and −1 where it speaks against it.

        A group of negative weight turns around what is inside it.
        """
        return dict(_signs(self.criteria, 1))

    def applies(self, line: dict[str, Any]) -> bool:
        """Return whether the rubric is for a line with this `id` and this `meta`."""
        return all(_at(line, path) in (wanted if isinstance(wanted, list) else [wanted])
                   for path, wanted in self.applies_to.items())  # fmt: skip

    def digest(self) -> str:
        """Return the content digest: equal for equal content, whatever the order of keys and the white space.

        Who wrote it and what people did with it is no content.
        """
        return digest(tidied(self.model_dump(mode="json", exclude_defaults=True, exclude={"author", "review"})))


def _stands_alone(weighed: Sequence[Criterion], spec: RewardSpec, top: bool) -> bool:
    """Return whether a sum of penalties alone can be brought to a scale: as it is, or by its range."""
    here = top if spec.per == "reward" else not any(c.criteria for c in weighed)
    return here and spec.normalise != "positive"


def _placed(criteria: Sequence[Criterion], at: Location) -> Iterator[tuple[Location, Criterion]]:
    for index, criterion in enumerate(criteria):
        yield (*at, index), criterion
        yield from _placed(criterion.criteria, (*at, index, "criteria"))


def _ids_differ(criteria: Sequence[Criterion]) -> None:
    counted = Counter(criterion.id for criterion in _nodes(criteria))
    twice = sorted(name for name, count in counted.items() if count > 1)
    if not twice:
        return
    seen: set[str] = set()
    for at, criterion in _placed(criteria, ("criteria",)):
        if criterion.id in seen:
            raise PlacedError(f"criterion ids must differ, found twice: {', '.join(twice)}", *at, "id")
        seen.add(criterion.id)


def _nodes(criteria: Sequence[Criterion]) -> Iterator[Criterion]:
    for criterion in criteria:
        yield criterion
        yield from _nodes(criterion.criteria)


def _around(criteria: Sequence[Criterion], texts: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for criterion in criteria:
        if criterion.criteria:
            yield from _around(criterion.criteria, (*texts, criterion.text) if criterion.text.strip() else texts)
        else:
            yield criterion.id, texts


def _signs(criteria: Sequence[Criterion], sign: int) -> Iterator[tuple[str, int]]:
    for criterion in criteria:
        own = sign if criterion.is_wanted else -sign
        if criterion.criteria:
            yield from _signs(criterion.criteria, own)
        else:
            yield criterion.id, own


def _at(line: dict[str, Any], path: str) -> Any:
    value: Any = line
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def join(rubrics: list[Rubric]) -> Rubric:
    """Return one rubric with the criteria of all; the first one's id, kind and way to a reward are kept.

    Interactions and saturation of the later ones are kept too. Raises ValueError where two
    criteria share an id or a later rubric with a sum of its own has another way to a reward.
    """
    first, *others = rubrics
    if not others:
        return first
    summed = next((r for r in rubrics if any(c.is_weighed for c in r.criteria)), first)
    spec = summed.reward
    saturation, interactions = _spelled_out(summed), spec.interactions
    for other in (r for r in rubrics if r is not summed):
        if any(c.is_weighed for c in other.criteria) and _way(other.reward) != _way(spec):
            raise ValueError(f"rubric '{other.rubric}' has another way to a reward than '{summed.rubric}'")
        saturation |= _spelled_out(other)
        interactions += other.reward.interactions
    reward = spec.model_copy(update={"saturation": saturation, "interactions": interactions})
    return Rubric(
        rubric="/".join(r.rubric for r in rubrics),
        scope=first.scope,
        kind=first.kind,
        criteria=tuple(c for r in rubrics for c in r.criteria),
        reward=reward,
    )


def _spelled_out(rubric: Rubric) -> dict[str, Saturation]:
    """Return the saturation of a rubric's own criteria, `*` written out: in a joined rubric it would mean more."""
    curves = dict(rubric.reward.saturation)
    every = curves.pop(EVERY, None)
    own = {node.id: every for node in rubric.nodes() if every and node.is_weighed}
    return own | curves


def _way(spec: RewardSpec) -> dict[str, Any]:
    return spec.model_dump(exclude={"preset", "saturation", "interactions"})
