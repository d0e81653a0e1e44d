"""Anchors: judged without their labels, and held to floors."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.anchors import Anchors, labels_of
from schemas.errors import RlraError
from schemas.jsonl import parse, to_line
from stages.anchors import agreement_on, as_rollouts
from stages.eval_agreement import AgreementSpec, held_to, missed
from tests.running import lines
from tests.stages.labelled import KIND, anchor, anchor_data, judged

SPEC = AgreementSpec(resamples=1)
ONE = {"rubric": "one", "criteria": [KIND]}


def says(said: Any, criterion: str | None = "kind", rater: str = "ann") -> dict[str, Any]:
    """Return one label of an anchor."""
    return {"rater": rater, "label": said, **({"criterion": criterion} if criterion else {})}


def test_anchors_are_written_as_they_were_read() -> None:
    data = anchor_data(
        "a", [says("met"), says(True, rater="bob"), says(None, "lies"), says(2, "tone"), says(0.5, None)]
    )
    found = parse(lines(data).strip(), Anchors, "a")
    assert parse(to_line(found).strip(), Anchors, "a") == found
    assert [(label.criterion, label.rater, label.said) for label in labels_of([found])] == [
        ("kind", "ann", "met"),
        ("kind", "bob", "true"),
        ("lies", "ann", ""),
        ("tone", "ann", "2"),
        (None, "ann", "0.5"),
    ]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([says("met", "knd")], r"responses\[0\]\.labels\[0\]\.criterion: the rubric has no criterion 'knd'"),
        ([says("met"), says("no")], r"responses\[0\]\.labels\[1\]: 'ann' has labelled this before"),
        ([says("met"), says("perhaps", rater="b")], r"labels\[1\]\.label: 'perhaps' is neither `met` nor"),
        ([says(3, "tone")], r"labels\[0\]\.label: '3' is no tier's index \(0 to 2"),
        ([says("good", None)], r"labels\[0\]\.label: 'good' is no number"),
        ([{"rater": "ann", "criterion": "kind"}], r"labels\[0\]\.label: Field required"),
    ],
)
def test_faults_are_named(labels: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(RlraError, match=rf"^a:1: .*{words}"):
        parse(lines(anchor_data("a", labels)).strip(), Anchors, "a:1")


def test_anchors_need_their_rubric() -> None:
    data = {key: value for key, value in anchor_data("a", []).items() if key not in ("rubric", "schema")}
    with pytest.raises(ValidationError, match="carries the rubric"):
        Anchors.model_validate(data, strict=False)


def test_the_judge_does_not_see_the_labels() -> None:
    """What is judged is a task and its responses: no rater, no label, nowhere in the line."""
    group = as_rollouts(anchor("a", [says("met", rater="zoe-the-rater")], []))
    assert (group.id, group.policy.model, len(group.responses)) == ("a", "anchors", 2)
    assert group.responses[0].text == "word word word "
    assert b"zoe" not in to_line(group) and b"label" not in to_line(group)
    assert group.rubric is not None and len(group.rubric.leaves) == 3


def test_floors_are_held_or_missed() -> None:
    anchors = [anchor(f"a{n}", [says(n % 2)], rubric=ONE) for n in range(8)]
    right = [judged(f"a{n}", (n % 2,), rubric=ONE) for n in range(8)]
    assert missed(agreement_on(anchors, right, SPEC), {"kappa": 1.0, "accuracy": 0.9}) == []
    wrong = [*right[:6], *(judged(f"a{n}", (1 - n % 2,), rubric=ONE) for n in (6, 7))]
    assert missed(agreement_on(anchors, wrong, SPEC), {"kappa": 0.6, "accuracy": 0.7}) == [
        ("kappa", pytest.approx(0.5), 0.6)
    ]


def test_what_is_undefined_is_missed() -> None:
    """All failed, or all alike: no number is made up that a floor of −1 would let pass."""
    anchors = [anchor(f"a{n}", [says(1)], rubric=ONE) for n in range(3)]
    alike = [judged(f"a{n}", (1,), rubric=ONE) for n in range(3)]
    failed = [judged(f"a{n}", ("failed",), rubric=ONE) for n in range(3)]
    assert missed(agreement_on(anchors, alike, SPEC), {"kappa": -1.0, "accuracy": 1.0}) == [("kappa", None, -1.0)]
    assert missed(agreement_on(anchors, failed, SPEC), {"accuracy": 0.0}) == [("accuracy", None, 0.0)]


def test_nothing_to_hold_on_to() -> None:
    with pytest.raises(RlraError, match="none in common"):
        agreement_on([anchor("a", [says(1)], rubric=ONE)], [judged("b", (1,), rubric=ONE)], SPEC)
    with pytest.raises(RlraError, match="no statistic"):
        held_to({"kapa": 0.5})
