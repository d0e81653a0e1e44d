"""Texts and rubrics that say nearly the same: what is near, what is not, and that it is found among thousands."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rubric import Criterion, Rubric
from stages.duplicates import NearTexts, clusters, content, near, unsigned, wording

LONG = "Names the feeling behind the message and what brought it on, before any advice is given to the writer"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Names the source of each figure.", "names   the source of each figure"),
        ("Names the source of each figure.", "The response names the source of every figure."),
        ("Names the source of each figure.", "Clearly names the source of each figure."),
        ("Names the color of each stone in the wall.", "Names the colour of each stone in the wall."),
        ("Names the source of each figure.", "Names the single source of each figure."),
        (LONG, LONG.replace("the writer", "the worried writer")),
        (LONG, LONG.replace("behind", "that lies behind").replace("any advice", "any kind of advice")),
        ("说明原因，并给出例子。", "说明原因并给出例子"),
        ("AI 使用第一人称与用户进行沟通", "AI使用第一人称与用户进行沟通"),
    ],
)
def test_near(one: str, other: str) -> None:
    assert near(one, other)
    assert near(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Names the price.", "Names the date."),
        ("Names the source of each figure.", "Names the source of each quotation."),
        ("Names the source of each figure.", "Does not name the source of each figure."),
        ("Names the source of each figure.", "Names the source of some figures."),
        ("Uses at most 30 words in the title.", "Uses at most 40 words in the title."),
        ("Names the cause before the effect.", "Names the effect before the cause."),
        ("Recommends aspirin against the fever.", "Recommends ibuprofen against the fever."),
        ('Ends with the words "so long" and a name.', 'Ends with the words "see you" and a name.'),
        ("Mentions the treaty of Paris in passing.", "Mentions the treaty of Rome in passing."),
        ("Uses a directed graph for the mask of the model.", "Uses an undirected graph for the mask of the model."),
        ("说明原因", "指出时间"),
        ("", "Names the price."),
    ],
)
def test_not_near(one: str, other: str) -> None:
    assert not near(one, other)
    assert not near(other, one)


@given(st.text(max_size=60), st.text(max_size=60))
def test_near_is_symmetric_and_takes_any_text(one: str, other: str) -> None:
    assert near(one, one)
    assert near(one, other) == near(other, one)


def test_clusters_are_places_in_order() -> None:
    texts = [
        "Names the source of each figure.",
        "Asks why.",
        "The response names the source of every figure.",
        "asks WHY.",
    ]
    assert clusters(texts) == [[0, 2], [1, 3]]
    assert clusters([]) == clusters(["a"]) == []


def made(number: int) -> list[str]:
    """Return so many texts of ten words, no two of which are near."""
    rng = Random(0)
    words = [f"{a}{b}{c}er" for a in "bdfgklmnprst" for b in "aeiou" for c in "dlmnrst"]
    return [" ".join(rng.sample(words, 10)) for _ in range(number)]


def test_near_texts_are_found_among_thousands() -> None:
    """Hashing finds nearly all that comparing each pair would find, and nothing else."""
    texts = made(3000)
    index = NearTexts()
    assert [index.add(text) for text in texts] == [None] * len(texts)
    changed = [f"{text} lately" for text in texts[::10]]
    found = [index.add(text) for text in changed]
    right = sum(number == 10 * place for place, number in enumerate(found))
    assert right >= 0.95 * len(changed)
    assert all(number in (None, 10 * place) for place, number in enumerate(found))


def test_few_and_many_are_compared_alike() -> None:
    few, many = NearTexts(), NearTexts()
    for text in made(500):
        many.add(text)
    for index in (few, many):
        index.add("Names the source of each figure in the long table.")
    assert few.add("The response names the source of every figure in the long table.") == 0
    assert many.add("The response names the source of every figure in the long table.") == 500


def rubric(name: str = "r", **keys: object) -> Rubric:
    """Return a small rubric."""
    criteria = (
        Criterion(id="source", text="Names the source."),
        Criterion(id="short", check={"word_count": {"at_most": 9}}),
    )
    return Rubric(rubric=name, **{"criteria": criteria, **keys})  # type: ignore[arg-type]


def test_content_is_what_is_judged_and_how_it_counts() -> None:
    same = rubric("other", title="A title.", version=3, tags=("x",), meta={"a": 1}, source="human", author="Ann")
    assert content(rubric()) == content(same)
    heavier = (Criterion(id="source", text="Names the source.", weight=2), rubric().criteria[1])
    assert content(rubric()) != content(rubric(criteria=heavier))


def test_wording_keeps_checks_apart() -> None:
    other = (rubric().criteria[0], Criterion(id="short", check={"word_count": {"at_most": 10}}))
    assert near(wording(rubric()), wording(rubric("s")))
    assert not near(wording(rubric()), wording(rubric(criteria=other)))


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("Mentions the deadline.", False),
        ("Does not mention the deadline.", True),
        ("Never mentions the deadline.", True),
    ],
)
def test_unsigned(text: str, denied: bool) -> None:
    assert unsigned(text) == (("mention", "deadlin"), denied)
