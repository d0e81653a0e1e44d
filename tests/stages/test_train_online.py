"""`rlra train --online` samples and judges as it learns, and asks whom it is told to ask."""

from typing import Any

import orjson
from transformers import AutoModelForCausalLM
from werkzeug import Response

from schemas.jsonl import to_line
from tests.running import Runner, lines
from tests.stages import train_folders
from tests.stages.judge_server import chat, serving, under_judgement, verdicts
from tests.stages.train_folders import RUBRIC, digest_of, log_of, refused
from tests.stages.training_groups import tasks

groups, run = train_folders.groups, train_folders.run


def test_online_samples_and_judges_as_it_learns(run: Runner) -> None:
    run.write("tasks.jsonl", b"".join(map(to_line, tasks(4))))
    run.write("rubric.yaml", RUBRIC)
    words = [
        "train",
        "--online",
        "tasks.jsonl",
        "-o",
        "online",
        "--model",
        "hf:tiny",
        "--rubrics",
        "rubric.yaml",
    ]
    words += ["--processes", "1", "--steps", "2", "--group-size", "4", "--prompts-per-step", "2", "--max-tokens", "12"]
    done = run(*words, "--no-bf16", "--learning-rate", "1e-3")
    assert done.code == 0, done.err
    assert done.out == b""
    assert all(line.startswith("train: ") for line in done.err.splitlines()), done.err
    folder = run.folder / "online"
    log = log_of(folder)
    assert [line.step for line in log] == [1, 2, 2]
    assert log[-1].event == "finished"
    for line in log[:-1]:
        assert 0 <= line.metrics["reward"] <= 1
        assert line.metrics["judge_failed"] == 0
        assert 0 <= line.metrics["met/short"] <= 1
    assert digest_of(folder) != digest_of(run.folder / "tiny")
    assert AutoModelForCausalLM.from_pretrained(folder).num_parameters() > 0
    assert orjson.loads((folder / "manifest.json").read_bytes())["recipe"]["spec"]["online"] is True


def test_online_asks_a_panel_as_it_is_told_and_nothing_that_the_cache_holds(run: Runner) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        prompt = payload["messages"][0]["content"]
        return chat(verdicts(prompt, lambda name: "met" if len(under_judgement(prompt)) % 2 else "not met"))

    run.write("tasks.jsonl", b"".join(map(to_line, tasks(2))))
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    run.write("how.yaml", "panel: mean\ncriteria_per_call: 1\nmax_tokens: 333\n")
    words = ["train", "--online", "tasks.jsonl", "--model", "hf:tiny", "--rubrics", "asked.yaml", "--processes", "1"]
    words += ["--steps", "1", "--group-size", "4", "--prompts-per-step", "2", "--max-tokens", "12", "--no-bf16"]
    with serving(reply) as server:
        judge = ("--judge", "openai:a", "--judge", "openai:b", "--base-url", server.url, "--cache", "votes.db")
        first = run.inside(*words, *judge, "--judge-options", "how.yaml", "-o", "first")
        assert first.code == 0, first.err
        asked = server.calls
        assert {(payload["model"], payload["max_tokens"]) for payload in server.payloads} == {("a", 333), ("b", 333)}
        second = run.inside(*words, *judge, "--judge-options", "how.yaml", "-o", "second")
        assert second.code == 0, second.err
        assert server.calls == asked
        run.write("how.yaml", "pannel: mean\n")
        refused = run.inside(*words, *judge, "--judge-options", "how.yaml", "-o", "third")
    assert log_of(run.folder / "first")[0].metrics["reward"] == log_of(run.folder / "second")[0].metrics["reward"]
    assert "how.yaml: pannel: no such option" in refused.err


def test_online_needs_a_judge_for_criteria_without_a_check(run: Runner) -> None:
    run.write("one.jsonl", lines({"id": "a", "prompt": "Hello."}))
    run.write("asked.yaml", "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n")
    said = refused(run, "--online", "one.jsonl", "--model", "hf:tiny", "--rubrics", "asked.yaml")
    assert "its rubric needs a judge" in said
    assert "--judge" in said
