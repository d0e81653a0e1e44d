"""Near-duplicates are those that comparing all pairs finds, but for a miss in a hundred, and never anything else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.checks.text import folded_words
from stages.selection import near_duplicates as module
from stages.selection.near_duplicates import MISSED, banding, near_duplicates
from tests.stages.shared_texts import needs_shared, rows

SOME = st.lists(st.lists(st.sampled_from("ab"), max_size=12).map(" ".join), max_size=30)


def runs(text: str) -> set[tuple[str, ...]]:
    """Return the runs of three words, the end counting as two."""
    words = [*folded_words(text), "", ""]
    return set(zip(words, words[1:], words[2:], strict=False))


def jaccard(one: str, other: str) -> float:
    """Return the similarity by its definition."""
    mine, yours = runs(one), runs(other)
    return len(mine & yours) / len(mine | yours)


def sentence(draw: random.Random, length: int) -> list[str]:
    """Return so many words, of which none is likely to come twice."""
    return [f"w{draw.randrange(10**6)}" for _ in range(length)]


@given(SOME, st.sampled_from([0.4, 0.5, 0.8, 1.0]))
def test_what_goes_repeats_one_that_stays(texts: list[str], similarity: float) -> None:
    found = near_duplicates(enumerate(texts), similarity)
    for number, (first, alike) in found.items():
        assert first < number and first not in found
        assert alike == jaccard(texts[number], texts[first]) >= similarity


@given(SOME)
def test_equal_texts_are_always_found(texts: list[str]) -> None:
    found = near_duplicates(enumerate(texts), 1.0)
    stay = [runs(text) for number, text in enumerate(texts) if number not in found and text]
    assert all(one not in stay[:place] for place, one in enumerate(stay))


@given(SOME, st.integers(1, 5))
def test_texts_are_taken_together_only_for_speed(texts: list[str], together: int) -> None:
    whole = near_duplicates(enumerate(texts), 0.5)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_TOGETHER", together)
        assert near_duplicates(enumerate(texts), 0.5) == whole


@pytest.mark.parametrize("similarity", [0.25, 0.5, 0.7, 0.8, 0.9])
def test_a_pair_in_a_hundred_is_missed(similarity: float) -> None:
    """Of pairs just as similar as asked, so many share a bucket as the arithmetic of the bands says, and no fewer."""
    bands, in_each = banding(similarity)
    promised = (1 - similarity**in_each) ** bands
    assert promised <= MISSED
    draw, pairs, texts = random.Random(1), 600, list[str]()
    for _ in range(pairs):
        words = sentence(draw, 50)
        cut = next(n for n in range(50, 0, -1) if jaccard(" ".join(words), " ".join(words[:n])) <= similarity + 0.02)
        texts += [" ".join(words), " ".join(words[: cut + 1])]
    found = near_duplicates(enumerate(texts), similarity)
    assert all(first == number - 1 for number, (first, _) in found.items())
    assert pairs - len(found) <= 4 * max(1.0, pairs * MISSED)


@given(st.floats(0, 1))
def test_buckets_are_few_and_miss_few(similarity: float) -> None:
    bands, in_each = banding(similarity)
    assert 1 <= bands <= 17 and 1 <= in_each <= 8
    assert similarity < 0.25 or (1 - similarity**in_each) ** bands <= MISSED * (1 + 1e-9)


def test_the_similarity_of_long_texts_is_an_estimate() -> None:
    draw = random.Random(2)
    for kept in (0.5, 0.7, 0.9):
        words = sentence(draw, 1000)
        texts = [" ".join(words), " ".join(words[: int(1000 * kept)] + sentence(draw, 1000 - int(1000 * kept)))]
        ((_, alike),) = near_duplicates(enumerate(texts), 0.05).values()
        assert alike == pytest.approx(jaccard(*texts), abs=4 * 0.045)


def test_the_earlier_stays_whatever_number_it_has() -> None:
    texts = [(3, "Say it, again!"), (8, "say it AGAIN"), (9, "Say nothing at all."), (41, "“Say” it again…")]
    assert near_duplicates(texts, 0.8) == {8: (3, 1.0), 41: (3, 1.0)}


def test_what_is_like_one_that_went_may_stay() -> None:
    """It is compared with what stays: else a long chain of small changes would end far from its first text."""
    words = [f"word{number}" for number in range(10)]
    chain = [" ".join(words[cut:]) for cut in range(3)]
    assert [jaccard(chain[0], chain[1]), jaccard(chain[1], chain[2]), jaccard(chain[0], chain[2])] == [0.9, 8 / 9, 0.8]
    assert near_duplicates(enumerate(chain), 0.85) == {1: (0, 0.9)}


def test_texts_that_say_nothing_are_alike_to_none() -> None:
    assert near_duplicates([(0, ""), (1, ""), (2, "?!"), (3, "?!")], 0.5) == {}
    assert near_duplicates([], 0.5) == {}


def test_any_text_can_be_compared() -> None:
    texts = ["\ud800 a", "\ud800 A", "写一首关于秋天的诗", "写一首关于秋天的诗。", "ok", "OK"]
    assert near_duplicates(enumerate(texts), 0.9) == {1: (0, 1.0), 3: (2, 1.0), 5: (4, 1.0)}


def test_a_crowd_of_copies_is_no_long_way() -> None:
    """Each of 20,000 is compared with the one that stays: pairwise they would be 200 million comparisons."""
    compared = 0

    def counted(*sketches: object) -> float:
        nonlocal compared
        compared += 1
        return 1.0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_jaccard", counted)
        found = near_duplicates(((number, "the same old words") for number in range(20_000)), 0.8)
    assert compared == 19_999 and {first for first, _ in found.values()} == {0}


def test_a_long_instruction_in_common_hides_nothing() -> None:
    """Where two thirds of all texts are the same, a word more or less is found all the same, and nothing else."""
    draw, form = random.Random(3), sentence(random.Random(4), 60)
    texts = [" ".join(sentence(draw, 12) + form) for _ in range(1000)]
    again = [(1000 + number, f"{texts[number]} please") for number in range(0, 1000, 20)]
    found = near_duplicates([*enumerate(texts), *again], 0.8)
    assert {number: first for number, (first, _) in found.items()} == {number: number - 1000 for number, _ in again}


@needs_shared
def test_prompts_of_public_sets() -> None:
    """The prompts of IFEval are distinct; with a word of each changed, four in five are found as what they were."""
    prompts = [row["prompt"] for row in rows("ifeval/prompts.jsonl")]
    assert near_duplicates(enumerate(prompts), 0.7) == {}
    draw, changed = random.Random(1), list[str]()
    for prompt in prompts:
        words = prompt.split()
        words[draw.randrange(len(words))] = "something"
        changed.append(" ".join(words))
    found = near_duplicates(enumerate(prompts + changed), 0.7)
    right = sum(first == number - len(prompts) for number, (first, _) in found.items())
    assert right >= 0.8 * len(prompts) and right >= 0.99 * len(found)
