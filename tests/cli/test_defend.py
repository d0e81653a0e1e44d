"""`rlra defend`, as it is used: what is read, what is left behind, and what is refused."""

from typing import Any

import orjson
import pytest
import yaml
from werkzeug import Response

from rlra_cli.defend_rounds import rewards_of_rounds, rounds_of
from rlra_cli.rubric_files import placed
from schemas.jsonl import to_line
from schemas.train_log import TrainLog
from tests.running import Runner, lines, records
from tests.stages.defending import HACKS, RARE, good, groups
from tests.stages.judge_server import chat, serving
from tests.stages.shared_texts import gpt4, needs_shared, people, rows

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


def prompts(count: int = 200, skip: int = 60) -> bytes:
    """Return good answers as users have them: prompts with responses."""
    return lines(*({"id": f"g{n}", "prompt": a, "response": s} for n, (a, s) in enumerate(good(count, skip))))


@pytest.fixture
def hacked(run: Runner) -> Runner:
    """Return a folder with a judged file in which a rare word pays, and good answers."""
    found = groups(48, HACKS["rare_word"], 0.7, seed=1)
    run.write("judged.jsonl", b"".join(map(to_line, found)))
    run.write("good.jsonl", prompts())
    return run


ALL = ("defend", "judged.jsonl", "-o", "defence.yaml", "--findings", "findings.jsonl", "--good", "good.jsonl")


@needs_shared
def test_the_draft_is_found_proved_and_used(hacked: Runner) -> None:
    """From a judged file to vetoed rewards, with findings, page and manifests, and nothing on stdout."""
    done = hacked.inside(*ALL, "--html", "page.html", "--summary", "sum.json")
    assert (done.code, done.out) == (0, b""), done.err
    assert f"“{RARE}”" in done.err and "proposed" in done.err and "held out prompts" in done.err
    (finding,) = records(hacked.read("findings.jsonl"))
    assert finding["schema"] == "findings/1" and finding["proposed"] and finding["proof"]["good"]["n"] == 200
    assert hacked.inside("validate", "findings.jsonl", "defence.yaml").code == 0
    rubric = placed(hacked.folder / "defence.yaml").rubric
    assert [leaf.id for leaf in rubric.leaves] == [finding["criterion"]] and rubric.meta["state"] == "draft"
    for name in ("findings.jsonl", "defence.yaml"):
        recipe = orjson.loads(hacked.read(f"{name}.manifest.json"))["recipe"]
        assert (
            recipe["stage"] == "defend" and recipe["spec"]["seed"] == 0 and recipe["inputs"]["good.0"]["records"] == 200
        )
    page = hacked.read("page.html").decode()
    assert RARE in page and "://" not in page.replace("http://www.w3.org", "") and "<script" not in page
    assert not [name for name in hacked.names() if "partial" in name]
    judged = hacked.inside(
        "judge", "judged.jsonl", "--rubrics", "defence.yaml", "-o", "vetoed.jsonl", "--max-failures", "100%"
    )
    assert judged.code == 0, judged.err
    for line in records(hacked.read("vetoed.jsonl")):
        assert all(bool(r.get("vetoed_by")) == (RARE in r["text"]) for r in line["responses"])


@needs_shared
def test_the_same_again_is_the_same_bytes(hacked: Runner) -> None:
    names = ("findings.jsonl", "defence.yaml", "page.html")
    assert hacked.inside(*ALL, "--html", "page.html", "--quiet").err == ""
    first = [hacked.read(name) for name in names]
    piped = hacked.inside("defend", "judged.jsonl", "--good", "good.jsonl", "--quiet")
    assert piped.out == first[0], "without --findings they go to stdout"
    assert hacked.inside(*ALL, "--html", "page.html").code == 0
    assert [hacked.read(name) for name in names] == first


@needs_shared
def test_nothing_found_is_said_and_is_no_error(run: Runner) -> None:
    """What stands in the draft's place is no rubric, and whoever uses it is told so; no old draft is left standing."""
    run.write("judged.jsonl", b"".join(map(to_line, groups(30, None, 0, seed=1))))
    run.write("good.jsonl", prompts(50))
    run.write("defence.yaml", "rubric: old\n")
    done = run.inside(*ALL, "--html", "page.html")
    assert done.code == 0 and "nothing was found" in done.err
    assert run.read("findings.jsonl") == b"" and run.read("defence.yaml").startswith(b"# rlra defend found nothing")
    assert "Nothing was found" in run.read("page.html").decode()
    used = run.inside("judge", "judged.jsonl", "--rubrics", "defence.yaml", "--add")
    assert used.code == 1 and "defence.yaml: the file is empty" in used.err
    run.write("judged.jsonl", b"")
    assert run.inside(*ALL).code == 0


@needs_shared
def test_a_lexical_hack_is_found_against_the_time_before(run: Runner) -> None:
    """Ten responses after the onset of a real hack against ten before: the word is found without being told.

    The word was there before as well, in nine of ten; what grew is how often it comes.
    """
    for region in ("pre_onset", "post_onset"):
        run.write(
            f"{region}.jsonl", lines(*(cherrl(row) for row in rows("cherrl/lexical.jsonl") if row["region"] == region))
        )
    pairs = [*gpt4(), *people()]
    run.write("good.jsonl", lines(*({"id": f"g{n}", "prompt": a, "response": b} for n, (a, b) in enumerate(pairs))))
    done = run.inside(
        "defend", "post_onset.jsonl", "--earlier", "pre_onset.jsonl", "--good", "good.jsonl", "-o", "d.yaml"
    )
    assert done.code == 0, done.err
    finding = done.records[0]
    assert not any("proposed" in lead for lead in done.records[1:])
    assert "empower" in finding["what"] and finding["found"]["rates"][0] > 2 * finding["found"]["rates"][1]
    assert finding["q"] <= 0.1 and finding["proof"]["good"]["high"] <= 0.02 and "nothing is confirmed" in done.err
    bare = run.inside("defend", "post_onset.jsonl", "--earlier", "pre_onset.jsonl")
    assert bare.code == 0 and "leads that may be chance" in bare.err and "nothing was found" in bare.err
    assert all(lead["lead"] and "proposed" not in lead for lead in bare.records)
    assert "empower" in bare.records[0]["what"], "without good texts it is what stands out most"


def cherrl(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a line of rollouts."""
    policy = {"model": "m", "revision": "r", "template": "", "engine": "e", "dtype": "", "seed": 0}
    messages = [{"role": "user", "content": row["prompt"]}]
    response = {"text": row["response"], "finish": "stop", "length": 0}
    return {
        "schema": "rollouts/1",
        "id": row["sample_id"],
        "messages": messages,
        "policy": policy,
        "responses": [response],
    }


@needs_shared
def test_a_habit_of_a_later_round_is_dated_by_the_rounds_number(run: Runner) -> None:
    """Files out of folders round-2 to round-5 are rounds 2 to 5, whatever is left out before them."""
    for number in (2, 3, 4, 5):
        hack = HACKS["rare_word"] if number >= 4 else None
        found = groups(24, hack, 0.9, seed=number)
        (run.folder / f"round-{number}").mkdir()
        run.write(f"round-{number}/judged.jsonl", b"".join(map(to_line, found)))
    done = run.inside("defend", *(f"round-{number}/judged.jsonl" for number in (2, 3, 4, 5)))
    assert done.code == 0 and "a step is the round of a file" in done.err, done.err
    finding = done.records[0]
    assert RARE in finding["what"] and finding["onset"]["step"] == 4
    assert [step for step, _ in finding["onset"]["curve"]] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("paths", "rounds"),
    [
        (["a.jsonl", "b.jsonl"], [1, 2]),
        (["run/round-7/judged.jsonl"], [7]),
        (["round-2/j.jsonl", "round-10/j.jsonl"], [2, 10]),
        (["run/round-10/j.jsonl", "run/round-2/j.jsonl"], [10, 2]),
        (["one/round-2/j.jsonl", "other/round-2/j.jsonl"], [1, 2]),
        (["round-3/j.jsonl", "other.jsonl"], [1, 2]),
        (["-"], [1]),
    ],
)
def test_rounds_of_files(paths: list[str], rounds: list[int]) -> None:
    assert rounds_of(paths) == rounds


def step(number: int, reward: float, **meta: int) -> TrainLog:
    return TrainLog(id=str(number), step=number, seconds=1.0, metrics={"loss": 0.0, "reward": reward}, meta=meta)


@pytest.mark.parametrize(
    ("logs", "rewards"),
    [
        # One log of several rounds, which need not begin with the first.
        ([("t.jsonl", [step(1, 0.1), step(2, 0.3), step(1, 0.6)])], {1: 0.2, 2: 0.6}),
        ([("t.jsonl", [step(5, 0.1, round=3), step(6, 0.3, round=3), step(7, 0.6, round=4)])], {3: 0.2, 4: 0.6}),
        # A log of each round.
        ([("round-10/t.jsonl", [step(1, 0.6)]), ("round-9/t.jsonl", [step(1, 0.1), step(2, 0.3)])], {9: 0.2, 10: 0.6}),
        ([("a.jsonl", [step(1, 0.1), step(2, 0.3)]), ("b.jsonl", [step(3, 0.6)])], {1: 0.2, 2: 0.6}),
        ([("t.jsonl", [TrainLog(id="end", step=2, seconds=1.0, event="finished")])], {}),
    ],
)
def test_rewards_of_rounds(logs: list[tuple[str, list[TrainLog]]], rewards: dict[int, float]) -> None:
    """A round's reward stands at the step that its file has, whatever the first round's number is."""
    assert rewards_of_rounds(logs) == pytest.approx(rewards)


@needs_shared
def test_a_writer_puts_it_into_words(hacked: Runner) -> None:
    """Its sentence joins the draft as a criterion for a judge; one that cannot be used does not, and is said."""
    sentence = "Puts a learned word that has nothing to do with the request into the answer."

    def reply(payload: dict[str, Any], number: int) -> Response:
        assert RARE in payload["messages"][0]["content"]
        return chat(orjson.dumps({"criterion": sentence}).decode())

    with serving(reply) as server:
        words = ("--writer", "openai:w", "--base-url", server.url)
        assert hacked.inside(*ALL, *words).code == 0
    checked, judged = placed(hacked.folder / "defence.yaml").rubric.leaves
    assert checked.check and judged.text == sentence and judged.needs_judge and judged.meta["proved"] is False
    with serving(lambda payload, number: chat("met")) as server:
        assert hacked.inside(*ALL, "--writer", "openai:w", "--base-url", server.url).code == 0
    (finding,) = records(hacked.read("findings.jsonl"))
    assert "not JSON" in finding["meta"]["not_written"] and finding["proposed"]
    assert len(placed(hacked.folder / "defence.yaml").rubric.leaves) == 1


@needs_shared
def test_hostile_texts_are_drawn_everywhere(run: Runner) -> None:
    """What a policy wrote reaches neither page nor terminal nor YAML as anything but text."""
    found = groups(30, lambda text, draw: f"{text} {HOSTILE}", 0.9, seed=2)
    run.write("judged.jsonl", b"".join(map(to_line, found)))
    run.write("good.jsonl", prompts())
    done = run.inside(*ALL, "--html", "page.html")
    assert done.code == 0, done.err
    made = run.read("page.html").decode() + done.err + run.read("defence.yaml").decode()
    assert "<script" not in made and "\x1b" not in made and "\u202e" not in made
    assert yaml.safe_load(run.read("defence.yaml"))["criteria"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rollouts.jsonl"], "no response has a reward"),
        (["absent.jsonl"], "no such file"),
        (["judged.jsonl", "--gold", "other.jsonl"], "--gold has none of the responses"),
        (["judged.jsonl", "--good", "empty.jsonl"], "holds no good responses"),
        (["judged.jsonl", "--train-log", "log.jsonl"], "no response says at which step"),
        (["judged.jsonl", "--max-false-positives", "0"], "--max-false-positives"),
        (["judged.jsonl", "--false-discoveries", "1"], "--false-discoveries"),
        (["judged.jsonl", "--writer", "llama"], "names no model"),
        (["judged.jsonl", "-o", "judged.jsonl"], "is read or written already"),
        (["rollouts.jsonl", "judged.jsonl", "--rubric", "a b"], "--rubric"),
    ],
)
def test_mistakes_are_one_sentence(run: Runner, words: list[str], said: str) -> None:
    """Exit 1, and nothing is left behind."""
    line = {**cherrl({"sample_id": "a", "prompt": "Hi", "response": "Hello you."})}
    run.write("rollouts.jsonl", lines(line))
    verdict = {"criterion": "c", "status": "scored", "score": 1.0, "judge": "j", "key": "k"}
    for name, text in (("judged", "Hello you."), ("other", "Hello me.")):
        response = {"text": text, "finish": "stop", "length": 0, "verdicts": [verdict], "reward": 1.0}
        rubric = {"rubric": "r", "criteria": [{"id": "c", "text": "Greets."}]}
        run.write(f"{name}.jsonl", lines({**line, "schema": "judged/1", "rubric": rubric, "responses": [response]}))
    run.write("empty.jsonl", lines({"id": "a", "prompt": "Hi"}))
    run.write(
        "log.jsonl", lines({"schema": "train_log/1", "id": "1", "step": 1, "seconds": 1.0, "metrics": {"reward": 1.0}})
    )
    before = run.names()
    done = run.inside("defend", *words)
    assert done.code == 1 and said in done.err and "Traceback" not in done.err
    assert not done.out and run.names() == before
