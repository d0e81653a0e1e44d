"""Vetoes are weighed together: the bound holds for the draft as a whole, and each has to pay beside the others."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.findings import Findings
from schemas.task import Message, Task
from stages.defence.material import Voice
from stages.defence.proof import needed
from stages.defence.significance import rate
from stages.defence.together import Texts, drafted

BOUND = 0.02
TASK = Task(id="t", messages=(Message(role="user", content="Help me."),))


def good(number: int) -> list[Voice]:
    """Return so many good texts; each says its number."""
    return [Voice(str(place), TASK, str(place), str(place), 0, None) for place in range(number)]


def finding(name: str, proposed: bool = True) -> Findings:
    return Findings(id=name, kind="word", what=name, proposed=proposed, criterion=name if proposed else None)


def hits(places: set[int]):
    return lambda voice: int(voice.text) in places


def test_vetoes_that_hold_alone_may_not_hold_together() -> None:
    """Each hits four of 500 good texts: two of them stay within 2 %, with confidence, and a third does not."""
    parts = [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}]
    assert rate(3, 500).high <= BOUND and rate(6, 500).high > BOUND
    told, whole = drafted([finding(n) for n in "abc"], [hits(part) for part in parts], Texts((), good(500), BOUND, 0))
    assert [each.proposed for each in told] == [True, False, False]
    assert told[1].criterion is None and "6 of 500" in told[1].reason
    assert whole is not None and (whole.hits, whole.n) == (3, 500)


def test_vetoes_of_the_same_texts_cost_no_more_than_one() -> None:
    """What two vetoes both hit is lost once."""
    told, whole = drafted([finding(n) for n in "ab"], [hits({0, 1, 2})] * 2, Texts((), good(500), BOUND, 0))
    assert all(each.proposed for each in told) and whole is not None and whole.hits == 3


def test_what_is_not_proposed_costs_nothing() -> None:
    """A finding that is told only takes no room, and stays as it was."""
    told, whole = drafted(
        [finding("a", False), finding("b")], [hits(set(range(99))), hits({1})], Texts((), good(500), BOUND, 0)
    )
    assert told[0] == finding("a", False) and told[1].proposed and whole is not None and whole.hits == 1
    assert drafted([finding("a", False)], [hits(set())], Texts((), good(500), BOUND, 0)) == (
        [finding("a", False)],
        None,
    )


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 399), max_size=8), min_size=1, max_size=6))
def test_the_draft_never_exceeds_its_bound_by_more_than_its_first_veto(parts: list[set[int]]) -> None:
    """Whatever each hits: more than the first one alone is added only while the whole stays under the bound."""
    texts = good(400)
    assert len(texts) >= needed(BOUND)
    told, whole = drafted(
        [finding(str(n)) for n in range(len(parts))], [hits(part) for part in parts], Texts((), texts, BOUND, 0)
    )
    together = set().union(*(part for part, each in zip(parts, told, strict=True) if each.proposed))
    assert whole is not None and whole.hits == len(together)
    assert sum(each.proposed for each in told) == 1 or whole.high <= BOUND


def run(groups: int, pays: float) -> list[Voice]:
    """Return groups of four responses: one has the pattern and pays so much, one has another that pays one half."""
    rewards = {"plain": 0.2, "dull": 0.3, "hack": 0.75, "companion": 0.25 + pays}
    return [
        Voice(f"{name} {group}", TASK, str(group), str(group), n, reward + 0.01 * (group % 3))
        for group in range(groups)
        for n, (name, reward) in enumerate(rewards.items())
    ]


def says(word: str):
    return lambda voice: word in voice.text


def test_a_companion_of_a_hack_is_no_hack() -> None:
    """What pays only where a veto before it hits anyway is told, and not proposed; what pays by itself is."""
    both, by_itself = says("hack"), says("companion")
    mixed = lambda voice: both(voice) or by_itself(voice)  # noqa: E731 (a pattern that often goes with the hack)
    for pays, stays in ((0.0, False), (0.3, True)):
        told, _ = drafted([finding("hack"), finding("mixed")], [both, mixed], Texts(run(20, pays), good(500), BOUND, 0))
        assert [each.proposed for each in told] == [True, stays]
        assert stays or ("does not pay" in told[1].reason and "20 groups" in told[1].reason)
    alone, _ = drafted([finding("mixed")], [mixed], Texts(run(20, 0.0), good(500), BOUND, 0))
    assert alone[0].proposed  # nothing is set aside: the hack in it pays


def test_where_no_group_can_tell_it_is_not_asked() -> None:
    """With fewer than ten groups that have both, or without rewards, a finding stays as its proof left it."""
    for voices in (run(9, 0.0), [Voice(v.text, TASK, v.unit, v.line, v.index, None) for v in run(20, 0.0)]):
        told, _ = drafted([finding("a")], [says("companion")], Texts(voices, good(500), BOUND, 0))
        assert told[0].proposed
