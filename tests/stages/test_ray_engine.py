"""What an actor does with a block, whoever calls it; and what is said where there is no Ray, or no cluster."""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.base import Record
from schemas.errors import RlraError
from schemas.jsonl import parse, to_line
from schemas.task import Task
from stages.ray_engine import Block, BlockActor, Crew, Work, joined
from tests.contract.material import task
from tests.running import lines

LINES = [to_line(parse(line, Task, "here")) for line in lines(*map(task, ("sea", "hill", "moor", "lake"))).splitlines()]


@dataclass
class Echo:
    """A stage that gives every task back, and refuses one of them."""

    refuses: str = ""
    opened: int = 0
    written: dict[str, bytes] = field(default_factory=dict)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Work]:
        self.opened += 1

        def work(lines: list[bytes], counts: Counter[str]) -> Iterator[Record]:
            for line in lines:
                record = parse(line, Task, "here")
                if record.id == self.refuses:
                    raise RlraError(f"not the {record.id}", hint="go round it")
                counts["echoed"] += 1
                yield record

        yield work

    def done(self, actor: BlockActor, block: Block) -> dict[str, Any]:
        return actor({"lines": block.lines, "part": block.part, "kept": list(block.kept)})


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an actor goes to the driver's folder


def test_lines_go_in_and_come_back() -> None:
    """The stage is opened with the first block, and once; a folder that is not there is none of its business."""
    echo = Echo()
    actor = BlockActor(echo, echo.written.__setitem__, "/nowhere/at/all")
    assert echo.opened == 0
    first = echo.done(actor, Block(b"".join(LINES[:2])))
    second = echo.done(actor, Block(LINES[2]))
    assert [first["lines"], second["lines"]] == [b"".join(LINES[:2]), LINES[2]]
    assert [orjson.loads(row["counts"]) for row in (first, second)] == [{"echoed": 2}, {"echoed": 1}]
    assert (first["error"], echo.opened, echo.written) == (b"", 1, {})


def test_what_was_made_before_an_error_comes_with_it() -> None:
    echo = Echo(refuses="moor")
    row = echo.done(BlockActor(echo, echo.written.__setitem__, "."), Block(b"".join(LINES)))
    assert row["lines"] == b"".join(LINES[:2])
    assert orjson.loads(row["error"]) == ["not the moor", "go round it"]


def test_a_part_is_written_whole_or_not_at_all() -> None:
    """Lines that are known keep their places, and are not made again; where all are, the stage is not even opened."""
    echo = Echo(refuses="moor")
    actor = BlockActor(echo, echo.written.__setitem__, ".")
    known = Block(b"", "known", tuple(LINES[:2]))
    assert echo.done(actor, known)["error"] == b"" and echo.opened == 0
    mixed = Block(LINES[1] + LINES[3], "mixed", (LINES[0], b"", LINES[2], b""))
    assert echo.done(actor, mixed) == {"lines": b"", "counts": b'{"echoed":2}', "error": b""}
    assert echo.written == {"known": b"".join(LINES[:2]), "mixed": b"".join(LINES)}
    assert echo.done(actor, Block(b"".join(LINES), "torn", (b"",) * 4))["error"]
    assert "torn" not in echo.written


def test_a_model_that_cannot_be_opened_is_an_answer_too() -> None:
    @contextlib.contextmanager
    def opening() -> Iterator[Work]:
        raise RlraError("no such model")
        yield

    row = BlockActor(opening, print, ".")({"lines": LINES[0], "part": "", "kept": []})
    assert orjson.loads(row["error"]) == ["no such model", None]


def test_without_ray_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RlraError, match="Ray is not installed") as raised, joined(Crew()):
        pass
    assert raised.value.hint == "type: pip install 'rlra[ray]'"


def test_a_cluster_that_does_not_answer() -> None:
    """Ray itself would go on asking for minutes."""
    with pytest.raises(RlraError, match=r"--ray-address 127\.0\.0\.1:9: .*refused"), joined(Crew("127.0.0.1:9")):
        pass


def test_ray_that_does_not_come_up_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that is too busy: Ray raises an Exception without a name."""
    ray = pytest.importorskip("ray")

    def init(**more: object) -> None:
        raise Exception("The current node timed out during startup.\nAnd much more.")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(RlraError) as raised, joined(Crew()):
        raise AssertionError
    assert raised.value.message == "--ray-address local: The current node timed out during startup."
