"""Lines of any shape with an id and a score, what is wrong with some, and what has changed since before."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RlraError
from stages.select_data import Findings, measured, select_data
from stages.selection.contamination import Contamination
from stages.selection.decisions import Given
from stages.selection.entry import Entry
from stages.selection.rows import NAN, Row, Rows
from stages.selection.scored_lines import ScoredLines
from stages.selection.since import since
from stages.selection.spec import SelectDataSpec


def decided(lines: list[Any], given: Given | None = None, **spec: Any) -> dict[str, tuple[str, dict[str, Any]] | None]:
    """Return why each line was dropped, and by which numbers; None where it stays."""
    asked = SelectDataSpec(**{"score_field": "s", **spec})
    reader = ScoredLines(asked)
    read = lambda: (Entry("in", n, orjson.dumps(line)) for n, line in enumerate(lines, 1))  # noqa: E731
    ids = [reader.row(entry).id for entry in read()]
    drops = [drop and (drop.reason, drop.numbers) for _, drop in select_data(read, reader, asked, given)]
    return dict(zip(ids, drops, strict=True))


def dropped(lines: list[Any], given: Given | None = None, **spec: Any) -> dict[str, str]:
    """Return the reason of each line that does not stay."""
    return {name: drop[0] for name, drop in decided(lines, given, **spec).items() if drop}


def test_a_verdict_of_true_or_false_is_a_score() -> None:
    """It is 1 or 0, by itself as in a list, and no group of one."""
    lines = [{"id": "yes", "s": True}, {"id": "no", "s": False}]
    assert dropped(lines, keep="0.5:") == {"no": "too_hard"}


def test_a_score_may_be_a_number_a_list_or_nothing() -> None:
    """A number is its own mean and says nothing of a spread; of a list nulls are failures; null is one too."""
    scores = (0.5, 1, [0, 1], [0.5, 0.5], [1, None], None, [None, None], [], [True, False])
    lines = [{"id": n, "s": score} for n, score in enumerate(scores)]
    assert dropped(lines) == {
        "3": "no_spread",
        "4": "judge_failed",
        "5": "judge_failed",
        "6": "judge_failed",
        "7": "too_few_scored",
    }
    assert dropped(lines, min_scored=1, flat=True, keep="0.9:") == {
        "0": "too_hard",
        "2": "too_hard",
        "3": "too_hard",
        "5": "judge_failed",
        "6": "judge_failed",
        "7": "too_few_scored",
        "8": "too_hard",
    }
    assert dropped(lines[:3], statistic="pass_rate", keep="1:1") == {"0": "too_hard", "2": "too_hard"}
    assert dropped(lines[:3], statistic="spread") == {"0": "not_measured", "1": "not_measured"}
    assert decided(lines[:1], keep="0.6:")["0"] == ("too_hard", {"mean": 0.5, "low": 0.6, "high": None})


def test_fields_lie_where_the_user_says() -> None:
    """Dots lead into objects; an id may be a whole number."""
    lines = [{"about": {"name": 7, "pool": "x"}, "out": {"r": 0.2}}, {"about": {"name": "7b"}, "out": {"r": 0.8}}]
    spec = {"score_field": "out.r", "id_field": "about.name", "by": "about.pool", "keep_pool": ("x=0:0.1",)}
    assert dropped(lines, **spec) == {"7": "too_easy"}


@pytest.mark.parametrize(
    ("line", "spec", "said"),
    [
        ({"id": "b", "s": "0.5"}, {}, "in:2: s: a number or null is needed, found str"),
        ({"id": "b", "s": [0, {}]}, {}, r"in:2: s\[1\]: a number or null is needed, found dict"),
        ({"id": "b", "S": 0.5}, {}, "in:2: s: there is no such field"),
        ({"id": "b", "s": 0.5}, {"score_field": "s.t"}, "in:1: s.t: there is no such field"),
        ({"s": 0.5}, {}, "in:2: id: an id is needed"),
        ({"id": "", "s": 0.5}, {}, "in:2: id: an id is needed"),
        ({"id": True, "s": 0.5}, {}, "in:2: id: an id is needed"),
        ({"id": 1.5, "s": 0.5}, {}, "in:2: id: an id is needed"),
        ({"id": "a", "s": 0.5}, {}, "in:2: id: 'a' stands on an earlier line too"),
        ({"id": "b", "s": 0.5}, {"longest_prompt": 9}, "in:2: prompt: a prompt is needed"),
        ({"id": "b", "s": 0.5, "prompt": 3}, {"near_duplicates": 0.8}, "in:2: prompt: a prompt is needed"),
        ([], {}, "in:2: a JSON object is needed, found list"),
    ],
)
def test_a_line_that_does_not_hold(line: Any, spec: dict[str, Any], said: str) -> None:
    """File, line and field are named."""
    asked = SelectDataSpec(**{"score_field": "s", **spec})
    lines = [{"id": "a", "s": 0.5, "prompt": "Hi"}, line]
    read = lambda: (Entry("in", n, orjson.dumps(one)) for n, one in enumerate(lines, 1))  # noqa: E731
    with pytest.raises(RlraError, match=rf"^{said}"):
        list(select_data(read, ScoredLines(asked), asked))


def test_equal_keys_of_different_ids_are_no_repetition() -> None:
    """Ids are compared themselves: a collision of their digests is none of the ids."""
    rows = Rows([Row(name, "", "", *([NAN] * 7), 0) for name in ("a", "b", "c", "b")])
    rows["key"][:] = 5
    assert rows.repeated() == 3
    assert [rows.id(place) for place in range(4)] == ["a", "b", "c", "b"]
    other = Rows([Row(name, "", "", *([NAN] * 7), 0) for name in ("ä", "b\x00", "")])
    other["key"][:] = 5
    assert other.repeated() is None and other.id(1) == "b\x00"


PROMPTS = [
    "Write a short letter to a friend who moved to a town by the sea last spring.",
    "Write a short letter to a friend who moved to a town by the sea last summer.",
    "Schreibe einen kurzen Brief an eine Freundin, die im Frühling ans Meer gezogen ist.",
    "Explain how a steam engine turns heat into motion, step by step, to a child of nine.",
]


def test_what_prompts_say_comes_last() -> None:
    """The cheap predicates first; of two alike the one stays that nothing else drops; numbers tell why."""
    lines = [{"id": str(n), "s": 0.5, "prompt": text} for n, text in enumerate(PROMPTS)]
    given = Given(evaluation=Contamination([PROMPTS[3]], 13))
    found = decided(lines, given, near_duplicates=0.6, language=("en",))
    assert {name: drop and drop[0] for name, drop in found.items()} == {
        "0": None,
        "1": "near_duplicate",
        "2": "other_language",
        "3": "contaminated",
    }
    assert found["1"] and found["1"][1]["like"] == "0" and found["1"][1]["similarity"] >= 0.6
    assert found["2"] and found["2"][1] == {"language": "de"}
    assert found["3"] and len(found["3"][1]["words"].split()) == 13
    lines[0]["s"] = 2.0
    assert dropped(lines, near_duplicates=0.6, keep="0:1") == {"0": "too_easy"}


def test_a_prompt_may_be_messages() -> None:
    """Under its own name or as `messages`; the user's turns count, and no system prompt."""
    turns = [{"role": "system", "content": "x" * 99}, *({"role": "user", "content": text} for text in PROMPTS[:2])]
    length = len(PROMPTS[0]) + len(PROMPTS[1]) + 1
    for name in ("prompt", "messages"):
        assert not dropped([{"id": "a", "s": 0.5, name: turns}], longest_prompt=length)
        assert dropped([{"id": "a", "s": 0.5, name: turns}], longest_prompt=length - 1) == {"a": "too_long"}


def rows_of(lines: list[Any], **spec: Any) -> Rows:
    """Return lines as measured rows."""
    asked = SelectDataSpec(score_field="s", **spec)
    read = lambda: (Entry("old", n, orjson.dumps(line)) for n, line in enumerate(lines, 1))  # noqa: E731
    return measured(read, ScoredLines(asked), asked)


def test_what_has_changed_since() -> None:
    """Counted against today's band: out on either side, in, without spread, new and missing."""
    before = {"a": [0.4, 0.6], "b": [0.4, 0.6], "c": [0.4, 0.6], "d": [0, 0.2], "e": [0.4, 0.6], "f": [0.4, 0.6]}
    after = {"a": [0.8, 1], "b": [0, 0.1], "c": [0.5, 0.5], "d": [0.3, 0.7], "e": [0.3, 0.5], "g": [0.5, 0.6]}
    spec = SelectDataSpec(score_field="s", keep="0.2:0.8")
    found = Findings(spec)
    old = rows_of([{"id": name, "s": score} for name, score in before.items()])
    lines = [{"id": name, "s": score} for name, score in after.items()]
    read = lambda: (Entry("in", n, orjson.dumps(line)) for n, line in enumerate(lines, 1))  # noqa: E731
    list(select_data(read, ScoredLines(spec), spec, Given(previous=old), found))
    expected = {"too_easy": 1, "too_hard": 1, "no_spread": 1, "into_the_band": 1, "new": 1, "missing": 1}
    assert found.figures()["since"] == {"both": 5, **expected}


scores = st.none() | st.floats(0, 1) | st.lists(st.none() | st.floats(0, 1), max_size=3)


@settings(deadline=None)
@given(
    st.dictionaries(st.text(min_size=1).filter(lambda s: s.isprintable()), scores, max_size=12),
    st.sampled_from(["", "pool"]),
    st.booleans(),
    st.integers(0, 5),
    st.sampled_from(["middle", "random"]),
    st.sampled_from(["", "kind"]),
)
def test_every_line_is_decided_once(
    given_scores: dict[str, Any], by: str, quantile: bool, budget: int, choose: str, balance: str
) -> None:
    """In order, within budget, the funnel adding up, and the same under the same seed."""
    spec = SelectDataSpec.model_validate(
        {
            "score_field": "s",
            "keep": "0.2:0.8",
            "by": by,
            "quantile": quantile,
            "budget": budget,
            "choose": choose if budget else "middle",
            "balance": balance if budget else "",
        }
    )
    lines = [
        {"id": name, "s": score, "pool": n % 3, "kind": n % 2} for n, (name, score) in enumerate(given_scores.items())
    ]
    read = lambda: (Entry("in", n, orjson.dumps(line)) for n, line in enumerate(lines, 1))  # noqa: E731
    runs = []
    for _ in range(2):
        found = Findings(spec)
        runs.append([(e.line, d and d.reason) for e, d in select_data(read, ScoredLines(spec), spec, found=found)])
    assert runs[0] == runs[1]
    assert [line for line, _ in runs[0]] == [orjson.dumps(line) for line in lines]
    kept = sum(reason is None for _, reason in runs[0])
    assert not budget or kept <= budget
    funnel = found.figures()["funnel"]
    assert (funnel["in"], funnel["out"], sum(funnel["dropped"].values())) == (len(lines), kept, len(lines) - kept)
    assert since(_decisions(read, spec), measured(read, ScoredLines(spec), spec))["both"] == len(lines)


def _decisions(read: Any, spec: SelectDataSpec) -> Any:
    from stages.selection.decisions import decide

    return decide(measured(read, ScoredLines(spec), spec), spec, lambda which: iter(()), Given())


def test_rows_are_small() -> None:
    """Memory is some 70 bytes a row and the id, whatever the line's length."""
    rows = Rows(Row(f"prompt-{n:07d}", "x", "", 0.5, *([NAN] * 6), 0) for n in range(1000))
    assert rows["key"].dtype == np.uint64
    assert sum(rows[name].itemsize for name in rows["key"].dtype.names or ()) == 0
    assert rows._table.nbytes / len(rows) <= 72
