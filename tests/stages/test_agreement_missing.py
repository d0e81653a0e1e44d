"""What is missing from a record of agreement is counted, with the reason, and is never a label."""

from typing import Any

import pytest

from schemas.errors import RlraError
from tests.stages.labelled import judged, label
from tests.stages.measured_agreement import ONE, measured


def test_what_failed_is_counted_and_never_a_label() -> None:
    """Failures, abstentions and skips leave every figure as it is without those responses."""
    said: list[Any] = [1, 1, 0, 0, "failed", "abstained", "skipped"]
    lines = [judged(f"p{n}", (one,), rubric=ONE) for n, one in enumerate(said)]
    labels = [label(f"p{n}", "kind", text) for n, text in enumerate(["yes", "yes", "no", "yes", "no", "no", "yes"])]
    record = measured(labels, lines)["criterion:kind"]
    assert (record.compared, record.unjudged) == (4, 3)
    assert record.unjudged_because == {"failed": 1, "abstained": 1, "skipped": 1}
    without = measured(labels[:4], lines[:4])["criterion:kind"]
    assert (record.judge, record.bias, record.confusion) == (without.judge, without.bias, without.confusion)
    assert record.judge["accuracy"].value == 0.75


def test_a_null_reward_is_no_reward() -> None:
    lines = [judged(f"p{n}", (1,), rubric=ONE, rewards=(r,)) for n, r in enumerate([0.1, None, 0.9, 0.5])]
    record = measured([label(f"p{n}", None, str(n / 4)) for n in range(4)], lines)["reward"]
    assert (record.compared, record.unjudged, record.judge["pearson"].n) == (3, 1, 3)


def test_no_verdict_at_all_leaves_words_and_no_numbers() -> None:
    records = measured([label("p", "kind", "yes")], [judged("p", ("failed",), rubric=ONE)])
    for record in records.values():
        figures = [*record.judge.values(), *record.people.values(), *record.bias.values()]
        assert {figure.value for figure in figures} == {None}
        assert {figure.why for figure in figures} == {"the judge has no verdict on what was labelled"}
        assert (record.compared, record.unjudged) == (0, 1)


def test_why_there_is_no_figure() -> None:
    """Each reason for which a statistic can be undefined is said where it is so, and nowhere else."""
    lines = [judged(f"p{n}", (n, 0.5 if n == 2 else 1, 0)) for n in range(3)]
    labels = [label("p0", "tone", "0", "a"), label("p1", "tone", "1", "b"), label("p2", "kind", "yes", "b")]
    labels += [label("p0", "lies", "no", w) for w in "ab"] + [label("p1", None, "0.5", "a")]
    found = measured(labels, lines)

    def why(record: str, side: str, name: str) -> str:
        figure = getattr(found[record], side)[name]
        assert figure.value is None
        return str(figure.why)

    assert why("criterion:tone", "people", "kappa") == "no response has labels of two people"
    assert why("criterion:tone", "judge", "icc_2_1") == "no response was labelled by everybody"
    assert why("criterion:tone", "judge", "ece") == "no verdict has probabilities (method logprob)"
    assert why("criterion:kind", "judge", "kappa").startswith("no response has both an answer of the judge and")
    assert why("criterion:kind", "judge", "pearson") == "one response: two or more are needed"
    assert why("criterion:lies", "judge", "kappa").startswith("all answers are equal")
    assert why("criterion:lies", "people", "alpha_nominal").startswith("all labels are equal")
    assert why("criterion:lies", "bias", "error_positive") == "no criterion speaks for a response"
    assert why("reward", "judge", "kappa") == "numbers have no categories"
    assert why("reward", "people", "pearson") == "only one person labelled"


def test_what_stands_on_one_side_only() -> None:
    labels = [label("p", "kind", "yes"), label("absent", "kind", "yes"), label("p", "absent", "yes")]
    labels.append(label("p", "kind", "", "bob", 7))
    records = measured(labels, [judged("p", (1, 1, 1), (1, 1, 1))])
    assert (records["overall"].unmatched, records["criterion:kind"].unmatched) == (2, 1)
    assert records["overall"].unlabelled == 1
    with pytest.raises(RlraError, match=r"1 labels, 1 judged responses, and none in common") as caught:
        measured(labels[1:2], [judged("p", (1, 1, 1))])
    assert "labelled, for example, is 'absent' 0 'kind', judged 'p' 0" in str(caught.value.hint)


def test_an_interval_without_width_says_so() -> None:
    """All right on ten prompts is not right for ever."""
    lines = [judged(f"p{n}", (n % 2,), rubric=ONE) for n in range(10)]
    record = measured([label(f"p{n}", "kind", str(n % 2)) for n in range(10)], lines)["overall"]
    figure = record.judge["accuracy"]
    assert (figure.value, figure.low, figure.high) == (1, 1, 1)
    assert figure.why.startswith("no resample differs")
