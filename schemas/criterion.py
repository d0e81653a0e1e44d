"""A criterion: one dimension of judgement, or a group of such dimensions."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Own, Part, digest

ID_PATTERN = r"^[\w][\w.:/-]*$"
IMPORTANCE = {"essential": 1.0, "important": 0.7, "optional": 0.3, "pitfall": 0.9}
"""The weights of Rubrics as Rewards' four labels (arXiv 2507.17746, explicit aggregation)."""
LARGEST = 1e9
"""No weight is further from 0: sums of larger ones would lose the smaller."""
NOT_FOR_GROUPS = ("tiers", "check", "python", "partial", "veto", "gate", "abstain")


class Tier(Part):
    """One level of a criterion: a score and the words that describe it."""

    score: float = Field(ge=-LARGEST, le=LARGEST)
    """The number that this level is worth."""
    text: str = Field(min_length=1)
    """What a response at this level looks like."""


class Criterion(Part):
    """One dimension on which a response is judged, by a model or by a check; or a group of them."""

    id: str = Field(pattern=ID_PATTERN)
    """Names the criterion in verdicts, reports and interactions."""
    text: str = ""
    """What is judged, in words. A criterion without a check needs it."""
    weight: float = Field(default=1.0, ge=-LARGEST, le=LARGEST)
    """Its share in the sum. Negative: the presence of what `text` says costs reward."""
    importance: Literal["essential", "important", "optional", "pitfall"] | None = None
    """A weight in words: 1.0, 0.7, 0.3 and, for a pitfall that `text` says is avoided, 0.9."""
    tiers: tuple[Tier, ...] = ()
    """Ordered levels, worst first; two or more. Without tiers: met or not met."""
    check: Own[dict[str, dict[str, Any]]] | None = None
    """A programmatic check and its arguments, such as `{word_count: {at_most: 120}}`; no model is asked."""
    python: str | None = None
    """Source of a function `score(response, task)`, run in a sandbox; no model is asked."""
    partial: float = Field(default=0.0, ge=0, lt=1)
    """The most credit a failed check can earn, scaled by how close it was."""
    veto: Literal["if_met", "unless_met"] | None = None
    """Makes the criterion a gate of the whole: it takes no part in the sum, and when it fires the reward is 0."""
    gate: Literal["if_met", "unless_met"] | None = None
    """Makes it a gate of the group it stands in: when it fires, the group is worth 0 and the rest is not judged."""
    abstain: Literal["allowed"] | None = None
    """Lets the judge say that it cannot tell. A check abstains where it cannot decide, without being told."""
    criteria: "tuple[Criterion, ...]" = ()
    """Makes it a group: what is inside is judged, and its weighted mean is the group's value."""
    tags: tuple[str, ...] = ()
    """Words of the author's own, to sort criteria by."""
    meta: Own[dict[str, Any]] = {}
    """The author's own fields, carried along untouched."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.importance:
            self._importance_is_a_weight(IMPORTANCE[self.importance])
        if self.weight == 0:
            raise ValueError("a weight of 0 judges without effect: remove the criterion")
        if self.criteria:
            self._is_a_group()
        else:
            self._is_a_leaf()
        return self

    def _importance_is_a_weight(self, weight: float) -> None:
        if "weight" in self.model_fields_set and self.weight != weight:
            raise ValueError(f"`importance: {self.importance}` is a weight of {weight:g}: remove the `weight`")
        object.__setattr__(self, "weight", weight)  # frozen for everyone but its own making

    def _is_a_group(self) -> None:
        odd = [name for name in NOT_FOR_GROUPS if name in self.model_fields_set and getattr(self, name)]
        if odd:
            raise ValueError(f"a group is judged by the criteria inside it: remove its `{odd[0]}`")
        weighed = [c for c in self.criteria if c.is_weighed]
        if not weighed:
            raise ValueError("a group needs at least one criterion that is weighed, besides gates and vetoes")

    def _is_a_leaf(self) -> None:
        ways = [name for name in ("check", "python") if getattr(self, name) is not None]
        if len(ways) == 2:
            raise ValueError("say `check` or `python`, not both")
        if not ways and not self.text.strip():
            raise ValueError("needs a `text` for the judge, a `check`, or `python`")
        if self.check is not None and len(self.check) != 1:
            raise ValueError("`check` names exactly one check, as {name: {arguments}}")
        if ways and self.tiers:
            raise ValueError("`tiers` are for a judge; a check is met or not met (see `partial`)")
        if ways and self.abstain:
            raise ValueError("`abstain` is for a judge; a check abstains by itself")
        if self.partial and self.check is None:
            raise ValueError("`partial` needs a `check` that says how close a failure was")
        if self.veto and self.gate:
            raise ValueError("say `veto` (of the whole) or `gate` (of its group), not both")
        if (role := (self.veto and "veto") or (self.gate and "gate")) and (self.weight != 1 or self.importance):
            raise ValueError(f"a {role} stands outside the sum: remove its `weight`")
        if role and (self.tiers or self.partial):
            raise ValueError(f"a {role} is met or not met: remove its `tiers` and `partial`")
        self._tiers_are_ordered()

    def _tiers_are_ordered(self) -> None:
        scores = [tier.score for tier in self.tiers]
        if len(scores) == 1:
            raise ValueError("`tiers` needs two levels or more")
        if any(low >= high for low, high in pairwise(scores)):
            raise ValueError(f"`tiers` go from worst to best by score, found {scores}")

    @property
    def is_weighed(self) -> bool:
        """Whether it takes part in the sum: it is neither a veto nor a gate."""
        return self.veto is None and self.gate is None

    @property
    def is_wanted(self) -> bool:
        """Whether meeting it speaks for a response, as far as the groups around it have no say."""
        when = self.veto or self.gate
        return when == "unless_met" if when else self.weight > 0

    @property
    def needs_judge(self) -> bool:
        """Whether only a model can judge it: it is no group, and has no check."""
        return not self.criteria and self.check is None and self.python is None

    @property
    def check_name(self) -> str | None:
        """The name of the check, `python` for source, or None for a criterion that a model judges."""
        return next(iter(self.check)) if self.check else "python" if self.python is not None else None

    def leaves(self) -> "Iterator[Criterion]":
        """Yield itself, or for a group the criteria that are judged inside it, in order."""
        if not self.criteria:
            yield self
        for child in self.criteria:
            yield from child.leaves()

    def digest(self) -> str:
        """Return the content digest: equal for equal content, whatever the order of keys and the white space."""
        return digest(tidied(self.model_dump(mode="json", exclude_defaults=True)))

    def question(self) -> str:
        """Return the digest of what a judge sees: id, text, what tiers say, check; no weight, score, veto or gate."""
        seen = {"id", "text", "check", "python", "abstain"}
        return digest(
            tidied(
                {
                    **self.model_dump(mode="json", include=seen, exclude_defaults=True),
                    "tiers": [{"text": tier.text} for tier in self.tiers],
                }
            )
        )


def tidied(value: Any, name: str = "") -> Any:
    """Return plain data with the white space of its `text` fields and `title` collapsed, and of `python` cut off."""
    if isinstance(value, dict):
        return {key: tidied(inner, key) if key not in ("meta", "check") else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [tidied(inner, name) for inner in value]
    if isinstance(value, str) and name in ("text", "title"):
        return " ".join(value.split())
    if isinstance(value, str) and name == "python":
        return "\n".join(line.rstrip() for line in value.strip("\n").splitlines())
    return value
