"""Balanced orders: every item in every place equally often, where the number of orders allows it."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.balanced import placed

counts = st.integers(1, 24)


def orders_of(count: int, orders: int) -> list[tuple[int, ...]]:
    """Return all the orders."""
    return [placed(range(count), order, orders) for order in range(orders)]


@settings(deadline=None)
@given(counts, st.integers(1, 5))
def test_each_item_stands_in_each_place_equally_often(count: int, times: int) -> None:
    """Where the number of orders is a multiple of the number of items."""
    seen = Counter(at for order in orders_of(count, count * times) for at in enumerate(order))
    assert set(seen.values()) == {times}
    assert len(seen) == count * count


@settings(deadline=None)
@given(counts, st.integers(1, 24))
def test_with_an_even_number_the_mean_place_is_the_same(count: int, pairs: int) -> None:
    """However many items there are: orders come in pairs, one the reverse of the other."""
    made = orders_of(count, 2 * pairs)
    assert all(second == first[::-1] for first, second in zip(made[::2], made[1::2], strict=True))
    assert len({sum(order.index(item) for order in made) for item in range(count)}) == 1


@settings(deadline=None)
@given(counts, st.integers(1, 30))
def test_every_order_is_a_permutation_and_the_first_is_as_written(count: int, orders: int) -> None:
    """No item is lost or doubled; and no order comes twice before it has to."""
    made = orders_of(count, orders)
    assert made[0] == tuple(range(count))
    assert all(sorted(order) == list(range(count)) for order in made)
    if orders <= count:
        assert len(set(made)) == orders


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (1, ["abcd"]),
        (2, ["abcd", "dcba"]),
        (3, ["abcd", "bcda", "cdab"]),
        (4, ["abcd", "dcba", "cdab", "badc"]),
    ],
)
def test_by_hand(orders: int, expected: list[str]) -> None:
    """Two are forward and reversed; four of four are a Latin square."""
    assert ["".join(placed("abcd", order, orders)) for order in range(orders)] == expected
