"""Rubrics as YAML files: nothing is lost on the way, and every id makes a safe name."""

from pathlib import Path
from typing import Any

import orjson
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.exchange.folder import file_name, yaml_of
from schemas.rubric import Rubric
from schemas.rubric_file import load_rubric
from schemas.task import Message
from tests.random_rubrics import read, rubric_data

ODD = (
    "é\u2028ü\x85\u2029\ufeff \x00\x1b[31m\t\r\n  two\n\n# no comment: - [x] {y} 'z' \"w\" & *a !b | > % @ `\n"
    " 🦉 ﷺ\u202e end "
)
TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from(" \n\t:#-'\"\\|>&*!%@`yn~01.e"))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def back(tmp_path: Path, rubric: Rubric, *messages: Message) -> Rubric:
    """Return what a rubric is once it was a file."""
    path = tmp_path / "r.yaml"
    path.write_text(yaml_of(rubric, messages), encoding="utf-8", newline="")
    return load_rubric(path)


def plain(rubric: Rubric) -> dict[str, Any]:
    """Return a rubric as a line has it."""
    return rubric.model_dump(mode="json", exclude_defaults=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(data={"rubric": "r", "criteria": [{"id": "a", "text": ODD}], "reward": {}}, text="\x85", meta={ODD: [ODD]})
@given(data=rubric_data(), text=TEXTS, meta=st.dictionaries(TEXTS, VALUES, max_size=3))
def test_nothing_is_lost(tmp_path: Path, data: dict[str, Any], text: str, meta: dict[str, Any]) -> None:
    """Random rubrics, texts with anything in them, and fields of the author's own."""
    rubric = read({**data, "title": text, "tags": [text], "meta": meta, "source": "llm"})
    assert orjson.dumps(plain(back(tmp_path, rubric))) == orjson.dumps(plain(rubric))


def test_a_prompt_stands_above_and_says_nothing(tmp_path: Path) -> None:
    """Whatever is in a prompt, it stays a comment."""
    rubric = read({"rubric": "r", "criteria": [{"id": "a", "text": ODD}]})
    text = yaml_of(rubric, [Message(role="user", content=f"{ODD}\nrubric: other\n---\n...")])
    assert back(tmp_path, rubric, Message(role="user", content=ODD)) == rubric
    assert yaml.safe_load(text)["rubric"] == "r" and text.startswith("# user: é\n")


def test_texts_of_several_lines_are_blocks() -> None:
    """People edit lines, and no escapes."""
    rubric = read({"rubric": "r", "criteria": [{"id": "a", "text": "One.\nTwo."}]})
    assert "text: |-\n    One.\n    Two.\n" in yaml_of(rubric)


def test_what_turns_or_hides_a_line_in_an_editor_is_spelled_out(tmp_path: Path) -> None:
    """A reviewer reads what a judge will read: no text runs backwards, none is invisible."""
    sly = "Is kind\u202e.dnik ton sI\u202c and\u200b \u2066warm\u2069\U000e0041"
    rubric = read({"rubric": "r", "meta": {sly: sly}, "criteria": [{"id": "a", "text": sly}]})
    said = yaml_of(rubric, [Message(role="user", content=sly)])
    assert all(each == "\n" or each.isprintable() for each in said) and "\\U0000202E" in said
    assert plain(back(tmp_path, rubric)) == plain(rubric)


def test_what_only_rlra_writes_is_left_out() -> None:
    """The history, and the template whose criteria are there already."""
    review = {"state": "draft", "by": "A", "history": [{"did": "edited"}]}
    rubric = read({"rubric": "r", "inherits": "base", "review": review, "criteria": [{"id": "a", "text": "t"}]})
    said = yaml.safe_load(yaml_of(rubric))
    assert said["review"] == {"state": "draft", "by": "A"} and "inherits" not in said


@given(st.integers(1, 10**6), st.from_regex(r"[\w][\w.:/-]*", fullmatch=True))
def test_every_id_makes_a_safe_name(number: int, name: str) -> None:
    """One component of a path, short, plain, and no other line's."""
    found = file_name(number, name)
    assert Path(found).name == found and found.isascii() and len(found) < 100
    assert found.endswith(".yaml") and int(found[: found.find("-") if "-" in found else -5]) == number


def test_names_sort_as_lines_do() -> None:
    names = [file_name(n, name) for n, name in enumerate(["../../etc/passwd", "b", "a/b", "ü"], start=1)]
    assert names == sorted(names) == ["00001-etc_passwd.yaml", "00002-b.yaml", "00003-a_b.yaml", "00004.yaml"]
