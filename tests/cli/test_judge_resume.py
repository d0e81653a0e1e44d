"""`rlra judge` cut short: interrupted, out of disk, its judge gone; nothing is lost, and nothing but the error said."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from werkzeug import Response

from schemas.jsonl import to_line
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.rubric import Criterion, Rubric
from stages.judge import JudgeSpec, judge
from stages.models.base import Completion, Request
from stages.voting import Panel
from tests.running import PATIENCE_S, Runner, environment, records, wait_until
from tests.stages.judge_server import JudgeServer, asked_for, chat, error, serving, verdicts
from tests.stages.judging import group, model, saying

RUBRIC = Rubric(rubric="r", criteria=(Criterion(id="warm", text="Is warm."), Criterion(id="deep", text="Goes deep.")))
LINES = [group(f"p{number}", f"text {number}", f"other {number}", rubric=RUBRIC) for number in range(12)]
STRICT = {"PYTHONDEVMODE": "1"}
"""Tasks that nobody waited for and files that nobody closed are complained about."""


def honest(payload: dict[str, Any], number: int) -> Response:
    time.sleep(0.03)
    return chat(verdicts(payload["messages"][0]["content"], lambda name: "met"))


def words(server: JudgeServer, *more: str) -> list[str]:
    judges = ["--model", "openai:a", "--model", "openai:b", "--method", "json", "--concurrency", "2"]
    return ["judge", "in.jsonl", "-o", "out.jsonl", *judges, "--base-url", server.url, *more]


@pytest.fixture
def lines(run: Runner) -> bytes:
    content = b"".join(map(to_line, LINES))
    run.write("in.jsonl", content)
    return content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_said_in_one_line_and_what_was_answered_is_not_asked_again(
    run: Runner, lines: bytes, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.running.environment", lambda **more: environment(**{**STRICT, **more}))
    with serving(honest) as server:
        process = run.start(*words(server))
        wait_until(lambda: server.calls > 20, "some answers")
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, out) == (130, b"")
        assert err.decode() == "rlra: interrupted; the same command goes on from what was written\n"
        done = run(*words(server), env=STRICT)
        assert done.code == 0, done.err
        # What was under way, and what was answered in the twentieth of a second before.
        assert server.calls <= 4 * len(LINES) + 4 + 8
        kept = run.read("out.jsonl")
        assert run.names() == {"in.jsonl", "out.jsonl", "out.jsonl.manifest.json"}
        run(*words(server, "--no-resume"))
    assert run.read("out.jsonl") == kept


def test_a_line_that_cannot_be_written_ends_the_work_at_once(run: Runner, lines: bytes) -> None:
    with serving(honest) as server:
        done = run(*words(server), env=STRICT, largest_file=100_000)
        assert done.code == 1
        assert done.err.count("\n") == 2, done.err
        again = run(*words(server))
        assert again.code == 0, again.err
    assert [line["id"] for line in records(run.read("out.jsonl"))] == [line.id for line in LINES]


def test_what_was_thought_stays_where_only_the_failed_are_asked_again() -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        prompt = payload["messages"][0]["content"]
        if "deep" in asked_for(prompt)[0] and payload["model"] == "judge" and not healed:
            return error(400, "no")
        return chat(f"<think>Hm, {number}.</think>\n" + verdicts(prompt, lambda name: "met"))

    healed: list[bool] = []
    spec = JudgeSpec(criteria_per_call="1")
    with serving(reply) as server:
        (first,) = judge(LINES[:1], spec, model(server))
        healed.append(True)
        (second,) = judge([first], spec.model_copy(update={"only_failed": True}), model(server))
    for before, after in zip(first.responses, second.responses, strict=True):
        assert len(before.thoughts) == 1
        assert set(before.thoughts) < set(after.thoughts)
        assert [thought.keys for thought in after.thoughts] == [(verdict.key,) for verdict in after.verdicts]


class Batches:
    """A model of batches that remembers them."""

    reference, revision, template, engine, dtype = "hf:x", "1", "", "e", ""

    def __init__(self) -> None:
        self.batches: list[list[Request]] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        self.batches.append(list(requests))
        said = [verdicts(request.messages[0].content, lambda name: "met") for request in requests]
        return [Completion(text, "stop", 1) for text in said]


@pytest.mark.parametrize("above", [False, True])
def test_beside_a_server_the_batches_do_not_depend_on_how_fast_it_is(above: bool) -> None:
    """Gates, repeats of unreadable answers and a cascade: what is put together depends on the questions alone."""
    gate = Criterion(id="gate", text="Opens.", gate="unless_met")
    rubric = Rubric(rubric="r", criteria=(Criterion(id="all", criteria=(gate, *RUBRIC.criteria)),))
    lines = [line.model_copy(update={"rubric": rubric}) for line in LINES[:5]]
    runs: list[tuple[list[list[Request]], list[Judged]]] = []
    for factor in (1, 7, 5):

        def reply(payload: dict[str, Any], number: int) -> Response:
            prompt = payload["messages"][0]["content"]
            time.sleep((number * factor) % 11 / 300)  # noqa: B023
            label = "met" if "gate" in asked_for(prompt)[0] else "not met"
            said = verdicts(prompt, lambda name: label)
            tries = sum(map(ord, prompt)) % 5  # the answer that can be read is one of the first three, or none is
            return chat("Hm." if len(payload["messages"]) < 2 * tries else said)

        with serving(reply) as server:
            batched = Batches()
            seats = Panel((model(server),), batched) if above else Panel((batched, model(server)))
            spec = JudgeSpec(panel="mean", unsure=1, window=3)
            done = list(judge(lines, spec, seats))
            runs.append((batched.batches, done))
    assert all(len(batches) > 1 for batches, _ in runs)
    assert runs[0] == runs[1] == runs[2]


def test_one_answer_has_one_name_whatever_the_sampling() -> None:
    """What an answer took is kept with it: another temperature is another answer, even to the same words."""
    from stages.verdict_cache import VerdictCache

    def reply(payload: dict[str, Any], number: int) -> Response:
        usage = {"prompt_tokens": 7, "completion_tokens": 50 if payload["temperature"] else 3}
        return chat(verdicts(payload["messages"][0]["content"], lambda name: "met"), usage=usage)

    with serving(reply) as server, VerdictCache(":memory:") as cache:
        seats = Panel((model(server),), cache=cache)
        for temperature in (0.0, 0.7):
            spec = JudgeSpec(temperature=temperature)
            fresh, known = (list(judge(LINES[:1], spec, seats)) for _ in range(2))
            assert fresh == known
        assert server.calls == 4


def test_a_closed_gate_that_is_known_is_no_part_of_an_estimate() -> None:
    from stages.judge import askings

    gate = Criterion(id="gate", text="Opens.", gate="unless_met")
    rubric = Rubric(rubric="r", criteria=(Criterion(id="all", criteria=(gate, *RUBRIC.criteria)),))
    lines: list[Rollouts] = [line.model_copy(update={"rubric": rubric}) for line in LINES[:2]]
    with serving(saying(lambda name, text: "not met")) as server:
        seats = Panel((model(server),))
        assert Counter(each.judgements for each in askings(lines, JudgeSpec(), seats)) == {1: 4, 2: 4}
        done = list(judge(lines, JudgeSpec(), seats))
        assert server.calls == 4
        assert list(askings(done, JudgeSpec(), seats)) == []
