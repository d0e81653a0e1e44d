"""`rlra rubrics ablate`: one record for each ablation, a table for people, and nobody asked."""

from pathlib import Path
from typing import Any

import pytest

from schemas.jsonl import KINDS, Source, to_line
from tests.running import Done, Runner, lines, records
from tests.stages.test_ablation import GATED, PLAIN, judged, row, skipping

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart" / "ready" / "base.judged.jsonl"


@pytest.fixture
def ablate(run: Runner) -> Any:
    """Return a function that ablates three groups, in which `a` and `b` say the contrary of each other."""
    contrary = [row(PLAIN, 1.0, 0.0), row(PLAIN, 0.0, 1.0)]
    closed = skipping(GATED, [row(GATED, 1.0, 1.0, 1.0), row(GATED, 0.0, 1.0, 1.0)])
    groups = [judged("p", PLAIN, contrary), judged("q", PLAIN, contrary), judged("r", GATED, closed)]
    run.write("judged.jsonl", b"".join(map(to_line, groups)))

    def run_it(*more: str) -> Done:
        return run.inside("rubrics", "ablate", "judged.jsonl", *more)

    return run_it


def test_each_criterion_by_default(ablate: Any) -> None:
    done = ablate()
    assert done.code == 0
    assert [each["id"] for each in done.records] == [f"without:{name}" for name in ("a", "b", "gate", "inner", "other")]
    assert ablate("--each").out == done.out
    assert "left out" in done.err and "2 flip" in done.err and "kind" not in done.err


def test_a_set_by_ids_and_by_a_rubric_file(run: Runner, ablate: Any) -> None:
    """What a file holds is left out as a whole; where it was judged in other words, that is said."""
    run.write("set.yaml", "rubric: s\nkind: defence\ncriteria: [{id: a, text: t, veto: if_met}]\n")
    done = ablate("--without", "a", "--without", "gate", "--set", "mine=set.yaml", "-o", "out.jsonl")
    assert done.code == 0 and "other words" not in done.err
    mine, both = records(run.read("out.jsonl"))
    assert (mine["id"], mine["without"], mine["groups"]) == ("set:mine", ["a"], 2)
    assert (both["id"], both["groups"], both["lost"]) == ("without:a,gate", 3, 1)
    assert "1 responses have no reward without it" in done.err
    run.write("set.yaml", "rubric: s\ncriteria: [{id: a, text: something else}]\n")
    assert "set:mine: 'a' was judged in other words than the file has now" in ablate("--set", "mine=set.yaml").err
    assert run.inside("validate", "out.jsonl").err == "✓ out.jsonl: 2 lines of ablation/1, manifest matches\n"


def test_a_criterion_that_is_named_is_not_left_out_twice(ablate: Any) -> None:
    """`--each` beside `--without ID` has one record for it, of the same figures as without the other option."""
    both = ablate("--each", "--without", "a")
    assert both.code == 0, both.err
    assert [each["id"] for each in both.records] == [f"without:{name}" for name in ("a", "b", "gate", "inner", "other")]
    assert both.out == ablate("--each").out


def test_a_name_that_no_rubric_has_is_refused_beside_one_that_it_has(ablate: Any) -> None:
    """A typing error must not be reported as left out."""
    done = ablate("--without", "a", "--without", "innner")
    assert (done.code, done.out) == (1, b"")
    assert "no judged rubric has any of innner" in done.err and "inner" in done.err.partition("hint")[2]


def test_labels_of_whole_responses(run: Runner, ablate: Any) -> None:
    """People who side with `a`: without it every pair is wrong."""
    run.write("labels.csv", "id,response,label\np,0,1\np,1,0\nq,0,3\nq,1,2\n")
    done = ablate("--without", "a", "--labels", "labels.csv")
    (record,) = done.records
    right = record["labels"][0]
    assert (right["name"], right["before"], right["after"], right["groups"]) == ("pairs_right", 1.0, 0.0, 2)
    assert "pairs right" in done.err and "1.000 → 0.000" in done.err
    run.write("labels.csv", "id,response,criterion,label\np,0,a,met\n")
    assert "labels are of criteria alone" in ablate("--labels", "labels.csv").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--without", "bb"), "no judged rubric has any of bb"),
        (("--set", "x"), "--set: 'x' is no new NAME=FILE"),
        (("--set", "x=nowhere.yaml"), "nowhere.yaml: no such file"),
        (("--labels", "judged.jsonl", "--level", "2"), "--level"),
    ],
)
def test_what_cannot_be_asked_is_one_line(ablate: Any, words: tuple[str, ...], said: str) -> None:
    done = ablate(*words)
    assert done.code == 1 and said in done.err and not done.out


def test_lines_that_are_not_judged_are_refused(run: Runner) -> None:
    run.write("x.jsonl", lines({"schema": "task/1", "id": "a", "messages": [{"role": "user", "content": "Hi"}]}))
    done = run.inside("rubrics", "ablate", "x.jsonl")
    assert done.code == 1 and "this is a task line, and judged is needed" in done.err


def test_two_runs_are_alike_to_the_byte(run: Runner, ablate: Any) -> None:
    ablate("-o", "one.jsonl")
    ablate("-o", "two.jsonl")
    assert run.read("one.jsonl") == run.read("two.jsonl")


def test_on_real_verdicts(run: Runner) -> None:
    """Of the quickstart's base model: `on_topic` alone tells a fifth of the groups' responses apart."""
    done = run.inside("rubrics", "ablate", str(QUICKSTART), "-o", "out.jsonl")
    assert done.code == 0
    found = {record.id: record for record in Source(str(run.folder / "out.jsonl")).read(KINDS["ablation"])}
    topic: Any = found["without:on_topic"]
    assert (topic.groups, topic.responses, topic.lost) == (100, 400, 0)
    none = next(each for each in topic.effects if each.name == "no_spread")
    assert (none.before, none.after) == (0.03, 0.22)
    assert topic.ranking.tau == pytest.approx(0.61999, abs=1e-4)
