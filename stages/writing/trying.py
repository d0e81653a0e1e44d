"""Drafts tried on responses: what a judge says by them, and the gates that hold drafts against it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from schemas.errors import RlraError
from schemas.judged import Verdict
from schemas.rollouts import Policy, Response, Rollouts
from schemas.rubric import Rubric
from schemas.task import Task
from stages.case import Case
from stages.judging import Bench
from stages.scoring import score_group

_MADE = Policy(model="", revision="", template="", engine="", dtype="", seed=0)
"""Who answered; no judge is told."""
_NAMED = 4


class UnjudgedError(Exception):
    """A response on which the judge gave no verdict: nothing is known of the draft, and so it is not taken."""


@dataclass(frozen=True)
class Trial:
    """What a judge says of some responses by one rubric."""

    rubric: Rubric
    rows: tuple[dict[str, Verdict], ...]
    """The verdicts of each response, by criterion."""
    rewards: tuple[float, ...]


async def tried(bench: Bench, task: Task, rubric: Rubric, responses: Sequence[Response]) -> Trial:
    """Return what the judge says by `rubric`. Raises UnjudgedError where a verdict failed, and what models raise."""
    own = {name: getattr(task, name) for name in Task.model_fields if name != "tag"}
    group = Rollouts(**own, policy=_MADE, responses=tuple(responses))
    try:
        bench.accept(rubric)
    except RlraError as error:  # a draft that this judge cannot be asked about, such as one with too many levels
        raise UnjudgedError(error.message) from None
    case = await bench.judge(Case(group, rubric))
    rows = [[row[leaf.id] for leaf in rubric.leaves] for row in case.rows]
    if broken := next((verdict for row in rows for verdict in row if verdict.status == "failed"), None):
        raise UnjudgedError(f"the judge gave no verdict on '{broken.criterion}': {broken.failure}")
    rewards = [reward for reward, _ in score_group(rubric, rows)]
    if None in rewards:
        raise UnjudgedError("the judge could not tell on any criterion")
    return Trial(rubric, tuple(case.rows), tuple(reward for reward in rewards if reward is not None))


@dataclass(frozen=True)
class Discriminates:
    """The probe responses do not all get the same reward."""

    least: float
    reason: ClassVar[str] = "no_spread"

    def findings(self, trial: Trial) -> Iterator[str]:
        """Yield what is against it."""
        spread = max(trial.rewards) - min(trial.rewards)
        if spread > 0 and spread >= self.least:
            return
        flat = [leaf.id for leaf in trial.rubric.leaves if len({row[leaf.id].score for row in trial.rows}) == 1]
        named = ", ".join(f"'{name}'" for name in flat[:_NAMED])
        yield (
            f"{len(trial.rewards)} quite different responses came out alike, {spread:.2f} apart"
            + (f"; the same verdict on each of them has {named}" if flat else "")
            + ": name what some responses to this request have and others lack"
        )


@dataclass(frozen=True)
class ReproducesLabel:
    """Of two responses, the one that is known to be the better gets the higher reward."""

    least: float
    reason: ClassVar[str] = "label_not_reproduced"

    def findings(self, trial: Trial, worth: Sequence[float | None]) -> Iterator[str]:
        """Yield what is against it; `worth` says how good each response is known to be."""
        pairs = _ordered(worth)
        agreed = [(high, low) for high, low in pairs if trial.rewards[high] > trial.rewards[low]]
        if pairs and len(agreed) < self.least * len(pairs):
            against = [leaf.id for leaf in trial.rubric.leaves if _misleads(trial, leaf.id, pairs)]
            named = ", ".join(f"'{name}'" for name in against[:_NAMED])
            yield (
                f"of {len(pairs)} pairs of responses, the better one came out ahead in {len(agreed)}"
                + (f"; {named} went to the worse one" if named else "")
                + ": find what makes the better ones better"
            )


def _ordered(worth: Sequence[float | None]) -> list[tuple[int, int]]:
    """Return the places of the better and the worse one of every two that are not worth the same."""
    known = [(value, place) for place, value in enumerate(worth) if value is not None]
    return [
        (one[1], other[1]) if one[0] > other[0] else (other[1], one[1])
        for one, other in combinations(known, 2)
        if one[0] != other[0]
    ]


def is_labelled(worth: Sequence[float | None]) -> bool:
    """Return whether any response is known to be better than another."""
    return bool(_ordered(worth))


def _misleads(trial: Trial, name: str, pairs: Sequence[tuple[int, int]]) -> bool:
    """Return whether a criterion goes to the worse response more often than to the better one, its sign regarded."""
    weight = next(leaf.weight for leaf in trial.rubric.leaves if leaf.id == name)
    scores = [row[name].score or 0.0 for row in trial.rows]
    return sum((scores[high] > scores[low]) - (scores[high] < scores[low]) for high, low in pairs) * weight < 0


@dataclass(frozen=True)
class StableUnderParaphrase:
    """The verdicts stay when the criteria are said in other words."""

    least: float
    reason: ClassVar[str] = "unstable"

    def findings(self, trial: Trial, reworded: Trial) -> Iterator[str]:
        """Yield what is against it; `reworded` is a trial of the same responses by the same criteria in other words."""
        turned = [
            leaf.id
            for leaf in trial.rubric.leaves
            for row, other in zip(trial.rows, reworded.rows, strict=True)
            if leaf.needs_judge and row[leaf.id].score != other[leaf.id].score
        ]
        asked = sum(leaf.needs_judge for leaf in trial.rubric.leaves) * len(trial.rows)
        if asked - len(turned) < self.least * asked:
            named = ", ".join(f"'{name}'" for name in list(dict.fromkeys(turned))[:_NAMED])
            yield f"{len(turned)} of {asked} verdicts changed with the wording, on {named}: say plainly what counts"
