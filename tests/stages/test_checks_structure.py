"""Headings, tables and fenced code, and JSON of a given shape."""

import pytest

from schemas.errors import RlraError
from stages.checks.base import bind
from stages.checks.fences import Fence, parted
from tests.stages.checking import met, run


def test_fences_part_a_text() -> None:
    text = "a\n```Python x\nb\n~~~\n``\n```\nc\n~~~~\n~~~\nd"
    assert parted(text) == (["a", "c"], [Fence("python", "b\n~~~\n``", True), Fence("", "~~~\nd", False)])
    assert parted("```\na\n``` b\n```")[1] == [Fence("", "a\n``` b", True)], "words after the mark do not close"
    assert parted("``` a`b\nc")[1] == [], "backticks after the mark: code within a line"
    assert parted("- x\n  ```\n  y\n  ```")[1] == [Fence("", "  y", True)]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# A\n\n### B ###\n#C\n####### D\n#", [1, 3]),
        ("```\n# no heading\n```\n# one", [1]),
        ("Moss\n====\n\nLight\n---\nwords", [1, 2]),
        ("words\n\n---\n\nwords\nmore words\n---\n- item\n---", []),
        ("    # code", []),
    ],
)
def test_headings(text: str, levels: list[int]) -> None:
    assert met("heading_count", text, exactly=len(levels))
    for level in range(1, 7):
        assert met("heading_count", text, exactly=levels.count(level), levels=[level])


def test_heading_misses_are_graded() -> None:
    assert run("heading_count", "# A\nb", at_least=4).closeness == 0.25
    with pytest.raises(RlraError, match=r"levels\[0\]"):
        bind({"heading_count": {"at_least": 1, "levels": [7]}})


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("|a|b|\n|-|-|\n|1|2|\n|3|4|\nend", (2, 2)),
        ("a | b | c\n:-- | :-: | --:\n1 | 2 | 3", (1, 3)),
        ("| a \\| b |\n|---|\n| 1 |", (1, 1)),
        ("|a|b|\n|-|-|", (0, 2)),
    ],
)
def test_tables(text: str, size: tuple[int, int]) -> None:
    assert met("table", text)
    assert met("table", text, rows={"exactly": size[0]}, columns={"exactly": size[1]})
    assert met("table", text, rows={"exactly": size[0] + 1}) is False


@pytest.mark.parametrize(
    "text", ["a | b\n1 | 2", "|a|b|\n|-|\n|1|2|", "a\n---\nb", "```\n|a|\n|-|\n```", "|a|b|\n|x|-|"]
)
def test_what_is_no_table(text: str) -> None:
    outcome = run("table", text)
    assert (outcome.met, outcome.closeness) == (False, 0.0)


def test_one_of_several_tables_will_do_and_the_nearest_is_graded() -> None:
    two = "|a|\n|-|\n|1|\n\n|a|b|\n|-|-|\n|1|2|\n|3|4|"
    assert met("table", two, rows={"exactly": 2}, columns={"exactly": 2})
    assert run("table", two, rows={"exactly": 4}, columns={"exactly": 2}).closeness == 0.75


def test_code_blocks() -> None:
    text = "```python\nx\n```\n~~~PYTHON\ny\n~~~\n```js\n```\n```python\nopen"
    assert met("code_block_count", text, exactly=2)
    assert met("code_block_count", text, exactly=2, language="Python")
    assert met("code_block_count", "`x`", exactly=0)


CITY = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "year": {"minimum": 1}}}


def test_json_is_held_against_the_schema() -> None:
    for text in ('{"city": "Oslo"}', '```json\n{"city": "Oslo", "year": 2}\n```'):
        assert met("json_schema", text, schema=CITY)
    assert run("json_schema", '{"city": 1, "year": 0}', schema=CITY).closeness == pytest.approx(0.6)
    one = run("json_schema", '{"city": "Oslo", "year": 0}', schema=CITY)
    assert (one.reason, one.closeness) == ("year: 0 is less than the minimum of 1", 0.7)
    assert run("json_schema", '{"city": "Oslo"', schema=CITY).closeness == 0.2
    assert run("json_schema", 'Here: {"city": "Oslo"}', schema=CITY).reason == "not valid JSON"
    assert met("json_schema", "[]", schema={"type": "array"}), "brackets are an answer here"


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"type": "objekt"}, "no JSON Schema"),
        ({"properties": {"a": {"minimum": "x"}}}, "no JSON Schema: properties/a/minimum"),
        ({"pattern": "(a"}, "no JSON Schema"),
        ({"pattern": "(?=a)"}, "no JSON Schema"),
        ({"$ref": "#/$defs/none"}, "no JSON Schema"),
        ({"$ref": "https://example.org/schema"}, "outside the schema"),
        ({"$ref": "file:///etc/hostname"}, "outside the schema"),
        ({"$schema": "https://example.org/draft"}, "no JSON Schema"),
    ],
)
def test_a_wrong_schema_is_refused_at_once(schema: dict[str, object], what: str) -> None:
    with pytest.raises(RlraError, match=what):
        bind({"json_schema": {"schema": schema}})


def test_json_that_could_run_long_or_deep() -> None:
    nested = {"type": "array", "items": {"$ref": "#"}}
    assert met("json_schema", "[" * 500 + "]" * 500, schema=nested)
    assert met("json_schema", "[" * 50_000 + "]" * 50_000, schema=nested) is False
    assert met("json_schema", '"' + "a" * 20_000 + 'b"', schema={"pattern": "^(a+)+$"}) is False
    assert met("json_schema", r'"\ud800"', schema={"type": "string"}) is False
    assert met("json_schema", "[" + "0," * 5_000 + "0]", schema={"items": {"minimum": 1}}) is False
    assert met("json_schema", "1", schema={"$ref": "#"})
