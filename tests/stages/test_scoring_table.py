"""A table of stored scores gives, row by row, what its groups of verdicts give."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.judged import Verdict
from schemas.rubric import Rubric
from stages import scoring
from stages.scoring import score_group, score_table
from tests.random_rubrics import Data, Row, read, rows, rubric_data, said, verdicts


def table(groups: Sequence[Sequence[Sequence[Verdict]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, group numbers and abstentions of all responses of all groups."""
    flat = [row for group in groups for row in group]
    scores = [[np.nan if verdict.score is None else verdict.score for verdict in row] for row in flat]
    away = [[verdict.status == "abstained" for verdict in row] for row in flat]
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return np.array(scores, dtype=float), numbers, np.array(away)


def without_partial(data: Data) -> Data:
    """Return a rubric without partial credit, which needs more than a score."""
    inside = [without_partial(c) if "criteria" in c else c for c in data["criteria"]]
    return {**data, "criteria": [{key: c[key] for key in c if key != "partial"} for c in inside]}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_table_is_its_groups(data: st.DataObject) -> None:
    """Rewards, and which vetoes fired; the rows of a group may lie anywhere."""
    rubric = read(without_partial(data.draw(rubric_data())))
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    groups = [data.draw(rows(rubric, size, ("scored", "failed", "abstained"))) for size in sizes]
    scores, numbers, away = table(groups)
    order = np.array(data.draw(st.permutations(range(len(scores)))))
    found, fired = score_table(rubric, scores[order], numbers[order], away[order])
    expected = [result for group in groups for result in score_group(rubric, group)]
    wanted = np.array([np.nan if value is None else value for value, _ in expected])
    np.testing.assert_allclose(found, wanted[order], atol=1e-9)
    vetoes = [leaf.id for leaf in rubric.leaves if leaf.veto]
    assert fired.tolist() == [[veto in expected[n][1] for veto in vetoes] for n in order]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_that_is_handed_in_is_changed(data: st.DataObject) -> None:
    """The table is the caller's: it can be scored again, by the same rubric or another."""
    rubric = read(without_partial(data.draw(rubric_data())))
    scores, numbers, away = table([data.draw(rows(rubric, data.draw(st.integers(1, 3)), ("scored", "abstained")))])
    kept = scores.copy(), numbers.copy(), away.copy()
    first = score_table(rubric, scores, numbers, away)[0]
    np.testing.assert_array_equal(score_table(rubric, scores, numbers, away)[0], first)
    for now, before in zip((scores, numbers, away), kept, strict=True):
        np.testing.assert_array_equal(now, before)


def many(rubric: Rubric, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the table of `count` random responses in groups of five, one in fifty verdicts abstained."""
    draw = np.random.default_rng(seed)
    columns = [draw.choice([t.score for t in c.tiers] or [0.0, 1.0], count) for c in rubric.leaves]
    scores, away = np.stack(columns, axis=1), draw.random((count, len(columns))) < 0.02
    scores[away] = np.nan
    return scores, np.arange(count) // 5, away


TIERS = [{"score": -1, "text": "low"}, {"score": 0, "text": "middle"}, {"score": 4, "text": "high"}]
STEPS: Data = {
    "rubric": "r",
    "criteria": [
        {"id": "a", "text": "t", "weight": 2, "tiers": TIERS},
        {"id": "b", "text": "t"},
        {
            "id": "g",
            "criteria": [{"id": "c", "text": "t", "tiers": TIERS}, {"id": "go", "text": "t", "gate": "if_met"}],
        },
        {"id": "d", "text": "t", "weight": -1},
        {"id": "v", "text": "t", "veto": "if_met"},
    ],
    "reward": {
        "saturation": {"a": {"log": 4}, "g": {"knee": [0.4, 0.5]}},
        "interactions": [{"requires": ["b", "a"], "leak": 0.2}, {"pair": ["a", "b"], "effect": 0.4}],
        "shaping": {"power": 2},
    },
}


@pytest.mark.parametrize("block", [1, 7, 16384])
def test_blocks_have_no_say(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are worked on some at a time; how many is nobody's business."""
    rubric = read(STEPS)
    scores, numbers, away = many(rubric, 400)
    whole = score_table(rubric, scores, numbers, away)
    monkeypatch.setattr(scoring, "BLOCK", block)
    for found, wanted in zip(score_table(rubric, scores, numbers, away), whole, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_table_beyond_one_block_is_its_groups() -> None:
    """More responses than are worked on at a time, and abstentions in many combinations."""
    rubric = read(STEPS)
    scores, numbers, away = many(rubric, 40_000)
    found, fired = score_table(rubric, scores, numbers, away)
    for start in (0, 16_380, 39_995):
        part = slice(start, start + 5)
        group = [_verdicts(rubric, row, gone) for row, gone in zip(scores[part], away[part], strict=True)]
        results = score_group(rubric, group)
        assert [value for value, _ in results] == pytest.approx(found[part].tolist(), nan_ok=True)
        assert [bool(names) for _, names in results] == fired[part, 0].tolist()


def _verdicts(rubric: Rubric, scores: np.ndarray, away: np.ndarray) -> Row:
    return [
        Verdict(criterion=c.id, status="abstained", score=None, judge="j", key="k")
        if gone
        else Verdict(criterion=c.id, status="scored", score=float(score), judge="j", key="k")
        for c, score, gone in zip(rubric.leaves, scores, away, strict=True)
    ]


@pytest.mark.parametrize("size", [0, 1])
def test_small_tables(size: int) -> None:
    """No responses at all, and a single one."""
    rubric = read(STEPS)
    scores, numbers, away = many(rubric, size, seed=5)
    found, fired = score_table(rubric, scores, numbers, away)
    assert (found.shape, fired.shape) == ((size,), (size, 1))
    assert score_table(rubric, scores)[0].shape == (size,)


def test_without_groups_every_row_is_a_group_of_its_own() -> None:
    """An abstention is nobody else's."""
    rubric = read({"rubric": "r", "criteria": [{"id": "a", "text": "t"}, {"id": "b", "text": "t"}]})
    scores, away = np.array([[np.nan, 1.0], [1.0, 0.0]]), np.array([[True, False], [False, False]])
    assert score_table(rubric, scores, None, away)[0].tolist() == [1.0, 0.5]
    assert score_table(rubric, scores, np.array([4, 4]), away)[0].tolist() == [1.0, 0.0]


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_more_abstentions_than_a_machine_word_has_bits(data: st.DataObject) -> None:
    """Ninety criteria, each of which some group goes without."""
    rubric = read({"rubric": "r", "criteria": [{"id": f"c{n}", "text": "t"} for n in range(90)]})
    group = [[data.draw(verdicts(leaf, ("scored", "abstained"))) for leaf in rubric.leaves[:5]] for _ in range(2)]
    rest = [Verdict(criterion=f"c{n}", status="abstained", score=None, judge="j", key="k") for n in range(5, 90)]
    others = [[Verdict(criterion=c.id, status="scored", score=1.0, judge="j", key="k") for c in rubric.leaves]]
    groups = [[[*row, *rest] for row in group], others]
    scores, numbers, away = table(groups)
    wanted = [value for each in groups for value, _ in score_group(rubric, each)]
    found = [None if np.isnan(value) else value for value in score_table(rubric, scores, numbers, away)[0].tolist()]
    assert found == [None if value is None else pytest.approx(value) for value in wanted]


def test_what_a_closed_gate_stopped_may_be_required_in_a_table_too() -> None:
    """What nobody was asked about has no score there; its group is worth 0, and so is it to others."""
    inside = [{"id": "go", "text": "t", "gate": "unless_met"}, {"id": "b", "text": "t", "tiers": TIERS}]
    plain = {"rubric": "r", "criteria": [{"id": "a", "text": "t"}, {"id": "g", "criteria": inside}]}
    rubric = read({**plain, "reward": {"interactions": [{"requires": ["a", "b"], "leak": 0.4}]}})
    scores = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 4.0], [1.0, np.nan, np.nan]])
    assert score_table(rubric, scores)[0].tolist() == pytest.approx([0.2, 1.0, np.nan], nan_ok=True)


def test_a_veto_behind_a_closed_gate_was_not_asked_about_also_where_its_group_has_left_the_sum() -> None:
    """Its score is no failure: in the second response the gate stopped it, in the first one its group's last weight."""
    inner = {"id": "inner", "criteria": [{"id": "rude", "text": "Stops.", "veto": "if_met"}, {"id": "a", "text": "A."}]}
    gated = {
        "id": "gated",
        "criteria": [{"id": "b", "text": "B."}, inner, {"id": "gate", "text": "Stops.", "gate": "if_met"}],
    }
    for aggregate in ("all", "sum"):
        for rows_up in (gated, {"id": "outer", "criteria": [gated, {"id": "c", "text": "C."}]}):
            rubric = read(
                {"rubric": "r", "criteria": [rows_up, {"id": "d", "text": "D."}], "reward": {"aggregate": aggregate}}
            )
            asked = {"b": 0.0, "rude": 0.0, "a": None, "gate": 0.0, "c": 1.0, "d": 1.0}
            stopped = {"b": None, "rude": None, "a": None, "gate": 1.0, "c": 1.0, "d": 1.0}
            group = [
                [
                    said(leaf, score, "scored" if score is not None else "abstained" if row is asked else "skipped")
                    for leaf in rubric.leaves
                    for score in [row[leaf.id]]
                ]
                for row in (asked, stopped)
            ]
            found, _ = score_table(rubric, *table([group]))
            assert found.tolist() == [reward for reward, _ in score_group(rubric, group)]
