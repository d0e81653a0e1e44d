"""The guide to judging is true: its options exist, its commands run, its classes and rules are all there are."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from werkzeug import Response

from schemas.judged import FailureClass
from stages.judge import JudgeSpec
from stages.prompt_file import MAY_HOLD, NEEDED
from tests.contract.material import NAMES, judged, rollouts
from tests.house.sources import ROOT
from tests.running import Runner, lines
from tests.stages.judge_server import chat, chat_token, serving, verdicts

GUIDE = ROOT / "docs" / "judging.md"
TEXT = GUIDE.read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL)
URL = "http://localhost:8000/v1"
RUBRIC = {"rubric": "asked", "criteria": [{"id": "short", "text": "Is short."}]}


def test_every_option_exists() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "commands").glob("*.md"))
    assert not [option for option in set(re.findall(r"--[a-z][a-z-]+", TEXT)) if option not in pages]


def test_every_class_of_failure_has_its_line() -> None:
    rows = "".join(line for line in TEXT.split("\n") if line.startswith("|"))
    assert not [kind for kind in get_args(FailureClass) if f"`{kind}`" not in rows]


def test_every_rule_and_method_has_its_line() -> None:
    fields = JudgeSpec.model_fields
    for name in (*get_args(fields["panel"].annotation), *get_args(fields["method"].annotation)):
        assert re.search(rf"^\| `{name}`", TEXT, re.MULTILINE), name


def test_every_slot_of_a_prompt_is_named() -> None:
    slots = {slot for method in NEEDED for slot in (*NEEDED[method], *MAY_HOLD[method])}
    assert not [slot for slot in slots if f"`${slot}`" not in TEXT]


def reply(payload: dict[str, Any], number: int) -> Response:
    """Judge truly, by either method that the guide uses."""
    if payload.get("logprobs"):
        return chat_token({"Yes": 0.6, "No": 0.4})
    prompt = payload["messages"][0]["content"]
    return chat(verdicts(prompt, lambda name: "met" if "all day" not in prompt else "not met"))


@pytest.fixture
def folder(tmp_path: Path) -> Runner:
    """Return a folder with the files that the guide speaks of."""
    run = Runner(tmp_path)
    run.write("rollouts.jsonl", lines(*map(rollouts, NAMES)))
    run.write("judged.jsonl", lines(*map(judged, NAMES)))
    run.write("rubric.yaml", "rubric: asked\ncriteria:\n  - {id: short, text: Is short.}\n")
    run.write("prices.yaml", "NAME: {in: 0.15, cached: 0.075, out: 0.60}\n")
    told = [(name, n, "met" if n == 0 else "not met") for name in NAMES for n in (0, 1)]
    rows = [f"{name},{n},short,ann,{label}\n" for name, n, label in told]
    run.write("labels.csv", "id,response,criterion,rater,label\n" + "".join(rows))
    run.write("anchors.jsonl", lines(*map(anchor, NAMES)))
    return run


def anchor(name: str) -> dict[str, Any]:
    """Return a line of anchors that the judge above agrees with."""
    labels = [{"rater": "ann", "criterion": "short", "label": label} for label in ("met", "not met")]
    texts = [response["text"] for response in rollouts(name)["responses"]]
    answers = [{"text": text, "labels": [label]} for text, label in zip(texts, labels, strict=True)]
    line = {key: value for key, value in rollouts(name).items() if key != "policy"}
    return {**line, "schema": "anchors/1", "rubric": RUBRIC, "responses": answers}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[:60])
def test_every_command_runs(command: str, folder: Runner) -> None:
    with serving(reply) as server:
        done = folder.shell(command.replace(URL, server.url))
    assert done.code == 0, done.err
