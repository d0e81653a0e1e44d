"""`rlra eval`: what changed between two judged files of the same prompts, and how sure that is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from schemas.base import Part
from schemas.judged import Judged
from schemas.report import Change, Report, Side
from stages.pairing import Pair, paired

if TYPE_CHECKING:
    from stages.measures import Better

Guard = tuple[dict[str, float], dict[str, float]]
Pairs = Sequence[tuple[float | None, float | None]]


class EvalSpec(Part):
    """How two judged files are compared."""

    seed: int = 0
    """Decides which prompts each bootstrap resample draws."""
    resamples: int = Field(default=10_000, ge=1)
    """Bootstrap resamples of the prompts; more of them make the ends of the intervals steadier."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """The coverage of the intervals."""


def evaluate(
    before: list[Judged], after: list[Judged], labels: tuple[str, str], spec: EvalSpec, guard: Guard | None = None
) -> Report:
    """Return what changed from `before` to `after`, paired by prompt id; the order of lines has no say.

    Every measure is a mean over responses within a prompt, then over the prompts on which both sides
    have a value: a prompt none of whose responses is scored on a side drops out of `reward`, and its
    null rewards are counted in `Side.unscored`. `distinct_1` and `distinct_2` are means of single
    responses (`stages.measures.distinct`): over a whole file they could not be paired by prompt. A
    criterion is compared over the prompts whose rubric has it. `guard` gives, for each side, the mean
    log-likelihood per token (nats) of the reference answers under that side's model, by prompt id; it
    is reported as `reference_loglik`.

    Raises RlraError for an empty file, ids that stand on one side only, and prompts or rubrics that
    differ under one id.
    """
    pairs = paired(before, after, labels)
    return Report(
        id="..".join(labels),
        before=_side(labels[0], before),
        after=_side(labels[1], after),
        level=spec.level,
        resamples=spec.resamples,
        seed=spec.seed,
        measures=(*_measures(pairs, spec), *_guarded(guard, spec)),
        criteria=tuple(_criteria(pairs, spec)),
    )


def _side(label: str, lines: list[Judged]) -> Side:
    rewards = [response.reward for line in lines for response in line.responses]
    return Side(
        label=label,
        model=_all(line.policy.model for line in lines),
        revision=_all(line.policy.revision for line in lines),
        prompts=len(lines),
        responses=len(rewards),
        unscored=rewards.count(None),
    )


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _measures(pairs: list[Pair], spec: EvalSpec) -> Iterator[Change]:
    from stages.measures import MEASURES, REWARD, group_mean, rubric_of

    for measure in MEASURES:
        values = [(group_mean(first, measure), group_mean(second, measure)) for first, second in pairs]
        clipped = measure is REWARD and all(rubric_of(line).reward.clip == "mean" for pair in pairs for line in pair)
        yield from _change(measure.name, measure.better, values, spec, clipped)


def _criteria(pairs: list[Pair], spec: EvalSpec) -> Iterator[Change]:
    from stages.measures import criterion_means, improvement, rubric_of

    values: dict[str, list[tuple[float | None, float | None]]] = {}
    better: dict[str, set[Better]] = {}
    for first, second in pairs:
        old, new = criterion_means(first), criterion_means(second)
        for criterion in rubric_of(first).leaves:
            values.setdefault(criterion.id, []).append((old[criterion.id], new[criterion.id]))
            better.setdefault(criterion.id, set()).add(improvement(criterion))
    for name, rows in values.items():
        directions = better[name]
        yield from _change(name, directions.pop() if len(directions) == 1 else "neither", rows, spec)


def _guarded(guard: Guard | None, spec: EvalSpec) -> Iterator[Change]:
    from stages.measures import REFERENCE_LOGLIK

    if guard:
        old, new = guard
        yield from _change(REFERENCE_LOGLIK, "higher", [(old[name], new.get(name)) for name in sorted(old)], spec)


def _change(name: str, better: "Better", values: Pairs, spec: EvalSpec, clipped: bool = False) -> Iterator[Change]:
    import numpy as np  # takes long to load, for a command's help

    from stages.agreement import clipped_bootstrap, paired_bootstrap

    known = [(old, new) for old, new in values if old is not None and new is not None]
    if not known:
        return
    old, new = np.array(known).T
    mean, low, high = (
        clipped_bootstrap(old, new, spec.resamples, spec.seed, spec.level)
        if clipped
        else paired_bootstrap(new - old, spec.resamples, spec.seed, spec.level)
    )
    yield Change(
        name=name,
        better=better,
        before=float(old.mean().clip(0, 1) if clipped else old.mean()),
        after=float(new.mean().clip(0, 1) if clipped else new.mean()),
        change=mean,
        low=low,
        high=high,
        prompts=len(known),
    )
