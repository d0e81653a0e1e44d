"""Who says what about which response under which criterion: people's labels and a judge's verdicts, side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.anchors import AnchorResponse, Anchors
from schemas.criterion import Criterion
from schemas.errors import RlraError
from schemas.judged import Judged, Verdict
from schemas.labels import MISSING, Label, meaning, unit_of
from schemas.rollouts import Response


class Place(NamedTuple):
    """What an opinion is about."""

    id: str
    response: int
    criterion: str
    """The criterion's id; empty for the response as a whole."""


@dataclass(frozen=True)
class Question:
    """What stands at a place."""

    criterion: Criterion | None
    text: str
    """The response."""
    sign: int
    """1 where presence speaks for the response, −1 where it speaks against it, 0 for the whole."""


class Opinion(NamedTuple):
    """What somebody says at a place."""

    answer: float
    """0 or 1 for not met or met, or a tier's index; NaN for none, and for a grade right between two."""
    value: float
    """On the unit scale: the share of the tiers' range, or of what is met; the reward itself for the whole."""
    who: str
    sure: float = MISSING
    """The probability of the likeliest answer, where the judge gave probabilities."""
    likeliest: float = MISSING
    """That answer."""


@dataclass
class Judgement:
    """A judge's opinions, and the places where it has none."""

    questions: dict[Place, Question] = field(default_factory=dict)
    opinions: dict[Place, Opinion] = field(default_factory=dict)
    missing: dict[Place, str] = field(default_factory=dict)
    """By place, why: `failed`, `abstained`, `skipped`; for a reward, `failed`."""


def judgement_of(lines: Iterable[Judged]) -> Judgement:
    """Return what a judged file says. A verdict that failed, and a reward that is null, is no opinion."""
    found = Judgement(questions_of(lines := list(lines)))
    for line in lines:
        for index, response in enumerate(line.responses):
            judges = {verdict.judge for verdict in response.verdicts}
            for verdict in response.verdicts:
                place = Place(line.id, index, verdict.criterion)
                if verdict.score is None:
                    found.missing[place] = verdict.status
                else:
                    found.opinions[place] = _opinion(found.questions[place].criterion, verdict)
            whole = Place(line.id, index, "")
            if response.reward is None:
                found.missing[whole] = "failed"
            else:
                found.opinions[whole] = Opinion(MISSING, response.reward, ", ".join(sorted(judges)))
    return found


def questions_of(lines: Iterable[Judged | Anchors]) -> dict[Place, Question]:
    """Return what can be labelled in judged lines or anchors: every response, whole and under each criterion."""
    found: dict[Place, Question] = {}
    for line in lines:
        assert line.rubric is not None  # both kinds of line are refused without one
        signs = line.rubric.signs
        responses: Sequence[Response | AnchorResponse] = line.responses
        for index, response in enumerate(responses):
            found[Place(line.id, index, "")] = Question(None, response.text, 0)
            for criterion in line.rubric.leaves:
                found[Place(line.id, index, criterion.id)] = Question(criterion, response.text, signs[criterion.id])
    return found


def hold_alike(one: dict[Place, Question], other: dict[Place, Question]) -> None:
    """Raise RlraError where two files mean different responses, or different tiers, by the same names."""
    for place in sorted(one.keys() & other.keys()):
        mine, theirs = one[place], other[place]
        where = f"{place.id}: response {place.response}"
        if mine.text != theirs.text:
            raise RlraError(
                f"{where} is another text in the two files", hint="labels say nothing about responses sampled later"
            )
        if mine.criterion and theirs.criterion and len(mine.criterion.tiers) != len(theirs.criterion.tiers):
            raise RlraError(f"{where}: '{place.criterion}' has other tiers in the two files")


def people_of(
    labels: Iterable[Label], questions: dict[Place, Question]
) -> tuple[dict[Place, list[Opinion]], frozenset[Place]]:
    """Return the labels at each place that has a question, and the labelled places that have none.

    A label that is missing is none. Raises RlraError, beginning with where it stands, for one that means nothing
    under its criterion.
    """
    found: dict[Place, list[Opinion]] = {}
    unmatched: set[Place] = set()
    for label in labels:
        place = Place(label.id, label.response, label.criterion or "")
        if not label.said:
            continue
        if place not in questions:
            unmatched.add(place)
            continue
        criterion = questions[place].criterion
        try:
            said = meaning(label.said, criterion)
        except ValueError as error:
            under = f" under '{label.criterion}'" if label.criterion else ""
            raise RlraError(
                f"{label.where}: label: {error}{under}", hint="leave it empty where there is none"
            ) from None
        answer = said if criterion else MISSING
        found.setdefault(place, []).append(Opinion(answer, unit_of(said, criterion), label.rater))
    return found, frozenset(unmatched)


def as_judgement(labels: Sequence[Label], questions: dict[Place, Question]) -> Judgement:
    """Return the labels of a single rater as those of a judge. Raises RlraError where there are several."""
    raters = sorted({label.rater for label in labels})
    if len(raters) > 1:
        raise RlraError(
            f"the file on the judge's side has labels of {len(raters)} raters: {', '.join(raters)}",
            hint="one judge is measured at a time: people's labels come first",
        )
    return Judgement(questions, {place: said[0] for place, said in people_of(labels, questions)[0].items()})


def as_labels(lines: Iterable[Judged], rater: str) -> Iterator[Label]:
    """Yield a judged file's verdicts and rewards as the labels of one rater."""
    judged = judgement_of(lines)
    for place, said in judged.opinions.items():
        value = said.answer if place.criterion else said.value
        text = "" if value != value else str(int(value)) if place.criterion else repr(value)
        yield Label(
            f"{place.id}, response {place.response}", place.id, place.response, place.criterion or None, rater, text
        )


def _opinion(criterion: Criterion | None, verdict: Verdict) -> Opinion:
    from stages.measures import level

    assert criterion is not None and verdict.score is not None
    value = level(criterion, verdict)
    assert value is not None
    sure = max(verdict.shares, default=MISSING)
    likeliest = float(verdict.shares.index(sure)) if verdict.shares else MISSING
    return Opinion(_answer(criterion, verdict, value, likeliest), value, verdict.judge, sure, likeliest)


def _answer(criterion: Criterion, verdict: Verdict, value: float, likeliest: float) -> float:
    if verdict.shares:
        return likeliest
    if verdict.tier is not None:
        return float(verdict.tier)
    if criterion.check_name:
        return float(verdict.score == 1.0)
    worth = [unit_of(float(n), criterion) for n in range(len(criterion.tiers))] or [0.0, 1.0]
    distances = [abs(value - each) for each in worth]
    nearest = [n for n, distance in enumerate(distances) if distance <= min(distances) + 1e-9]
    return float(nearest[0]) if len(nearest) == 1 else MISSING
