"""Each format of rows: what maps to what, both of its variants, and everything else carried along."""

from typing import Any

import pytest

from schemas.errors import RlraError
from schemas.exchange import FORMATS, format_named, guessed
from schemas.jsonl import to_data
from tests.exchange_files import read, record, rows, rubric, text
from tests.schemas.exchange_rows import (
    AUTORUBRIC,
    BANDS,
    HEALTHBENCH,
    HEARTBENCH,
    IFBENCH,
    IFEVAL,
    OUMI,
    RAR,
    ROWS,
    TURNS,
    WRITINGBENCH,
)

every_row = pytest.mark.parametrize("form", ROWS)


@every_row
def test_a_row_comes_back(form: str) -> None:
    """Import and export give every field of a row as it was."""
    assert rows([record(ROWS[form], form)], form) == [ROWS[form]]


@every_row
@pytest.mark.parametrize("name", ["file.jsonl", "file.json", "file.yaml", "file.yml.gz"])
def test_a_row_may_be_written_in_any_way(form: str, name: str) -> None:
    """JSON lines, a JSON document and YAML hold the same record."""
    made = record(ROWS[form], form)
    ((_, back),) = read(text([made], form, name), form, name)
    assert to_data(back) == to_data(made)


@every_row
def test_a_rubric_alone_becomes_one_of_a_bank(form: str) -> None:
    """Without a prompt a row is a rubric, and comes back too."""
    prompts = ("prompt", "question", "query", "dialogue")
    alone = {key: value for key, value in ROWS[form].items() if key not in prompts}
    made = record(alone, form)
    assert to_data(made)["schema"] == "rubric/1"
    assert made.rubric.scope == "dataset"
    assert rows([made], form) == [alone]


@every_row
def test_a_row_without_an_id_gets_one(form: str) -> None:
    """A digest of the prompt, numbered where it repeats, as elsewhere; a rubric alone is called as its file is."""
    bare = {
        key: value for key, value in ROWS[form].items() if key not in ("id", "key", "index", "prompt_id", "question_id")
    }
    first, second = (made.id for _, made in read([bare, bare], form))
    assert second == f"{first}-2"
    assert len(first) == 16


@every_row
def test_every_row_looks_like_its_format(form: str) -> None:
    """What a file is can be guessed from its first entry."""
    found = guessed(ROWS[form])
    assert found and found.name == form


def test_healthbench() -> None:
    """Points are weights, tags tags, the ideal answer the reference."""
    made = record(HEALTHBENCH, "healthbench")
    assert [(c.id, c.weight, c.tags) for c in made.rubric.criteria] == [("c1", 5, ("axis:context",)), ("c2", -7, ())]
    assert made.reference == "Do you have a fever?"
    assert made.meta["canary"] == "c"
    assert (made.rubric.source, made.rubric.scope) == ("healthbench", "instance")
    assert made.rubric.reward.clip == "mean"


def test_rubrics_as_rewards() -> None:
    """Titles become ids, repeated ones numbered; numbers are weights, and the reference answer is one."""
    made = record(RAR, "rar")
    assert [(c.id, c.weight) for c in made.rubric.criteria] == [
        ("Right-scan", 5), ("Wrong-scan", -2), ("Right-scan-2", 2.5)]  # fmt: skip
    assert made.reference == "The first."
    assert made.meta == {"question_source": "s", "rubric_count": 3}


@pytest.mark.parametrize(
    ("item", "importance", "weight"),
    [
        ({"weight": "Essential"}, "essential", 1.0),
        ({"importance": "Pitfall"}, "pitfall", 0.9),
        ({"label": "optional", "weight": 0.3}, "optional", 0.3),
        ({"category": "Important", "weight": 4}, None, 4.0),
        ({"description": "Important Criteria: it is."}, "important", 0.7),
    ],
)
def test_labels_are_weights(item: dict[str, Any], importance: str | None, weight: float) -> None:
    """A label may stand in several places; beside another number the number counts."""
    row = {"question": "Q", "rubric": [{"title": "t", "description": "d", **item}]}
    (leaf,) = rubric(row, "rar").criteria
    assert (leaf.importance, leaf.weight) == (importance, weight)
    (again,) = rubric(rows([record(row, "rar")], "rar")[0], "rar").criteria
    assert again == leaf


def test_oumi() -> None:
    """A system prompt is a turn of its own."""
    made = record(OUMI, "oumi")
    assert [turn.role for turn in made.messages] == ["system", "user"]
    assert made.meta == {"metadata": {"a": [1, None]}}
    assert made.rubric.criteria[0].meta == {"evaluation_type": "binary"}
    assert rows([made], "rar")[0]["rubric"][0]["title"] == "right"


def test_writingbench() -> None:
    """A band is a tier, worth its middle; the name stays, whatever the id makes of it."""
    made = record(WRITINGBENCH, "writingbench")
    (leaf,) = made.rubric.criteria
    assert (leaf.id, leaf.meta) == ("Tone-Voice", {"name": "Tone & Voice"})
    assert [tier.score for tier in leaf.tiers] == [1.5, 3.5, 5.5, 7.5, 9.5]
    assert [tier.text for tier in leaf.tiers] == list(BANDS.values())
    assert made.id == "7"
    assert made.meta == {"index": 7, "domain1": "D"}
    odd = {**WRITINGBENCH, "checklist": [{"name": "n", "criteria_description": "d", "6-10": "b", "0-5": "a"}]}
    assert [t.score for t in rubric(odd, "writingbench").criteria[0].tiers] == [2.5, 8]
    assert rows([record(odd, "writingbench")], "writingbench") == [odd]


def test_heartbench() -> None:
    """Dimensions are groups, a null score a veto; A is the user; the file's order is kept."""
    made = record(HEARTBENCH, "heartbench")
    assert [turn.role for turn in made.messages] == ["user", "assistant", "user"]
    ear, eye, veto = made.rubric.criteria
    assert [leaf.id for leaf in ear.criteria] == ["ear-1", "ear-2"]
    assert [leaf.weight for leaf in (*ear.criteria, *eye.criteria)] == [3, -2, 1.5]
    assert (veto.id, veto.veto, veto.meta) == ("其他-1", "if_met", {"dimension": "其他"})
    assert made.rubric.meta == {"order": ["ear-1", "其他-1", "eye-1", "ear-2"]}


def test_a_points_veto_of_heartbench() -> None:
    """In the dimension outside the mean, points above 0 are a veto too, and come back."""
    row = {**HEARTBENCH, "rubric": [*HEARTBENCH["rubric"][:1], {"dimension": "其他", "score": 4, "content": "Quits."}]}
    made = record(row, "heartbench")
    assert made.rubric.leaves[-1].veto == "if_met"
    assert rows([made], "heartbench") == [row]


def test_autorubric() -> None:
    """Options are tiers; one that is not applicable lets the judge abstain; the file's order and doubles come back."""
    clear = rubric(AUTORUBRIC, "autorubric").criteria[1]
    assert [(t.score, t.text) for t in clear.tiers] == [(0, "Not"), (0.5, "Half"), (1, "Very")]
    assert clear.abstain is None
    options = [
        {"label": "n/a", "value": 0.0, "na": True},
        {"label": "Yes", "value": 1.0, "na": False},
        {"label": "No", "value": 0.0, "na": False},
        {"label": "Never", "value": 0.0, "na": False},
    ]
    row = {"id": "a", "rubric": [{"name": "n", "weight": 10, "requirement": "r", "options": options}]}
    (leaf,) = rubric(row, "autorubric").criteria
    assert leaf.abstain == "allowed"
    assert [(t.score, t.text) for t in leaf.tiers] == [(0, "No / Never"), (1, "Yes")]
    assert rows([record(row, "autorubric")], "autorubric") == [row]


@pytest.mark.parametrize(
    "document",
    [
        [{"requirement": "r"}, {"requirement": "s", "weight": 2}],
        {"criteria": [{"requirement": "r"}, {"requirement": "s", "weight": 2}]},
        {"sections": [{"criteria": [{"requirement": "r"}]}, {"criteria": [{"requirement": "s", "weight": 2}]}]},
        {"rubric": {"criteria": [{"requirement": "r"}, {"requirement": "s", "weight": 2}]}},
    ],
    ids=["list", "criteria", "sections", "rubric"],
)
def test_forms_of_autorubric(document: Any) -> None:
    """A rubric is a list, of criteria or of sections, by itself or under a name; a weight is 10 unless it is said."""
    ((_, made),) = read(text_of_json(document), "autorubric", "kind.json")
    assert made.id == "kind"
    assert made.rubric and [(c.id, c.text, c.weight) for c in made.rubric.criteria] == [("c1", "r", 10), ("c2", "s", 2)]


def test_a_data_set_of_autorubric() -> None:
    """Items with prompts or rubrics of their own are tasks of their own; otherwise items ride along."""
    shared = {"name": "set", "prompt": "P", "rubric": [{"requirement": "r"}], "items": [{"submission": "x"}]}
    ((_, one),) = read(text_of_json(shared), "autorubric", "set.json")
    assert to_data(one)["meta"]["items"] == [{"submission": "x"}]
    own = {
        **shared,
        "items": [{"submission": "x", "prompt": "Q"}, {"submission": "y", "rubric": [{"requirement": "s"}]}],
    }
    first, second = (made for _, made in read(text_of_json(own), "autorubric", "set.json"))
    assert [to_data(made)["messages"][0]["content"] for made in (first, second)] == ["Q", "P"]
    assert first.rubric and second.rubric
    assert [made.rubric.criteria[0].text for made in (first, second)] == ["r", "s"]
    assert to_data(second)["meta"] == {"data_set": "set", "submission": "y"}


def text_of_json(document: Any) -> bytes:
    """Return a document over several lines."""
    import json

    return json.dumps(document, indent=1).encode()


def test_ifeval() -> None:
    """An instruction is a check of its name; arguments that are null are none, and 5.0 is 5."""
    made = record(IFEVAL, "ifeval")
    assert made.id == "12"
    assert made.meta == {"key": 12}
    assert [c.id for c in made.rubric.criteria] == [
        "punctuation:no_comma", "keywords:frequency", "keywords:frequency-2"]  # fmt: skip
    assert made.rubric.criteria[1].check == {"keywords:frequency": IFEVAL["kwargs"][1]}  # type: ignore[index]
    assert (made.rubric.kind, made.rubric.reward.aggregate) == ("hard", "all")
    padded = {**IFBENCH, "kwargs": [{"N": 5.0, "keyword": None}]}
    assert rubric(padded, "ifbench").criteria[0].check == {"count:numbers": {"N": 5}}


def test_loose_reading() -> None:
    """It is put into every check, and taken out again on export."""
    ((_, made),) = read([IFEVAL], "ifeval", reading="loose")
    assert made.rubric and all(
        next(iter(c.check.values()))["reading"] == "loose" for c in made.rubric.leaves if c.check
    )
    assert rows([made], "ifeval") == [IFEVAL]


def test_weight_zero_is_kept_aside() -> None:
    """Ours may not have it; it is said, and comes back in its place."""
    items = [
        {"criterion": name, "points": worth, "tags": []} for name, worth in (("a", 0), ("b", 2), ("c", 0), ("d", 1))
    ]
    ((entry, made),) = read([{"prompt_id": "p", "prompt": TURNS, "rubrics": items}], "healthbench")
    assert made.rubric and [c.id for c in made.rubric.criteria] == ["c2", "c4"]
    assert [(loss.kind, loss.changes) for loss in entry.losses] == [("weight", False)] * 2
    assert rows([made], "healthbench")[0]["rubrics"] == items


def test_names_that_others_gave() -> None:
    """A name is an id where the format has none; a second name stays under another word."""
    item = {"criterion": "c", "points": 1, "tags": [], "name": "My item"}
    (leaf,) = rubric({"prompt_id": "p", "rubrics": [item]}, "healthbench").criteria
    assert (leaf.id, leaf.meta) == ("My-item", {"name": "My item"})
    both = {"title": "First", "name": "Second", "description": "d", "weight": 1}
    made = record({"question": "Q", "rubric": [both]}, "rar")
    assert (made.rubric.criteria[0].id, made.rubric.criteria[0].meta) == ("First", {"also_named": "Second"})
    assert rows([made], "rar")[0]["rubric"][0]["title"] == "First"


def test_the_table_of_formats() -> None:
    """Every format has its own name; an unknown one names the nearest and lists all."""
    assert list(FORMATS) == [form.name for form in FORMATS.values()]
    with pytest.raises(RlraError) as caught:
        format_named("heatbench", "--from")
    assert "heartbench" in str(caught.value.hint)
    assert all(name in str(caught.value.hint) for name in FORMATS)
