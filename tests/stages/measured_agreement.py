"""Records of agreement, measured with few resamples."""

from schemas.agreement import Agreement
from schemas.judged import Judged
from schemas.labels import Label
from stages.eval_agreement import AgreementSpec, measure_agreement
from stages.opinions import judgement_of
from tests.stages.labelled import KIND

FEW = AgreementSpec(resamples=50)
ONE = {"rubric": "one", "criteria": [KIND]}


def measured(labels: list[Label], lines: list[Judged], spec: AgreementSpec = FEW) -> dict[str, Agreement]:
    """Return the records by id."""
    return {record.id: record for record in measure_agreement(labels, judgement_of(lines), spec)}
