"""`rlra eval agreement`: how far a judge agrees with people, and people with each other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from schemas.agreement import Agreement, Confusion
from schemas.base import Part
from schemas.errors import RlraError
from schemas.labels import Label
from stages.opinions import Judgement, Opinion, Place, people_of

if TYPE_CHECKING:
    from stages.strata import Stratum

OVERALL, REWARD = "overall", "reward"
STATISTICS = (
    "accuracy",
    "kappa",
    "kappa_linear",
    "kappa_quadratic",
    "alpha_nominal",
    "alpha_ordinal",
    "alpha_interval",
    "icc_2_1",
    "icc_2_k",
    "pearson",
    "spearman",
    "kendall",
)
"""For all of them, more is better; these can be held to a floor."""
SHARED = ("judge", "each", "people", "bias", "tied")
"""What a record and the overall one have in common where there is nothing else to pool."""
Group = tuple[str, int]
"""A criterion's id and its number of tiers: 0 for met or not met, −1 for the whole response."""


class AgreementSpec(Part):
    """How intervals are worked out."""

    seed: int = Field(default=0, ge=0)
    """Decides which prompts each bootstrap resample draws."""
    resamples: int = Field(default=1_000, ge=1)
    """Bootstrap resamples of the prompts; more of them make the ends of the intervals steadier."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """The coverage of the intervals."""


@dataclass(frozen=True)
class Compared:
    """Both sides, and where they meet."""

    judgement: Judgement
    people: dict[Place, list[Opinion]]
    unmatched: frozenset[Place]

    def groups(self) -> dict[Group, list[Place]]:
        """Return the labelled places by criterion, in order."""
        found: dict[Group, list[Place]] = {}
        for place in sorted(self.people):
            criterion = self.judgement.questions[place].criterion
            found.setdefault((place.criterion, len(criterion.tiers) if criterion else -1), []).append(place)
        return dict(sorted(found.items()))


def measure_agreement(labels: Iterable[Label], judgement: Judgement, spec: AgreementSpec) -> Iterator[Agreement]:
    """Yield the agreement `overall`, on the reward where whole responses are labelled, and on every criterion.

    The order of lines on either side has no say. What the judge has no verdict on is counted and left out; people
    are compared with each other on the same responses as with the judge. `overall` is the mean over criteria,
    weighted by their labels, so that agreement by chance is that within each criterion: pooled labels of criteria
    that are met often and seldom would look like agreement. Criteria of a single prompt, as of rubrics that were
    written for one, are taken as one criterion there. Raises RlraError for labels that mean nothing, and where
    there is nothing that both sides speak of.
    """
    people, unmatched = people_of(labels, judgement.questions)
    compared = Compared(judgement, people, unmatched)
    groups = compared.groups()
    if not groups:
        raise RlraError(
            f"nothing is labelled that was judged: {len(unmatched)} labels, "
            f"{len({place[:2] for place in judgement.questions})} judged responses, and none in common",
            hint=f"compare `id`, `response` (from 0) and `criterion`{_example(unmatched, judgement)}",
        )
    of_criteria = {group: places for group, places in groups.items() if group[1] >= 0} or groups
    yield (overall := _record(OVERALL, None, of_criteria, compared, spec))
    for group, places in groups.items():
        about = "criterion" if group[1] >= 0 else REWARD
        known = overall if list(of_criteria) == [group] else None
        yield _record(about, group[0] or None, {group: places}, compared, spec, known)


def missed(record: Agreement, floors: Mapping[str, float]) -> list[tuple[str, float | None, float]]:
    """Return (statistic, value, floor) where `record` does not reach a floor; what is undefined reaches none.

    Raises RlraError for a name that is no statistic with a floor.
    """
    held_to(floors)
    found = [(name, record.judge[name].value, floor) for name, floor in floors.items()]
    return [(name, value, floor) for name, value, floor in found if value is None or not value >= floor]


def held_to(floors: Iterable[str]) -> None:
    """Raise RlraError for a name that is no statistic with a floor."""
    from schemas.yaml_file import nearest

    for name in floors:
        if name not in STATISTICS:
            raise RlraError(
                f"'{name}' is no statistic of agreement with a floor",
                hint=nearest(name, STATISTICS) or f"known: {', '.join(STATISTICS)}",
            )


def _example(unmatched: frozenset[Place], judgement: Judgement) -> str:
    if not unmatched or not judgement.questions:
        return ""
    mine = min(unmatched)
    alike = [place for place in judgement.questions if place[:2] == mine[:2] and place.criterion]
    one, other = (
        f"{place.id!r} {place.response}" + f" {place.criterion!r}" * bool(place.criterion)
        for place in (mine, min(alike or judgement.questions))
    )
    return f"; labelled, for example, is {one}, judged {other}"


def _record(
    about: str,
    criterion: str | None,
    groups: dict[Group, list[Place]],
    compared: Compared,
    spec: AgreementSpec,
    alike: Agreement | None = None,
) -> Agreement:
    """Return one record; `alike` is one with the same figures, where there is one."""
    from stages.figures import figures

    judgement = compared.judgement
    labelled = [place for places in groups.values() for place in places]
    judged = {group: [place for place in places if place in judgement.opinions] for group, places in groups.items()}
    kinds = {_answers(tiers) for _, tiers in groups}
    missing = Counter(
        judgement.missing.get(place, "no verdict") for place in labelled if place not in judgement.opinions
    )
    strata = _strata(judged, compared)
    names = {place.criterion for place in labelled} if about != OVERALL else None
    return Agreement.model_validate(
        {
            "id": _name(about, groups, compared),
            "about": about,
            "criterion": criterion,
            "answers": kinds.pop() if len(kinds) == 1 else "mixed",
            "judges": tuple(sorted({opinion.who for s in strata for opinion in s.judge})),
            "raters": tuple(sorted({opinion.who for place in labelled for opinion in compared.people[place]})),
            "prompts": len({place.id for places in judged.values() for place in places}),
            "compared": sum(map(len, judged.values())),
            "unjudged": sum(missing.values()),
            "unjudged_because": dict(sorted(missing.items())),
            "unmatched": sum(names is None or place.criterion in names for place in compared.unmatched),
            "unlabelled": _unlabelled(groups, compared),
            "confusion": _confusion(strata[0]) if about == "criterion" and strata else None,
            **({name: getattr(alike, name) for name in SHARED} if alike else figures(strata, spec)),
            **spec.model_dump(),
        }
    )


def _name(about: str, groups: dict[Group, list[Place]], compared: Compared) -> str:
    """Return a record's id, which no other one has, whatever criteria are called."""
    if about != "criterion":
        return about
    ((criterion, tiers),) = groups
    alike = sum(name == criterion for name, _ in compared.groups())
    return f"criterion:{criterion}" + (f" ({tiers} tiers)" if alike > 1 else "")


def _answers(tiers: int) -> str:
    return "number" if tiers < 0 else "tiers" if tiers else "binary"


def _strata(judged: dict[Group, list[Place]], compared: Compared) -> list["Stratum"]:
    """Return one stratum per criterion; those that a single prompt has are taken as one."""
    from stages.strata import stratum

    numbers = {name: n for n, name in enumerate(sorted({place.id for places in judged.values() for place in places}))}
    merged: dict[Group, list[Place]] = {}
    for (criterion, tiers), places in judged.items():
        alone = len({place.id for place in places}) < 2
        merged.setdefault(("" if alone else criterion, tiers), []).extend(places)
    judgement = compared.judgement
    return [
        stratum(sorted(places), judgement.questions, compared.people, judgement.opinions, numbers, tiers)
        for (_, tiers), places in sorted(merged.items())
        if places
    ]


def _unlabelled(groups: dict[Group, list[Place]], compared: Compared) -> int:
    """Return how many places under the same criteria nobody labelled."""
    names = {criterion for criterion, _ in groups}
    return sum(place.criterion in names and place not in compared.people for place in compared.judgement.questions)


def _confusion(one: "Stratum") -> Confusion:
    from stages.agreement import confusion

    labels = [str(n) for n in range(one.tiers)] if one.tiers else ["not met", "met"]
    counts = confusion(one.against_people()[0].rows, len(labels))
    return Confusion(labels=tuple(labels), counts=tuple(map(tuple, counts.tolist())))
