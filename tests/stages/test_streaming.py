"""Work in flight, its results in order: nothing read ahead, nothing lost, nothing left behind."""

import asyncio
import gc
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.streaming import begun, flow


async def slow(item: int) -> int:
    """Answer later the smaller the number is, so that the order of finishing is the reverse of the input's."""
    for _ in range(20 - item % 20):
        await asyncio.sleep(0)
    return item * 10


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100)), st.integers(1, 9), st.booleans())
def test_results_come_in_order_whatever_finishes_first(items: list[int], limit: int, together: bool) -> None:
    assert list(flow(items, slow, limit, together=together)) == [item * 10 for item in items]


@pytest.mark.parametrize(("limit", "weight", "most"), [(3, 1, 3), (3, 2, 2), (1, 50, 1), (100, 30, 4)])
def test_no_more_is_under_way_than_the_limit_allows(limit: int, weight: int, most: int) -> None:
    under_way: list[int] = []
    seen: list[int] = []

    async def work(item: int) -> int:
        under_way.append(item)
        seen.append(len(under_way))
        await asyncio.sleep(0.001)
        under_way.remove(item)
        return item

    assert list(flow(range(20), work, limit, lambda item: weight)) == list(range(20))
    assert max(seen) == most


def test_nothing_is_read_ahead_of_the_limit() -> None:
    pulled: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            pulled.append(item)
            yield item

    stream = flow(items(), slow, 4)
    assert pulled == []
    next(stream)
    assert len(pulled) == 4
    stream.close()
    assert len(pulled) == 4


def test_together_begins_nothing_before_all_are_done() -> None:
    batches: list[list[int]] = []
    waiting: list[int] = []

    async def work(item: int) -> int:
        waiting.append(item)
        for _ in range(3 + item):
            await asyncio.sleep(0)
        if waiting:
            batches.append(sorted(waiting))
            waiting.clear()
        return item

    assert list(flow(range(7), work, 3, together=True)) == list(range(7))
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("where", ["items", "work"])
def test_what_comes_before_trouble_is_yielded_first(where: str) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        if where == "items":
            raise ValueError("bad line 6")
        yield 5

    async def work(item: int) -> int:
        if item == 5:
            raise ValueError("bad line 6")
        return await slow(item)

    got: list[int] = []
    with pytest.raises(ValueError, match="bad line 6"):
        got.extend(flow(items(), work, 100))
    assert got == [0, 10, 20, 30, 40]


def test_closing_ends_what_is_under_way_and_closes_in_the_same_loop() -> None:
    ended: list[str] = []
    loops: set[int] = set()

    async def work(item: int) -> int:
        loops.add(id(asyncio.get_running_loop()))
        try:
            await asyncio.sleep(0 if item == 0 else 60)
        finally:
            ended.append(f"{item}")
        return item

    async def close() -> None:
        loops.add(id(asyncio.get_running_loop()))
        ended.append("closed")

    stream = flow(range(4), work, 3, close=close)
    assert next(stream) == 0
    stream.close()
    assert ended[0] == "0"
    assert sorted(ended[1:-1]) == ["1", "2"]
    assert ended[-1] == "closed"
    assert len(loops) == 1


def test_ctrl_c_in_the_work_reaches_the_caller_and_leaves_nothing_running() -> None:
    cancelled: list[int] = []

    async def work(item: int) -> int:
        if item == 3:
            raise KeyboardInterrupt
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    with pytest.raises(KeyboardInterrupt):
        list(flow(range(4), work, 4))
    assert sorted(cancelled) == [0, 1, 2]


def test_a_failure_that_nobody_waited_for_is_not_complained_about(capfd: pytest.CaptureFixture[str]) -> None:
    async def fails() -> int:
        raise ValueError("unseen")

    async def work(item: int) -> int:
        begun(fails())
        await asyncio.sleep(0)
        if item == 2:
            raise ValueError("seen")
        return item

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="seen"):
            list(flow(range(5), work, 5))
        gc.collect()
    assert "never retrieved" not in capfd.readouterr().err
