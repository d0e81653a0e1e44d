"""`rlra eval`: what changed between judged files of the same prompts, and how sure that is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from schemas.base import Part
from schemas.judged import Judged
from schemas.report import Change, Report, Side
from stages.pairing import Pair, paired
from stages.unlike import unlike

if TYPE_CHECKING:
    from stages.agreement.ratios import Sides
    from stages.measures import Better
    from stages.suites.base import Suite

Guard = tuple[dict[str, float], dict[str, float]]
Parts = Sequence[tuple[tuple[float, float] | None, tuple[float, float] | None]]
"""Per prompt what it adds to a numerator and a denominator, before and after."""


class EvalSpec(Part):
    """How judged files are compared."""

    seed: int = 0
    """Decides which prompts each bootstrap resample draws, and which swaps the permutation tests."""
    resamples: int = Field(default=10_000, ge=1)
    """Bootstrap resamples of the prompts; more of them make the ends of the intervals steadier."""
    permutations: int = Field(default=100_000, ge=1)
    """Swaps of sides that each permutation test draws, where there are not fewer in all; no p-value is smaller than 1 /
    (permutations + 1)."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """The coverage of the intervals; 1 minus it is the false alarm rate that `detectable` and `needed` are worked out
    for."""
    power: float = Field(default=0.8, ge=0.5, lt=1)
    """The chance to see a change that is there, which `detectable` and `needed` are worked out for."""
    correction: Literal["holm", "bh"] = "holm"
    """How p-values are corrected for all that is compared in the run: `holm` bounds the chance of any false alarm, `bh`
    the share of false ones among the alarms."""


class _Measured(NamedTuple):
    """What is compared: a name, and what each prompt adds to it."""

    name: str
    better: "Better"
    parts: Parts
    says: str = ""
    clip: bool = False


def evaluate(
    before: Sequence[Judged],
    after: Sequence[Judged],
    labels: tuple[str, str],
    spec: EvalSpec,
    guard: Guard | None = None,
    suite: "Suite | None" = None,
    axis: str = "",
) -> Report:
    """Return what changed from `before` to `after`, paired by prompt id; the order of lines has no say.

    The measures of `suite` come first: ratios of sums over the prompts that have something to measure on both sides.
    Every other measure is a mean over responses within a prompt, then over the prompts on which both sides
    have a value: a prompt none of whose responses is scored on a side drops out of `reward`, and its
    null rewards are counted in `Side.unscored`. `distinct_1` and `distinct_2` are means of single
    responses (`stages.measures.distinct`): over a whole file they could not be paired by prompt. A
    criterion is compared over the prompts whose rubric has it. `guard` gives, for each side, the mean
    log-likelihood per token (nats) of the reference answers under that side's model, by prompt id; it
    is reported as `reference_loglik`. Where a suite's measure has the name of another one, it takes its place if it
    has a value.

    Changes have a `p` and no `q`, which `corrected` gives to all reports of a run together. `axis` names the set of
    prompts. Raises RlraError for an empty file, ids that stand on one side only, and prompts or rubrics that
    differ under one id.
    """
    pairs = paired(before, after, (_placed(axis, labels[0]), _placed(axis, labels[1])))
    measures = {found.name: found for found in (*_measures(pairs), *_guarded(guard))}
    measures |= {m.name: m for m in _of_suite(pairs, suite) if m.name not in measures or _sides(m)}
    own = [measure.name for measure in suite.measures] if suite else []
    order = sorted(measures, key=lambda name: own.index(name) if name in own else len(own))
    criteria = list(_criteria(pairs))
    changes = _changes([*map(measures.__getitem__, order), *criteria], spec)
    return Report(
        id=_placed(axis, "..".join(labels)),
        axis=axis,
        before=_side(labels[0], before),
        after=_side(labels[1], after),
        unlike=tuple(unlike(pairs)),
        level=spec.level,
        resamples=spec.resamples,
        seed=spec.seed,
        measures=tuple(change for change in changes[: len(order)] if change),
        criteria=tuple(change for change in changes[len(order) :] if change),
    )


def corrected(reports: Sequence[Report], correction: Literal["holm", "bh"]) -> list[Report]:
    """Return the reports of one run with every `p` corrected for all of them, as `q`.

    What no prompt differs in is no part of the family and has q = 1: whichever way its sides are swapped, its p is 1,
    so that it can raise no false alarm. Nor is a single prompt, which has no p.
    """
    from stages.agreement.correction import CORRECTIONS

    every = [change for report in reports for change in (*report.measures, *report.criteria)]
    values = iter(CORRECTIONS[correction]([change.p for change in every if change.p is not None and _differs(change)]))

    def q(change: Change) -> float | None:
        return change.p if change.p is None or not _differs(change) else next(values)

    def with_q(changes: Iterable[Change]) -> tuple[Change, ...]:
        return tuple(change.model_copy(update={"q": q(change)}) for change in changes)

    return [
        report.model_copy(update={"measures": with_q(report.measures), "criteria": with_q(report.criteria)})
        for report in reports
    ]


def _differs(change: Change) -> bool:
    return not change.low == change.high == change.change == 0


def measurable(lines: Iterable[Judged], suite: "Suite | None" = None, guarded: bool = False) -> list[str]:
    """Return the names of all that `evaluate` compares where there are values: measures first, then criteria."""
    from stages.measures import MEASURES, REFERENCE_LOGLIK, rubric_of

    own = [measure.name for measure in suite.measures] if suite else []
    measures = [*own, *(measure.name for measure in MEASURES), *([REFERENCE_LOGLIK] if guarded else [])]
    return list(dict.fromkeys([*measures, *(criterion.id for line in lines for criterion in rubric_of(line).leaves)]))


def _placed(axis: str, name: str) -> str:
    return f"{axis}:{name}" if axis else name


def _side(label: str, lines: Sequence[Judged]) -> Side:
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


def _of_suite(pairs: Sequence[Pair], suite: "Suite | None") -> Iterator[_Measured]:
    for measure in suite.measures if suite else ():
        parts = [(measure.of(first), measure.of(second)) for first, second in pairs]
        yield _Measured(measure.name, measure.better, parts, measure.says)


def _measures(pairs: Sequence[Pair]) -> Iterator[_Measured]:
    from stages.measures import MEASURES, REWARD, clips_means, group_mean

    # All measures of a line at a time: they have its texts in common.
    rows = [tuple([_mean(group_mean(line, measure)) for measure in MEASURES] for line in pair) for pair in pairs]
    for n, measure in enumerate(MEASURES):
        parts = [(old[n], new[n]) for old, new in rows]
        clip = measure is REWARD and clips_means(line for pair in pairs for line in pair)
        yield _Measured(measure.name, measure.better, parts, clip=clip)


def _criteria(pairs: Sequence[Pair]) -> Iterator[_Measured]:
    from stages.measures import criterion_means, improvement, rubric_of

    parts: dict[str, list[tuple[tuple[float, float] | None, tuple[float, float] | None]]] = {}
    better: dict[str, set[Better]] = {}
    for first, second in pairs:
        old, new = criterion_means(first), criterion_means(second)
        rubric = rubric_of(first)
        for criterion in rubric.leaves:
            parts.setdefault(criterion.id, []).append((_mean(old[criterion.id]), _mean(new[criterion.id])))
            better.setdefault(criterion.id, set()).add(improvement(rubric, criterion))
    for name, rows in parts.items():
        directions = better[name]
        yield _Measured(name, directions.pop() if len(directions) == 1 else "neither", rows)


def _guarded(guard: Guard | None) -> Iterator[_Measured]:
    from stages.measures import REFERENCE_LOGLIK

    if guard:
        old, new = guard
        parts = [(_mean(old[name]), _mean(new.get(name))) for name in sorted(old)]
        yield _Measured(REFERENCE_LOGLIK, "higher", parts)


def _mean(value: float | None) -> tuple[float, float] | None:
    """Return a value as what it adds to a mean over prompts."""
    return None if value is None else (value, 1.0)


def _changes(measured: Sequence[_Measured], spec: EvalSpec) -> list[Change | None]:
    from stages.agreement.permutation import swap_tests

    sides = [_sides(one) for one in measured]
    tested = iter(swap_tests([each for each in sides if each], spec.permutations, spec.seed))
    return [_change(one, each, next(tested), spec) if each else None for one, each in zip(measured, sides, strict=True)]


def _sides(measured: _Measured) -> "Sides | None":
    """Return what the prompts that have a value on both sides add to a measure; None where there are none."""
    import numpy as np  # takes long to load, for a command's help

    from stages.agreement.ratios import Sides

    known = [(old, new) for old, new in measured.parts if old is not None and new is not None]
    if not known:
        return None
    both = np.array(known, dtype=float)
    return Sides(both[:, 0], both[:, 1], measured.clip)


def _change(measured: _Measured, sides: "Sides", p: float | None, spec: EvalSpec) -> Change | None:
    from stages.agreement.power import detectable, needed
    from stages.agreement.ratios import interval

    found = interval(sides, spec.resamples, spec.seed, spec.level)
    if found is None:
        return None
    change, low, high = found
    before, after = sides.ratios
    spread = sides.spread()
    return Change(
        name=measured.name,
        better=measured.better,
        before=before,
        after=after,
        change=change,
        low=low,
        high=high,
        prompts=len(sides),
        says=measured.says,
        p=p,
        detectable=detectable(spread, len(sides), spec.level, spec.power),
        needed=needed(spread, change, spec.level, spec.power),
    )
