"""`rlra generate-rubrics --method hard` through a server: what a check is held against, and how it judges."""

import json
from typing import Any

from werkzeug import Response

from tests.contract.material import rollouts
from tests.running import Runner, lines, records
from tests.stages.hard_drafts import CLOVER, NO_COMMA, THREE_LINES, but, check, said
from tests.stages.judge_server import chat, serving
from tests.stages.writer_scenes import is_complaint

ALWAYS = but(CLOVER, python=check("return True"))
SPOILT = {
    "no instruction": but(CLOVER, instruction="Clover."),
    "no Python": but(CLOVER, python="def score(response, task):\n    return len(response"),
    "breaks": but(CLOVER, python=check("return response[10_000] == 'a'")),
    "takes all": ALWAYS,
    "takes nothing": but(NO_COMMA, python="def score(response, task):\n    return ',' not in response\n"),
    "sound": NO_COMMA,
    "mended": ALWAYS,
    "prose": None,
}
"""What the writer says to a prompt that holds these words."""
GATES = {
    "bad_instruction": {"ran": 7, "held_back": 1, "rejected": 1},
    "check_unparsed": {"ran": 6, "held_back": 1, "rejected": 1},
    "check_not_simple": {"ran": 5, "held_back": 0, "rejected": 0},
    "check_breaks": {"ran": 5, "held_back": 1, "rejected": 1},
    "check_fails_examples": {"ran": 4, "held_back": 2, "rejected": 1},
    "check_takes_degenerate": {"ran": 3, "held_back": 1, "rejected": 1},
    "check_not_sturdy": {"ran": 2, "held_back": 0, "rejected": 0},
    "invalid": {"ran": 2, "held_back": 0, "rejected": 0},
}


def writer(payload: dict[str, Any], number: int) -> Response:
    turns = payload["messages"]
    (found,) = [answer for words, answer in SPOILT.items() if f"Garden: {words}." in turns[0]["content"]]
    if found is ALWAYS and "Garden: mended." in turns[0]["content"] and is_complaint(turns):
        found = THREE_LINES
    return chat(said(found) if found else "I would rather not.")


def test_checks_are_proved_and_then_judge(run: Runner) -> None:
    run.write("in.jsonl", lines(*({"id": words, "prompt": f"Garden: {words}."} for words in SPOILT)))
    with serving(writer) as server:
        words = ["--method", "hard", "--writer", "openai:w", "--base-url", server.url, "--rejects", "rejects.jsonl"]
        more = ["--max-failures", "6", "--summary", "s.json"]
        done = run.inside("generate-rubrics", "in.jsonl", "-o", "out.jsonl", *words, *more)
    assert done.code == 0, done.err
    figures = json.loads(run.read("s.json"))["funnel"]
    assert {name: figures["gates"][name] for name in GATES} == GATES
    assert list(figures["gates"])[: len(GATES)] == [*GATES]
    assert (figures["mended"], figures["failed"]) == (1, {"unreadable": 1})
    reasons = [line["meta"]["rejected"] for line in records(run.read("rejects.jsonl"))]
    assert reasons == [*(name for name, counts in GATES.items() if counts["rejected"]), "unreadable"]
    for label in ("instruction fits", "check parses", "tells its examples apart"):
        assert label in done.err
    sound, mended = records(run.read("out.jsonl"))
    assert sound["rewritten_from"] == "Garden: sound."
    assert sound["messages"][-1]["content"].endswith(NO_COMMA["instruction"])
    (leaf,) = mended["rubric"]["criteria"]
    assert (leaf["id"], leaf["python"]) == (THREE_LINES["id"], THREE_LINES["python"])
    texts = ("- Sun\n- Rain\n- Bees", "Sun, rain, bees")
    run.write("r.jsonl", lines({**rollouts("mended", texts), **mended, "schema": "rollouts/1"}))
    judged = run.inside("judge", "r.jsonl", "-o", "judged.jsonl")
    assert judged.code == 0, judged.err
    assert [response["reward"] for response in records(run.read("judged.jsonl"))[0]["responses"]] == [1.0, 0.0]
