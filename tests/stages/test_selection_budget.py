"""The budget: who stays within it, and how it is shared."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.checks.text import folded_words
from stages.select_data import Findings, select_data
from stages.selection.entry import Entry
from stages.selection.mix import quotas, targets
from stages.selection.scored_lines import ScoredLines
from stages.selection.spec import SelectDataSpec

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def run(lines: list[dict[str, Any]], found: Findings | None = None, **spec: Any) -> dict[str, str | None]:
    """Return why each line was dropped, None where it stays."""
    asked = SelectDataSpec(score_field="s", **spec)
    reader = ScoredLines(asked)
    read = lambda: (Entry("in", n, orjson.dumps(line)) for n, line in enumerate(lines, 1))  # noqa: E731
    return {
        str(reader.data(entry)["id"]): drop.reason if drop else None
        for entry, drop in select_data(read, reader, asked, found=found)
    }


def kept(lines: list[dict[str, Any]], **spec: Any) -> list[str]:
    """Return the ids that stay."""
    return [name for name, reason in run(lines, **spec).items() if reason is None]


def pool(**sizes: int) -> list[dict[str, Any]]:
    """Return lines of some kinds, so many of each."""
    return [
        {"id": f"{kind}{n}", "s": n / 10, "kind": kind, "prompt": f"Tell me of the {kind} number{n}."}
        for kind, size in sizes.items()
        for n in range(size)
    ]


def test_the_middle_of_the_band() -> None:
    """Of what lies in the band the nearest to its middle stay; equal ones by id, whatever the order."""
    lines = [
        {"id": name, "s": score} for name, score in (("z", 0.25), ("b", 0.75), ("a", 0.75), ("c", 0.0), ("d", 1.0))
    ]
    assert kept(lines, budget=2) == ["b", "a"]
    assert kept(lines[::-1], budget=2) == ["a", "b"]
    assert kept(lines, budget=3, keep=":0.75") == ["z", "b", "a"]


@settings(deadline=None)
@given(
    st.permutations(pool(x=8)), st.integers(0, 9), st.integers(1, 7), st.sampled_from(["random", "diverse", "middle"])
)
def test_a_choice_does_not_depend_on_the_order(lines: list[Any], seed: int, budget: int, choose: str) -> None:
    """The same ids under the same seed, in whatever order the lines come."""
    spec: dict[str, Any] = {"budget": budget, "choose": choose, "seed": seed}
    assert set(kept(lines, **spec)) == set(kept(pool(x=8), **spec))
    assert len(kept(lines, **spec)) == budget
    assert kept(lines, **spec) == [line["id"] for line in lines if line["id"] in set(kept(lines, **spec))]


def test_a_random_choice_is_one() -> None:
    """Each line has its chance: over 400 seeds each of ten is among three about 120 times, and choices nest."""
    counted = Counter(name for seed in range(400) for name in kept(pool(x=10), budget=3, choose="random", seed=seed))
    assert len(counted) == 10 and all(85 < number < 155 for number in counted.values())
    three, five = (set(kept(pool(x=10), budget=number, choose="random")) for number in (3, 5))
    assert three < five


def test_a_budget_is_shared_by_the_mix() -> None:
    """Given shares first, the rest to the others equally; what goes goes by its own name."""
    lines = pool(a=9, b=9, c=9)
    for choose in ("middle", "random", "diverse"):
        spec: dict[str, Any] = {"budget": 10, "balance": "kind", "choose": choose}
        assert Counter(name[0] for name in kept(lines, **spec, mix=("a=0.6",))) == {"a": 6, "b": 2, "c": 2}
        assert Counter(name[0] for name in kept(lines, **spec, mix=("a=0.5", "b=0.5"))) == {"a": 5, "b": 5}
        assert Counter(name[0] for name in kept(lines, **spec)) == {"a": 4, "b": 3, "c": 3}
    assert set(run(lines, budget=10, balance="kind").values()) == {None, "over_mix"}
    roomy = kept(lines, budget=99, balance="kind", mix=("a=0.5", "b=0.5"))
    assert Counter(name[0] for name in roomy) == {"a": 9, "b": 9}, "a kind without a share has none in a large budget"


def test_what_a_kind_lacks_goes_to_the_others() -> None:
    """In proportion to their shares, and it is told; also of a kind that is not there at all."""
    found = Findings(SelectDataSpec())
    spec: dict[str, Any] = {"budget": 12, "balance": "kind", "mix": ("a=0.5", "b=0.25", "z=0.1")}
    run(pool(a=2, b=9, c=9), found=found, **spec)
    assert found.short == {"a": 2, "z": 0}
    assert Counter(name[0] for name in kept(pool(a=2, b=9, c=9), **spec)) == {"a": 2, "b": 6, "c": 4}


kinds = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 40), min_size=1)


@settings(deadline=None)
@given(kinds, st.dictionaries(st.sampled_from("abcde"), st.floats(0, 0.19)), st.integers(1, 100))
def test_quotas(available: dict[str, int], given_shares: dict[str, float], budget: int) -> None:
    """Never more than there are nor than the budget; all of it is used while a kind with a share has some left.

    Between two kinds that are not used up the numbers differ from the shares by less than two.
    """
    shares = targets(available, given_shares)
    taken = quotas(available, shares, budget)
    assert taken.keys() == available.keys()
    assert all(0 <= taken[kind] <= available[kind] for kind in available)
    reachable = sum(number for kind, number in available.items() if shares[kind] > 0)
    assert sum(taken.values()) == min(budget, reachable)
    left = [kind for kind in available if taken[kind] < available[kind] and shares[kind] > 0]
    whole = sum(shares[kind] for kind in left)
    room = sum(taken[kind] for kind in left)
    assert all(abs(taken[kind] - room * shares[kind] / whole) < 2 for kind in left)


def test_a_diverse_choice_finds_every_cluster() -> None:
    """Of 40 subjects of which one has nearly all lines, each is there; a random choice misses most."""
    rng = Random(0)
    lines = []
    for n in range(600):
        subject = 0 if n >= 39 else n + 1
        words = [f"word{subject}x{rng.randrange(6)}" for _ in range(12)]
        lines.append({"id": f"p{n}", "s": rng.random(), "prompt": " ".join(words), "subject": subject})
    subjects = {line["id"]: line["subject"] for line in lines}

    def found(choose: str) -> int:
        return len({subjects[name] for name in kept(lines, budget=40, choose=choose)})

    assert found("diverse") >= 32
    assert found("random") <= 12


@pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here")
def test_a_diverse_choice_covers_more_words_of_real_prompts() -> None:
    """Of 541 prompts 60: more different words than any of ten random choices of 60."""
    prompts = [
        orjson.loads(line)["prompt"] for line in (DATA / "ifeval" / "prompts.jsonl").read_bytes().split(b"\n") if line
    ]
    lines = [{"id": str(n), "s": 0.5, "prompt": text} for n, text in enumerate(prompts)]

    def covered(choose: str, seed: int) -> int:
        names = kept(lines, budget=60, choose=choose, seed=seed)
        return len({word for name in names for word in folded_words(prompts[int(name)])})

    assert covered("diverse", 0) > max(covered("random", seed) for seed in range(10))
