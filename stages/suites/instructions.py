"""Verifiable instructions (IFEval, IFBench): accuracies of prompts and of instructions, strict and loose.

Strict comes from the stored verdicts. Loose is worked out from the response by the same check in its other reading:
what is met as it stands is met loosely too, since the response itself is the first of the forms that are tried, so that
only instructions that were missed are looked at again. Nothing is judged twice, and no criterion of weight 0 is needed.

Sources: Zhou et al., arXiv 2311.07911, section 3 (the four accuracies); Pyatkin et al., arXiv 2507.02833.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from schemas.judged import Judged, JudgedResponse, Verdict
from schemas.rubric import Criterion, Rubric
from stages.measures import rubric_of
from stages.suites.base import Part, SuiteMeasure, mean_of, ratio_of

Met = bool | None
PERCENT = 100.0


class Instruction(NamedTuple):
    """An instruction of a prompt, and its verdict on one response."""

    family: str
    criterion: Criterion
    verdict: Verdict


Reading = Callable[[Instruction, JudgedResponse, Judged], Met]


def strictly(said: Instruction, response: JudgedResponse, group: Judged) -> Met:
    """Return whether the response follows the instruction as it stands; None where its check could not tell."""
    return None if said.verdict.score is None else said.verdict.score == 1.0


def loosely(said: Instruction, response: JudgedResponse, group: Judged) -> Met:
    """Return whether any lightly trimmed form of the response follows the instruction; None where nobody can tell."""
    strict = strictly(said, response, group)
    if strict or said.verdict.status == "failed":
        return strict
    import stages.checks  # noqa: F401 (registers every check)
    from stages.checks.base import bind

    ((name, arguments),) = (said.criterion.check or {}).items()
    return bind({name: {**arguments, "reading": "loose"}})(response.text, group).met


def accuracies(families: Collection[str], own: Collection[str]) -> tuple[SuiteMeasure, ...]:
    """Return the measures of a suite whose instructions are of `families`; those of `own` are shown one by one."""
    wanted = frozenset(families)
    readings: tuple[tuple[str, Reading], ...] = (("strict", strictly), ("loose", loosely))
    return (
        *(made for name, reading in readings for made in _of_reading(name, reading, wanted)),
        *(_of_family(family) for family in sorted(own)),
    )


def _of_reading(name: str, reading: Reading, families: frozenset[str]) -> tuple[SuiteMeasure, SuiteMeasure]:
    def prompts(group: Judged) -> Part | None:
        return mean_of(group, lambda response: _prompt(group, response, reading, families))

    def instructions(group: Judged) -> Part | None:
        return ratio_of(group, lambda response: _counted(group, response, reading, families))

    return (
        SuiteMeasure(name, f"prompts all of whose instructions are followed, {name}, in percent", "higher", prompts),
        SuiteMeasure(f"{name}_instructions", f"instructions followed, {name}, in percent", "higher", instructions),
    )


def _of_family(family: str) -> SuiteMeasure:
    only = frozenset([family])
    says = f"instructions of {family} followed, strict, in percent"
    return SuiteMeasure(
        f"family.{family}",
        says,
        "higher",
        lambda group: ratio_of(group, lambda response: _counted(group, response, strictly, only)),
    )


def _said(rubric: Rubric, response: JudgedResponse, families: frozenset[str]) -> list[Instruction]:
    """Return the instructions among the criteria; others, such as a veto that joined, are none of the benchmark's."""
    named = ((str(c.check_name).partition(":")[0], c, v) for c, v in zip(rubric.leaves, response.verdicts, strict=True))
    return [Instruction(*each) for each in named if each[1].check and each[0] in families]


def _read(group: Judged, response: JudgedResponse, reading: Reading, families: frozenset[str]) -> list[bool]:
    """Return what is known of the instructions; nothing where the check of one of them broke."""
    said = _said(rubric_of(group), response, families)
    if any(each.verdict.status == "failed" for each in said):
        return []
    return [met for each in said if (met := reading(each, response, group)) is not None]


def _prompt(group: Judged, response: JudgedResponse, reading: Reading, families: frozenset[str]) -> float | None:
    found = _read(group, response, reading, families)
    return PERCENT * all(found) if found else None


def _counted(group: Judged, response: JudgedResponse, reading: Reading, families: frozenset[str]) -> Part | None:
    found = _read(group, response, reading, families)
    return (PERCENT * sum(found), float(len(found))) if found else None
