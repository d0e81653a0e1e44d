"""A run that goes on in the middle of a window makes the same windows, and writes no line twice."""

from collections.abc import Iterator

from hypothesis import given, settings, strategies

from rlra_cli.generate_windows import Windows
from stages.writing.base import Material
from tests.stages.writer_scenes import given as line


def made(numbers: range) -> Iterator[Material]:
    return (line(f"p{number}") for number in numbers)


@settings(deadline=None)
@given(strategies.integers(0, 12), strategies.integers(1, 5), strategies.data())
def test_the_rest_comes_in_the_same_windows(total: int, size: int, data: strategies.DataObject) -> None:
    done = data.draw(strategies.integers(0, total))
    rejected = {f"p{n}" for n in range(done) if data.draw(strategies.booleans())}
    windows = Windows(made(range(total)), size, rejected)
    accepted = windows.accepted()
    kept = [next(accepted).id for n in range(done) if f"p{n}" not in rejected]
    assert kept == [f"p{n}" for n in range(done) if f"p{n}" not in rejected]
    left = [each.id for each in windows.left()]
    begin = done - done % size
    assert left == ([f"p{n}" for n in range(begin, total)] if done < total else [])
    assert [name for name in left if not windows.stands(name)] == [f"p{n}" for n in range(done, total)]
