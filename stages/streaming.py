"""Many pieces of asynchronous work at a time, their results one by one and in order."""

import asyncio
import signal
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from types import FrameType
from typing import Any, TypeVar

InT = TypeVar("InT")
OutT = TypeVar("OutT")


def begun(work: Coroutine[Any, Any, OutT]) -> "asyncio.Task[OutT]":
    """Return `work` as a task of the running loop that may fail unseen, because another failure ended the run."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_seen)
    return task


def _seen(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


def _opened() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_complain)
    return loop


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say what went wrong unseen, but not that Ctrl-C struck in a task: the caller has it."""
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)


def flow(
    items: Iterable[InT],
    work: Callable[[InT], Coroutine[Any, Any, OutT]],
    limit: int,
    weigh: Callable[[InT], int] = lambda item: 1,
    together: bool = False,
    close: Callable[[], Awaitable[None]] | None = None,
) -> Iterator[OutT]:
    """Yield `work(item)` of every item, in order.

    Items are begun while the weights of those under way sum to less than `limit`; with `together`, not
    before all that are under way are done, so that what is asked in one go does not depend on timing.
    Nothing is read ahead of that, so memory does not grow with the number of items. Where `items` or a
    piece of work raises, what comes before it is yielded first. Work runs only while the next result is
    waited for. At the end, or when the generator is closed, what is under way is cancelled, and
    `close` is awaited.
    """
    loop = _opened()
    under_way: deque[tuple[asyncio.Task[OutT], int]] = deque()
    waiting, trouble, weight = iter(items), None, 0
    try:
        while True:
            room = not (together and under_way)
            while room and trouble is None and weight < limit:
                try:
                    item = next(waiting)
                except StopIteration:
                    break
                except Exception as error:
                    trouble = error
                    break
                under_way.append((loop.create_task(work(item)), weigh(item)))
                under_way[-1][0].add_done_callback(_seen)
                weight += under_way[-1][1]
            if not under_way:
                break
            for _ in range(len(under_way) if together else 1):
                task, own = under_way.popleft()
                result = loop.run_until_complete(task) if together else _awaited(loop, task)
                weight -= own
                yield result
        if trouble is not None:
            raise trouble
    finally:
        _end(loop, close)


def _awaited(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[OutT]") -> OutT:
    """Return what comes of `task`; Ctrl-C stops the loop between two steps, where none of the tasks is torn.

    An exception out of a signal's handler may strike in the loop's own code: a task then waits for ever for a step
    that was lost. Work that goes on for minutes without a pause is not to be run like this.
    """
    if threading.current_thread() is not threading.main_thread():
        return loop.run_until_complete(task)
    struck: list[tuple[int, FrameType | None]] = []
    is_over = False

    def stop() -> None:
        if not is_over:
            loop.stop()

    def strike(number: int, frame: FrameType | None) -> None:
        struck.append((number, frame))
        loop.call_soon_threadsafe(stop)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}
    try:
        for each in handlers:
            signal.signal(each, strike)
        return loop.run_until_complete(task)
    except RuntimeError:
        if not struck:
            raise
    finally:
        is_over = True
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for number, frame in struck:
            handlers[signal.Signals(number)](number, frame)
    raise KeyboardInterrupt  # a handler that let the work go on: it cannot


def _end(loop: asyncio.AbstractEventLoop, close: Callable[[], Awaitable[None]] | None) -> None:
    async def ending() -> None:
        own = asyncio.current_task()
        while left := [task for task in asyncio.all_tasks() if task is not own]:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        if close is not None:
            await close()

    try:
        loop.run_until_complete(ending())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
