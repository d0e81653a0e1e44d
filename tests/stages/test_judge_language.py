"""What the rubric language asks of the judge: abstentions, Python, whom a rubric is for, many criteria."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from werkzeug import Response as Reply

from schemas.errors import RlraError
from schemas.jsonl import parse, to_line
from schemas.judged import Judged
from schemas.rubric import Rubric
from stages.judge import JudgeSpec, judge
from tests.random_rubrics import Data, read
from tests.stages import named_criteria
from tests.stages.judge_server import error, serving
from tests.stages.judging import asked, group, model, rewards, saying, statuses
from tests.stages.named_criteria import leaf, named, rubric

impatient = named_criteria.impatient


def test_an_abstention_needs_leave() -> None:
    """Where it is allowed it leaves the sum for the whole group; where it is not, the answer cannot be read."""
    found = rubric(leaf("a", abstain="allowed"), leaf("b", abstain="allowed"))
    with serving(saying(named)) as server:
        (done,) = judge([group("p", "perhaps a", "no b", rubric=found)], JudgeSpec(), model(server))
        assert rewards(done) == [1.0, 0.0]
        assert "  Answers: not met, met, cannot tell" in server.payloads[0]["messages"][0]["content"]
        (strict,) = judge([group("p", "perhaps a", rubric=rubric(leaf("a")))], JudgeSpec(attempts=2), model(server))
        assert "cannot tell" not in server.payloads[-1]["messages"][0]["content"].partition("The criteria:")[2]
    assert strict.responses[0].verdicts[0].status == "failed"
    assert "only these are allowed: not met, met" in strict.responses[0].verdicts[0].reason


SOURCES = {
    "met": "True",
    "not met": "False",
    "graded": "0.25",
    "undecided": "None",
    "reads the task": "response == task['meta']['wanted'] and task['prompt'].startswith('Prompt')",
    "gives a reason": "{'score': 0.5, 'reason': 'half of it'}",
    "divides by nothing": "1 / 0",
    "says nonsense": "'yes'",
    "never ends": "[None for n in range(10 ** 12)]",
    "reaches out": "open('/etc/hostname').read()",
    "odd letters": "1 / int(chr(0xd800))",
}


@pytest.mark.parametrize(
    ("name", "status", "score"),
    [
        ("met", "scored", 1.0),
        ("not met", "scored", 0.0),
        ("graded", "scored", 0.25),
        ("undecided", "abstained", None),
        ("reads the task", "scored", 1.0),
        ("gives a reason", "scored", 0.5),
        ("divides by nothing", "failed", None),
        ("says nonsense", "failed", None),
        ("never ends", "failed", None),
        ("reaches out", "failed", None),
        ("odd letters", "failed", None),
    ],
)
def test_a_criterion_in_python(name: str, status: str, score: float | None) -> None:
    """A verdict, an abstention, or a failure with its reason; the stage goes on, and the line can be written."""
    source = f"def score(response, task):\n    return {SOURCES[name]}\n"
    found = rubric({"id": "own", "python": source}, {"id": "c", "check": {"word_count": {"at_least": 1}}})
    (done,) = judge([group("p", "this", rubric=found, meta={"wanted": "this"})], JudgeSpec(), None)
    verdict = done.responses[0].verdicts[0]
    assert (verdict.status, verdict.score, verdict.judge) == (status, score, "check")
    assert verdict.reason
    assert rewards(done) == [None if status == "failed" else 1.0 if score is None else (score + 1) / 2]
    assert to_line(parse(to_line(done).rstrip(), Judged, "here")) == to_line(done)


def test_python_that_cannot_run_is_said_before_anyone_is_asked() -> None:
    """With the name of the criterion."""
    found = rubric(leaf("a"), {"id": "own", "python": "def score(response): return True"})
    with serving(saying(named)) as server:
        with pytest.raises(RlraError, match="criterion 'own': python: score must take two arguments"):
            list(judge([group("p", "x", rubric=found)], JudgeSpec(), model(server)))
        assert server.calls == 0


def test_a_rubric_is_for_the_lines_that_it_says() -> None:
    """Each line is judged by those of the given rubrics that are for it."""
    sales = read({"rubric": "sales", "criteria": [leaf("s")], "applies_to": {"meta.topic": ["sales", "shop"]}})
    help_ = read({"rubric": "help", "criteria": [leaf("h")], "applies_to": {"meta.topic": "help"}})
    every = read({"rubric": "every", "criteria": [leaf("e")]})
    lines = [group(name, "x", meta={"topic": name}) for name in ("sales", "shop", "help", "other")]
    with serving(saying(named)) as server:
        done = list(judge(lines, JudgeSpec(), model(server), [sales, every, help_]))
        assert [list(statuses(each)[0]) for each in done] == [["s", "e"], ["s", "e"], ["e", "h"], ["e"]]
        with pytest.raises(RlraError, match="other: none of the rubrics applies to this line"):
            list(judge(lines, JudgeSpec(), model(server), [sales, help_]))
        own = [line.model_copy(update={"rubric": every}) for line in lines]
        added = list(judge(own, JudgeSpec(), model(server), [sales, help_], add=True))
    assert [list(statuses(each)[0]) for each in added] == [["e", "s"], ["e", "s"], ["e", "h"], ["e"]]


def test_many_criteria_are_asked_some_at_a_time() -> None:
    """In order; how many at a time is nobody's business, so that a stored verdict is kept."""
    found = rubric(*(leaf(f"c{n}") for n in range(7)))
    with serving(saying(named)) as server:
        (done,) = judge([group("p", "no c4", rubric=found)], JudgeSpec(criteria_per_call=3), model(server))
        assert [ids for _, ids in asked(server)] == [("c0", "c1", "c2"), ("c3", "c4", "c5"), ("c6",)]
        counts: Counter[str] = Counter()
        again = list(judge([done], JudgeSpec(criteria_per_call=2), model(server), counts=counts))
        assert (again, counts) == ([done], {"reused": 7})
    assert rewards(done) == [pytest.approx(6 / 7)]


def test_one_call_that_fails_fails_its_criteria_alone() -> None:
    """The others keep their verdicts, and only the failed ones are asked again."""
    found = rubric(*(leaf(f"c{n}") for n in range(4)))

    def reply(payload: dict[str, Any], number: int) -> Reply:
        return error(503) if "Criterion c0" in payload["messages"][0]["content"] else saying(named)(payload, number)

    with serving(reply) as server:
        (done,) = judge([group("p", "x", rubric=found)], JudgeSpec(criteria_per_call=2), model(server))
        assert list(statuses(done)[0].values()) == ["failed", "failed", "scored", "scored"]
        server.reply = saying(named)
        before = server.calls
        (again,) = judge([done], JudgeSpec(criteria_per_call=2), model(server))
        assert server.calls == before + 1
    assert (rewards(done), rewards(again)) == ([None], [1.0])


def test_other_scores_for_the_same_tiers_cost_no_call() -> None:
    """The choice of the judge stays, and is worth what the tier is worth today."""

    def tiered(*scores: float) -> Rubric:
        words = ("Cold.", "Polite.", "Warm.")
        return rubric(leaf("a", tiers=[{"score": s, "text": t} for s, t in zip(scores, words, strict=True)]))

    with serving(saying(lambda name, text: "1")) as server:
        (first,) = judge([group("p", "x", rubric=tiered(0, 1, 4))], JudgeSpec(), model(server))
        (second,) = judge([first], JudgeSpec(), model(server), [tiered(0, 3, 4)])
        assert server.calls == 1
    assert (rewards(first), rewards(second)) == ([0.25], [0.75])
    assert [v.score for done in (first, second) for v in done.responses[0].verdicts] == [1, 3]


def tree(depth: int, fan: int, name: str = "n") -> list[Data]:
    """Return a tree of criteria with weights 1, 2, 3, …, in which every group begins with a gate."""
    names = [f"{name}{n}" for n in range(fan)]
    if depth == 1:
        return [leaf(each, weight=n + 1) for n, each in enumerate(names)]
    groups = [(each, [leaf(f"{each}.go", gate="unless_met"), *tree(depth - 1, fan, each)]) for each in names]
    return [{"id": each, "weight": n + 1, "criteria": inside} for n, (each, inside) in enumerate(groups)]


def mean(found: Sequence[Data], met: Mapping[str, bool]) -> float:
    """Return the recursive weighted mean; a group whose gate is not met is worth 0."""
    if any("gate" in c and not met[c["id"]] for c in found):
        return 0.0
    weighed = [c for c in found if "gate" not in c]
    values = [mean(c["criteria"], met) if "criteria" in c else float(met[c["id"]]) for c in weighed]
    return sum(c["weight"] * v for c, v in zip(weighed, values, strict=True)) / sum(c["weight"] for c in weighed)


def asks(found: Sequence[Data], met: Mapping[str, bool], gates: int = 0) -> Counter[int]:
    """Return how many criteria there are to ask about in each round, when closed gates save what they guard."""
    own = [c for c in found if "gate" in c]
    counts = Counter({gates: len(own)})
    if all(met[c["id"]] for c in own):
        below = gates + bool(own)
        for c in found:
            counts += asks(c["criteria"], met, below) if "criteria" in c else Counter({below: "gate" not in c})
    return counts


def test_a_tree_of_a_thousand_leaves_is_judged() -> None:
    """Six levels, as in PaperBench: the reward is the recursive weighted mean, and closed gates save calls."""
    plain = tree(6, 3) + tree(4, 4, "m")
    found = rubric(*plain)
    ids = [each.id for each in found.leaves]
    assert len([each for each in found.leaves if each.is_weighed]) == 729 + 256
    draw = np.random.default_rng(5)
    drawn = {text: (draw.random(len(ids)) < share).tolist() for text, share in (("good", 0.95), ("bad", 0.6))}
    met = {text: dict(zip(ids, each, strict=True)) for text, each in drawn.items()}
    with serving(saying(lambda name, text: "met" if met[text][name] else "not met")) as server:
        (done,) = judge([group("p", *met, rubric=found)], JudgeSpec(), model(server))
        calls = Counter(text for text, _ in asked(server))
        wanted = {text: asks(plain, met[text]) for text in met}
        assert calls == {text: sum(-(-count // 32) for count in each.values()) for text, each in wanted.items()}
        assert Counter(text for text, ids in asked(server) for _ in ids) == {t: w.total() for t, w in wanted.items()}
        before = server.calls
        assert list(judge([done], JudgeSpec(), model(server))) == [done]
        assert server.calls == before
    assert rewards(done) == [pytest.approx(mean(plain, met[text])) for text in met]
    assert calls["bad"] < calls["good"] < -(-len(ids) // 32) + 6
