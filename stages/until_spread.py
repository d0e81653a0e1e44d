"""Which groups are to be sampled further: those whose rewards, by checks alone, do not differ yet."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.errors import RlraError
from schemas.rollouts import Rollouts
from schemas.rubric import Rubric
from schemas.task import Task
from stages.checks.base import bind
from stages.judge import JudgeSpec, judge, rubric_of
from stages.training.advantages import SPREAD


class Spread:
    """Rewards groups by the lines' own rubrics, or by `rubrics` in their place, or with `add` besides them."""

    def __init__(self, rubrics: Sequence[Rubric] = (), add: bool = False) -> None:
        """Keep the rubrics."""
        self._rubrics, self._add = rubrics, add

    def accept(self, tasks: Iterable[Task]) -> None:
        """Raise RlraError for a task without a rubric, an unknown check, and a criterion that needs a model."""
        for task in tasks:
            for criterion in rubric_of(task, self._rubrics, self._add).leaves:
                if criterion.needs_judge:
                    raise RlraError(
                        f"{task.id}: criterion '{criterion.id}' needs a model, and --until-spread rewards by checks",
                        hint="give a rubric of checks with --rubrics FILE, or sample with a larger --group-size",
                    )
                if criterion.check is not None:
                    bind(criterion.check)

    def flat(self, groups: Sequence[Rollouts], most: int) -> list[int]:
        """Return the places of the groups with fewer than `most` responses of which no two rewards differ.

        A group without any answer is not among them: a failure is no lack of spread.
        """
        open_ = [place for place, group in enumerate(groups) if len(group.responses) < most and _has_answer(group)]
        differing = self.differing([groups[place] for place in open_])
        return [place for place, differs in zip(open_, differing, strict=True) if not differs]

    def differing(self, groups: Sequence[Rollouts]) -> Iterator[bool]:
        """Yield for each group whether two of its rewards differ; a response that could not be scored has none."""
        for judged in judge(groups, JudgeSpec(), None, self._rubrics, self._add):
            rewards = [response.reward for response in judged.responses if response.reward is not None]
            yield bool(rewards) and max(rewards) - min(rewards) >= SPREAD


def _has_answer(group: Rollouts) -> bool:
    return any(response.finish != "failed" for response in group.responses)
