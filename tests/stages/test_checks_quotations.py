"""Quotations and citations."""

import pytest

from schemas.task import Message, Task
from tests.stages.checking import met, run

SOURCE = Task(
    id="t",
    messages=(
        Message(role="user", content="The river rose at night. By dawn, the old bridge was gone."),
        Message(role="assistant", content="That must have been loud."),
        Message(role="user", content="Sum it up."),
    ),
    reference="The flood took the bridge, people say.",
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('He said "go" and "stay here".', 2),
        ("“Go,” she said. „Bleib hier“, «reste ici» and 「ここに」", 4),
        ('A 6" pipe, 9" long, and 5\'10" tall', 0),
        ("> one\n> two\n\nwords\n> three", 2),
        ('```\nx = "a b"\n```\nNothing.', 0),
        ('It\'s the students\' "" "..." room', 0),
    ],
)
def test_quotations_are_counted(text: str, count: int) -> None:
    assert met("quotation_count", text, exactly=count)


def test_short_passages_can_be_left_out() -> None:
    assert met("quotation_count", 'He said "go" and "stay right here".', exactly=1, words=3)


@pytest.mark.parametrize(
    "text",
    [
        'It says "the river rose at night".',
        "“By dawn the OLD bridge … gone.”",
        '"The river […] rose at night", as "flood" stories go.',
        "> The river rose at night.\n> By dawn, the old bridge was gone.",
        'They say "the flood took the bridge" and "that must have been loud".',
    ],
)
def test_real_quotations(text: str) -> None:
    assert met("quotes_source", text, on=SOURCE)


def test_invented_quotations() -> None:
    outcome = run("quotes_source", 'It says "the river rose at night" and "the bridge was new".', on=SOURCE)
    assert (outcome.met, outcome.closeness) == (False, 0.5)
    assert outcome.reason == "not in the source: 'the bridge was new'"
    assert met("quotes_source", 'It says "gone was the old bridge".', on=SOURCE) is False


def test_without_a_quotation_there_is_nothing_to_judge_unless_one_is_wanted() -> None:
    assert met("quotes_source", 'A "flood" came.', on=SOURCE) is None
    assert met("quotes_source", 'A "flood" came.', on=SOURCE, words=1)
    outcome = run("quotes_source", 'It says "the river rose".', on=SOURCE, at_least=2)
    assert (outcome.met, outcome.closeness) == (False, 0.5)
    assert met("quotes_source", 'It says "a third text".', on=SOURCE, source="Here is a third text.")


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("Moss grows [1] and rests [2, 3], see [4–6] and[^7].", "number", 4),
        ("[1] A. Moss, Moss.\n[^2]: B. Moss\n[3](https://a.org) a[i]", "number", 0),
        ("It rests (Lee, 2020). It grows (Wu et al., 2021; Lee & Moss, 2019, p. 4).", "author_year", 3),
        ("Lee (2020) and Wu et al. (2021a) agree.", "author_year", 2),
        ("It opened (in 2020), then (May 5, 2021), with 1900 seats (see below).", "author_year", 0),
        ("See https://example.org/a, www.example.org and (http://example.org).", "url", 3),
        ("See example.org or e.g. this.", "url", 0),
    ],
)
def test_citations_are_counted(text: str, kind: str, count: int) -> None:
    assert met("citation_count", text, exactly=count, kinds=[kind])


def test_all_kinds_count_together() -> None:
    assert met("citation_count", "Moss [1] (Lee, 2020) https://example.org", exactly=3)
    assert run("citation_count", "Moss [1]", at_least=4).closeness == 0.25
