"""Balanced orders: over all of them, each item stands in each place equally often, where their number allows it."""

from collections.abc import Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")


def placed(items: Sequence[ItemT], order: int, orders: int) -> tuple[ItemT, ...]:
    """Return `items` in order number `order` of `orders`; number 0 is as they were given.

    Where `orders` is a multiple of the number of items, each item stands in each place equally often.
    Where it is even, the orders come in pairs, one the reverse of the other, so that the mean place of
    every item is the same.
    """
    # In pairs of an order and its reverse, where their number is even; starts are spread over the whole.
    paired = orders % 2 == 0
    number, of = (order // 2, orders // 2) if paired else (order, orders)
    start = number * len(items) // of
    turned = (*items[start:], *items[:start])
    return turned[::-1] if paired and order % 2 else turned
