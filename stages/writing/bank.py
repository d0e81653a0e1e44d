"""The criteria of a bank, asked which of them says the same as a new one."""

from schemas.criterion import Criterion
from schemas.rubric import Rubric
from stages.duplicates import NearTexts
from stages.lint.repeats import judged_by, whole_text


class Bank:
    """The criteria of rubrics that are there already."""

    def __init__(self) -> None:
        """Begin without any."""
        self._decided: dict[str, str] = {}
        self._near, self._names = NearTexts(), list[str]()

    def add(self, rubric: Rubric) -> None:
        """Take the criteria of one rubric."""
        for leaf in rubric.leaves:
            name = f"'{leaf.id}' of '{rubric.rubric}'"
            if judged_by(leaf) not in self._decided:
                self._decided[judged_by(leaf)] = name
                if leaf.needs_judge and self._near.add(whole_text(leaf)) is None:
                    self._names.append(name)

    def like(self, criterion: Criterion) -> str | None:
        """Return which criterion of the bank says the same or nearly the same; None where there is none."""
        if known := self._decided.get(judged_by(criterion)):
            return known
        if not criterion.needs_judge:
            return None
        place = self._near.find(whole_text(criterion))
        return None if place is None else self._names[place]
