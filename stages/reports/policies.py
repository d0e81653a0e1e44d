"""Who answered and who judged, of every file of a report, as far as its lines say."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schemas.judged import Judged
from stages.measures import rubric_of
from stages.reports.compared import Asked

MOST_VALUES = 4
"""Different values of one property that are named; the rest is counted."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Described:
    """One judged file: what its lines say of how it came about, by property."""

    asked: Asked
    says: dict[str, str]


def policies(files: Sequence[Asked]) -> list[Described]:
    """Return what the lines of each file say of model, sampling, judges and rubric."""
    return [Described(asked, _says(asked.lines)) for asked in files]


def _says(lines: Sequence[Judged]) -> dict[str, str]:
    return {**{name: _all(map(of, lines)) for name, of in _OF.items()}, "rubric": _rubrics(lines)}


def judges(lines: Iterable[Judged]) -> list[str]:
    """Return who gave the verdicts of a file, sorted: models, and `check`."""
    return sorted({v.judge for line in lines for response in line.responses for v in response.verdicts})


def _of_judges(line: Judged) -> str:
    return ", ".join(judges([line]))


_OF: dict[str, Callable[[Judged], str]] = {
    "model": lambda line: line.policy.model,
    "revision": lambda line: line.policy.revision,
    "engine": lambda line: f"{line.policy.engine} {line.policy.dtype}",
    "chat template": lambda line: line.policy.template,
    "temperature": lambda line: f"{line.policy.sampling.temperature:g}" if line.policy.sampling else UNKNOWN,
    "longest response": lambda line: f"{line.policy.sampling.max_tokens} tokens" if line.policy.sampling else UNKNOWN,
    "sampling seed": lambda line: str(line.policy.seed),
    "judged by": _of_judges,
}


def _rubrics(lines: Sequence[Judged]) -> str:
    """Return the rubrics by name, each with its digest, or with how many there are where prompts have their own."""
    digests: dict[str, set[str]] = {}
    for line in lines:
        rubric = rubric_of(line)
        digests.setdefault(rubric.rubric, set()).add(rubric.digest())
    return _all(
        f"{name} ({next(iter(found)) if len(found) == 1 else f'{len(found):,} of single prompts'})"
        for name, found in digests.items()
    )


def _all(values: Iterable[str]) -> str:
    found = sorted(set(values))
    more = f" and {len(found) - MOST_VALUES:,} more" if len(found) > MOST_VALUES else ""
    return ", ".join(found[:MOST_VALUES]) + more
