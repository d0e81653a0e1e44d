"""Lines in and out: whatever a record holds comes back as it was, and what is written is written whole."""

import gzip
import math
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.base import Record
from schemas.errors import RlraError
from schemas.jsonl import Source, Target, parse, to_data, to_line
from schemas.rollouts import Policy, Response, Rollouts, Sampling, Tokens, pack, unpack
from schemas.task import Message, Task
from schemas.train_log import TrainLog

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = texts.filter(bool)
messages = st.builds(Message, role=st.just("user"), content=texts)
tasks = st.builds(
    Task,
    id=names,
    messages=st.lists(messages, min_size=1, max_size=3).map(tuple),
    reference=st.none() | texts,
    rewritten_from=st.none() | texts,
    meta=st.dictionaries(texts, plain, max_size=4),
)
answers = st.builds(
    Response,
    text=texts,
    finish=st.sampled_from(["stop", "length"]),
    length=st.integers(0, 99),
)


def _fields(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record if name != "tag"}


POLICY = Policy(
    model="m", revision="r", template="t", engine="e", dtype="d", sampling=Sampling(temperature=1, max_tokens=2), seed=1
)
groups = st.builds(
    lambda task, responses: Rollouts(**_fields(task), policy=POLICY, responses=tuple(responses)),
    tasks,
    st.lists(answers, min_size=1, max_size=3),
)
logs = st.builds(
    TrainLog,
    id=names,
    step=st.integers(0, 9),
    seconds=st.floats(0, 1e9),
    metrics=st.dictionaries(texts, numbers, max_size=3),
)


@given(st.one_of(tasks, groups, logs))
def test_a_line_comes_back_as_it_was(record: Any) -> None:
    """One line, one newline at its end, and the same record from it, byte for byte the same line again."""
    line = to_line(record)
    assert line.count(b"\n") == 1
    back = parse(line.rstrip(b"\n"), type(record), "f:1")
    assert _fields(back) == _fields(record)
    assert to_line(back) == line


@settings(max_examples=30, deadline=None)
@given(st.lists(tasks, max_size=6, unique_by=lambda task: task.id), st.sampled_from(["", ".gz", ".zst"]))
def test_a_file_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, records: list[Task], suffix: str
) -> None:
    """Through a file, plain or compressed: the same records in the same order, and the digest of the plain bytes."""
    path = tmp_path_factory.mktemp("file") / f"a.jsonl{suffix}"
    target = Target(str(path))
    for record in records:
        target.write(record)
    target.complete()
    source = Source(str(path))
    assert list(map(to_line, source.read(Task))) == list(map(to_line, records))
    assert source.records == target.records == len(records)
    assert source.sha256() == target.sha256() == source.fingerprint()[0]
    assert source.total() == len(records)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@given(st.lists(st.integers(-(2**31), 2**31 - 1)), st.lists(st.floats(width=32, allow_nan=False)))
def test_packed_numbers_come_back(ids: list[int], chances: list[float]) -> None:
    """int32 and float32 survive exactly."""
    assert unpack(pack(ids, "i"), "i") == ids
    assert unpack(pack(chances, "f"), "f") == chances


def test_packing_is_little_endian() -> None:
    """The bytes are the same on every machine."""
    assert pack([1, -2], "i") == "AQAAAP7///8="
    assert pack([1.0], "f") == "AACAPw=="


@pytest.mark.parametrize(("ids", "chances"), [("AQAAAA==", ""), ("AQAA", "AQAA"), ("AQAAAA==", "AQAAAAEAAAA=")])
def test_ids_and_probabilities_go_together(ids: str, chances: str) -> None:
    """As many of one as of the other, four bytes each."""
    with pytest.raises(ValueError, match="equally many 4-byte numbers"):
        Tokens(ids=ids, logprobs=chances)


def test_numbers_that_are_none_are_refused() -> None:
    """No NaN and no infinity gets into a line."""
    for number in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            TrainLog(id="a", step=1, seconds=1.0, metrics={"loss": number})
    with pytest.raises(RlraError, match=r"f:1: "):
        parse(b'{"schema":"train_log/1","id":"a","step":1,"seconds":NaN}', TrainLog, "f:1")


def test_the_tag_stands_first_and_defaults_are_left_out() -> None:
    """What `head` shows begins with what the line is."""
    task = Task(id="a", messages=(Message(role="user", content="Hi"),))
    assert to_line(task) == b'{"schema":"task/1","id":"a","messages":[{"role":"user","content":"Hi"}]}\n'
    assert list(to_data(task)) == ["schema", "id", "messages"]


@pytest.mark.parametrize("order", [("schema", "id", "messages"), ("id", "messages", "schema")])
def test_the_tag_is_found_wherever_it_stands(order: tuple[str, ...]) -> None:
    """Tools that reorder keys or write blanks do no harm."""
    fields = {"schema": "task/1", "id": "a", "messages": [{"role": "user", "content": "Hi"}]}
    line = orjson.dumps({name: fields[name] for name in order}).replace(b'":', b'" : ')
    assert parse(line, Task, "f:1").id == "a"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id":"a"}', "f:1: schema: the line does not say what it is"),
        (b'{"schema":"song/1","id":"a"}', "f:1: schema: 'song/1' is no kind of record"),
        (b'{"schema":"task","id":"a"}', "f:1: schema: 'task' is no kind of record"),
        (b'{"schema":"task/0","id":"a"}', "f:1: schema: 'task/0' is no kind of record"),
        (b'{"schema":7,"id":"a"}', "f:1: schema: '7' is no kind of record"),
        (b'{"schema":"task/1","id":"","messages":[{"role":"user","content":"Hi"}]}', "f:1: id: "),
        (b'{"schema":"task/1","id":"a","messages":[{"role":"robot","content":"Hi"}]}', r"f:1: messages\[0\].role: "),
        (b'{"schema":"task/1","id":"a"', "f:1: not JSON: "),
        (b'"task/1"', "f:1: a JSON object is needed, found str"),
    ],
)
def test_what_is_wrong_is_said(line: bytes, said: str) -> None:
    """With file, line, field and what."""
    with pytest.raises(RlraError, match=said):
        parse(line, Task, "f:1")


def test_lines_end_at_newlines_and_blank_ones_do_not_count(tmp_path: Path) -> None:
    """CRLF is read, blank lines are passed over, and line numbers count them; an unfinished last line is one."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\n{"a": 1}\r\n\r\n{"b": 2}')
    source = Source(str(path))
    assert list(source.lines()) == [(2, b'{"a": 1}'), (4, b'{"b": 2}')]
    assert source.total() == 4


def test_a_table_has_no_lines(tmp_path: Path) -> None:
    """Of what is no JSONL, lines are not counted."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"prompt\nHi\n")
    assert Source(str(path)).total() is None


def written(path: Path, *names: str, resume: bool = False) -> Target:
    """Return a target to which tasks of these names were written; it is not complete."""
    target = Target(str(path), resume=resume)
    list(target.kept(Task))
    for name in names:
        target.write(Task(id=name, messages=(Message(role="user", content="Hi"),)))
    target.close()
    return target


def test_nothing_half_has_the_name_of_the_whole(tmp_path: Path) -> None:
    """Until it is complete, a target is a `.partial` file; what stood there before stays."""
    path = tmp_path / "new" / "a.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"before\n")
    written(path, "a", "b")
    assert path.read_bytes() == b"before\n"
    assert path.with_name("a.jsonl.partial").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    ("align", "total", "expected"), [(1, None, 5), (2, None, 4), (3, 9, 3), (4, 5, 5), (9, None, 0), (9, 5, 5)]
)
def test_whole_lines_are_kept(tmp_path: Path, align: int, total: int | None, expected: int) -> None:
    """Rounded down to a multiple, unless all are there; the rest and any half line are cut off."""
    path = tmp_path / "a.jsonl"
    written(path, *"abcde")
    with path.with_name("a.jsonl.partial").open("ab") as stream:
        stream.write(b'{"schema":"task/1","id":"f"')
    target = Target(str(path), resume=True)
    assert [task.id for task in target.kept(Task, align, total)] == list("abcde"[:expected])
    target.write(Task(id="z", messages=(Message(role="user", content="Hi"),)))
    target.complete()
    assert [task.id for task in Source(str(path)).read(Task)] == [*"abcde"[:expected], "z"]
    assert Source(str(path)).fingerprint()[0] == target.sha256()


def test_two_do_not_write_the_same_target(tmp_path: Path) -> None:
    """The second is refused."""
    first = Target(str(tmp_path / "a.jsonl"))
    with pytest.raises(RlraError, match="another process is writing it"):
        Target(str(tmp_path / "a.jsonl"))
    first.close()
    Target(str(tmp_path / "a.jsonl")).close()


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    """A device or a pipe would be gone for everybody when the finished file is renamed to its name."""
    (tmp_path / "null").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    before = set(tmp_path.iterdir())
    for name in ("null", "pipe"):
        with pytest.raises(RlraError, match="the lines need a file to go to"):
            Target(str(tmp_path / name))
    assert set(tmp_path.iterdir()) == before


def test_an_archive_has_no_clock(tmp_path: Path) -> None:
    """Equal content, equal archive; neither time nor name is in it."""
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        target = Target(str(tmp_path / name))
        target.write(Task(id="a", messages=(Message(role="user", content="Hi"),)))
        target.complete()
    content = (tmp_path / "a.jsonl.gz").read_bytes()
    assert content == (tmp_path / "b.jsonl.gz").read_bytes()
    assert content[3:8] == bytes(5), "no name, no time"
    assert gzip.decompress(content).startswith(b'{"schema":"task/1"')
