"""How many of each kind a budget holds, for a target mix."""

from collections.abc import Mapping


def targets(kinds: Mapping[str, int], given: Mapping[str, float]) -> dict[str, float]:
    """Return each kind's share: the given one; what is left goes to the other kinds equally."""
    others = [kind for kind in kinds if kind not in given]
    left = max(0.0, 1 - sum(given.values()))
    return {**given, **{kind: left / len(others) for kind in others}}


def quotas(available: Mapping[str, int], shares: Mapping[str, float], budget: int) -> dict[str, int]:
    """Return how many of each kind to take: never more than there are, in all at most `budget`.

    A kind with too few gives what is left of its part to the others, in proportion to their shares. Parts
    are rounded by the largest remainder, ties in the order of `available`.
    """
    parts: dict[str, float] = {}
    open_kinds = {kind for kind in available if shares.get(kind, 0) > 0}
    while open_kinds:
        room = budget - sum(parts.values())
        whole = sum(shares[kind] for kind in open_kinds)
        wanted = {kind: room * shares[kind] / whole for kind in open_kinds}
        short = {kind for kind in open_kinds if wanted[kind] >= available[kind]}
        parts |= {kind: float(available[kind]) for kind in short} or wanted
        open_kinds = open_kinds - short if short else set()
    taken = {kind: int(parts.get(kind, 0) + 1e-9) for kind in available}
    total = min(budget, round(sum(parts.values())))
    by_remainder = sorted(parts, key=lambda kind: (taken[kind] - parts[kind], list(available).index(kind)))
    for kind in by_remainder[: total - sum(taken.values())]:
        taken[kind] += 1
    return taken
