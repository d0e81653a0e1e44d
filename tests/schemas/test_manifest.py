"""Who made a file and how: recipes that can be compared, key by key."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.errors import RlraError
from schemas.manifest import Input, Manifest, Recipe, differing_keys, path_for, read_manifest, recipe_digest


def recipe(seed: int = 1, sha256: str = "s", **more: Any) -> Recipe:
    """Return a recipe."""
    inputs = {"input": Input(name="a.jsonl", sha256=sha256, records=3)}
    return Recipe(stage="judge", rlra="0.1", **{"spec": {"seed": seed, "model": None}, "inputs": inputs, **more})


@pytest.mark.parametrize(
    ("other", "keys"),
    [
        (recipe(), []),
        (recipe(seed=2), ["spec.seed"]),
        (recipe(sha256="t"), ["inputs.input.sha256"]),
        (recipe(spec={"seed": 1, "model": None, "new": 1}), ["spec.new"]),
        (recipe(spec={"seed": 1, "model": None, "new": None}), []),
        (recipe(inputs={}), ["inputs.input.name", "inputs.input.records", "inputs.input.sha256"]),
    ],
    ids=["same", "option", "input", "new option", "new option left alone", "fewer inputs"],
)
def test_recipes_differ_by_key(other: Recipe, keys: list[str]) -> None:
    """The keys that differ are named, dotted, in order."""
    found = differing_keys(recipe(), other)
    assert found == (["inputs.input"] if keys[:1] == ["inputs.input.name"] else keys)


def test_outputs_do_not_count() -> None:
    """What came out is no part of how it was made."""
    done = recipe().model_copy(update={"sha256": "x", "records": 9})
    assert differing_keys(recipe(), done) == []


def test_a_manifest_lies_beside_its_file(tmp_path: Path) -> None:
    """It is found by the file's name, read back as it was, and named by a digest that clocks do not reach."""
    artifact = tmp_path / "a.jsonl"
    assert recipe_digest(artifact) is None
    for seconds in (1.0, 2.0):
        whole = Manifest(recipe=recipe(), run={"seconds": seconds})
        path_for(artifact).write_text(whole.model_dump_json())
        assert read_manifest(tmp_path / "a.jsonl.manifest.json") == whole
        first = recipe_digest(artifact)
    assert first == recipe_digest(artifact)
    path_for(artifact).write_text(Manifest(recipe=recipe(seed=2), run={}).model_dump_json())
    assert recipe_digest(artifact) != first


@pytest.mark.parametrize("text", ["", "{}", '{"manifest": 1, "recipe": {}}', "not json"])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    """It is refused by name."""
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(RlraError, match=r"m\.json: not a readable manifest"):
        read_manifest(path)


WRONG = '{"recipe": {"stage": "judge", "rlra": "0", "spec": {}, "inputs": {}, "sha265": "s"}, "run": {}}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WRONG, "recipe.sha265: unknown field"),
        ('{"recipe": 1, "run": {}}', "recipe: Input should be"),
        ("not json", "not a readable manifest: Invalid JSON"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The field that is wrong, and what to do."""
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(RlraError) as caught:
        read_manifest(path)
    assert said in caught.value.message and "1 validation error" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("more", [{}, {"recipes": []}], ids=["known fields", "new fields"])
def test_a_manifest_of_a_newer_version(tmp_path: Path, more: dict[str, Any]) -> None:
    """It says that it is newer, and not that some field is wrong."""
    path = tmp_path / "m.json"
    path.write_bytes(
        orjson.dumps(
            {
                "manifest": 7,
                **orjson.loads(Manifest(recipe=recipe(), run={}).model_dump_json(exclude={"manifest"})),
                **more,
            }
        )
    )
    with pytest.raises(RlraError, match=r"m\.json: manifest: 7 is newer than 1, which this rlra reads") as caught:
        read_manifest(path)
    assert caught.value.hint == "upgrade rlra"
    path.write_bytes(path.read_bytes().replace(b"7", b"0"))
    with pytest.raises(RlraError, match="not a readable manifest: "):
        read_manifest(path)
