"""The promises between the parts of a rubric: each broken one is refused with what to do about it."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.jsonl import explain
from schemas.rubric import Criterion, Rubric, join

JUDGED: dict[str, Any] = {"id": "warm", "text": "Is warm."}
CHECKED: dict[str, Any] = {"id": "short", "check": {"word_count": {"at_most": 9}}}
TIERS = [{"score": 0, "text": "Cold."}, {"score": 2.5, "text": "Warm."}]
VETO: dict[str, Any] = {"id": "rude", "text": "Insults.", "veto": "if_met"}


def rubric(*criteria: dict[str, Any], **more: Any) -> Rubric:
    """Return a rubric as it is read from JSON."""
    return Rubric.model_validate_json(orjson.dumps({"rubric": "r", "criteria": criteria, **more}))


def refusal(*criteria: dict[str, Any], **more: Any) -> str:
    """Return what is said about a rubric that does not hold."""
    with pytest.raises(ValidationError) as caught:
        rubric(*criteria, **more)
    return explain(caught.value)


GROUP: dict[str, Any] = {"id": "tone", "criteria": [JUDGED, {"id": "kind", "text": "Is kind."}]}
FAULTS: dict[str, Any] = {"id": "faults", "criteria": [{"id": "rude", "text": "t", "weight": -1}]}
REQUIRES = {"interactions": [{"requires": ["warm", "short"]}, {"requires": ["short", "warm"]}]}


@pytest.mark.parametrize(
    ("criteria", "more", "said"),
    [
        ([], {}, "criteria: "),
        ([JUDGED, JUDGED], {}, "criterion ids must differ, found twice: warm"),
        ([JUDGED, GROUP], {}, "criterion ids must differ, found twice: warm"),
        ([GROUP, {"id": "tone", "text": "t"}], {}, "criterion ids must differ, found twice: tone"),
        ([VETO], {}, "line: every criterion is a veto"),
        ([{**JUDGED, "weight": -1}], {}, "line: no criterion has a positive weight"),
        ([JUDGED, FAULTS], {}, "no criterion in the group 'faults' has a positive weight"),
        (
            [JUDGED, FAULTS],
            {"reward": {"normalise": "none"}},
            "no criterion in the group 'faults' has a positive weight",
        ),
        ([JUDGED, FAULTS], {"reward": {"normalise": "range"}}, "no criterion in the group 'faults' has a positive"),
        ([JUDGED, {"id": "g", "criteria": [FAULTS]}], {}, "no criterion in the group 'faults' has a positive weight"),
        ([{**GROUP, "weight": -1}], {"reward": {"preset": "heartbench"}}, "line: no criterion has a positive weight"),
        (
            [{"id": "go", "text": "t", "gate": "if_met"}, JUDGED],
            {},
            "'go' is a gate, which stops the group it stands in",
        ),
        ([JUDGED], {"applies_to": {"topic": "x"}}, "`applies_to` knows `id` and `meta.…`, not 'topic'"),
        ([JUDGED], {"version": 0}, "version: "),
        ([JUDGED], {"kind": "loud"}, "kind: "),
        ([JUDGED], {"inherits": "two words"}, "inherits: "),
        (
            [JUDGED],
            {"reward": {"saturation": {"cold": {"log": 2}}}},
            "reward.saturation.cold: `reward` names criteria that take no part in the sum: cold",
        ),
        ([JUDGED, VETO], {"reward": {"saturation": {"rude": {"log": 2}}}}, "take no part in the sum: rude"),
        (
            [JUDGED],
            {"reward": {"interactions": [{"pair": ["warm", "x"], "effect": 1}]}},
            "take no part in the sum: x",
        ),
        (
            [JUDGED],
            {"reward": {"interactions": [{"requires": ["warm", "x"]}]}},
            "reward.interactions[0].requires: `reward` names criteria",
        ),
        (
            [GROUP, CHECKED],
            {"reward": {"interactions": [{"pair": ["warm", "short"], "effect": 1}]}},
            "the pair warm and short stands in different groups",
        ),
        ([JUDGED, CHECKED], {"reward": REQUIRES}, "reward.interactions[0].requires: prerequisites form a cycle: "),
        ([GROUP], {"reward": {"interactions": [{"requires": ["warm", "tone"]}]}}, "prerequisites form a cycle: "),
    ],
)
def test_a_rubric_that_does_not_hold(criteria: list[dict[str, Any]], more: dict[str, Any], said: str) -> None:
    """Promises between criteria, and between criteria and the reward."""
    assert said in refusal(*criteria, **more)


@pytest.mark.parametrize(
    ("criteria", "more"),
    [
        ([{**JUDGED, "weight": -1}], {"reward": {"normalise": "none"}}),
        ([{**JUDGED, "weight": -1}], {"reward": {"normalise": "range"}}),
        ([{**JUDGED, "weight": -1}], {"reward": {"preset": "all-pass"}}),
        ([FAULTS], {"reward": {"preset": "heartbench"}}),
        ([JUDGED, FAULTS], {"reward": {"preset": "all-pass"}}),
        ([VETO], {"kind": "defence"}),
        ([GROUP], {"reward": {"interactions": [{"requires": ["tone", "warm"]}]}}),
        ([GROUP], {"reward": {"interactions": [{"pair": ["warm", "kind"], "effect": -1}]}}),
        ([JUDGED, CHECKED], {"reward": {"saturation": {"*": {"log": 2}}}}),
        ([JUDGED], {"applies_to": {"id": ["a", "b"], "meta.topic.kind": None}}),
    ],
)
def test_a_rubric_that_does_hold(criteria: list[dict[str, Any]], more: dict[str, Any]) -> None:
    """Penalties alone need a scale that begins below 0; a group may require what is inside it."""
    assert rubric(*criteria, **more).digest()


def test_a_duplicate_among_many_is_found_at_once() -> None:
    """Twenty thousand criteria, of which two share an id."""
    many = [{"id": f"c{number}", "text": "t"} for number in range(20_000)]
    begin = time.process_time()
    assert "found twice: c7" in refusal(*many, {"id": "c7", "text": "t"})
    assert time.process_time() - begin < 2


def test_the_leaves_and_the_nodes() -> None:
    """Leaves are what is judged; nodes have the groups among them, each before what is inside it."""
    found = rubric(CHECKED, GROUP, VETO)
    assert [leaf.id for leaf in found.leaves] == ["short", "warm", "kind", "rude"]
    assert [node.id for node in found.nodes()] == ["short", "tone", "warm", "kind", "rude"]
    changed = found.model_copy(update={"criteria": found.criteria[:1]})
    assert [leaf.id for leaf in changed.leaves] == ["short"], "a copy has leaves of its own"
    assert found == rubric(CHECKED, GROUP, VETO)


@pytest.mark.parametrize(
    ("applies_to", "fits"),
    [
        ({}, True),
        ({"id": "p7"}, True),
        ({"id": ["p1", "p7"]}, True),
        ({"id": "p"}, False),
        ({"meta.topic": "support"}, True),
        ({"meta.topic": ["support", "sales"]}, True),
        ({"meta.topic": ["sales"]}, False),
        ({"meta.topic": []}, False),
        ({"meta.deep.level": 3}, True),
        ({"meta.deep.level.more": 3}, False),
        ({"meta.absent": "x"}, False),
        ({"meta.absent": None}, True),
        ({"meta.topic": "support", "id": "p8"}, False),
        ({"meta.list": [[1, 2]]}, True),
    ],
)
def test_the_lines_it_is_for(applies_to: dict[str, Any], fits: bool) -> None:
    """By id and by the user's own fields; a list means any of its values."""
    line = {"id": "p7", "meta": {"topic": "support", "deep": {"level": 3}, "list": [1, 2]}}
    assert rubric(JUDGED, applies_to=applies_to).applies(line) is fits


def test_defaults_are_the_plain_case() -> None:
    """Nothing is normalised away, saturated or shaped that was not declared so."""
    found = rubric(JUDGED)
    assert (found.version, found.scope, found.kind, found.criteria[0].weight) == (1, "dataset", "soft", 1.0)
    assert found.reward.model_dump(exclude_defaults=True) == {}
    assert found.reward.normalise == "positive"
    assert found == Rubric(rubric="r", criteria=(Criterion(**JUDGED),))
    assert "reward" not in found.model_dump(exclude_defaults=True)


@given(st.permutations([*JUDGED.items(), ("weight", 2.0), ("tiers", TIERS)]))
def test_the_digest_does_not_know_the_order_of_keys(fields: list[tuple[str, Any]]) -> None:
    """Equal content, equal digest."""
    wanted = rubric({**JUDGED, "weight": 2.0, "tiers": TIERS}).digest()
    assert rubric(dict(fields)).digest() == wanted


def test_the_digest_knows_the_rest() -> None:
    """Other content, or another order of criteria, another digest; a default that is spelled out is none."""
    base = rubric(JUDGED, CHECKED)
    others = [
        rubric(CHECKED, JUDGED),
        rubric({**JUDGED, "weight": 2}, CHECKED),
        rubric(JUDGED, CHECKED, version=2),
        rubric(JUDGED, CHECKED, reward={"shaping": {"power": 2}}),
    ]
    assert len({base.digest(), *(other.digest() for other in others)}) == 5
    assert rubric({**JUDGED, "weight": 1.0}, CHECKED, reward={"normalise": "positive"}).digest() == base.digest()
    assert rubric(JUDGED, CHECKED, title="A \n title ").digest() == rubric(JUDGED, CHECKED, title="A title").digest()
    spelled = {"normalise": "positive", "clip": "mean"}
    assert rubric(JUDGED, reward={"preset": "healthbench"}).digest() == rubric(JUDGED, reward=spelled).digest()


def test_joined_rubrics() -> None:
    """Criteria in order, the first one's name and reward, and the effects of both."""
    first = rubric(JUDGED, reward={"shaping": {"power": 2}, "saturation": {"warm": {"log": 3}}}, kind="style")
    second = rubric(CHECKED, VETO, rubric="q", reward={"shaping": {"power": 2}, "saturation": {"short": {"log": 4}}})
    both = join([first, second])
    assert [criterion.id for criterion in both.criteria] == ["warm", "short", "rude"]
    assert (both.rubric, both.kind) == ("r/q", "style")
    assert {name: curve.log for name, curve in both.reward.saturation.items()} == {"warm": 3, "short": 4}
    assert join([first]) is first


def test_every_other_criterion_means_its_own_rubric() -> None:
    """`*` bends the criteria of the rubric that says it, and not those that join it."""
    bent, plain = rubric(JUDGED, reward={"saturation": {"*": {"log": 4}}}), rubric(CHECKED, rubric="q")
    for both in (join([bent, plain]), join([plain, bent])):
        assert {name: curve.log for name, curve in both.reward.saturation.items()} == {"warm": 4}


def test_a_defence_joins_whatever_the_way_to_the_reward() -> None:
    """Vetoes alone have no sum that could be scaled in another way."""
    defence, summed = rubric(VETO, kind="defence"), rubric(JUDGED, rubric="q", reward={"normalise": "none"})
    for both in (join([defence, summed]), join([summed, defence])):
        assert both.reward.normalise == "none"
        assert {criterion.id for criterion in both.criteria} == {"warm", "rude"}


def test_what_cannot_be_joined() -> None:
    """The same id twice, or two ways to make one number."""
    with pytest.raises(ValueError, match="criterion ids must differ, found twice: warm"):
        join([rubric(JUDGED), rubric(JUDGED, rubric="q")])
    with pytest.raises(ValueError, match="rubric 'q' has another way to a reward than 'r'"):
        join([rubric(JUDGED), rubric(CHECKED, rubric="q", reward={"normalise": "none"})])


@pytest.mark.parametrize("field", [{"weight": 2e9}, {"tiers": [TIERS[0], {"score": 1e308, "text": "Warm."}]}])
def test_numbers_stay_where_their_sums_are_exact_enough(field: dict[str, Any]) -> None:
    assert "less than or equal to 1000000000" in refusal(JUDGED | field)
