"""Records of agreement: who is compared with whom, and what is measured of them."""

from random import Random
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

from schemas.errors import RlraError
from schemas.judged import Judged
from stages.eval_agreement import STATISTICS, measure_agreement, missed
from stages.opinions import as_judgement, as_labels, hold_alike, judgement_of, questions_of
from tests.stages.labelled import KIND, LIES, RUBRIC, TONE, judged, label
from tests.stages.measured_agreement import FEW, ONE, measured


def test_people_decide_by_majority_and_an_even_split_decides_nothing() -> None:
    lines = [judged(f"p{n}", (1,), rubric=ONE) for n in range(3)]
    votes = [("yes", "yes", "no"), ("no", "no", "yes"), ("yes", "no", "")]
    labels = [label(f"p{n}", "kind", v, w) for n, row in enumerate(votes) for w, v in zip("abc", row, strict=True)]
    record = measured(labels, lines)["criterion:kind"]
    assert (record.judge["accuracy"].value, record.judge["accuracy"].n, record.tied) == (0.5, 2, 1)
    assert (record.bias["error"].value, record.bias["error"].n) == (0.5, 2)
    assert (record.compared, record.judge["alpha_nominal"].n) == (3, 3)
    assert (record.each["accuracy"].value, record.each["accuracy"].n) == (0.5, 8)
    assert (record.people["accuracy"].value, record.people["accuracy"].n) == (2 * 2 / 14, 14)
    assert record.confusion is not None
    assert record.confusion.counts == ((0, 1), (0, 1))


def test_tiers_are_averaged_on_the_unit_scale() -> None:
    """Tiers worth 0, 1 and 4: people who say 0 and 2 average at 0.5, and the judge's tier 1 is worth 0.25."""
    rubric = {"rubric": "one", "criteria": [TONE]}
    labels = [label("p", "tone", "0", "a"), label("p", "tone", "2", "b"), label("q", "tone", "1", "a")]
    record = measured(labels, [judged("p", (1,), rubric=rubric), judged("q", (1,), rubric=rubric)])["criterion:tone"]
    assert record.bias["error"].value == pytest.approx((0.25 - 0.5) / 2)
    assert (record.judge["accuracy"].value, record.judge["accuracy"].n, record.tied) == (1.0, 1, 1)
    assert record.confusion is not None and record.confusion.labels == ("0", "1", "2")


def test_two_people_are_their_own_ceiling() -> None:
    """With two, each against the other is Cohen's kappa of both, on the responses that the judge was compared on."""
    random = Random(1)
    votes = [(random.choice(["yes", "no"]), random.choice(["yes", "yes", "no"])) for _ in range(30)]
    lines = [judged(f"p{n}", ("failed" if n < 5 else n % 2,), rubric=ONE) for n in range(30)]
    labels = [label(f"p{n}", "kind", v, w) for n, row in enumerate(votes) for w, v in zip("ab", row, strict=True)]
    record = measured(labels, lines)["criterion:kind"]
    one, other = zip(*votes[5:], strict=True)
    assert record.people["kappa"].value == pytest.approx(cohen_kappa_score(one, other))
    assert record.people["accuracy"].value == pytest.approx(sum(a == b for a, b in votes[5:]) / 25)


def test_an_even_split_is_not_left_out_of_each() -> None:
    """A judge that sides with the one or the other by lot looks perfect against consensus, and is not."""
    lines = [judged(f"p{n}", (n // 2 % 2,), rubric=ONE) for n in range(40)]
    labels = [label(f"p{n}", "kind", str(n // 2 % 2 if n % 2 else w), "ab"[w]) for n in range(40) for w in (0, 1)]
    record = measured(labels, lines)["criterion:kind"]
    assert (record.judge["accuracy"].value, record.tied) == (1.0, 20)
    assert (record.each["accuracy"].value, record.people["accuracy"].value) == (0.75, 0.5)


def test_one_person_is_no_ceiling() -> None:
    record = measured(
        [label("p", "kind", "yes"), label("q", "kind", "no")], [judged(n, (1,), rubric=ONE) for n in "pq"]
    )
    assert {figure.why for figure in record["overall"].people.values()} == {"only one person labelled"}
    assert record["overall"].judge["kappa"].value == 0


def test_chance_is_that_within_each_criterion() -> None:
    """A judge that knows how often criteria are met, and nothing else, agrees no better than chance.

    Pooled, its kappa would be 0.64: both sides say yes to 90 % of one criterion and to 10 % of the other.
    """
    rubric = {"rubric": "two", "criteria": [KIND, LIES]}
    lines, labels, said = [], [], []
    for n in range(100):
        first, second = int(n % 10 != 0), int(n // 10 != 0)
        lines.append(judged(f"p{n}", (first, 1 - first), rubric=rubric))
        labels += [label(f"p{n}", "kind", str(second)), label(f"p{n}", "lies", str(1 - second))]
        said += [(first, second), (1 - first, 1 - second)]
    records = measured(labels, lines)
    assert cohen_kappa_score(*zip(*said, strict=True)) == pytest.approx(0.64)
    assert records["overall"].judge["kappa"].value == pytest.approx(0)
    assert records["overall"].judge["accuracy"].value == pytest.approx(0.82)
    assert records["overall"].judge["accuracy"].n == 200


def test_criteria_of_single_prompts_are_taken_as_one() -> None:
    """Rubrics that were written for one prompt each would have no chance to speak of within each criterion."""
    lines, labels = [], []
    for n in range(20):
        criterion = {"id": f"c{n}", "text": "Is kind."}
        lines.append(judged(f"p{n}", (n % 2,), rubric={"rubric": "own", "criteria": [criterion]}))
        labels.append(label(f"p{n}", f"c{n}", str(n % 2 if n < 15 else 1)))
    records = measured(labels, lines)
    kappa = cohen_kappa_score([n % 2 for n in range(20)], [n % 2 if n < 15 else 1 for n in range(20)])
    assert records["overall"].judge["kappa"].value == pytest.approx(kappa)
    assert records["criterion:c3"].judge["kappa"].value is None
    assert records["criterion:c3"].judge["accuracy"].why == "labels of one prompt have no interval"
    assert len(records) == 21


def test_errors_by_sign_length_and_position() -> None:
    """A judge that says met to every second, longer response: too kind to both signs, and the more the longer."""
    rubric = {"rubric": "two", "criteria": [KIND, LIES]}
    lines = [judged(f"p{n}", (0, 0), (1, 1), rubric=rubric) for n in range(6)]
    labels = [label(f"p{n}", c, "no", response=k) for n in range(6) for k in (0, 1) for c in ("kind", "lies")]
    bias = measured(labels, lines)["overall"].bias
    assert [bias[name].value for name in ("error", "error_positive", "error_negative")] == [0.5, 0.5, 0.5]
    assert (bias["length"].value, bias["position"].value) == (pytest.approx(1), pytest.approx(1))
    alone = measured([one for one in labels if one.criterion == "kind"], lines)["overall"].bias
    assert alone["error_negative"].value is None
    assert alone["error_negative"].why == "no criterion speaks against a response"


def test_signs_turn_around_in_groups_of_negative_weight() -> None:
    inner = {"id": "inner", "weight": -1, "criteria": [LIES, {"id": "rude", "text": "Insults."}]}
    veto = {"id": "slur", "text": "Uses a slur.", "veto": "if_met"}
    line = judged("p", (1,), rubric=ONE)
    data = {**line.model_dump(exclude={"tag"}), "rubric": {"rubric": "tree", "criteria": [KIND, inner, veto]}}
    rows = [{"criterion": c, "judge": "j", "key": "k", "status": "scored", "score": 1.0}
            for c in ("kind", "lies", "rude", "slur")]  # fmt: skip
    data["responses"] = [{**data["responses"][0], "verdicts": rows}]
    tree = Judged.model_validate(data, strict=False)
    signs = {place.criterion: question.sign for place, question in questions_of([tree]).items()}
    assert signs == {"": 0, "kind": 1, "lies": 1, "rude": -1, "slur": -1}


def test_probabilities_give_grades_answers_and_a_calibration_error() -> None:
    """The expectation is compared where grades are, its likeliest answer where answers are."""
    rows = [((0.4, 0.6), "yes"), ((0.1, 0.9), "yes"), ((0.8, 0.2), "yes"), ((0.7, 0.3), "no")]
    lines = [judged(f"p{n}", ({"score": s[1], "shares": list(s)},), rubric=ONE) for n, (s, _) in enumerate(rows)]
    record = measured([label(f"p{n}", "kind", said) for n, (_, said) in enumerate(rows)], lines)["criterion:kind"]
    assert record.judge["accuracy"].value == 0.75
    assert record.bias["error"].value == pytest.approx((-0.4 - 0.1 - 0.8 + 0.3) / 4)
    assert record.judge["ece"].value == pytest.approx((0.4 + 0.1 + 0.8 + 0.3) / 4)
    tiered = {"rubric": "one", "criteria": [TONE]}
    graded = judged("p", ({"score": 1.7, "tier": 2, "shares": [0.5, 0.1, 0.4]},), rubric=tiered)
    assert judgement_of([graded]).opinions["p", 0, "tone"][:2] == (0.0, pytest.approx(1.7 / 4))  # type: ignore[index]


@pytest.mark.parametrize(
    ("criterion", "score", "answer"),
    [(KIND, 0.67, 1), (KIND, 0.33, 0), (KIND, 0.5, None), (TONE, 0.4, 0), (TONE, 3.0, 2), (TONE, 2.5, None)],
)
def test_a_panels_mean_is_the_answer_that_it_is_nearest_to(criterion: Any, score: float, answer: int | None) -> None:
    line = judged("p", ({"score": score},), rubric={"rubric": "one", "criteria": [criterion]})
    said = judgement_of([line]).opinions["p", 0, criterion["id"]].answer  # type: ignore[index]
    assert (said == answer) if answer is not None else said != said


def test_a_check_that_grades_is_met_when_it_says_so() -> None:
    rubric = {"rubric": "one", "criteria": [{"id": "short", "check": {"word_count": {"at_most": 6}}, "partial": 0.9}]}
    line = judged("p", ({"score": 0.8},), ({"score": 1.0},), ({"score": 0.0, "closeness": 0.9},), rubric=rubric)
    said = judgement_of([line]).opinions
    assert [(one.answer, one.value) for place, one in sorted(said.items()) if place.criterion] == [
        (0, 0.8),
        (1, 1),
        (0, 0),
    ]


def test_order_has_no_say() -> None:
    random = Random(3)
    lines = [judged(f"p{n}", (n % 3, n % 2, 1), (2, 0, n % 2)) for n in range(12)]
    labels = [
        label(f"p{n}", c["id"], str(random.randrange(2)), w, k)
        for n in range(12)
        for c in RUBRIC["criteria"]  # type: ignore[attr-defined]
        for w in "ab"
        for k in (0, 1)
    ]
    once = measured(labels, lines)
    random.shuffle(labels)
    random.shuffle(lines)
    assert measured(labels, lines) == once
    assert list(once) == ["overall", "criterion:kind", "criterion:lies", "criterion:tone"]


def test_a_label_of_another_kind_is_named() -> None:
    with pytest.raises(
        RlraError, match=r"^labels\.csv:2: label: 'met' is no tier's index \(0 to 2, worst first\) under 'tone'"
    ):
        measured([label("p", "tone", "met")], [judged("p", (1, 1, 1))])
    with pytest.raises(RlraError, match=r"^labels\.csv:2: label: 'met' is no number"):
        measured([label("p", None, "met")], [judged("p", (1, 1, 1))])


def test_criteria_named_like_other_records() -> None:
    """A criterion may be called `overall` or `reward`, and one id may stand for other tiers elsewhere."""
    rubric = {"rubric": "odd", "criteria": [{**KIND, "id": "overall"}, {**KIND, "id": "reward"}, {**TONE, "id": "x"}]}
    other = {"rubric": "odd", "criteria": [{**KIND, "id": "x"}]}
    lines = [judged("p", (1, 1, 1), rubric=rubric), judged("q", (1,), rubric=other)]
    labels = [label("p", c, "1") for c in ("overall", "reward", "x")] + [label("q", "x", "1"), label("q", None, "1")]
    found = [record.id for record in measure_agreement(labels, judgement_of(lines), FEW)]
    assert found == [
        "overall",
        "reward",
        "criterion:overall",
        "criterion:reward",
        "criterion:x (0 tiers)",
        "criterion:x (3 tiers)",
    ]


def test_another_judge_stands_for_people() -> None:
    """A judged file as labels: a judge agrees with itself wholly, and not where it has no verdict."""
    lines = [judged(f"p{n}", (n % 3, n % 2, "failed" if n == 4 else 0), rewards=(n / 9,)) for n in range(9)]
    records = measured(list(as_labels(lines, "other")), lines)
    assert records["overall"].raters == ("other",)
    assert [records[f"criterion:{c}"].judge["kappa"].value for c in ("tone", "kind", "lies")] == [1, 1, None]
    assert records["reward"].judge["icc_2_1"].value == pytest.approx(1)
    assert records["criterion:lies"].compared == 8


def test_labels_stand_for_a_judge_if_they_are_of_one() -> None:
    lines = [judged(f"p{n}", (n % 3, 1, 1)) for n in range(4)]
    labels = [label(f"p{n}", "tone", str(n % 3), "ann") for n in range(4)]
    judgement = as_judgement(labels, questions_of(lines))
    records = list(measure_agreement(as_labels(lines, "j"), judgement, FEW))
    assert records[0].judges == ("ann",)
    assert records[0].judge["kappa"].value == 1
    with pytest.raises(RlraError, match="labels of 2 raters: ann, bob"):
        as_judgement([*labels, label("p1", "tone", "1", "bob")], questions_of(lines))


def test_two_files_mean_the_same_responses() -> None:
    """A file that was sampled anew has the old ids: its verdicts are not those on what people labelled."""
    line = judged("p", (1, 1, 1))
    anew = line.model_copy(update={"responses": (line.responses[0].model_copy(update={"text": "Other."}),)})
    hold_alike(questions_of([line]), questions_of([line]))
    with pytest.raises(RlraError, match="p: response 0 is another text in the two files"):
        hold_alike(questions_of([line]), questions_of([anew]))
    two = {**TONE, "tiers": TONE["tiers"][1:]}  # type: ignore[index]
    other = judged("p", (1, 1, 1), rubric={"rubric": "care", "criteria": [two, KIND, LIES]})
    with pytest.raises(RlraError, match="'tone' has other tiers in the two files"):
        hold_alike(questions_of([line]), questions_of([other]))


def test_floors() -> None:
    record = measured([label("p", "kind", "yes")], [judged("p", (1,), rubric=ONE)])["overall"]
    assert missed(record, {"accuracy": 1.0}) == []
    assert missed(record, {"accuracy": 1.01, "kappa": -9.0}) == [("accuracy", 1.0, 1.01), ("kappa", None, -9.0)]
    assert record.judge.keys() - {"ece"} == set(STATISTICS)
    with pytest.raises(RlraError, match="'kapa' is no statistic") as caught:
        missed(record, {"kapa": 0.5})
    assert "kappa" in str(caught.value.hint)
    with pytest.raises(RlraError, match="'ece' is no statistic of agreement with a floor"):
        missed(record, {"ece": 0.5})
