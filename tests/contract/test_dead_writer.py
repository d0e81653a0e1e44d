"""`defend --writer` where the writer does not answer, or answers with what no rubric may hold."""

from typing import Any

import pytest
from werkzeug import Response

from schemas.jsonl import to_line
from tests.contract.material import UNREACHABLE
from tests.running import Runner, lines, records
from tests.stages.defending import HACKS, good, groups
from tests.stages.judge_server import chat, error, serving
from tests.stages.shared_texts import needs_shared

WORDS = ("defend", "judged.jsonl", "--good", "good.jsonl", "-o", "d.yaml", "--html", "p.html", "--findings", "f.jsonl")


@pytest.fixture
def hacked(run: Runner) -> Runner:
    """Return a folder with a judged file in which a rare word pays, and good answers."""
    run.write("judged.jsonl", b"".join(map(to_line, groups(24, HACKS["rare_word"], 0.7, seed=1))))
    pairs = enumerate(good(200, 60))
    run.write("good.jsonl", lines(*({"id": f"g{n}", "prompt": a, "response": b} for n, (a, b) in pairs)))
    return run


@needs_shared
def test_a_dead_writer_is_one_sentence(hacked: Runner) -> None:
    """As a dead judge is: nothing is half made."""
    before = hacked.names()
    done = hacked.inside(*WORDS, "--writer", "openai:w", "--base-url", UNREACHABLE, "--retries", "0")
    assert (done.code, done.out) == (1, b"") and "answers no request" in done.err, done.err
    assert "Traceback" not in done.err and hacked.names() == before


@needs_shared
@pytest.mark.parametrize(
    "answer",
    ["", "I would rather not.", '{"criterion": ""}', '{"criterion": 3}', '{"criterion": "' + "x " * 9000 + '"}', "["],
)
def test_a_writer_of_rubbish_changes_nothing_but_a_remark(hacked: Runner, answer: str) -> None:
    """The check-based draft stands as it would without a writer; why there are no words is with the finding."""
    assert hacked.inside(*WORDS, "--quiet").code == 0
    (alone,) = records(hacked.read("f.jsonl"))
    draft = hacked.read("d.yaml")
    with serving(lambda payload, number: chat(answer)) as server:
        done = hacked.inside(*WORDS, "--writer", "openai:w", "--base-url", server.url, "--retries", "0", "--quiet")
    assert (done.code, done.out, done.err) == (0, b"", "")
    (finding,) = records(hacked.read("f.jsonl"))
    assert finding["meta"].pop("not_written") and {**finding, "meta": 0} == {**alone, "meta": 0}
    assert hacked.read("d.yaml") == draft


@needs_shared
def test_a_writer_that_fails_now_is_data(hacked: Runner) -> None:
    """An answer that was refused gives no criterion, and says why."""

    def reply(payload: dict[str, Any], number: int) -> Response:
        return error(400, "\x1b[31m<b>no</b>")

    with serving(reply) as server:
        done = hacked.inside(*WORDS, "--writer", "openai:w", "--base-url", server.url, "--retries", "0")
    assert "Traceback" not in done.err and "\x1b" not in done.err, done.err
    assert done.code in (0, 1) and (done.code == 1 or "<b>no" not in hacked.read("p.html").decode())
