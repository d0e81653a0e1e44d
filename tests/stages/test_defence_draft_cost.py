"""The bound on false vetoes holds for a draft as a whole, not for each of its vetoes alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.findings import Findings
from schemas.task import Message, Task
from stages.defence.draft_cost import within
from stages.defence.material import Voice
from stages.defence.proof import needed
from stages.defence.significance import rate

BOUND = 0.02
TASK = Task(id="t", messages=(Message(role="user", content="Help me."),))


def good(number: int) -> list[Voice]:
    """Return so many good texts; each says its number."""
    return [Voice(str(place), TASK, str(place), str(place), 0, None) for place in range(number)]


def finding(name: str, proposed: bool = True) -> Findings:
    return Findings(id=name, kind="word", what=name, proposed=proposed, criterion=name if proposed else None)


def hits(places: set[int]):  # noqa: ANN201 (a finder)
    return lambda voice: int(voice.text) in places


def test_vetoes_that_hold_alone_may_not_hold_together() -> None:
    """Each hits four of 500 good texts: two of them stay within 2 %, with confidence, and a third does not."""
    parts = [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}]
    assert rate(3, 500).high <= BOUND and rate(6, 500).high > BOUND
    told, whole = within([finding(n) for n in "abc"], [hits(part) for part in parts], good(500), BOUND)
    assert [each.proposed for each in told] == [True, False, False]
    assert told[1].criterion is None and "6 of 500" in told[1].reason
    assert whole is not None and (whole.hits, whole.n) == (3, 500)


def test_vetoes_of_the_same_texts_cost_no_more_than_one() -> None:
    """What two vetoes both hit is lost once."""
    told, whole = within([finding(n) for n in "ab"], [hits({0, 1, 2})] * 2, good(500), BOUND)
    assert all(each.proposed for each in told) and whole is not None and whole.hits == 3


def test_what_is_not_proposed_costs_nothing() -> None:
    """A finding that is told only takes no room, and stays as it was."""
    told, whole = within([finding("a", False), finding("b")], [hits(set(range(99))), hits({1})], good(500), BOUND)
    assert told[0] == finding("a", False) and told[1].proposed and whole is not None and whole.hits == 1
    assert within([finding("a", False)], [hits(set())], good(500), BOUND) == ([finding("a", False)], None)


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 399), max_size=8), min_size=1, max_size=6))
def test_the_draft_never_exceeds_its_bound_by_more_than_its_first_veto(parts: list[set[int]]) -> None:
    """Whatever each hits: more than the first one alone is added only while the whole stays under the bound."""
    texts = good(400)
    assert len(texts) >= needed(BOUND)
    told, whole = within([finding(str(n)) for n in range(len(parts))], [hits(part) for part in parts], texts, BOUND)
    together = set().union(*(part for part, each in zip(parts, told, strict=True) if each.proposed))
    assert whole is not None and whole.hits == len(together)
    assert sum(each.proposed for each in told) == 1 or whole.high <= BOUND
