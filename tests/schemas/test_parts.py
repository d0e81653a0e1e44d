"""A folder of parts: each is whole or not there, and together they are in order, here and far away."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from schemas.errors import RlraError
from schemas.parts import PartFolder, is_folder, parts_in_order


def name(number: int, digest: str = "0") -> str:
    return f"part-{number:08d}-{digest * 16}.jsonl"


@pytest.fixture(params=["here", "url", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PartFolder]:
    """Return a folder that is not there yet."""
    memory = fsspec.filesystem("memory")
    yield PartFolder(
        {"here": f"{tmp_path}/a/b", "url": f"file://{tmp_path}/a/b/", "memory": "memory://rlra/b"}[request.param]
    )
    if memory.exists("/rlra"):
        memory.rm("/rlra", recursive=True)


def test_what_is_written_is_there_and_what_is_removed_is_not(folder: PartFolder) -> None:
    assert folder.names() == [] and folder.read(name(0)) is None
    for number in (2, 0, 1):
        folder.write(name(number), b"%d\n" % number)
    folder.write("manifest.json", b"{}")
    folder.write(name(0), b"again\n")
    assert folder.names() == [name(0), name(1), name(2)]
    assert (folder.read(name(0)), folder.read(name(1)), folder.read("manifest.json")) == (b"again\n", b"1\n", b"{}")
    folder.remove(name(1))
    folder.remove(name(1))
    assert folder.names() == [name(0), name(2)]


def test_a_part_that_is_being_written_is_not_there(tmp_path: Path) -> None:
    """Nor is any other file that happens to lie in the folder."""
    for other in (f"{name(0)}.partial", "part-1.jsonl", "x.jsonl", name(0).upper()):
        (tmp_path / other).write_bytes(b"{")
    assert PartFolder(str(tmp_path)).names() == []


def test_a_write_that_fails_leaves_the_part_as_it_was(tmp_path: Path) -> None:
    folder = PartFolder(str(tmp_path))
    folder.write(name(0), b"whole\n")
    (tmp_path / f"{name(0)}.partial").mkdir()
    with pytest.raises(RlraError, match=name(0)):
        folder.write(name(0), b"other\n")
    assert folder.read(name(0)) == b"whole\n"


def test_it_can_be_sent_to_another_process(folder: PartFolder) -> None:
    """An actor gets one of its methods, which is sent by name and path."""
    folder.write(name(0), b"x\n")
    # As Ray sends it to its actors: our own object, and no file.
    assert pickle.loads(pickle.dumps(folder.read))(name(0)) == b"x\n"


def test_a_relative_path_means_the_same_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = PartFolder("parts/")
    monkeypatch.chdir("/")
    folder.write(name(0), b"x\n")
    assert (tmp_path / "parts" / name(0)).read_bytes() == b"x\n"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([0, 2], "part 00000001 is missing"),
        ([1], "part 00000000 is missing"),
        ([0, 1, 1, 2], f"{name(1, 'b')}: another part has this place"),
    ],
)
def test_parts_that_are_no_whole(tmp_path: Path, numbers: list[int], said: str) -> None:
    folder = PartFolder(str(tmp_path))
    for place, number in enumerate(numbers):
        folder.write(name(number, "ab"[place % 2 == 0 and number in numbers[:place]]), b"x\n")
    with pytest.raises(RlraError, match=said):
        parts_in_order(folder)


def test_what_means_a_folder(tmp_path: Path) -> None:
    assert all(map(is_folder, ["parts/", "s3://bucket/parts", str(tmp_path)]))
    assert not any(map(is_folder, ["-", "parts", "out.jsonl"]))
