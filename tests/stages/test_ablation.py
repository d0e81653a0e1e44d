"""Ablation: rewards as if a criterion had never been there, and what that does to order, spread and agreement."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import kendalltau

from schemas.ablation import Ablation, Effect
from schemas.errors import RlraError
from schemas.judged import Judged, Verdict
from schemas.labels import Label
from schemas.rubric import Rubric
from stages.ablation import AblationSpec, People, ablate
from stages.ablation_figures import rewards
from stages.scoring import score_group
from tests.random_rubrics import Data, Row, read, rubric_data, said, skipping, verdicts
from tests.stages.test_rescore import judged, row

PLAIN = read({"rubric": "r", "criteria": [{"id": "a", "text": "t", "weight": 2}, {"id": "b", "text": "t"}]})
GATED = read(
    {
        "rubric": "g",
        "criteria": [
            {
                "id": "group",
                "criteria": [{"id": "gate", "text": "t", "gate": "if_met"}, {"id": "inner", "text": "t"}],
            },
            {"id": "other", "text": "t"},
        ],
    }
)
SPEC = AblationSpec(resamples=200)


def values(line: Judged, *without: str) -> list[float | None]:
    """Return the rewards of a line without some criteria; None where there is none."""
    return [None if np.isnan(value) else float(value) for value in rewards(line, frozenset(without))]


def one(lines: list[Judged], *without: str, **more: Any) -> Ablation:
    """Return the record of one ablation."""
    (record,) = ablate(lines, {"x": without}, False, SPEC, **more)
    return record


def effect(record: Ablation, name: str) -> Effect:
    """Return one of a record's measures."""
    return next(each for each in (*record.effects, *record.labels) if each.name == name)


def reduced(found: list[Data], without: set[str], hoisted: list[Data]) -> list[Data]:
    """Return criteria as somebody writes them who never had some; vetoes of a group that is gone stay, at the top."""
    left: list[Data] = []
    for criterion in found:
        inside = reduced(criterion.get("criteria", []), without, hoisted)
        if criterion["id"] in without:
            continue
        if "criteria" not in criterion:
            left.append(criterion)
        elif any(not each.keys() & {"veto", "gate"} for each in inside):
            left.append({**criterion, "criteria": inside})
        else:
            hoisted += [each for each in inside if "veto" in each]
    return left


def never_had(data: Data, without: set[str]) -> Rubric:
    """Return the rubric without some criteria, and without what its reward says of them."""
    hoisted: list[Data] = []
    left = reduced(data["criteria"], without, hoisted)
    named = {node.id for node in Rubric.model_construct(criteria=read(data).criteria).nodes()}

    def ids(found: list[Data]) -> set[str]:
        return {each["id"] for each in found}.union(*(ids(each.get("criteria", [])) for each in found))

    gone = named - ids(left)
    reward = dict(data["reward"])
    if "saturation" in reward:
        reward["saturation"] = {name: curve for name, curve in reward["saturation"].items() if name not in gone}
    if "interactions" in reward:
        ends = [(effect, effect.get("pair") or effect["requires"]) for effect in reward["interactions"]]
        reward["interactions"] = [effect for effect, names in ends if not gone & set(names)]
    return read({**data, "criteria": [*left, *hoisted], "reward": reward})


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_rewards_are_those_of_a_rubric_that_never_had_the_criteria(drawn: st.DataObject) -> None:
    """Whatever else the rubric has; and what was never asked for on their account is unknown, and no low score."""
    data = drawn.draw(rubric_data())
    rubric = read(data)
    whole = [[drawn.draw(verdicts(leaf, ("failed", "abstained"))) for leaf in rubric.leaves] for _ in range(3)]
    stored = skipping(rubric, whole)
    without = set(drawn.draw(st.lists(st.sampled_from([leaf.id for leaf in rubric.leaves]), min_size=1, max_size=3)))
    try:
        other = never_had(data, without)
    except ValidationError:
        assume(False)
    by_id = [{verdict.criterion: verdict for verdict in given} for given in whole]
    # A response in which nobody abstains any more opens and closes gates for its siblings as before.
    asked = skipping(other, [[given[leaf.id] for leaf in other.leaves] for given in by_id])
    known = [_as_known(mine, theirs) for mine, theirs in zip(asked, stored, strict=True)]
    wanted = [reward for reward, _ in score_group(other, known)]
    found = values(judged("p", rubric, stored), *without)
    assert found == [None if value is None else pytest.approx(value, abs=1e-8) for value in wanted]


def _as_known(asked: Row, stored: Row) -> Row:
    """Return the verdicts that a judge of the smaller rubric gives, those failed that the stored ones do not have."""
    has: dict[str, Verdict] = {verdict.criterion: verdict for verdict in stored}
    return [
        v.model_copy(update={"status": "failed", "score": None}) if _is_missing(v, has[v.criterion]) else v
        for v in asked
    ]


def _is_missing(asked: Verdict, stored: Verdict) -> bool:
    return stored.status == "skipped" and asked.status != "skipped"


def test_without_anything_rewards_are_as_stored() -> None:
    """The arithmetic is that of the judge."""
    line = judged("p", PLAIN, [row(PLAIN, 1.0, 0.0), row(PLAIN, "failed", 1.0), row(PLAIN, 0.0, 0.0)])
    assert values(line) == [pytest.approx(2 / 3), None, 0.0]
    assert values(line, "a") == [0.0, 1.0, 0.0]
    assert values(line, "a", "b") == [None, None, None]


def test_what_a_gate_kept_from_being_asked_is_unknown_without_it() -> None:
    """The reward is null, and counted as lost."""
    line = judged("p", GATED, skipping(GATED, [row(GATED, 1.0, 1.0, 1.0), row(GATED, 0.0, 1.0, 1.0)]))
    assert values(line) == [0.5, 1.0]
    assert values(line, "gate") == [None, 1.0]
    assert values(line, "inner") == [1.0, 1.0], "an empty group leaves the sum"
    record = one([line], "gate")
    assert (record.responses, record.lost, record.gained) == (1, 1, 0)
    assert one([line], "group").without == ("gate", "inner"), "a group is what is inside it"


def test_a_veto_that_is_left_out_fires_no_more() -> None:
    """What a check's veto spared the judge is unknown then; what another veto decides is decided."""
    rubric = read(
        {
            "rubric": "v",
            "criteria": [
                {"id": "one", "check": {"word_count": {"at_most": 9}}, "veto": "unless_met"},
                {"id": "two", "text": "t", "veto": "if_met"},
                {"id": "good", "text": "t"},
            ],
        }
    )
    line = judged(
        "p", rubric, [row(rubric, 0.0, 0.0, "skipped"), row(rubric, 0.0, 1.0, 1.0), row(rubric, 1.0, 0.0, 1.0)]
    )
    assert values(line) == [0.0, 0.0, 1.0]
    assert values(line, "one") == [None, 0.0, 1.0]
    assert values(line, "two") == [0.0, 0.0, 1.0]


PAIR = st.tuples(st.integers(0, 1), st.integers(0, 1))
GROUPS = st.lists(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=5), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(GROUPS)
def test_order_and_spread_are_what_others_compute(scores: list[list[tuple[int, int]]]) -> None:
    """Kendall's tau-b as SciPy has it, group by group; pairs counted one by one; spread as NumPy has it."""
    lines = [
        judged(f"p{n}", PLAIN, [row(PLAIN, float(a), float(b)) for a, b in group]) for n, group in enumerate(scores)
    ]
    both = [([(2 * a + b) / 3 for a, b in group], [float(b) for _, b in group]) for group in scores]
    record = one(lines, "a")
    taus = [float(kendalltau(before, after).statistic) for before, after in both if len(before) > 1]
    taus = [tau for tau in taus if not np.isnan(tau)]
    assert record.ranking.tau == (pytest.approx(np.mean(taus)) if taus else None)
    assert record.ranking.groups == len(taus)
    moves = [(x - y, v - w) for b, a in both for (x, v), (y, w) in combinations(zip(b, a, strict=True), 2)]
    counts = (
        len(moves),
        sum(x * v < 0 for x, v in moves),
        sum(x != 0 == v for x, v in moves),
        sum(x == 0 != v for x, v in moves),
    )
    order = record.ranking
    assert (order.pairs, order.flipped, order.merged, order.parted) == counts
    wide = [(np.std(before), np.std(after)) for before, after in both if len(before) > 1]
    spread = effect(record, "spread")
    assert spread.groups == len(wide)
    if wide:
        assert (spread.before, spread.after) == tuple(pytest.approx(x) for x in np.mean(wide, axis=0))
        flat = np.mean([[before < 1e-9, after < 1e-9] for before, after in wide], axis=0)
        assert (effect(record, "no_spread").before, effect(record, "no_spread").after) == tuple(flat)
    mean = [np.mean([np.mean(side) for side in sides]) for sides in zip(*both, strict=True)]
    assert (effect(record, "reward").before, effect(record, "reward").after) == tuple(pytest.approx(m) for m in mean)


def preferring(lines: list[Judged], good: int) -> People:
    """Return labels of people who want response `good` of each group, and no other."""
    return People(
        [
            Label("f:1", line.id, n, None, "h", str(int(n == good)))
            for line in lines
            for n in range(len(line.responses))
        ],
        {},
    )


def test_agreement_with_labels_by_hand() -> None:
    """The first response is the better one: `a` says so, `b` the contrary, and without `a` nothing says so."""
    lines = [judged(f"p{n}", PLAIN, [row(PLAIN, 1.0, 0.0), row(PLAIN, 0.0, 1.0)]) for n in range(3)]
    record = one(lines, "a", people=preferring(lines, 0))
    right, tau = effect(record, "pairs_right"), effect(record, "kendall")
    assert (right.before, right.after, right.change, right.low, right.high) == (1.0, 0.0, -1.0, -1.0, -1.0)
    assert (tau.before, tau.after, tau.change, tau.groups) == (1.0, -1.0, -2.0, 3)
    assert record.ranking.flipped == 3 and record.ranking.tau == -1.0
    tied = [judged(f"p{n}", PLAIN, [row(PLAIN, 1.0, 1.0), row(PLAIN, 0.0, 1.0)]) for n in range(3)]
    assert effect(one(tied, "a", people=preferring(tied, 0)), "pairs_right").after == 0.5, "a tie is half"


def test_one_group_has_no_interval_and_says_why() -> None:
    record = one([judged("p", PLAIN, [row(PLAIN, 1.0, 0.0), row(PLAIN, 0.0, 1.0)])], "a")
    assert {(each.low, each.why) for each in record.effects} == {(None, "one group says nothing about others")}
    assert record.ranking.tau == -1.0 and record.ranking.low is None and record.ranking.why


def test_each_criterion_is_left_out_where_it_is() -> None:
    """Groups whose rubric has none of it are counted and say nothing."""
    lines = [judged("p", PLAIN, [row(PLAIN, 1.0, 0.0)]), judged("q", GATED, [row(GATED, 0.0, 1.0, 1.0)])]
    found = {record.id: (record.groups, record.others) for record in ablate(lines, {}, True, SPEC)}
    assert found == {f"without:{name}": (1, 1) for name in ("a", "b", "gate", "inner", "other")}


def test_what_cannot_be_asked_is_refused() -> None:
    line = judged("p", PLAIN, [row(PLAIN, 1.0, 0.0)])
    with pytest.raises(RlraError, match="no judged rubric has any of other"):
        list(ablate([line], {"x": ["other"]}, False, SPEC))
    with pytest.raises(RlraError, match="no judged line"):
        list(ablate([], {}, True, SPEC))
    with pytest.raises(RlraError, match="labels are of criteria alone"):
        one([line], "a", people=People([Label("f:1", "p", 0, "a", "h", "met")], {}))
    with pytest.raises(RlraError, match="1 labels, and none of a judged response"):
        one([line], "a", people=People([Label("f:1", "q", 0, None, "h", "1")], {}))


def test_clipped_means_are_clipped() -> None:
    """As HealthBench clips: the mean over groups, and not a reward."""
    points = read({**PLAIN.model_dump(mode="json", exclude_defaults=True), "reward": {"preset": "healthbench"}})
    worse = points.model_copy(
        update={"criteria": (points.criteria[0], points.criteria[1].model_copy(update={"weight": -4.0}))}
    )
    lines = [judged(f"p{n}", worse, [[said(leaf, 1.0) for leaf in worse.leaves]]) for n in range(2)]
    found = effect(one(lines, "b"), "reward")
    assert (found.before, found.after, found.change) == (0.0, 1.0, 1.0)
