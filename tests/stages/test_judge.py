"""Judging groups against a real server on loopback: who is asked about what, and what is known already."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from rlra_cli.options import docstrings
from schemas.errors import RlraError
from schemas.jsonl import parse, to_line
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.judge import JudgeSpec, judge
from stages.models.openai import OpenAIModel
from tests.stages import care_judge
from tests.stages.care_judge import LIES, PLEASE, RUBRIC, TONE, group, honest, table
from tests.stages.judge_server import asked_for, serving
from tests.stages.judging import model

far_end = care_judge.far_end


def test_verdicts_and_rewards_come_back_in_order() -> None:
    lines = [group(f"p{n}", f"{n % 3} text {n}", f"{(n + 1) % 3} lie! {n}") for n in range(10)]
    counts: Counter[str] = Counter()
    with serving(honest) as server:
        done = list(judge(lines, JudgeSpec(window=4), model(server), counts=counts))
        assert server.calls == 20
    assert [one.id for one in done] == [line.id for line in lines]
    assert [v.tier for r in done[1].responses for v in r.verdicts] == [1, None, 2, None]
    assert table(done)[1] == [
        (("scored", 31.0), ("scored", 0.0), pytest.approx(31 / 77)),
        (("scored", 77.0), ("scored", 1.0), pytest.approx((2 - 0.625) / 2)),
    ]
    assert done[1].responses[0].verdicts[0].reason == "The words say so."
    assert done[1].responses[0].verdicts[0].judge == "openai:judge"
    assert counts == {"asked": 20}


def test_judging_twice_asks_nobody_and_other_weights_rescore_for_free() -> None:
    lines = [group(f"p{n}", f"{n % 3} a{n}", f"{n % 3} b!{n}") for n in range(4)]
    with serving(honest) as server:
        one = model(server)
        first = list(judge(lines, JudgeSpec(), one))
        asked = server.calls
        stored = [parse(to_line(line).rstrip(), Judged, "here") for line in first]
        assert [to_line(line) for line in judge(stored, JudgeSpec(), one)] == [to_line(line) for line in first]
        counts: Counter[str] = Counter()
        assert list(judge(first, JudgeSpec(window=1, attempts=1), one, counts=counts)) == first
        assert counts == {"reused": 16}
        heavier = Rubric(rubric="care", criteria=(TONE.model_copy(update={"weight": 1.0}), LIES))
        again = list(judge(first, JudgeSpec(), one, [heavier]))
        assert server.calls == asked
    assert [r.verdicts for r in again[2].responses] == [r.verdicts for r in first[2].responses]
    assert [r.reward for r in again[2].responses] == [pytest.approx(1), pytest.approx(1 - 0.625)]
    assert again[2].rubric == heavier


@pytest.mark.parametrize(
    ("spec", "rubric", "expected"),
    [
        (JudgeSpec(seed=1), RUBRIC, ["tone", "lies"]),
        (JudgeSpec(temperature=0.5), RUBRIC, ["tone", "lies"]),
        (JudgeSpec(max_tokens=99), RUBRIC, ["tone", "lies"]),
        (
            JudgeSpec(),
            Rubric(rubric="r", criteria=(TONE, LIES.model_copy(update={"text": "Makes things up."}))),
            ["lies"],
        ),
        (JudgeSpec(), Rubric(rubric="r", criteria=(LIES, TONE, Criterion(id="new", text="Is new."))), ["new"]),
    ],
)
def test_only_what_is_missing_or_changed_is_asked(spec: JudgeSpec, rubric: Rubric, expected: list[str]) -> None:
    with serving(honest) as server:
        first = list(judge([group("p", "1 a")], JudgeSpec(), model(server)))
        list(judge(first, spec, model(server), [rubric]))
        assert [asked_for(payload["messages"][0]["content"])[0] for payload in server.payloads[1:]] == [expected]


def test_another_judge_conversation_or_response_is_another_key() -> None:
    with serving(honest) as server:
        (first,) = judge([group("p", "1 a")], JudgeSpec(), model(server))
        (other,) = first.responses
        for changed in (
            first.model_copy(update={"messages": (Message(role="user", content="Else"),)}),
            first.model_copy(update={"responses": (other.model_copy(update={"text": "1 b"}),)}),
        ):
            before = server.calls
            list(judge([changed], JudgeSpec(), model(server)))
            assert server.calls == before + 1
        list(judge([first], JudgeSpec(), OpenAIModel("openai:judge", "judge-2", server.url, None)))
        assert server.calls == 4


def test_the_prompt_shares_its_beginning_and_shows_no_weights() -> None:
    with serving(honest) as server:
        list(judge([group("p", "1 first", "1 second")], JudgeSpec(), model(server)))
        prompts = [payload["messages"][0]["content"] for payload in server.payloads]
    first, second = sorted(prompts, key=lambda prompt: "1 second" in prompt)
    shared = next(n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert first.index("Invents facts.") < first.index("Prompt p") < shared < first.index("1 first")
    rubric_part = first[: first.index("The conversation lies")]
    assert not [number for number in ("77", "31", "0.625", "weight") if number in rubric_part]


def test_equal_responses_are_asked_about_once() -> None:
    with serving(honest) as server:
        (done,) = judge([group("p", "1 a", "1 a", "2 b")], JudgeSpec(), model(server))
        assert server.calls == 2
    assert done.responses[0] == done.responses[1]


def test_the_order_of_the_lines_changes_no_question() -> None:
    lines = [group(f"p{n}", f"{n % 3} a{n}") for n in range(6)]
    with serving(honest) as server:
        forward = list(judge(lines, JudgeSpec(window=2), model(server, concurrency=1)))
        backward = list(judge(lines[::-1], JudgeSpec(window=3), model(server, concurrency=1)))
        asked = [(payload["seed"], payload["messages"][0]["content"]) for payload in server.payloads]
    assert forward == backward[::-1]
    assert asked[:6] == asked[6:][::-1]


def test_lines_are_pulled_a_window_at_a_time() -> None:
    pulled: list[str] = []

    def lines() -> Iterator[Rollouts]:
        for n in range(9):
            pulled.append(f"p{n}")
            yield group(f"p{n}", "please", rubric=Rubric(rubric="r", criteria=(PLEASE,)))

    stream = judge(lines(), JudgeSpec(window=2), None)
    assert pulled == []
    next(stream)
    assert pulled == ["p0", "p1"]


def test_checks_need_no_model_and_may_abstain() -> None:
    rubric = Rubric(rubric="r", criteria=(PLEASE, Criterion(id="again", check={"says_please": {}})))
    (done,) = judge([group("p", "please", "now", "undecided", rubric=rubric)], JudgeSpec(), None)
    first = [response.verdicts[0] for response in done.responses]
    assert [(v.status, v.score, v.closeness, v.judge) for v in first] == [
        ("scored", 1.0, None, "check"),
        ("scored", 0.0, 0.5, "check"),
        ("abstained", None, None, "check"),
    ]
    assert [r.reward for r in done.responses] == [None, None, None]
    (alone,) = judge([group("p", "please", "now", rubric=rubric)], JudgeSpec(), None)
    assert [r.reward for r in alone.responses] == [pytest.approx(1), pytest.approx(0.1)]


def test_a_check_is_run_anew_when_the_reference_changes() -> None:
    rubric = Rubric(rubric="r", criteria=(PLEASE,))
    (first,) = judge([group("p", "now", rubric=rubric)], JudgeSpec(), None)
    (second,) = judge([first.model_copy(update={"reference": "please"})], JudgeSpec(), None)
    assert second.responses[0].reward == 1.0
    assert first.responses[0].verdicts[0].key != second.responses[0].verdicts[0].key


def test_rubrics_replace_the_lines_own_or_join_it() -> None:
    more = Rubric(rubric="defence", kind="defence", criteria=(PLEASE,))
    with serving(honest) as server:
        lines = [group("p", "1 a")]
        (replaced,) = judge(lines, JudgeSpec(), model(server), [more])
        assert [v.criterion for v in replaced.responses[0].verdicts] == ["please"]
        (joined,) = judge(lines, JudgeSpec(), model(server), [more], add=True)
        assert [v.criterion for v in joined.responses[0].verdicts] == ["tone", "lies", "please"]
        asked = server.calls
        assert list(judge([joined], JudgeSpec(), model(server), [more], add=True)) == [joined]
        assert server.calls == asked
        (alone,) = judge([group("p", "1 a", rubric=None)], JudgeSpec(), model(server), [more], add=True)
        assert alone.rubric == more


@pytest.mark.parametrize(
    ("line", "rubrics", "add", "said"),
    [
        (group("p7", "1 a", rubric=None), [], False, "p7: the line has no rubric"),
        (group("p7", "1 a"), [], False, "criterion 'tone' needs a model"),
        (group("p7", "1 a"), [RUBRIC], False, "criterion 'tone' needs a model"),
        (group("p7", "1 a"), [RUBRIC, RUBRIC], False, "--rubrics: the rubrics cannot be joined"),
        (group("p7", "1 a"), [Rubric(rubric="x", criteria=(LIES, PLEASE))], True, "p7: the rubrics cannot be joined"),
        (
            group("p7", "1 a"),
            [Rubric(rubric="x", criteria=(Criterion(id="a", check={"says_pleas": {}}),))],
            False,
            "no check named",
        ),
    ],
)
def test_what_cannot_be_judged_is_said_before_anyone_is_asked(
    line: Rollouts, rubrics: list[Rubric], add: bool, said: str
) -> None:
    with pytest.raises(RlraError, match=said):
        list(judge([line], JudgeSpec(), None, rubrics, add=add))


def test_every_option_has_its_help() -> None:
    assert docstrings(JudgeSpec).keys() == JudgeSpec.model_fields.keys()


def test_importing_the_stage_loads_no_client() -> None:
    heavy = "{'aiohttp', 'torch', 'transformers', 'polars', 'numpy'}"
    program = f"import sys, stages.judge; print(*({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
