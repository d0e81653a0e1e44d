"""What differs between two sides of a comparison besides the policy: the figures cannot tell one from the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from schemas.judged import Judged
from schemas.rollouts import Sampling
from stages.pairing import Pair

_AFTER = " after "
"""Between the stronger judge and those who were asked first, in a verdict's `judge`."""
_PER_PROMPT: dict[str, Callable[[Judged], Any]] = {
    "system message or earlier turns": lambda line: (line.messages[:-1], line.follow_ups),
    "reference answers": lambda line: line.reference,
}


def unlike(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield in words what else differs: judges, sampling, numbers of answers, and what stands around the prompts.

    Answers that were made elsewhere have no known sampling, and differ in none.
    """
    old, new = ({name for pair in pairs for name in _judges(pair[side])} for side in (0, 1))
    if old != new:
        yield f"judges differ: {_names(old)} and {_names(new)}"
    if found := _sampling(pairs):
        yield f"sampling differs: {found}"
    sizes = [(len(first.responses), len(second.responses)) for first, second in pairs]
    if uneven := [(one, other) for one, other in sizes if one != other]:
        yield f"answers per prompt differ on {_of(uneven, pairs)}, such as {uneven[0][0]} and {uneven[0][1]}"
    for name, of in _PER_PROMPT.items():
        if others := [pair for pair in pairs if of(pair[0]) != of(pair[1])]:
            yield f"{name} differ on {_of(others, pairs)}"


def _judges(line: Judged) -> Iterator[str]:
    for response in line.responses:
        for verdict in response.verdicts:
            if verdict.status != "skipped":
                yield from verdict.judge.split(_AFTER)


def _names(judges: set[str]) -> str:
    return ", ".join(sorted(judges)) or "none"


def _sampling(pairs: Sequence[Pair]) -> str:
    """Return each setting that differs on some prompt, with the first two values, such as `temperature 1.0 and 0.5`."""
    found: dict[str, str] = {}
    for first, second in pairs:
        old, new = first.policy.sampling, second.policy.sampling
        if old is None or new is None or old == new:
            continue
        for name in Sampling.model_fields:
            one, other = getattr(old, name), getattr(new, name)
            if one != other:
                found.setdefault(name, f"{name} {_value(one)} and {_value(other)}")
    return ", ".join(found.values())


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(repr, value)) or "none"
    return f"{value:g}"


def _of(some: Sequence[Any], pairs: Sequence[Pair]) -> str:
    return f"{len(some):,} of {len(pairs):,} prompts"
