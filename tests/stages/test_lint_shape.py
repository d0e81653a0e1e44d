"""Rules on tiers, weights, effects and checks: what they find, and what they leave alone."""

import json
from typing import Any

import pytest

import stages.lint  # noqa: F401 (registers every rule and check)
from schemas.rubric import Rubric
from stages.checks.base import REGISTRY as CHECKS
from stages.lint.arguments import FAULTS
from stages.lint.base import REGISTRY, Subject
from stages.lint.claims import _READERS


def codes(criteria: list[dict[str, Any]], **keys: Any) -> set[str]:
    """Return the codes that are found in a rubric of these criteria."""
    given = [{"id": f"named_{k}", "text": "" if {"check", "criteria"} & c.keys() else f"Names {k}.", **c}
             for k, c in enumerate(criteria)]  # fmt: skip
    subject = Subject(Rubric.model_validate_json(json.dumps({"rubric": "r", "criteria": given, **keys})))
    return {rule.code for rule in REGISTRY.values() if rule.find and list(rule.find(subject))}


def tiers(*texts: str, **keys: Any) -> set[str]:
    """Return the codes of tiers that are found in a criterion with these levels."""
    levels = [{"score": score, "text": text} for score, text in enumerate(texts)]
    found = codes([{"tiers": levels, "text": "The argument.", **keys}, {"weight": 9}])
    return {code for code in found if code.startswith("L2")}


def weights(*values: float, **reward: Any) -> set[str]:
    """Return the codes on weights that are found in a rubric with these."""
    return codes([{"weight": value} for value in values], reward=reward) & {"L302", "L303"}


def checks(*calls: dict[str, Any], **keys: Any) -> set[str]:
    """Return the codes on checks that are found in a rubric of these."""
    return {code for code in codes([{"check": call, **keys} for call in calls]) if code.startswith("L4")}


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        (("Names no cause.", "names no cause"), {"L201"}),
        (("Names no cause.", "Names a cause.", "Names no cause!"), {"L201"}),
        (("Names the cause clearly.", "Names the cause very clearly."), {"L202"}),
        (("Somewhat relevant to the question.", "Highly relevant to the question."), {"L202"}),
        (("Cites no source.", "Cites one source.", "Cites two sources."), set()),
        (("Cites no source.", "Cites some sources.", "Cites all sources."), set()),
        (("Never names the cause.", "Names the cause."), set()),
        (("Poor", "Fair", "Good"), {"L204"}),
        (("1", "2", "3"), {"L204"}),
        (("Level 1", "Level 2", "Level 3"), {"L204"}),
        (("Excellent", "Good", "Poor"), {"L203", "L204"}),
        (("No", "Yes"), set()),
        (("Excellent: every cause is named.", "Good: one cause is named.", "Poor: no cause is named."), {"L203"}),
        (("Thoroughly weighs both sides.", "Weighs one side.", "Fails to weigh either side."), {"L203"}),
        (("Fails to weigh either side.", "Weighs one side.", "Thoroughly weighs both sides."), set()),
        (("All lines are padding.", "Half of the lines are padding.", "Never pads."), set()),
        (tuple(f"Names {k} causes." for k in range(8)), {"L205"}),
        (("没有回应", "部分回应", "完整回应"), set()),
        (("没有回应", "没有回应"), {"L201"}),
    ],
)
def test_tiers(levels: tuple[str, ...], found: set[str]) -> None:
    assert tiers(*levels) == found


def test_under_a_negative_weight_the_best_words_cost_most() -> None:
    levels = ("Poor: no cause is named.", "Good: one cause is named.", "Excellent: every cause is named.")
    assert tiers(*levels, weight=-2.0) == {"L203"}
    assert tiers("No insult.", "A hidden insult.", "An open insult.", weight=-2.0) == set()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((3, 1, 1), {"L302"}),
        ((2, 1, 1), set()),
        ((2, 1), set()),
        ((5, 1), {"L302"}),
        ((1,), set()),
        ((2, 2, -4), {"L303"}),
        ((2, 2, -3), set()),
        ((1, 1, 1, -10), {"L303"}),
    ],
)
def test_weights(values: tuple[float, ...], found: set[str]) -> None:
    assert weights(*values) == found


def test_a_veto_is_hidden_only_where_the_sum_ends_at_nothing() -> None:
    assert weights(2, 2, -4, normalise="range") == set()
    assert weights(2, 2, -5, normalise="range") == {"L302"}
    assert weights(2, 2, -5, normalise="none") == {"L303"}
    assert weights(9, 1, 1, aggregate="all") == set()


def test_weights_are_held_against_those_in_the_same_group() -> None:
    group = {
        "weight": 2,
        "criteria": [{"id": f"in_{k}", "text": f"Asks {k}.", "weight": w} for k, w in enumerate((5, 1, 1))],
    }
    assert "L302" in codes([group, {"weight": 2}, {"weight": 2}])


@pytest.mark.parametrize(
    "criteria",
    [
        [{}, {"weight": -1}],
        [{}, {}, {"veto": "if_met"}],
        [{}, {"text": "Avoids jargon."}],
        [{}, {"importance": "pitfall", "text": "Avoids jargon."}],
        [{}, {"check": {"forbidden_words": {"words": ["very"]}}}],
    ],
)
def test_a_fault_that_is_named_is_enough(criteria: list[dict[str, Any]]) -> None:
    assert "L301" not in codes(criteria)


def test_a_hard_rubric_of_checks_needs_no_fault() -> None:
    both = [{"check": {"word_count": {"at_most": 9}}}, {"check": {"bullet_count": {"at_least": 2}}}]
    assert "L301" not in codes(both, kind="hard")
    assert "L301" in codes(both)


def test_groups_turn_signs_round() -> None:
    """In a group of negative weight, what its criteria say costs."""
    text = "Fails to name the dose."
    assert "L109" in codes([{"criteria": [{"id": "dose", "text": text}]}])
    assert "L109" not in codes([{"weight": -1, "criteria": [{"id": "dose", "text": text}]}, {}])
    assert "L107" in codes([{"weight": -1, "criteria": [{"id": "jargon", "text": "Avoids jargon."}]}, {}])


def test_ids_tell_in_rubrics_that_are_read_more_than_once() -> None:
    assert "L307" in codes([{"id": "c1"}, {"id": "criterion_2"}])
    assert "L307" not in codes([{"id": "c1"}, {"id": "c2"}], scope="instance")
    assert "L307" not in codes([{"id": "names_it"}, {"id": "relation"}])


def pair(effect: float) -> dict[str, Any]:
    """Return an interaction of the first two criteria."""
    return {"interactions": [{"pair": ["named_0", "named_1"], "effect": effect}]}


@pytest.mark.parametrize(
    ("reward", "found"),
    [
        ({}, set()),
        ({"saturation": {"*": {"log": 4}}}, set()),
        ({"saturation": {"named_0": {"knee": [0, 0]}}}, {"L304"}),
        ({"saturation": {"named_0": {"knee": [0.5, 0]}}}, set()),
        (pair(0.5), set()),
        (pair(-0.5), set()),
        (pair(-3), set()),  # alone, each of the two still pays
        ({"interactions": [*pair(-3)["interactions"], {"requires": ["named_1", "named_0"]}]}, {"L305"}),
    ],
)
def test_effects(reward: dict[str, Any], found: set[str]) -> None:
    assert codes([{"weight": 2}, {}, {"weight": -1}], reward=reward) & {"L304", "L305"} == found


def test_levels_above_a_flat_knee_are_worth_the_same() -> None:
    levels = [{"score": score, "text": f"Names {score} causes."} for score in (0, 2, 3, 4)]
    flat, steep = ({"saturation": {"named_0": {"knee": [0.5, slope]}}} for slope in (0, 0.2))
    assert "L304" in codes([{"tiers": levels}, {}], reward=flat)
    assert "L304" not in codes([{"tiers": levels}, {}], reward=steep)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"word_count": {"at_least": 200}}, {"word_count": {"at_most": 100}}, {"L401"}),
        ({"word_count": {"at_least": 100}}, {"word_count": {"at_most": 200}}, set()),
        ({"word_count": {"at_most": 5}}, {"sentence_count": {"at_least": 9}}, {"L401"}),
        ({"word_count": {"at_most": 200}}, {"word_count": {"at_most": 100}}, {"L403"}),
        ({"word_count": {"at_most": 100}}, {"word_count": {"at_most": 100}}, set()),
        ({"heading_count": {"at_least": 2, "levels": [1]}}, {"heading_count": {"at_most": 1, "levels": [2]}}, set()),
        ({"includes_words": {"words": ["river bank"]}}, {"forbidden_words": {"words": ["River"]}}, {"L401"}),
        ({"includes_words": {"words": ["riverbank"]}}, {"forbidden_words": {"words": ["river"]}}, set()),
        ({"starts_with": {"phrase": "In short"}}, {"forbidden_words": {"words": ["short"]}}, {"L401"}),
        ({"starts_with": {"phrase": "In short"}}, {"starts_with": {"phrase": "In short, yes"}}, set()),
        ({"starts_with": {"phrase": "In short"}}, {"starts_with": {"phrase": "Yes"}}, {"L401"}),
        ({"ends_with": {"phrase": "That is all"}}, {"ends_with_question": {}}, {"L401"}),
        ({"ends_with": {"phrase": "Is that all?"}}, {"ends_with_question": {}}, set()),
        ({"letter_case": {"case": "lower"}}, {"letter_case": {"case": "upper"}}, {"L401"}),
        ({"json_object": {}}, {"ends_with": {"phrase": "Bye"}}, {"L401"}),
        ({"json_object": {}}, {"no_commas": {}}, set()),
        ({"language": {"is": "de"}}, {"language": {"is": ["de", "nl"]}}, set()),
        ({"language": {"is": "de"}}, {"language": {"is": "fr"}}, {"L401"}),
        ({"absent_characters": {"characters": "e"}}, {"includes_words": {"words": ["tree"]}}, {"L401"}),
        (
            {"keywords:existence": {"keywords": ["owl"]}},
            {"keywords:forbidden_words": {"forbidden_words": ["owl"]}},
            {"L401"},
        ),
    ],
)
def test_pairs_of_checks(one: dict[str, Any], other: dict[str, Any], found: set[str]) -> None:
    assert checks(one, other) == found
    assert checks(other, one) == found


def test_what_costs_is_turned_round() -> None:
    """A check of negative weight asks for the opposite: at least 100 words costs, so fewer are wanted."""
    long, longer = {"word_count": {"at_least": 100}}, {"word_count": {"at_least": 200}}
    criteria = [{"check": longer}, {"check": long, "weight": -1.0}, {}]
    assert "L401" in codes(criteria)
    assert "L401" not in codes([{"check": long}, {"check": longer, "weight": -0.5}, {}])


@pytest.mark.parametrize(
    ("call", "keys", "found"),
    [
        ({"word_count": {"at_least": 0}}, {}, {"L402"}),
        ({"word_count": {"at_most": 0}}, {}, {"L402"}),
        ({"bullet_count": {"at_most": 0}}, {}, set()),
        ({"regex_match": {"pattern": "a*"}}, {}, {"L402"}),
        ({"regex_match": {"pattern": "a*", "exactly": 3}}, {}, set()),
        ({"regex_match": {"pattern": "a+"}}, {}, set()),
        ({"repetition": {}}, {}, {"L404"}),
        ({"repetition": {}}, {"veto": "unless_met"}, {"L404"}),
        ({"repetition": {}}, {"veto": "if_met"}, set()),
        ({"no_commas": {}}, {"weight": -1.0}, {"L406"}),
        ({"forbidden_words": {"words": ["but"]}}, {"veto": "if_met"}, {"L406"}),
        ({"forbidden_words": {"words": ["but"]}}, {"veto": "unless_met"}, set()),
        ({"no_commas": {}}, {}, set()),
        ({"word_count": {"at_most": 120}}, {"text": "Has at most 100 words."}, {"L405"}),
        ({"word_count": {"at_most": 99}}, {"text": "Has fewer than 100 words."}, set()),
        ({"word_count": {"at_most": 1200}}, {"text": "Has at most 1,200 words."}, set()),
        ({"paragraph_count": {"exactly": 3}}, {"text": "Has exactly three paragraphs."}, set()),
        ({"paragraph_count": {"exactly": 3}}, {"text": "Has exactly two paragraphs."}, {"L405"}),
        ({"word_count": {"at_most": 120}}, {"text": "Is short."}, set()),
    ],
)
def test_single_checks(call: dict[str, Any], keys: dict[str, Any], found: set[str]) -> None:
    assert {code for code in codes([{"check": call, **keys}, {}]) if code.startswith("L4")} == found


def test_a_lower_bound_pays_for_length_where_no_prompt_asks_for_it() -> None:
    long = [{"check": {"word_count": {"at_least": 300}}}]
    assert "L103" in codes(long)
    assert "L103" not in codes(long, scope="instance")
    assert "L103" not in codes(long, kind="hard")
    assert "L103" not in codes([*long, {"check": {"word_count": {"at_most": 500}}}])


def test_the_checks_that_rules_know_exist() -> None:
    assert CHECKS.keys() >= FAULTS
    assert _READERS.keys() <= CHECKS.keys()


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("Names the source of each figure.", "names  the source of each figure", {"L501"}),
        ("Names the source of each figure.", "The response names the source of every figure.", {"L502"}),
        ("Names the price of each ticket.", "Names the date of each ticket.", set()),
        ("Mentions the year 1901 in passing.", "Mentions the year 1902 in passing.", set()),
        ("Mentions the deadline.", "Does not mention the deadline.", {"L503"}),
        ("Contains jargon.", "Contains no jargon.", {"L503"}),
        ("说明原因，并给出例子。", "说明原因并给出例子", {"L502"}),
        ("说明原因，并给出例子。", "指出时间，并写明地点。", set()),
    ],
)
def test_criteria_that_say_the_same(one: str, other: str, found: set[str]) -> None:
    assert {code for code in codes([{"text": one}, {"text": other}]) if code.startswith("L5")} == found


def test_checks_that_decide_the_same() -> None:
    call = {"check": {"word_count": {"at_most": 9}}}
    assert "L501" in codes([{**call, "text": "Is short."}, {**call, "text": "Is brief."}])
    assert "L501" not in codes([call, {**call, "veto": "unless_met"}])
