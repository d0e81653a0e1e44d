"""From YAML to a rubric and on to JSON: nothing is lost, and the digest changes with the content alone."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.bank import BankRubric
from schemas.jsonl import parse, to_line
from schemas.rubric import Rubric
from schemas.rubric_file import load_reward, load_rubric
from tests.random_rubrics import Data, read, rubric_data


class Styled(yaml.SafeDumper):
    """Writes texts in whatever style its random numbers say."""

    styles = random.Random(0)


def _text(dumper: Styled, text: str) -> yaml.ScalarNode:
    # What PyYAML writes for indented lines in another style is not what it was given.
    styles = ["|"] if "\n " in text else [None, "'", '"', "|", ">"]
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=dumper.styles.choice(styles))


Styled.add_representer(str, _text)


def written(data: Data, seed: int) -> str:
    """Return the data as YAML: in some order, style, indentation and width, its texts broken somewhere."""
    Styled.styles = draw = random.Random(seed)
    flow = draw.choice([None, True, False, False])
    return yaml.dump(
        _turned(data, draw),
        Dumper=Styled,
        sort_keys=False,
        default_flow_style=flow,
        indent=draw.choice([2, 3, 7]),
        width=draw.choice([8, 40, 1000]) if flow is False else 1000,
        allow_unicode=draw.random() < 0.5,
        line_break=draw.choice(["\n", "\r\n"]),
    )


def _turned(value: Any, draw: random.Random, name: str = "") -> Any:
    if isinstance(value, dict):
        keys = draw.sample(sorted(value), len(value))
        content = ("check", "meta")  # where white space says something
        return {key: value[key] if key in content else _turned(value[key], draw, key) for key in keys}
    if isinstance(value, list):
        return [_turned(inner, draw) for inner in value]
    if name in ("text", "title") and isinstance(value, str):
        return draw.choice(["", " ", "\n"]) + draw.choice([" ", "\n", "  ", "\n\n"]).join(value.split()) + "\n"
    return value


TREE: Data = {
    "rubric": "trees",
    "title": "Words of ours: «quoted», 100% # no comment",
    "applies_to": {"meta.topic": ["support", "sales"], "meta.level": 3},
    "criteria": [
        {"id": "a", "text": "Names the feeling, then stays: with it.", "importance": "important", "tags": ["x", "y"]},
        {
            "id": "g",
            "weight": -0.5,
            "criteria": [
                {"id": "b", "text": "t", "abstain": "allowed", "meta": {"n": 1, "deep": {"list": [1.5, None, "no"]}}},
                {"id": "go", "check": {"contains": {"text": "a  b"}}, "gate": "if_met"},
                {"id": "p", "python": "def score(response, task):\n    return '#' in response\n", "weight": 3},
            ],
        },
    ],
    "reward": {"preset": "heartbench", "saturation": {"*": {"log": 4}, "g": {"knee": [0.4, 0.5]}}},
    "silence": {"length": ["a"]},
    "meta": {"by": "us", "when": "2024-01-01", "yes": True},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for files that are written over and over."""
    return tmp_path_factory.mktemp("yaml")


@settings(max_examples=80, deadline=None)
@given(data=rubric_data() | st.just(TREE), seed=st.integers(0, 2**32))
def test_the_digest_survives_order_and_white_space(data: Data, seed: int, folder: Path) -> None:
    """Keys in any order, scalars plain, quoted, literal or folded, flow or block, any indentation and width."""
    path = folder / "r.yaml"
    path.write_text(written(data, seed), encoding="utf-8")
    found, wanted = load_rubric(path), read(data)
    assert found.digest() == wanted.digest()
    assert [node.digest() for node in found.nodes()] == [node.digest() for node in wanted.nodes()]
    assert [node.question() for node in found.nodes()] == [node.question() for node in wanted.nodes()]


@settings(max_examples=80, deadline=None)
@given(data=rubric_data() | st.just(TREE))
def test_there_and_back(data: Data, folder: Path) -> None:
    """YAML → rubric → line of a bank → rubric: equal, and of equal digest, presets and labels included."""
    path = folder / "there.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    found = load_rubric(path)
    line = to_line(BankRubric(id=found.rubric, rubric=found))
    back = parse(line.rstrip(b"\n"), BankRubric, "bank:1").rubric
    assert back == found
    assert back.digest() == found.digest() == read(data).digest()
    assert to_line(BankRubric(id=back.rubric, rubric=back)) == line


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return where plain data holds a value that is no container."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place for key, inner in inside for place in places(inner, (*at, key))]
    return found if isinstance(value, dict | list) else [at]


def other(value: Any, draw: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + draw(st.sampled_from([-1, -0.25, 0.125, 1, 3]))
    words = ["if_met", "unless_met", "essential", "optional", "positive", "range", "none", "all", "mean", "dimension"]
    return draw(st.sampled_from([value + "x", "x" + value, *(word for word in words if word != value)]))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_the_digest_changes_with_any_content(data: st.DataObject) -> None:
    """Change one value, whichever, to another that is allowed there: another rubric."""
    plain = read(data.draw(rubric_data() | st.just(TREE))).model_dump(mode="json", exclude_defaults=True)
    at = data.draw(st.sampled_from(places(plain)))
    changed: Any = orjson.loads(orjson.dumps(plain))
    around = changed
    for key in at[:-1]:
        around = around[key]
    around[at[-1]] = other(around[at[-1]], data.draw)
    try:
        found = read(changed)
    except ValidationError:
        assume(False)
    assert found.digest() != read(plain).digest()


def test_a_field_that_is_left_out_or_moved_is_a_change() -> None:
    """Each key at its time, and two criteria in another order."""
    others = [{key: TREE[key] for key in TREE if key != gone} for gone in TREE.keys() - {"rubric", "criteria"}]
    others.append({**TREE, "criteria": TREE["criteria"][::-1]})
    assert len({read(other).digest() for other in [TREE, *others]}) == len(others) + 1


@pytest.mark.parametrize(
    ("text", "normalise", "clip"),
    [
        ("preset: healthbench\n", "positive", "mean"),
        ("reward: {preset: healthbench}\n", "positive", "mean"),
        ("reward: {normalise: none}\nrubric: r\ncriteria: [{id: a, text: t}]\n", "none", "reward"),
        ("rubric: r\ncriteria: [{id: a, text: t}]\n", "positive", "reward"),
        ("{}\n", "positive", "reward"),
        ("reward:\n", "positive", "reward"),
    ],
)
def test_a_way_to_a_reward(tmp_path: Path, text: str, normalise: str, clip: str) -> None:
    """Alone, under its key, or in a rubric."""
    path = tmp_path / "reward.yaml"
    path.write_text(text)
    assert (load_reward(path).normalise, load_reward(path).clip) == (normalise, clip)


def tree(depth: int, fan: int, name: str = "n") -> list[Data]:
    """Return a tree of criteria as plain data."""
    names = [f"{name}{n}" for n in range(fan)]
    if depth == 1:
        return [{"id": each, "text": f"Does {each}."} for each in names]
    return [{"id": each, "criteria": tree(depth - 1, fan, each)} for each in names]


def test_a_tree_of_a_thousand_leaves(tmp_path: Path) -> None:
    """Six levels, as in PaperBench: loads, has a digest, and goes through a line of a bank."""
    data = {"rubric": "paper", "criteria": tree(5, 4) + tree(6, 2, "m")}
    path = tmp_path / "paper.yaml"
    path.write_text(yaml.safe_dump(data))
    found = load_rubric(path)
    assert len(found.leaves) == 1024 + 64
    line = to_line(BankRubric(id="paper", rubric=found))
    assert parse(line.rstrip(b"\n"), BankRubric, "bank:1").rubric.digest() == found.digest()
    changed: Any = orjson.loads(orjson.dumps(data))
    changed["criteria"][3]["criteria"][3]["criteria"][3]["criteria"][3]["criteria"][3]["text"] = "Does not."
    assert Rubric.model_validate_json(orjson.dumps(changed)).digest() != found.digest()
