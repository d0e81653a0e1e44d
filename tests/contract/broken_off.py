"""A program that breaks a run on Ray off in the middle, and lets go of it only when the cluster is left."""

import contextlib
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterator

from schemas.base import Record
from schemas.jsonl import parse, to_line
from schemas.task import Task
from stages.ray_engine import Block, Crew, Work, joined, results
from tests.contract.material import task
from tests.running import lines


@contextlib.contextmanager
def opening() -> Iterator[Work]:
    """Give every task back, slowly."""

    def work(lines: list[bytes], counts: Counter[str]) -> Iterator[Record]:
        for line in lines:
            time.sleep(0.2)
            yield parse(line, Task, "here")

    yield work


def write(name: str, content: bytes) -> None:
    raise AssertionError(name)


def main(address: str) -> None:
    """Take one block of forty, leave the cluster, and let go of the rest only then."""
    import ray

    crew = Crew(address, actors=2)
    blocks = (Block(to_line(parse(lines(task(f"place-{number}")), Task, "here"))) for number in range(40))
    with joined(crew) as leaving:
        done = results(blocks, opening, write, crew, Counter(), leaving, ordered=False)
        assert next(done)
    del done
    gc.collect()
    assert not ray.is_initialized(), "another cluster was started"
    print("left")


if __name__ == "__main__":
    main(sys.argv[1])
