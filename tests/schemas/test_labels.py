"""Files of labels: CSV and JSONL say the same, every fault is named with its line, and no word means two things."""

import math
from pathlib import Path

import pytest

from schemas.criterion import Criterion, Tier
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.label_files import read_labels
from schemas.labels import Label, as_text, meaning, unit_of

BINARY = Criterion(id="kind", text="Is kind.")
TIERED = Criterion(id="tone", text="Is warm.", tiers=tuple(Tier(score=s, text="t") for s in (0, 1, 4)))


def read(folder: Path, content: str | bytes, name: str = "labels.csv") -> list[Label]:
    """Return the labels of a file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_labels(Source(str(path))))


def refused(folder: Path, content: str | bytes, *words: str) -> None:
    """Hold that a file is refused with these words, the first of which follow the file's name."""
    with pytest.raises(RlraError) as caught:
        read(folder, content)
    assert caught.value.message.startswith(f"{folder / 'labels.csv'}:{words[0]}")
    assert all(word in f"{caught.value.message} {caught.value.hint}" for word in words)


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    table = "id,response,criterion,rater,label\na,0,kind,ann,yes\na,1,kind,bob,\n7,,,,0.25\na,0,tone,ann,2\n"
    records = """{"id": "a", "criterion": "kind", "rater": "ann", "label": "yes"}
{"id": "a", "response": 1, "criterion": "kind", "rater": "bob", "label": null}
{"id": 7, "label": 0.25}

{"id": "a", "response": 0, "criterion": "tone", "rater": "ann", "label": 2}
"""
    first, second = read(tmp_path, table), read(tmp_path, records)
    assert [label[1:] for label in first] == [label[1:] for label in second]
    assert [label.said for label in first] == ["yes", "", "0.25", "2"]
    assert first[2][1:] == ("7", 0, None, "human", "0.25")
    assert second[3].where.endswith("labels.csv:5")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfid,label\r\na,yes\r\n",
        b"label , id\n yes , a \n",
        b'comment,id,label\n"two\n\nlines, and a comma",a,yes\n',
        b"id,label\n\na,yes",
        b'\xef\xbb\xbf{"id": "a", "label": "yes"}\r\n',
    ],
    ids=["BOM and CRLF", "spaces and order", "a comment", "blank lines and no newline", "JSONL, BOM and CRLF"],
)
def test_files_as_programs_write_them(tmp_path: Path, content: bytes) -> None:
    assert [label[1:] for label in read(tmp_path, content)] == [("a", 0, None, "human", "yes")]


def test_a_record_of_several_lines_is_named_by_its_first(tmp_path: Path) -> None:
    found = read(tmp_path, 'id,comment,label\na,"1\n2",yes\nb,"1\n2",no\n')
    assert [label.where.rpartition(":")[2] for label in found] == ["2", "4"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,labell\na,yes\n", ("1: there is no column 'label'", "columns: id")),
        ("id,label,critreion\n", ("1: the column 'critreion' is unknown",)),
        ("id,label,label\n", ("1: a column stands here twice",)),
        ("id;label\na;yes\n", ("1: there is no column 'id'", "part the cells by commas: here stand semicolons")),
        ("id\tlabel\na\tyes\n", ("1: there is no column 'id'", "here stand tabs")),
        ("id,label\na,yes\n".encode("utf-16"), ("1: not UTF-8", "save the file as UTF-8")),
        ("id,label\na\n", ("2: 1 cells, where the first line names 2 columns",)),
        ("id,label\na,yes,b\n", ("2: 3 cells",)),
        ("id,label\n,yes\n", ("2: id: ",)),
        ("id,response,label\na,first,yes\n", ("2: response: 'first' is no index",)),
        ("id,response,label\na,-1,yes\n", ("2: response: '-1' is no index",)),
        ("id,response,label\na,1.5,yes\n", ("2: response: '1.5' is no index",)),
        ('id,label\na,"yes\n', ("2: not CSV",)),
        (b"id,label\na,\xff\n", ("2: not UTF-8",)),
        ("id,label\na,yes\nb,no\na,no\n", ("4: 'human' has labelled response 0 of 'a' before", "labels.csv:2")),
        ("id,criterion,label\na,kind,yes\na,kind,\n", ("3: 'human' has labelled response 0 of 'a' under 'kind'",)),
        ('{"id": "a"}', ("1: label: Field required",)),
        ('{"id": "a", "label": [1]}', ("1: label",)),
        ('{"id": "a", "label": NaN}', ("1: not JSON",)),
        ('{"id": "a", "label": 1, "responses": 2}', ("1: responses: unknown field", "did you mean 'response'?")),
        ('{"id": "a", "label": 1, "response": -1}', ("1: response: ",)),
        ('{"id": "a", "label": 1}\n[1]', ("2: a JSON object is needed",)),
    ],
)
def test_faults_are_named(tmp_path: Path, content: str | bytes, words: tuple[str, ...]) -> None:
    refused(tmp_path, content, *words)


def test_an_empty_file_has_no_labels(tmp_path: Path) -> None:
    assert read(tmp_path, "") == read(tmp_path, "id,label\n") == []


@pytest.mark.parametrize("said", ["met", "Met", "YES", "true", "1", "1.0", " yes "])
def test_met(said: str) -> None:
    assert meaning(said, BINARY) == 1


@pytest.mark.parametrize("said", ["not met", "not_met", "NOT  MET", "no", "False", "0", "0.0"])
def test_not_met(said: str) -> None:
    assert meaning(said, BINARY) == 0


@pytest.mark.parametrize("criterion", [BINARY, TIERED, None])
def test_an_empty_label_is_missing_and_no_number(criterion: Criterion | None) -> None:
    assert math.isnan(meaning(" ", criterion))


@pytest.mark.parametrize(
    ("said", "criterion"),
    [
        *[(said, BINARY) for said in ("2", "-1", "0.5", "maybe", "y", "n/a", "nan", "met.0", "²")],
        *[(said, TIERED) for said in ("3", "-1", "1.5", "met", "yes", "1e0", "٢", "9999999999")],
        *[(said, None) for said in ("met", "nan", "inf", "1e999", "1_000", "1,5", "0x1", "٢")],
    ],
)
def test_what_means_nothing_is_refused(said: str, criterion: Criterion | None) -> None:
    with pytest.raises(ValueError, match=f"'{said}'"):
        meaning(said, criterion)


def test_tiers_and_numbers() -> None:
    assert [meaning(said, TIERED) for said in ("0", "1", "2.0")] == [0, 1, 2]
    assert [unit_of(tier, TIERED) for tier in (0.0, 1.0, 2.0)] == [0, 0.25, 1]
    assert [meaning(said, None) for said in ("-.5", "3.", "2E-1", "+4")] == [-0.5, 3, 0.2, 4]
    assert unit_of(7.5, None) == 7.5
    assert math.isnan(unit_of(math.nan, TIERED))


def test_json_values_as_text() -> None:
    assert [as_text(given) for given in (True, False, None, 1, 1.0, 0.1, 1e300, " met ")] == [
        "true",
        "false",
        "",
        "1",
        "1",
        "0.1",
        "1e+300",
        "met",
    ]
