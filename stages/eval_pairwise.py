"""`rlra eval pairwise`: put responses of several models to the same prompts before a judge, two by two."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from schemas.base import Part
from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.pairs import Matchup, Pair, Side
from schemas.rollouts import Response, Rollouts
from stages.models.base import Model
from stages.pairing import paired

if TYPE_CHECKING:
    from stages.asking import Purse
    from stages.verdict_cache import VerdictCache


class RatingSpec(Part):
    """How pairs become ratings."""

    seed: int = 0
    """Decides every random number of the judge, and which prompts each bootstrap resample draws."""
    resamples: int = Field(default=10_000, ge=1)
    """Bootstrap resamples of the prompts; more of them make the ends of the intervals steadier."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """The coverage of the intervals."""
    anchor: str | None = None
    """The label whose rating is 1000; without one the mean of all is."""


class PairwiseSpec(RatingSpec):
    """How responses are compared, and how that becomes ratings."""

    responses: int = Field(default=1, ge=1)
    """How many responses of each group are compared: the first of one with the first of the other, and so on."""
    criterion: str | None = Field(default=None, min_length=1)
    """The question to compare by, in place of the rubric in the lines."""
    temperature: float = Field(default=0.0, ge=0)
    """The judge's sampling temperature; 0 is greedy."""
    max_tokens: int = Field(default=1024, ge=1)
    """The longest answer of the judge, in tokens."""
    attempts: int = Field(default=3, ge=1)
    """How often a question is put to the judge until its answer can be read."""
    longest: int = Field(default=100_000, ge=1)
    """The longest response that is shown whole, in characters."""
    overlong: Literal["fail", "head-tail"] = "fail"
    """What becomes of longer ones: no outcome, or head and tail are shown and the judge is told what is missing."""
    window: int = Field(default=32, ge=1)
    """Pairs compared at a time by a model that runs in this process."""


def slim(line: Rollouts, spec: PairwiseSpec) -> Rollouts:
    """Return what comparing needs of a line: no verdicts, no tokens, and no response that is not compared."""
    kept = {name: getattr(line, name) for name in ("id", "messages", "follow_ups", "rubric", "policy")}
    texts = ("text", "finish", "length", "error", "earlier")
    responses = (Response(**{name: getattr(one, name) for name in texts}) for one in line.responses[: spec.responses])
    return Rollouts(**kept, responses=tuple(responses))


def matchups(groups: Mapping[str, Sequence[Rollouts]], spec: PairwiseSpec) -> Iterator[Matchup]:
    """Yield what is to be compared: for each prompt, by id, every two labels, and the responses one by one.

    Of two groups of different sizes the smaller one ends it. The rubric in the lines says what is compared, unless
    `spec.criterion` does. Raises RlraError, before the first one, for fewer than two labels, ids that stand on one
    side only, and conversations or rubrics that differ under one id.
    """
    if len(groups) < 2:
        raise RlraError("two labels or more are needed to compare")
    # Under a question of one's own it does not matter by which rubric the lines were judged.
    lines = {
        label: [line.model_copy(update={"rubric": None}) for line in group] if spec.criterion else group
        for label, group in groups.items()
    }
    first, *others = lines
    sides: dict[str, dict[str, Rollouts]] = {}
    for other in others:
        for one, two in _paired(lines[first], lines[other], (first, other)):
            _refuse_unlike(one, two, (first, other))
            sides.setdefault(one.id, {first: one})[other] = two
    return (
        _matchup(prompt, left, right, index, spec)
        for prompt in sides.values()
        for left, right in combinations(prompt, 2)
        for index in range(min(spec.responses, *(len(prompt[label].responses) for label in (left, right))))
    )


def _paired(
    one: Sequence[Rollouts], two: Sequence[Rollouts], labels: tuple[str, str]
) -> list[tuple[Rollouts, Rollouts]]:
    # What pairs judged lines looks at their ids, prompts and rubrics alone.
    return list(paired(cast(Sequence[Judged], one), cast(Sequence[Judged], two), labels))


def _refuse_unlike(one: Rollouts, two: Rollouts, labels: tuple[str, str]) -> None:
    if (one.messages, one.follow_ups) != (two.messages, two.follow_ups):
        raise RlraError(
            f"{one.id}: {labels[0]} and {labels[1]} have different conversations under this id",
            hint="compare answers to the same task file, system prompts included",
        )


def _matchup(prompt: Mapping[str, Rollouts], left: str, right: str, index: int, spec: PairwiseSpec) -> Matchup:
    line = prompt[left]
    return Matchup(
        id=f"{line.id}/{left}/{right}/{index}",
        prompt=line.id,
        messages=line.messages,
        criteria=_compared_by(line, spec),
        response=index,
        left=_side(prompt[left], left, index),
        right=_side(prompt[right], right, index),
    )


def _compared_by(line: Rollouts, spec: PairwiseSpec) -> tuple[str, ...]:
    from stages.pairwise_prompt import described

    return (spec.criterion,) if spec.criterion else described(line.rubric) if line.rubric else ()


def _side(line: Rollouts, label: str, index: int) -> Side:
    response = line.responses[index]
    error = response.error if response.finish == "failed" else None
    return Side(label=label, model=line.policy.model, text=response.text, error=error, earlier=response.earlier)


def judge_pairs(
    waiting: Iterable[Matchup],
    spec: PairwiseSpec,
    model: Model,
    counts: Counter[str] | None = None,
    cache: "VerdictCache | None" = None,
    purse: "Purse | None" = None,
) -> Iterator[Pair]:
    """Yield every matchup with the judge's verdicts in both orders, in order; only what is under way is in memory.

    What failed is an order without a winner, and then the pair has none. `counts` gains `cached` and what `Asker`
    counts. Raises what the model, the cache and the purse raise.
    """
    from stages.judging import AHEAD
    from stages.models.live import in_flight
    from stages.referee import Referee
    from stages.streaming import flow

    referee = Referee(spec, model, counts if counts is not None else Counter(), cache, purse)
    together = not in_flight(model)
    limit = spec.window if together else AHEAD * in_flight(model)
    yield from flow(waiting, referee.compare, limit, lambda _: 1 if together else 2, together, referee.model.aclose)
