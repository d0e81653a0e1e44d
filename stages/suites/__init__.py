"""Suites by name: sets of prompts with their rubrics, and what is measured on them."""

from collections.abc import Iterator, Mapping

from stages.suites import lm_eval
from stages.suites.base import Suite, SuiteMeasure
from stages.suites.diversity import DIVERSITY
from stages.suites.general import GENERAL
from stages.suites.ifbench import IFBENCH
from stages.suites.ifeval import IFEVAL
from stages.suites.safety import SAFETY
from stages.suites.tone import TONE
from stages.suites.writing import WRITING

__all__ = ["SUITES", "Suite", "SuiteMeasure"]


class _Suites(Mapping[str, Suite]):
    """The suites, and any `lm-eval-TASK` beside them, which is not listed."""

    def __init__(self, *suites: Suite) -> None:
        self._named = {suite.name: suite for suite in suites}

    def __getitem__(self, name: str) -> Suite:
        if name.startswith(lm_eval.PREFIX):
            return lm_eval.suite(name)
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)


SUITES: Mapping[str, Suite] = _Suites(IFEVAL, IFBENCH, WRITING, TONE, DIVERSITY, GENERAL, SAFETY)
