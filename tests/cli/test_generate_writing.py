"""`rlra generate-rubrics` with writers: what is accepted, where the rest goes, exit codes, going on after a stop."""

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from schemas.jsonl import to_line
from schemas.rubric import Criterion, Rubric
from tests.running import PATIENCE_S, Done, Runner, lines, records, wait_until
from tests.stages.judge_server import JudgeServer, chat, error, serving
from tests.stages.judging import group
from tests.stages.writer_scenes import GOOD, SEASON, is_complaint, is_rewording, reworded, said, scripted

PAIRS = Path(__file__).parents[3] / "shared" / "data" / "llmbar" / "neighbor.json"
PROMPTS = [{"id": f"p{number}", "prompt": f"Describe garden {number} in autumn."} for number in range(12)]


def mixed(payload: dict[str, Any], number: int) -> Response:
    """Write well for most gardens, badly at first for those with a 3, badly for ever for those with a 5 or a 7."""
    turns = payload["messages"]
    prompt = turns[0]["content"]
    if "garden 5 " in prompt or "garden 7 " in prompt or ("garden 3 " in prompt and not is_complaint(turns)):
        return chat(said([SEASON, {**SEASON, "id": "again"}]))
    if "garden 9 " in prompt:
        return chat("I would rather talk about something else.")
    return chat(said(GOOD))


def words(server: JudgeServer, *more: str, file: str = "in.jsonl") -> list[str]:
    writer = ["--method", "model", "--writer", "openai:w", "--base-url", server.url]
    return ["generate-rubrics", file, "-o", "out.jsonl", *writer, *more]


@pytest.fixture
def prompts(run: Runner) -> None:
    run.write("in.jsonl", lines(*PROMPTS))


def generated(
    run: Runner, reply: Callable[[dict[str, Any], int], Response], *more: str, file: str = "in.jsonl"
) -> Done:
    with serving(reply) as server:
        return run.inside(*words(server, *more, file=file))


@pytest.mark.usefixtures("prompts")
def test_accepted_lines_go_on_and_the_rest_is_put_aside_with_reasons(run: Runner) -> None:
    done = generated(run, mixed, "--rejects", "rejects.jsonl", "--max-failures", "3", "--summary", "s.json")
    assert done.code == 0, done.err
    made, rejected = records(run.read("out.jsonl")), records(run.read("rejects.jsonl"))
    assert [line["id"] for line in made] == [p["id"] for p in PROMPTS if p["id"] not in ("p5", "p7", "p9")]
    assert [(line["id"], line["meta"]["rejected"]) for line in rejected] == [
        ("p5", "duplicate"), ("p7", "duplicate"), ("p9", "unreadable")
    ]  # fmt: skip
    assert all("rubric" not in line and line["messages"] for line in rejected)
    (account,) = rejected[0]["meta"]["rejected_by"]
    assert account["writer"] == "openai:w" and account["again"] == account["first"]
    assert any(finding.startswith("duplicate: 'again'") for finding in account["first"])
    assert {line["rubric"]["author"] for line in made} == {"openai:w"}
    mended = next(line for line in made if line["id"] == "p3")
    assert mended["rubric"]["meta"]["drafts"][0]["again"] == []
    funnel = json.loads(run.read("s.json"))["funnel"]
    assert (funnel["lines"], funnel["accepted"], funnel["rejected"]) == (12, 9, 3)
    assert (funnel["repaired"], funnel["mended"], funnel["failed"]) == (3, 1, {"unreadable": 1})
    assert funnel["gates"]["duplicate"] == {"ran": 11, "held_back": 3, "rejected": 2}
    assert funnel["gates"]["unstable"]["ran"] == 0
    assert "discriminates            not run" in done.err
    assert "12 lines: 9 accepted, 3 rejected" in done.err
    assert run.names() == {"in.jsonl", "out.jsonl", "out.jsonl.manifest.json", "rejects.jsonl", "s.json"}


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    "rubbish",
    [
        "As an AI I love gardens!",
        said([{"id": "good", "text": "Is good.", "weight": 1, "tiers": []}] * 2),
        said([{**SEASON, "python": "import os"}, SEASON]),
        '{"criteria": "' + "x" * 3000 + '"}',
        "\x1b]0;owned\x07[red]" + said([{**SEASON, "id": "\x1b[31m"}]),
    ],
)
def test_a_writer_of_rubbish_gets_nothing_accepted(run: Runner, rubbish: str) -> None:
    done = generated(run, lambda payload, number: chat(rubbish), "--rejects", "rejects.jsonl")
    assert done.code == 3
    assert "12 of 12 lines got no rubric, more than --max-failures 10%" in done.err
    assert "\x1b" not in done.err
    rejected = records(run.read("rejects.jsonl"))
    assert [line["id"] for line in rejected] == [p["id"] for p in PROMPTS]
    assert all(line["meta"]["rejected"] and "rubric" not in line for line in rejected)
    assert "out.jsonl" not in run.names() and run.read("out.jsonl.partial") == b""
    with serving(lambda payload, number: chat(rubbish)) as server:
        # Another place of the server is another recipe; the same one asks nobody again.
        run.inside(*words(server, "--rejects", "rejects.jsonl", "--no-resume"))
        before = server.calls
        accepted = run.inside(*words(server, "--rejects", "rejects.jsonl", "--max-failures", "100%"))
        assert server.calls == before
    assert accepted.code == 0, accepted.err
    assert run.read("out.jsonl") == b"" and records(run.read("rejects.jsonl")) == rejected
    assert not {name for name in run.names() if "partial" in name}


@pytest.mark.usefixtures("prompts")
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(run: Runner) -> None:
    gate = threading.Event()

    def slow(payload: dict[str, Any], number: int) -> Response:
        if "garden 8 " in payload["messages"][0]["content"] and not gate.wait(PATIENCE_S):
            return error(500, "late")
        time.sleep(0.01)
        return mixed(payload, number)

    more = ["--rejects", "rejects.jsonl", "--max-failures", "50%", "--summary", "s.json", "--concurrency", "2"]
    with serving(slow) as server:
        process = run.start(*words(server, *more))
        wait_until(lambda: b'"p7"' in (run.read("out.jsonl.put-aside.partial") if _begun(run) else b""), "seven lines")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
        kept = len(records(run.read("out.jsonl.partial")))
        assert kept == 6 and "rejects.jsonl" not in run.names()
        gate.set()
        before = server.calls
        done = run.inside(*words(server, *more))
        assert done.code == 0, done.err
        assert server.calls - before == 5  # p8, p9 twice, p10, p11
        found = [run.read(name) for name in ("out.jsonl", "rejects.jsonl")]
        funnel = json.loads(run.read("s.json"))["funnel"]
        run.inside(*words(server, *more, "--no-resume"))
    assert [run.read(name) for name in ("out.jsonl", "rejects.jsonl")] == found
    assert json.loads(run.read("s.json"))["funnel"] == funnel
    assert not {name for name in run.names() if "partial" in name}


def _begun(run: Runner) -> bool:
    return "out.jsonl.put-aside.partial" in run.names()


@pytest.mark.usefixtures("prompts")
def test_what_another_recipe_rejected_is_not_taken_over(run: Runner) -> None:
    with serving(lambda payload, number: chat("No.")) as server:
        assert run.inside(*words(server)).code == 3
        server.reply = lambda payload, number: chat(said(GOOD))
        done = run.inside(*words(server, "--seed", "2"))
    assert done.code == 0, done.err
    assert len(records(run.read("out.jsonl"))) == 12


@pytest.mark.usefixtures("prompts")
def test_a_pipe_gives_the_same_bytes_and_stdout_has_records_only(run: Runner) -> None:
    with serving(mixed) as server:
        flags = words(server, "--max-failures", "100%")
        assert run.inside(*flags).code == 0
        piped = run.inside(*[word for word in flags if word not in ("-o", "out.jsonl")], "--rejects", "rejects.jsonl")
    assert piped.out == run.read("out.jsonl")
    assert [line["id"] for line in records(run.read("rejects.jsonl"))] == ["p5", "p7", "p9"]


@pytest.mark.usefixtures("prompts")
def test_the_manifest_makes_it_again(run: Runner) -> None:
    with serving(mixed) as server:
        done = run.inside(*words(server, "--max-failures", "50%", "--reference", "--scope", "task"))
        assert done.code == 0, done.err
        again = ["generate-rubrics", "in.jsonl", "--spec", "out.jsonl.manifest.json", "--max-failures", "50%"]
        other = run.inside(*again, "-o", "again.jsonl")
    assert other.code == 0, other.err
    assert run.read("again.jsonl") == run.read("out.jsonl")
    recipes = [json.loads(run.read(f"{name}.jsonl.manifest.json"))["recipe"] for name in ("out", "again")]
    assert recipes[0] == recipes[1] and recipes[0]["spec"]["show_reference"] is True


TEXTS = ("In autumn the maple turns red.", "The maple turns red.", "Gardens are nice.", "In autumn.")
WORTH = (1.0, 0.6, 0.0, 0.4)


def honest(name: str, text: str, prompt: str) -> str:
    if name == "one_image":
        return "2" if "red" in text else "0"
    return "met" if "autumn" in text and name == "names_season" else "not met"


def careful(messages: list[dict[str, str]]) -> str:
    return reworded(GOOD, lambda text: f"It holds that {text.lower()}") if is_rewording(messages) else said(GOOD)


def judged_lines(run: Runner, server: JudgeServer) -> None:
    """Leave a judged file in the folder, made by the judge of `server`."""
    rubric = Rubric(rubric="r", criteria=tuple(Criterion(**{**each, "tiers": ()}) for each in (SEASON, GOOD[2])))
    run.write("rollouts.jsonl", b"".join(to_line(group(name, *TEXTS, rubric=rubric)) for name in ("a", "b")))
    done = run.inside("judge", "rollouts.jsonl", "-o", "judged.jsonl", "--model", "openai:j", "--base-url", server.url)
    assert done.code == 0, done.err


def test_contrast_and_failures_read_judged_lines_and_labels(run: Runner) -> None:
    with serving(scripted(careful, honest)) as server:
        judged_lines(run, server)
        ends = ["--writer", "openai:w", "--judge", "openai:j", "--base-url", server.url]
        for method, file, more in (
            ("contrast", "judged.jsonl", []),
            ("failures", "rollouts.jsonl", []),
            ("contrast", "rollouts.jsonl", ["--labels", "labels.csv"]),
        ):
            rows = [f"{name},{place},{worth}" for name in "ab" for place, worth in enumerate(WORTH)]
            run.write("labels.csv", "\n".join(["id,response,label", *rows]) + "\n")
            done = run.inside("generate-rubrics", file, "--method", method, *ends, *more)
            assert done.code == 0, done.err
            assert [line["schema"] for line in done.records] == ["task/1"] * 2
            assert all("responses" not in line and "rejected" not in line.get("meta", {}) for line in done.records)
            (account,) = done.records[0]["rubric"]["meta"]["drafts"]
            assert ("label_not_reproduced" in account["ran"]) is (method == "contrast")
            assert {"no_spread", "unstable"} <= set(account["ran"])


def test_model_with_probes_says_that_every_gate_ran(run: Runner) -> None:
    run.write("in.jsonl", lines({"id": "a", "prompt": "Describe the garden in autumn."}))
    run.write("probes.jsonl", to_line(group("b", "x", "y")) + to_line(group("a", *TEXTS)))
    with serving(scripted(careful, honest)) as server:
        done = run.inside(*words(server, "--judge", "openai:j", "--probe", "probes.jsonl"))
        run.write("probes.jsonl", to_line(group("b", "x", "y")) * 2)
        twice = run.inside(*words(server, "--judge", "openai:j", "--probe", "probes.jsonl", "--no-resume"))
    assert done.code == 0, done.err
    assert done.err.count("not run") == 1  # there are no labels
    assert twice.code == 1 and "probes.jsonl:2: id: 'b' stands on an earlier line too" in twice.err


@pytest.mark.skipif(not PAIRS.exists(), reason="the shared data are not here")
def test_the_pairs_of_llmbar_are_shown_as_people_labelled_them(run: Runner) -> None:
    rows = json.loads(PAIRS.read_text(encoding="utf-8"))
    run.write("pairs.json", json.dumps(rows[:10]))
    run.write("pairs.jsonl", lines(*rows[:10]))
    seen: list[str] = []

    def reply(payload: dict[str, Any], number: int) -> Response:
        seen.append(payload["messages"][0]["content"])
        return chat(said(GOOD))

    with serving(reply) as server:
        made = [
            run.inside(
                "generate-rubrics", file, "--method", "contrast", "--writer", "openai:w", "--base-url", server.url
            )
            for file in ("pairs.json", "pairs.jsonl")
        ]
    assert [done.code for done in made] == [0, 0], made[0].err
    assert [{**line, "id": ""} for line in made[0].records] == [{**line, "id": ""} for line in made[1].records]
    assert [line["messages"][0]["content"] for line in made[0].records] == [row["input"] for row in rows[:10]]
    assert all(not line.get("meta", {}).keys() & {"output_1", "output_2", "label"} for line in made[0].records)
    for row in rows[:10]:
        better = row[f"output_{row['label']}"]
        assert any(f"stronger response 1 begins\n{better}\n" in prompt for prompt in seen)


def test_a_bank_may_be_a_folder_and_stands_in_the_recipe(run: Runner) -> None:
    run.write("in.jsonl", lines(PROMPTS[0]))
    (run.folder / "bank").mkdir()
    run.write("bank/one.yaml", f"rubric: known\ncriteria:\n  - {{id: season, text: {SEASON['text']}}}\n")
    done = generated(run, mixed, "--bank", "bank", "--rejects", "rejects.jsonl", "--max-failures", "1")
    assert done.code == 0, done.err
    (line,) = records(run.read("rejects.jsonl"))
    assert "'season' of 'known'" in line["meta"]["rejected_by"][0]["first"][0]
    assert "bank.0" in json.loads(run.read("out.jsonl.manifest.json"))["recipe"]["inputs"]


def test_no_line_is_no_failure(run: Runner) -> None:
    run.write("in.jsonl", b"")
    done = generated(run, mixed, "--rejects", "rejects.jsonl")
    assert (done.code, run.read("out.jsonl"), run.read("rejects.jsonl")) == (0, b"", b"")


def test_a_line_that_was_rejected_can_be_put_in_again(run: Runner) -> None:
    run.write("in.jsonl", lines({"id": "a", "prompt": "Describe it.", "meta": {"k": 1}}))
    assert generated(run, lambda p, n: chat("No."), "--rejects", "r.jsonl", "--max-failures", "100%").code == 0
    done = generated(run, lambda p, n: chat(said(GOOD)), "--no-resume", file="r.jsonl")
    assert done.code == 0, done.err
    assert records(run.read("out.jsonl"))[0]["meta"] == {"k": 1}
