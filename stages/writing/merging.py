"""Several writers' drafts as one list of criteria, nothing in it twice."""

from collections.abc import Callable, Sequence
from itertools import count

from schemas.criterion import Criterion


def merged(
    drafts: Sequence[Sequence[Criterion]], objects: Callable[[tuple[Criterion, ...]], bool]
) -> tuple[Criterion, ...]:
    """Return the criteria of the first draft, and of the others each one that may join those before it.

    `objects` says whether a list of criteria may not stand, as where two of them say the same. Ids that are taken
    get a number.
    """
    kept = tuple(drafts[0])
    for draft in drafts[1:]:
        for criterion in draft:
            longer = (*kept, _named_apart(criterion, {each.id for each in kept}))
            kept = kept if objects(longer) else longer
    return kept


def _named_apart(criterion: Criterion, taken: set[str]) -> Criterion:
    if criterion.id not in taken:
        return criterion
    name = next(name for number in count(2) if (name := f"{criterion.id}_{number}") not in taken)
    return criterion.model_copy(update={"id": name})
