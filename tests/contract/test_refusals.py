"""Whatever is wrong with a file, every command says so in one sentence, with file, line and field, and exits with 1."""

import gzip
from collections.abc import Callable

import pytest
import zstandard

from tests.contract.material import MAKE, OF_ANOTHER_KIND, READER, READERS, Reader
from tests.running import Done, Runner, lines

every_reader = pytest.mark.parametrize("reader", READERS, ids=str)
some_readers = pytest.mark.parametrize("reader", [READER["generate-rubrics"], READER["judge"], READER["show"]], ids=str)


def refused(done: Done, *said: str) -> None:
    """Hold that a run ended with one sentence that says `said`; lines before the bad one may have passed."""
    assert done.code == 1, (done.code, done.err)
    assert "Traceback" not in done.err
    assert all("schema" in record for record in done.records)
    sentences = [line for line in done.err.split("\n") if line.startswith(("rlra: ", "✗ "))]
    assert len(sentences) == 1, done.err
    for words in said:
        assert words in sentences[0] or words in done.err.partition(sentences[0])[2], (words, done.err)


def second_line(reader: Reader, line: bytes) -> bytes:
    """Return a file of the reader's kind whose second line is `line`."""
    make = MAKE[reader.kind]
    return lines(make("sea")) + line + b"\n" + lines(make("clock"))


@every_reader
def test_a_missing_file(run: Runner, reader: Reader) -> None:
    """It is named, with what the system says."""
    refused(run(*reader.words("absent.jsonl")), "absent.jsonl: no such file or directory")


@some_readers
def test_a_folder_for_a_file(run: Runner, reader: Reader) -> None:
    """A folder is read as the files of JSONL in it; one that has none is named."""
    refused(run(*reader.words("model")), "model: no files of JSONL there")


@pytest.mark.parametrize("reader", [r for r in READERS if r.command not in ("show", "validate")], ids=str)
def test_a_line_of_another_kind(run: Runner, reader: Reader) -> None:
    """Both kinds are named, and the command that makes the right one."""
    wrong = OF_ANOTHER_KIND[reader.kind]
    said = f"bad.jsonl:2: schema: this is a {wrong} line, and {reader.kind} is needed"
    run.write("bad.jsonl", second_line(reader, lines(MAKE[wrong]("garden")).strip()))
    refused(run(*reader.words("bad.jsonl")), said, "make it with `rlra ")


def test_validate_holds_a_file_to_its_first_line(run: Runner) -> None:
    """A file of two kinds does not hold."""
    run.write("bad.jsonl", lines(MAKE["judged"]("sea"), MAKE["task"]("garden")))
    refused(run("validate", "bad.jsonl"), "bad.jsonl:2: schema: this is a task line, and judged is needed")


@every_reader
def test_a_newer_version_is_called_newer(run: Runner, reader: Reader) -> None:
    """Tomorrow's file says so, whatever fields it has."""
    newer = {"schema": f"{reader.kind}/99", "id": "garden", "unheard_of": True}
    run.write("bad.jsonl", second_line(reader, lines(newer).strip()))
    refused(run(*reader.words("bad.jsonl")), f"bad.jsonl:2: schema: {reader.kind}/99 is newer", "upgrade rlra")


@every_reader
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"schema": "task/1", "id"', "bad.jsonl:2: not JSON"),
        (b'{"schema": "judged/1", "id": "caf\xe9"}', "bad.jsonl:2: "),
    ],
    ids=["cut short", "not UTF-8"],
)
def test_a_line_that_is_no_json(run: Runner, reader: Reader, line: bytes, said: str) -> None:
    """File and line are named."""
    run.write("bad.jsonl", second_line(reader, line))
    refused(run(*reader.words("bad.jsonl")), said)


@some_readers
def test_a_line_that_is_no_object(run: Runner, reader: Reader) -> None:
    """JSON of another shape is named as what it is."""
    run.write("bad.jsonl", second_line(reader, b"[1, 2]"))
    refused(run(*reader.words("bad.jsonl")), "bad.jsonl:2: a JSON object is needed, found list")


@pytest.mark.parametrize("reader", [r for r in READERS if r.command != "show"], ids=str)
def test_an_id_that_stands_twice(run: Runner, reader: Reader) -> None:
    """Ids name prompts; two of the same would be paired or resumed wrongly."""
    run.write("bad.jsonl", second_line(reader, lines(MAKE[reader.kind]("sea")).strip()))
    refused(run(*reader.words("bad.jsonl")), "bad.jsonl:2: id: 'sea' stands on an earlier line too")


@every_reader
def test_an_unknown_field(run: Runner, reader: Reader) -> None:
    """A field that no schema knows is refused, not dropped."""
    run.write("bad.jsonl", second_line(reader, lines(MAKE[reader.kind]("garden", colour="red")).strip()))
    refused(run(*reader.words("bad.jsonl")), "bad.jsonl:2: colour: unknown field")


@some_readers
def test_a_field_of_the_wrong_type(run: Runner, reader: Reader) -> None:
    """The path to the field is said."""
    run.write("bad.jsonl", lines(MAKE[reader.kind]("sea", messages=[{"role": "user", "content": 3}])))
    refused(run(*reader.words("bad.jsonl")), "bad.jsonl:1: messages[0].content: ")


@pytest.mark.parametrize("reader", [READER["judge"], READER["select-data"], READER["validate"]], ids=str)
@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("bad.jsonl.gz", lambda whole: gzip.compress(whole)[:-12]),
        ("bad.jsonl.gz", lambda whole: gzip.compress(whole)[:40] + b"?" + gzip.compress(whole)[41:]),
        ("bad.jsonl.gz", lambda whole: whole),
        ("bad.jsonl.zst", lambda whole: zstandard.compress(whole)[:-12]),
        ("bad.jsonl.zst", lambda whole: whole),
    ],
    ids=["gz cut off", "gz spoilt", "plain in gz", "zst cut off", "plain in zst"],
)
def test_a_broken_archive(run: Runner, reader: Reader, name: str, spoil: Callable[[bytes], bytes]) -> None:
    """A file that is not what its name says is refused; what is left of it is never taken for the whole."""
    run.write(name, spoil(run.read(f"{reader.kind}.jsonl")))
    refused(run(*reader.words(name)), f"{name}", "is the file whole")


def test_a_prompt_needs_text(run: Runner) -> None:
    """What users' own files lack is said in the words of those files."""
    run.write("bad.jsonl", b'{"id": "a", "prompt": "Why?"}\n{"id": "b", "text": "Why?"}\n')
    refused(run("generate-rubrics", "bad.jsonl"), "bad.jsonl:2: a line needs `prompt` (text), `messages`", "id, text")
    run.write("bad.jsonl", b'{"prompt": 3}\n')
    refused(run("generate-rubrics", "bad.jsonl"), "bad.jsonl:1: prompt: ")
    run.write(
        "bad.jsonl", b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]}\n'
    )
    refused(run("generate-rubrics", "bad.jsonl"), "bad.jsonl:1: ", "the last message must be the user's")


def test_a_closed_stdout(run: Runner) -> None:
    """Where no record can go, one sentence says so."""
    refused(run.shell("rlra generate-rubrics prompts.jsonl >&-"), "stdout is closed")
