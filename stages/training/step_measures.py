"""What the responses of one step measure: the same names in staged and in online runs."""

from collections.abc import Iterable, Sequence

import numpy as np

from schemas.judged import Judged
from schemas.rubric import Rubric
from stages.measures import level, mean, rubric_of, vetoed


def shared_criteria(rubrics: Iterable[Rubric]) -> frozenset[str]:
    """Return the criteria that every prompt of a run has; the others differ between prompts and are pooled."""
    found = [frozenset(criterion.id for criterion in rubric.leaves) for rubric in rubrics]
    return frozenset.intersection(*found) if found else frozenset()


def step_measures(groups: Sequence[Judged], shared: frozenset[str]) -> dict[str, float]:
    """Return the means over the responses of `groups`, by name; what nothing can be said about is not there.

    `reward_spread` is the mean standard deviation within a group, `met/ID` the share that meets a criterion
    (with tiers, the mean share of their range), `met/instance` that of all criteria that are not `shared`.
    """
    judged = [(rubric_of(group), response) for group in groups for response in group.responses]
    answered = [response for _, response in judged if response.finish != "failed"]
    found = {
        "reward_spread": mean(_spread(group) for group in groups),
        "length": mean(float(response.length) for response in answered),
        "truncated": mean(float(response.finish == "length") for response in answered),
        "veto_rate": mean(vetoed(rubric, response) for rubric, response in judged),
        "judge_failed": mean(float(response.reward is None) for response in answered),
    }
    return {name: value for name, value in (found | _met(groups, shared)).items() if value is not None}


def _spread(group: Judged) -> float | None:
    rewards = [response.reward for response in group.responses if response.reward is not None]
    return float(np.std(rewards, ddof=1)) if len(rewards) > 1 else None


def _met(groups: Sequence[Judged], shared: frozenset[str]) -> dict[str, float | None]:
    levels: dict[str, list[float | None]] = {}
    for group in groups:
        for index, criterion in enumerate(rubric_of(group).leaves):
            name = criterion.id if criterion.id in shared else "instance"
            verdicts = [response.verdicts[index] for response in group.responses]
            levels.setdefault(f"met/{name}", []).extend(level(criterion, verdict) for verdict in verdicts)
    return {name: mean(values) for name, values in levels.items()}
