"""Files by URL, and folders of files: read through fsspec as a local file is, and refused in one sentence."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import zstandard
from pytest_httpserver import HTTPServer

from schemas.errors import RlraError
from schemas.files import digest_of, files_of, shown, tried, without_secrets
from schemas.jsonl import Source, Target
from schemas.task import Task
from tests.contract.material import task
from tests.running import Runner, lines

NAMES = [f"place-{number}" for number in range(6)]
CONTENT = lines(*map(task, NAMES))


@pytest.fixture
def memory() -> Iterator[str]:
    """Return the URL of an empty folder in this process's memory."""
    system = fsspec.filesystem("memory")
    system.mkdirs("/rlra", exist_ok=True)
    yield "memory://rlra/"
    system.rm("/rlra", recursive=True)


def put(url: str, content: bytes) -> None:
    with fsspec.open(url, "wb") as stream:
        stream.write(content)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("in.jsonl", bytes),
        ("in.jsonl.gz", gzip.compress),
        ("in.jsonl.zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_a_url_is_read_as_a_file_is(memory: str, tmp_path: Path, name: str, pack: type[bytes]) -> None:
    put(memory + name, pack(CONTENT))
    (tmp_path / name).write_bytes(pack(CONTENT))
    for path in (memory + name, f"file://{tmp_path}/{name}"):
        far, near = Source(path), Source(str(tmp_path / name))
        assert list(far.read(Task)) == list(near.read(Task))
        assert far.fingerprint() == near.fingerprint() == (far.sha256(), len(NAMES))


def test_a_folder_is_its_files_in_the_order_of_their_names(memory: str, tmp_path: Path) -> None:
    """What is no JSONL, such as a manifest or a part that is being written, is passed over; so is a missing newline."""
    parts = CONTENT.splitlines(keepends=True)
    held = {"b.jsonl": parts[2], "a.jsonl": b"".join(parts[:2]).rstrip(b"\n"), "c.jsonl.gz": gzip.compress(parts[3])}
    for name, content in {**held, "c.jsonl.partial": b"x", "manifest.json": b"{}", "d.jsonl": b""}.items():
        (tmp_path / name).write_bytes(content)
        put(memory + name, content)
    for path in (str(tmp_path), f"{tmp_path}/", f"{tmp_path}/*.jsonl*", memory, memory + "*.jsonl*"):
        if path.endswith("*"):
            (tmp_path / "c.jsonl.partial").unlink(missing_ok=True)
        source = Source(path)
        assert [record.id for record in source.read(Task)] == NAMES[:4]
        assert source.total() == 4


def test_a_bad_line_of_a_folder_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(task("sea")))
    (tmp_path / "b.jsonl").write_bytes(lines(task("sea"), task("sea")))
    with pytest.raises(RlraError, match=r"b\.jsonl:1: id: 'sea' stands on an earlier line too"):
        list(Source(str(tmp_path)).read(Task))
    (tmp_path / "b.jsonl").write_bytes(lines(task("hill")) + b"{]\n")
    with pytest.raises(RlraError, match=r"b\.jsonl:2: not JSON"):
        list(Source(str(tmp_path)).read(Task))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("memory://rlra/absent.jsonl", "memory://rlra/absent.jsonl: no such file or directory"),
        ("memory://nowhere/", "memory://nowhere/: no such file or directory"),
        ("memory://rlra/*.jsonl", "no files of JSONL there"),
        ("nosuch://bucket/in.jsonl", "nosuch://bucket/in.jsonl: .*nosuch"),
        ("file:///nowhere/in.jsonl", "file:///nowhere/in.jsonl: no such file"),
    ],
)
def test_what_cannot_be_reached(memory: str, path: str, words: str) -> None:
    for read in (lambda: list(Source(path).read(Task)), lambda: Source(path).total()):
        with pytest.raises(RlraError, match=words) as raised:
            read()
        assert "\n" not in raised.value.message


def test_a_file_system_that_needs_a_package() -> None:
    """fsspec names the package that is missing; so do we."""
    fsspec.register_implementation("rlrafar", "absent_package.Far", clobber=True, errtxt="Install farfs")
    with pytest.raises(RlraError, match="Install farfs"):
        list(Source("rlrafar://bucket/in.jsonl").lines())


@pytest.mark.parametrize(("name", "pack"), [("in.jsonl", bytes), ("in.jsonl.gz", gzip.compress)])
def test_a_url_with_a_query_is_one_file(httpserver: HTTPServer, name: str, pack: type[bytes]) -> None:
    """As storage hands it out, signed: the question mark begins no pattern, and the name ends before it."""
    httpserver.expect_request(f"/{name}", query_string="sig=a*/").respond_with_data(pack(CONTENT))
    assert digest_of(httpserver.url_for(f"/{name}?sig=a*/"))[1] == len(NAMES)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(RlraError, match="no files of JSONL there"):
        files_of(str(tmp_path))


def test_a_folder_that_is_not_complete_is_not_taken_for_whole(tmp_path: Path) -> None:
    for name, content in {"a.jsonl": CONTENT, "recipe.json": b"{}"}.items():
        (tmp_path / name).write_bytes(content)
    for path in (str(tmp_path), f"file://{tmp_path}/"):
        with pytest.raises(RlraError, match="not complete"):
            files_of(path)


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].jsonl").write_bytes(CONTENT)
    (tmp_path / "a1.jsonl").write_bytes(b"")
    assert digest_of(str(tmp_path / "a[1].jsonl"))[1] == len(NAMES)


@pytest.mark.parametrize("path", ["s3://bucket/out.jsonl", "memory://rlra/out.jsonl", "runs/"])
def test_what_is_no_file_here_cannot_be_written_to(path: str) -> None:
    with pytest.raises(RlraError, match="need a file to go to"):
        Target(path)


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """`-o /dev/null` would put a file in its place, for every program of the machine."""
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/null", "/dev/stdout"):
        with pytest.raises(RlraError, match="need a file to go to"):
            Target(path)
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_no_secret_of_a_url_is_shown(run: Runner) -> None:
    """Neither what stands behind `?`, nor a user and a password."""
    assert shown("https://user:secret@host/a?sig=secret") == "https://host/a"
    assert shown("what?.jsonl") == "what?.jsonl"
    assert shown("https://user:se@cret@host/a@b") == "https://host/a@b"
    said = "403, url='https://user:secret@host/a@b?sig=secret', of openai:a@http://host/v1"
    assert without_secrets(said) == "403, url='https://host/a@b of openai:a@http://host/v1"
    with pytest.raises(RlraError) as raised:
        tried("https://host/a?sig=secret", lambda: int(said))
    assert "secret" not in raised.value.message
    done = run("judge", "memory://u:secret@rlra/in.jsonl?sig=secret")
    assert done.code == 1 and "secret" not in done.err, done.err


def test_every_command_reads_urls_and_folders(run: Runner) -> None:
    run.folder.joinpath("in").mkdir()
    run.write("in/a.jsonl", lines(*map(task, NAMES[:3])))
    run.write("in/b.jsonl", lines(*map(task, NAMES[3:])))
    run.write("whole.jsonl", CONTENT)
    expected = run("generate-rubrics", "whole.jsonl")
    assert expected.code == 0, expected.err
    for path in ("in/", "in/*.jsonl", f"file://{run.folder}/whole.jsonl", f"file://{run.folder}/in/"):
        done = run("generate-rubrics", path)
        assert (done.code, done.out) == (0, expected.out), done.err
        checked = run("validate", path)
        assert checked.code == 0 and "6 lines of task/1" in checked.err, checked.err


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    return Runner(tmp_path)
