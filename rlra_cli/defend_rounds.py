"""Which round a file is of, by its name, and what training was rewarded with in each round of its logs."""

import re
from collections.abc import Iterable, Sequence
from statistics import fmean

from schemas.train_log import TrainLog


def rounds_of(paths: Sequence[str]) -> list[int]:
    """Return the round of each file: the N of its folder `round-N`, where all have one of their own; else 1, 2, 3, …

    A shell sorts `round-10` before `round-2`.
    """
    named = [int(found[1]) for path in paths if (found := re.search(r"(?:^|/)round-(\d{1,9})/[^/]+$", path))]
    return named if len(set(named)) == len(paths) else list(range(1, len(paths) + 1))


def rewards_of_rounds(logs: Sequence[tuple[str, Sequence[TrainLog]]]) -> dict[int, float]:
    """Return the mean training reward of each round, from (path, lines) of one log or several.

    A line's round is what its meta says, as in the log of `train --rounds`. Where none says so, each of several files
    is a round, numbered as `rounds_of` does, and in a single file a round begins wherever its steps begin anew.
    """
    from stages.reports.learning import learning_curve  # it draws, too: matplotlib comes with it

    told = [line for _, lines in logs for line in lines if "reward" in line.metrics]
    if all(isinstance(line.meta.get("round"), int) for line in told):
        return _means((line.meta["round"], line.metrics["reward"]) for line in told)
    if len(logs) > 1:
        numbers = rounds_of([path for path, _ in logs])
        return _means(
            (number, reward)
            for number, (_, lines) in zip(numbers, logs, strict=True)
            for reward in learning_curve(lines)[1]
        )
    steps, rewards, begins = learning_curve(logs[0][1])
    return _means(
        (1 + sum(step > begin for begin in begins), reward) for step, reward in zip(steps, rewards, strict=True)
    )


def _means(found: Iterable[tuple[int, float]]) -> dict[int, float]:
    rounds: dict[int, list[float]] = {}
    for number, reward in found:
        rounds.setdefault(number, []).append(reward)
    return {number: fmean(each) for number, each in rounds.items()}
