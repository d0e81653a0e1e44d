"""Options of writers that do not go together, lack something or would do nothing: one line, and nobody is asked."""

import json
from typing import Any

import pytest
from werkzeug import Response

from tests.running import Runner, lines
from tests.stages.judge_server import chat, serving
from tests.stages.writer_scenes import GOOD, said


@pytest.fixture
def prompts(run: Runner) -> None:
    run.write("in.jsonl", lines({"id": "a", "prompt": "Describe the garden in autumn."}))


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("--method model", "--method model needs --writer MODEL"),
        ("--writer openai:w", "--writer goes with --method model"),
        ("--scope task", "--scope goes with --method model"),
        ("--method model --writer openai:w", "--writer openai:w needs --base-url"),
        ("--method model --writer sing", "--writer: 'sing' names no model"),
        (
            "--method model --writer openai:w --writer openai:w --base-url http://x/v1",
            "--writer: openai:w is given twice",
        ),
        ("--method model --writer openai:w --families title", "--families goes with --method constraints"),
        ("--method model --writer openai:w --labels l.csv", "--labels goes with --method contrast"),
        ("--method model --writer openai:w --probe p.jsonl", "--probe needs --judge MODEL"),
        ("--method model --writer openai:w --judge openai:j", "--judge needs responses to judge"),
        ("--method model --writer openai:w --least-spread 0.2", "--least-spread needs --judge MODEL"),
        ("--method model --writer openai:w --shown 2", "--shown goes with --method contrast or failures"),
        (
            "--method model --writer openai:w --per-prompt 2",
            "--per-prompt goes with --method constraints",
        ),
        ("--method model --writer openai:w --fewest-criteria 9", "`fewest_criteria` is more than `most_criteria`"),
        ("--method model --writer openai:w --base-url http://x/v1 --rejects in.jsonl", "in.jsonl: is read or written"),
        (
            "--method model --writer openai:w --base-url http://x/v1 -o out.jsonl --rejects out.jsonl",
            "out.jsonl: is read or written",
        ),
        ("--method hard --writer openai:w --rewrite", "--rewrite has nothing to do with --method hard"),
        ("--method failures --writer openai:w --base-url http://x/v1", "schema"),
        ("--method contrast --writer openai:w --base-url http://x/v1", "has no two responses of which one was chosen"),
    ],
)
@pytest.mark.usefixtures("prompts")
def test_a_mistake_is_one_line(run: Runner, flags: str, named: str) -> None:
    done = run.inside("generate-rubrics", "in.jsonl", *flags.split())
    assert done.code == 1 and done.out == b""
    assert named in done.err.splitlines()[0]


@pytest.mark.usefixtures("prompts")
def test_what_became_of_the_prompts_is_counted(run: Runner) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        is_rewriting = "You rewrite the last thing" in payload["messages"][0]["content"]
        return chat(json.dumps({"prompt": ""}) if is_rewriting else said(GOOD))

    words = ["--method", "model", "--writer", "openai:w", "--rewrite", "--summary", "s.json", "-o", "out.jsonl"]
    with serving(reply) as server:
        done = run.inside("generate-rubrics", "in.jsonl", *words, "--base-url", server.url)
    assert done.code == 0, done.err
    assert json.loads(run.read("s.json"))["prompt_empty"] == 1
