"""The two files that `rlra eval agreement` compares: each of labels, of anchors, or judged."""

from dataclasses import dataclass
from pathlib import Path

from rlra_cli.validate import kind_of_file
from schemas.anchors import Anchors, labels_of
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.label_files import read_labels
from schemas.labels import Label
from schemas.yaml_file import nearest
from stages.opinions import Judgement, Place, Question, as_judgement, as_labels, hold_alike, judgement_of, questions_of
from stages.visible import one_line

_LONGEST_NAME = 60


@dataclass(frozen=True)
class Side:
    """What one file says, in the one shape that its kind has."""

    name: str
    labels: tuple[Label, ...] = ()
    anchors: tuple[Anchors, ...] = ()
    judged: tuple[Judged, ...] = ()

    def questions(self) -> dict[Place, Question]:
        """Return what could be labelled; labels by themselves do not say it."""
        return questions_of([*self.judged, *self.anchors])

    def as_people(self) -> list[Label]:
        """Return the file as people's labels: a judge's verdicts are those of one rater."""
        return [*self.labels, *labels_of(self.anchors), *as_labels(self.judged, self.name)]


def read_side(source: Source) -> Side:
    """Return what a file says. Raises RlraError for lines of a kind that has neither labels nor verdicts."""
    name = "stdin" if source.path == "-" else Path(source.path).name.partition(".")[0]
    kind = kind_of_file(source.path)
    if kind is None:
        return Side(name, labels=tuple(read_labels(source)))
    if kind is Anchors:
        return Side(name, anchors=tuple(source.read(Anchors)))
    if kind is Judged:
        return Side(name, judged=tuple(source.read(Judged)))
    raise RlraError(
        f"{source.name}: {kind.schema_tag()} lines hold neither labels nor verdicts",
        hint="labels as CSV or JSONL, anchors/1, or judged/1",
    )


def judgement(people: Side, judge: Side) -> Judgement:
    """Return what the judge's file says; where it holds labels, the other file says what they are about.

    Raises RlraError where neither does, where the two mean different responses by the same names, and for labels of
    several raters in the judge's place.
    """
    theirs, asked = judge.questions(), people.questions()
    hold_alike(theirs, asked)
    if judge.judged:
        return judgement_of(judge.judged)
    questions = theirs or asked
    if not questions:
        raise RlraError(
            "neither file says what the criteria are: one of them must be a judged file, or anchors",
            hint="such as `rlra eval agreement labels.csv judged.jsonl`",
        )
    return as_judgement(judge.as_people(), questions)


def stranger(people: Side, judged: Judgement) -> str | None:
    """Return a warning of criteria that people labelled and no judged rubric has; None where all are known.

    Such labels count nowhere, and are likely to be of another spelling.
    """
    known = sorted({place.criterion for place in judged.questions} - {""})
    odd = [label for label in people.labels if label.said and label.criterion and label.criterion not in known]
    if not odd:
        return None
    names = list(dict.fromkeys(str(label.criterion) for label in odd))
    hint = nearest(names[0], known)
    more = f", nor {len(names) - 1} more" if len(names) > 1 else ""
    said = f"{odd[0].where}: no judged rubric has the criterion '{one_line(names[0], _LONGEST_NAME)}'{more}"
    return f"{said}: {len(odd)} labels count nowhere" + (f"; {hint}" if hint else "")
